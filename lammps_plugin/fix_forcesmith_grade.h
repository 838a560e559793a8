// The fix through which pair_style forcesmith learns which configurations a run accepts. The pair style makes it; it has
// no command.
#pragma once

#include "fix.h"

namespace forcesmith::lammps {

class GradeMonitor;

class FixForcesmithGrade final : public LAMMPS_NS::Fix {
 public:
  FixForcesmithGrade(LAMMPS_NS::LAMMPS* lmp, int narg, char** arg) : Fix(lmp, narg, arg) {
    // It reads what the pair style has, not the arrays of atoms.
    datamask_read = datamask_modify = 0;
    nevery = 1;
  }

  void set_monitor(GradeMonitor& monitor) { monitor_ = &monitor; }

  int setmask() override;
  void setup(int) override;
  void min_setup(int) override;
  void final_integrate() override;
  void end_of_step() override;
  void min_post_force(int) override;
  void post_run() override;

 private:
  GradeMonitor* monitor_ = nullptr;
};

}  // namespace forcesmith::lammps
