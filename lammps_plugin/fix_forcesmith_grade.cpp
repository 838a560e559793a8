#include "fix_forcesmith_grade.h"

#include "grade_monitor.hpp"

namespace forcesmith::lammps {

int FixForcesmithGrade::setmask() {
  using namespace LAMMPS_NS::FixConst;
  return FINAL_INTEGRATE | END_OF_STEP | MIN_POST_FORCE | POST_RUN;
}

// Dynamics: Monte Carlo moves come before the force call of the step, and atoms have not moved since it. rerun calls
// setup() for each configuration.
void FixForcesmithGrade::setup(int) { monitor_->accept(); }
void FixForcesmithGrade::final_integrate() { monitor_->accept(); }
void FixForcesmithGrade::end_of_step() { monitor_->accept(); }  // rRESPA knows no final_integrate

// Minimization: a step of the line search is accepted if no other follows.
void FixForcesmithGrade::min_setup(int) { monitor_->hold(); }
void FixForcesmithGrade::min_post_force(int) { monitor_->hold(); }

void FixForcesmithGrade::post_run() { monitor_->end_run(); }

}  // namespace forcesmith::lammps
