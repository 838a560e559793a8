// What a run does about extrapolation grades: warns, keeps configurations, ends. The grade tells how
// far a neighborhood is from the training set: at most 1 within it, from 2 worth learning, from 10 dangerous.
//
// Only configurations count that a run accepts, not those that line searches and Monte Carlo moves try: the fix below
// says which these are.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "atom_quantity.hpp"
#include "pointers.h"
#include "snapshot.hpp"

namespace forcesmith::lammps {

class GradeMonitor : protected LAMMPS_NS::Pointers {
 public:
  /// name: of the fix, unique in this LAMMPS. grades outlives it.
  GradeMonitor(LAMMPS_NS::LAMMPS* lmp, AtomQuantity& grades, std::string name);
  ~GradeMonitor();

  // ---- keywords of pair_style: grade N|off, select G FILE, break G ----

  void forget_keywords();
  /// Number of words that belong to the keyword arg[0]; 0: it is none of these.
  int read_keyword(int narg, char** arg);
  /// After the last of them.
  void check_keywords() const;
  bool is_off() const { return every_ == 0; }

  // ---- a run ----

  /// What grades are of.
  struct Subject {
    std::string potential;                   // its file
    std::vector<std::string> element_names;  // [n_types], "NULL" for none
    std::string missing;                     // why there are no grades, one sentence; empty: there are
    std::function<void()> find;              // computes the grades of the atoms as they are, collective
  };
  /// Collective, in init_style(). Ends with an error where grades were asked for and cannot be had.
  void begin_run(Subject subject);

  // What the fix calls, collective.

  /// The configuration of the last force call counts.
  void accept();
  /// It counts unless another force call follows in this step.
  void hold();
  void end_run();

 private:
  struct Check {
    Largest largest;
    std::int64_t step;
    std::optional<Snapshot> snapshot;  // where it is to be written
  };

  Check look() const;
  void judge(const Check& check);
  void warn(const Check& check);
  void write(const Check& check, const std::string& path);
  void set_fix(bool wanted);
  std::string path_of_this_partition(const std::string& path) const;

  AtomQuantity& grades_;
  std::string fix_name_;

  // keywords
  std::optional<int> every_;  // nothing: not said
  std::optional<double> select_, break_;
  std::string select_path_;

  Subject subject_;
  std::int64_t n_judged_ = 0;                // AtomQuantity::n_computed() when accept() was called last
  std::optional<Check> held_;                // by hold()
  bool selected_ = false;                    // the last check found more than select_: its event goes on
  double threshold_ = 0.0;                   // the lowest that something happens at
  std::int64_t n_checks_ = 0, n_above_ = 0;  // of this run
  Largest largest_;                          // of this run
  std::int64_t largest_step_ = 0, last_step_ = 0;
  double warned_above_ = 0.0;  // the grade that this run has warned of
};

}  // namespace forcesmith::lammps
