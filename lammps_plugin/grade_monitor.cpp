#include "grade_monitor.hpp"

#include <algorithm>
#include <filesystem>

#include "collective.hpp"
#include "comm.h"
#include "core/files.hpp"
#include "core/text.hpp"
#include "error.h"
#include "fix_forcesmith_grade.h"
#include "modify.h"
#include "universe.h"
#include "update.h"

namespace forcesmith::lammps {

namespace utils = LAMMPS_NS::utils;

namespace {

constexpr double worth_learning = 2.0, dangerous = 10.0;
const char default_path[] = "extrapolation.xyz";
const char fix_style[] = "forcesmith/grade";

LAMMPS_NS::Fix* create_fix(LAMMPS_NS::LAMMPS* lmp, int narg, char** arg) {
  return new FixForcesmithGrade(lmp, narg, arg);
}

std::string named(const Largest& largest, std::int64_t step) {
  const std::string whose = largest.id > 0 ? "atom " + std::to_string(largest.id) : "the configuration";
  return fmt::format("{:.4g} of {} at step {}", largest.value, whose, step);
}

}  // namespace

GradeMonitor::GradeMonitor(LAMMPS_NS::LAMMPS* lmp, AtomQuantity& grades, std::string name)
    : Pointers(lmp), grades_(grades), fix_name_(std::move(name)) {}

GradeMonitor::~GradeMonitor() { set_fix(false); }

// ---- keywords ----

void GradeMonitor::forget_keywords() {
  every_.reset();
  select_.reset();
  break_.reset();
  select_path_.clear();
  selected_ = false;
}

int GradeMonitor::read_keyword(int narg, char** arg) {
  const std::string keyword = arg[0], value = narg > 1 ? arg[1] : "";
  if (keyword != "grade" && keyword != "select" && keyword != "break") return 0;
  if (keyword == "grade") {
    every_ = steps_or_off(*error, keyword, value);
    return 2;
  }
  const double grade = number_of(value).value_or(0.0);
  if (!(grade > 0.0))
    error->all(FLERR, "pair_style forcesmith {} must be followed by a grade above 0, found '{}'", keyword, value);
  if (keyword == "break") {
    break_ = grade;
    return 2;
  }
  if (narg < 3)
    error->all(
        FLERR,
        "pair_style forcesmith select must be followed by a grade and the file that configurations are added to: "
        "select 3 extrapolation.xyz");
  select_ = grade;
  select_path_ = arg[2];
  return 3;
}

void GradeMonitor::check_keywords() const {
  if (every_ == 0 && (select_ || break_))
    error->all(FLERR,
               "pair_style forcesmith {} needs grades, found 'grade off'; give 'grade N' to compute them every N "
               "steps",
               select_ ? "select" : "break");
}

// ---- before a run ----

void GradeMonitor::begin_run(Subject subject) {
  subject_ = std::move(subject);
  const bool asked = every_.value_or(0) > 0 || select_ || break_;
  if (asked && !subject_.missing.empty()) error->all(FLERR, subject_.missing);
  const int every = subject_.missing.empty() ? every_.value_or(default_steps) : 0;
  grades_.set_every(every);
  grades_.set_missing(subject_.missing);
  set_fix(every > 0);

  held_.reset();
  selected_ = false;
  n_checks_ = n_above_ = 0;
  largest_ = {};
  warned_above_ = 0.0;
  threshold_ = worth_learning;
  if (!select_ && !break_) return;
  threshold_ = std::min({dangerous, select_.value_or(dangerous), break_.value_or(dangerous)});
  try_together(*lmp, [&] {
    const std::string path = path_of_this_partition(select_ ? select_path_ : default_path);
    if (comm->me == 0) check_snapshot_file(path);
  });
}

/// No command makes this fix: LAMMPS knows its style only meanwhile.
void GradeMonitor::set_fix(bool wanted) {
  if (lmp->modify == nullptr) return;
  const bool exists = modify->get_fix_by_id(fix_name_) != nullptr;
  if (exists && !wanted) modify->delete_fix(fix_name_);
  if (exists || !wanted) return;
  (*modify->fix_map)[fix_style] = create_fix;
  LAMMPS_NS::Fix* made = modify->add_fix(fix_name_ + " all " + fix_style, 0);
  modify->fix_map->erase(fix_style);
  static_cast<FixForcesmithGrade*>(made)->set_monitor(*this);
}

/// As LAMMPS numbers log files: a.xyz becomes a.0.xyz, a.1.xyz, ...
std::string GradeMonitor::path_of_this_partition(const std::string& path) const {
  if (universe->nworlds == 1) return path;
  const std::filesystem::path whole = path;
  const std::string name = whole.stem().string() + "." + std::to_string(universe->iworld) + whole.extension().string();
  return (whole.parent_path() / name).string();
}

// ---- during a run ----

void GradeMonitor::accept() {
  if (!grades_.is_current() || n_judged_ == grades_.n_computed()) return;
  n_judged_ = grades_.n_computed();
  judge(look());
}

void GradeMonitor::hold() {
  if (held_ && held_->step != update->ntimestep) judge(*held_);
  held_.reset();
  if (grades_.is_current()) held_ = look();
}

/// Of the last force call.
GradeMonitor::Check GradeMonitor::look() const {
  Check check{grades_.largest(), update->ntimestep, std::nullopt};
  const double value = check.largest.value;
  if ((select_ && value > *select_ && !selected_) || (break_ && value > *break_))
    check.snapshot = take_snapshot(*lmp, grades_.values());
  return check;
}

void GradeMonitor::judge(const Check& check) {
  const double value = check.largest.value;
  if (n_checks_++ == 0 || value > largest_.value) {
    largest_ = check.largest;
    largest_step_ = check.step;
  }
  last_step_ = check.step;
  n_above_ += value > threshold_;

  const bool breaks = break_ && value > *break_;
  const std::string path = path_of_this_partition(select_ ? select_path_ : default_path);
  if (check.snapshot) write(check, path);
  selected_ = select_ && value > *select_;
  if (breaks)
    error->all(FLERR,
               "Grade {} is above 'break {}': potential file '{}' extrapolates; the "
               "configuration is in '{}', label it, add it to the training set and fit again",
               named(check.largest, check.step), *break_, subject_.potential, path);
  warn(check);
}

/// Once in a run of what is worth learning, unless that is selected anyway, and once of what is dangerous.
void GradeMonitor::warn(const Check& check) {
  const bool far = check.largest.value > dangerous;
  const double level = far ? dangerous : worth_learning;
  if (!(check.largest.value > level) || !(level > warned_above_) || (select_ && !far)) return;
  warned_above_ = level;
  if (comm->me != 0) return;
  error->warning(FLERR, "Grade {}: potential file '{}' {}; {} and train with them; counted until the end of the run",
                 named(check.largest, check.step), subject_.potential,
                 far ? "extrapolates far, forces may be wrong" : "extrapolates beyond its training data",
                 select_ ? "label the configurations in '" + select_path_ + "'"
                         : "collect such configurations with 'pair_style forcesmith select 2 new.xyz'");
}

void GradeMonitor::write(const Check& check, const std::string& path) {
  std::string potential;
  for (const char character : subject_.potential)
    potential += (character == '"' || character == '\\' ? "\\" : "") + std::string(1, character);
  const std::string info = fmt::format("max_grade={} potential=\"{}\"", check.largest.value, potential);
  try_together(*lmp, [&] { append_snapshot(*check.snapshot, subject_.element_names, info, path, world); });
  if (comm->me == 0)
    utils::logmesg(lmp, "pair_style forcesmith: grade {}, configuration added to '{}'\n",
                   named(check.largest, check.step), path);
}

// ---- after a run ----

/// The last configuration of a minimization is what it was made for: an event of its own.
void GradeMonitor::end_run() {
  if (update->whichflag == 2) {
    const bool event_goes_on = selected_ && last_step_ != update->ntimestep;
    if (event_goes_on) selected_ = false;
    if (!held_ || event_goes_on) {
      subject_.find();
      held_ = look();
    }
    judge(*held_);
    held_.reset();
  }
  if (n_checks_ == 0 || comm->me != 0) return;
  const std::string where = named(largest_, largest_step_);
  if (n_above_ == 0)
    utils::logmesg(lmp, "pair_style forcesmith: the largest grade in {} checks was {}\n", n_checks_, where);
  else
    utils::logmesg(lmp, "pair_style forcesmith: {} of {} checks found grades above {}, the largest {}\n", n_above_,
                   n_checks_, threshold_, where);
}

}  // namespace forcesmith::lammps
