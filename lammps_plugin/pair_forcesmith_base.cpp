#include "pair_forcesmith_base.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <utility>

#include "atom.h"
#include "citeme.h"
#include "collective.hpp"
#include "comm.h"
#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/text.hpp"
#include "domain.h"
#include "error.h"
#include "extrapolation/active_set.hpp"
#include "force.h"
#include "force_deviation.hpp"
#include "group.h"
#include "hidden_atoms.hpp"
#include "memory.h"
#include "neighbor.h"
#include "potentials/potential.hpp"
#include "potentials/registry.hpp"
#include "potentials/short_range.hpp"
#include "update.h"

namespace forcesmith::lammps {

namespace utils = LAMMPS_NS::utils;

namespace {

const char no_element[] = "NULL";  // LAMMPS' word for an atom type that is not this style's business

/// Files that were read.
void broadcast_files(FileBundle& bundle, int root, MPI_Comm world) {
  broadcast(bundle.path, root, world);
  std::int64_t n_files = static_cast<std::int64_t>(bundle.files.size());
  MPI_Bcast(&n_files, 1, MPI_INT64_T, root, world);
  bundle.files.resize(static_cast<std::size_t>(n_files));
  for (TextFile& file : bundle.files) {
    std::string text = file.text ? std::move(*file.text) : "";
    for (std::string* part : {&file.path, &file.problem, &text}) broadcast(*part, root, world);
    if (file.problem.empty()) file.text = std::move(text);
  }
}

}  // namespace

PairForcesmithBase::PairForcesmithBase(LAMMPS_NS::LAMMPS* lmp)
    : Pair(lmp),
      grades_(lmp, "grade"),
      deviations_(lmp, "deviation"),
      grade_monitor_(lmp, grades_, "FORCESMITH_GRADE_" + std::to_string(instance_me)) {
  manybody_flag = 1;
  one_coeff = 1;
  single_enable = 0;
  centroidstressflag = LAMMPS_NS::CENTROID_AVAIL;
  comm_reverse = 3;
  // of compute pair: c_ID[1], atoms outside the range of the training set; c_ID[2], pairs closer than any there;
  // c_ID[3] and c_ID[4], the largest grade and deviation of forces when they were computed last
  nextra = 4;
  pvector = new double[4]{};
}

PairForcesmithBase::~PairForcesmithBase() {
  delete[] pvector;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
    memory->destroy(scale_);
  }
}

// ---- input script ----

void PairForcesmithBase::settings(int narg, char** arg) {
  count_outside_ = true;
  precision_ = Precision::double_;
  device_ = DeviceKind::cpu;
  deviation_every_.reset();
  grade_monitor_.forget_keywords();
  keywords_.assign(arg, arg + narg);
  for (int i = 0; i < narg;) {
    if (const int n_words = grade_monitor_.read_keyword(narg - i, arg + i)) {
      i += n_words;
      continue;
    }
    const std::string keyword = arg[i], value = i + 1 < narg ? arg[i + 1] : "";
    i += 2;
    if (keyword == "extrapolation") {
      if (value.empty()) error->all(FLERR, "pair_style forcesmith extrapolation must be followed by yes or no");
      count_outside_ = utils::logical(FLERR, value, false, lmp) == 1;
    } else if (keyword == "precision") {
      if (value != "single" && value != "double")
        error->all(FLERR, "pair_style forcesmith precision must be followed by single or double, found '{}'", value);
      precision_ = precision_named(value);
    } else if (keyword == "device") {
      try {
        device_ = device_kind_named(value);
      } catch (const ParameterError&) {
        error->all(FLERR, "pair_style forcesmith device must be followed by auto, cpu or cuda, found '{}'", value);
      }
    } else if (keyword == "deviation") {
      deviation_every_ = steps_or_off(*error, keyword, value);
    } else {
      error->all(
          FLERR,
          "pair_style forcesmith has only the keywords break, deviation, device, extrapolation, grade, precision "
          "and select, found '{}'; the potential file and the elements belong to pair_coeff",
          keyword);
    }
  }
  grade_monitor_.check_keywords();
  if (potential_) try_together(*lmp, [&] { make_evaluator(); });
}

void PairForcesmithBase::coeff(int narg, char** arg) {
  const std::string usage = fmt::format(
      "pair_coeff of pair_style forcesmith must read '* * file' and then one element, or NULL, for "
      "each of the {} atom types",
      atom->ntypes);
  if (narg < 3) error->all(FLERR, "{}; found {} arguments", usage, narg);
  if (std::strcmp(arg[0], "*") != 0 || std::strcmp(arg[1], "*") != 0)
    error->all(FLERR, "{}; found '{} {}' in place of '* *'", usage, arg[0], arg[1]);
  // Of a committee there are several files; an element is none.
  const int first_name = narg - atom->ntypes;
  bool right = first_name > 2;
  for (int i = 3; i < first_name; ++i) right = right && arg[i] != std::string(no_element) && atomic_number(arg[i]) == 0;
  if (!right) error->all(FLERR, "{}; found {} after the file '{}'", usage, narg - 3, arg[2]);

  paths_.assign(arg + 2, arg + first_name);
  set_element_names(std::vector<std::string>(arg + first_name, arg + narg));
  load_potentials();
}

/// Also fills setflag: a pair of types is ours if both have an element; and sets the scale to 1.
void PairForcesmithBase::set_element_names(std::vector<std::string> names) {
  element_names_ = std::move(names);
  const int n_types = atom->ntypes;
  if (!allocated) {
    memory->create(setflag, n_types + 1, n_types + 1, "pair:setflag");
    memory->create(cutsq, n_types + 1, n_types + 1, "pair:cutsq");
    memory->create(scale_, n_types + 1, n_types + 1, "pair:scale");
    allocated = 1;
  }
  const bool hybrid = utils::strmatch(force->pair_style, "^hybrid");
  bool any = false;
  for (int i = 1; i <= n_types; ++i) {
    const bool ours = element_names_[i - 1] != no_element;
    any = any || ours;
    if (!ours && !hybrid)
      error->all(FLERR,
                 "NULL in pair_coeff leaves atom type {} without a pair style; NULL is for "
                 "pair_style hybrid, hybrid/overlay and hybrid/scaled, name an element here",
                 i);
    for (int j = 1; j <= n_types; ++j) {
      setflag[i][j] = ours && element_names_[j - 1] != no_element;
      scale_[i][j] = 1.0;
    }
  }
  if (!any) error->all(FLERR, "pair_coeff maps every atom type to NULL; name an element for at least one");
}

/// Collective. Needs paths_ and element_names_.
void PairForcesmithBase::load_potentials() {
  potential_.reset();
  others_.clear();
  Member driving = load_member(paths_[0]);
  element_of_type_ = std::move(driving.element_of_type);
  for (std::size_t m = 1; m < paths_.size(); ++m) others_.push_back(load_member(paths_[m]));
  potential_ = std::move(driving.potential);
  try_together(*lmp, [&] { make_evaluator(); });

  if (lmp->citeme)
    for (const auto& descriptor : potential_->descriptors())
      lmp->citeme->add("pair_style forcesmith, " + descriptor->citation() + "\n");
}

Member PairForcesmithBase::load_member(const std::string& path) {
  Member member{path, nullptr, std::vector<int>(atom->ntypes + 1, -1)};
  const FileBundle files = read_on_first_rank(path);
  try_together(*lmp, [&] {
    try {
      member.potential = std::make_unique<Potential>(parse_potential(files));
    } catch (const FormatError&) {
      // Its active set may be what is missing or wrong.
      if (!grade_monitor_.is_off()) throw;
      ReadOptions options;
      options.active_set = false;
      member.potential = std::make_unique<Potential>(parse_potential(files, options));
    }
  });
  const std::vector<std::string>& known = member.potential->elements();
  for (int i = 1; i <= atom->ntypes; ++i) {
    const std::string& name = element_names_[i - 1];
    if (name == no_element) continue;
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      std::string listed;
      for (const std::string& element : known) listed += " " + element;
      error->all(FLERR,
                 "Potential file '{}' has no element '{}', which pair_coeff gives to atom type {}; "
                 "its elements are:{}",
                 path, name, i, listed);
    }
    member.element_of_type[i] = static_cast<int>(found - known.begin());
  }
  return member;
}

/// Collective. One rank reads, so that many ranks do not ask the file system at once; no other touches it.
FileBundle PairForcesmithBase::read_on_first_rank(const std::string& path) {
  FileBundle files;
  try_together(*lmp, [&] {
    if (comm->me != 0) return;
    // LAMMPS opens what it looks for, and would wait for a pipe.
    const std::string found = exists(path) ? path : utils::get_potential_file_path(path);
    FileText file = read_text_file(found.empty() ? path : found);
    if (!file.problem.empty()) {
      const std::string convert =
          utils::strmatch(path, "\\.json$")
              ? ""
              : " (those of other programs are converted first: forcesmith convert " + path + " potential.json)";
      throw FormatError("Cannot read potential file '" + path + "': " + file.problem +
                        "; give its path, relative to the folder LAMMPS runs in or to one of LAMMPS_POTENTIALS, in "
                        "pair_coeff" +
                        convert);
    }
    if (const std::string format = format_to_read(file.text, path).name; format != "forcesmith")
      throw FormatError("pair_style forcesmith reads forcesmith's own potential files, not those of the format " +
                        format + " as '" + path + "'; make one with: forcesmith convert " + path +
                        " potential.json (and --elements ... for MLIP files).");
    files = with_companions(found.empty() ? path : found, std::move(file.text));
  });
  broadcast_files(files, 0, world);
  return files;
}

// ---- before a run ----

void PairForcesmithBase::init_style() {
  if (std::strcmp(update->unit_style, "metal") != 0)
    error->all(FLERR,
               "pair_style forcesmith needs units metal (eV, angstrom), found units {}; convert the "
               "input to units metal",
               update->unit_style);
  if (force->newton_pair == 0)
    error->all(FLERR,
               "pair_style forcesmith needs newton on, found newton off for pairs; put "
               "'newton on' before the simulation box is made");
  if (!potential_) load_potentials();  // after read_restart without a new pair_coeff
  check_communication();
  check_exclusions();

  steps_ = 0;
  outside_ = close_ = {};
  request_neighbors();
  prepare_grades();
  prepare_deviations();
}

void PairForcesmithBase::prepare_grades() {
  std::string missing;
  if (!potential_->active_set())
    missing = fmt::format(
        "Potential file '{0}' has no active set, which grades need; make one from the training set with: forcesmith "
        "active-set {0} data.extxyz",
        paths_[0]);
  else if (!limited_host().empty() && !potential_->active_set()->is_of_features())
    missing =
        limited_host() +
        " computes the grades of atoms where the active set has the parameters \"linear\" and the mode "
        "\"neighborhoods\"; make one, compute on the CPU (pair_style forcesmith device cpu), or leave grade, select "
        "and break out";
  const auto find = [this] {
    const WantedGrades wanted = begin_grades(true);
    try {
      find_grades(wanted);
    } catch (const std::exception& problem) {
      error->one(FLERR, std::string(problem.what()));
    }
    finish_grades();
  };
  grade_monitor_.begin_run({paths_[0], element_names_, missing, find});
  if (potential_->active_set() && !missing.empty() && !said_no_grades_ && comm->me == 0)
    utils::logmesg(lmp, "pair_style forcesmith: no check of grades, {} computes those of other active sets only\n",
                   limited_host());
  said_no_grades_ = true;
}

void PairForcesmithBase::prepare_deviations() {
  std::string missing;
  if (others_.empty())
    missing =
        "pair_style forcesmith deviation compares the forces of a committee: give several potential files in "
        "pair_coeff (* * a.json b.json c.json and the elements)";
  else if (!limited_host().empty())
    missing = limited_host() +
              " cannot compare the forces of a committee yet; compute on the CPU (pair_style forcesmith "
              "device cpu), or give one potential file";
  const bool asked = deviation_every_.value_or(0) > 0 || !others_.empty();
  if (asked && !missing.empty()) error->all(FLERR, missing);
  deviations_.set_every(asked ? deviation_every_.value_or(default_steps) : 0);
  deviations_.set_missing(missing);
}

double PairForcesmithBase::cutoff() const {
  double cutoff = potential_->cutoff();
  for (const Member& member : others_) cutoff = std::max(cutoff, member.potential->cutoff());
  return cutoff;
}

void PairForcesmithBase::request_neighbors() { neighbor->add_request(this, LAMMPS_NS::NeighConst::REQ_FULL); }

/// comm_style brick collects ghost atoms from any distance, and LAMMPS itself raises a
/// "comm_modify cutoff" that is too small; comm_style tiled sees one periodic image at most.
void PairForcesmithBase::check_communication() const {
  if (comm->style != LAMMPS_NS::Comm::TILED) return;
  const double needed = cutoff() + neighbor->skin;
  const double* h = domain->h_inv;  // rows of the inverse cell: 1 / distance of opposite faces
  const double height[3] = {1.0 / std::sqrt(h[0] * h[0] + h[5] * h[5] + h[4] * h[4]),
                            1.0 / std::sqrt(h[1] * h[1] + h[3] * h[3]), 1.0 / h[2]};
  for (int d = 0; d < domain->dimension; ++d)
    if (domain->periodicity[d] && needed > height[d])
      error->all(FLERR,
                 "The cutoff of potential file '{}' and the neighbor skin, {} + {} angstrom, exceed "
                 "the periodic box, {} angstrom along {}: comm_style tiled cannot communicate that "
                 "far; use comm_style brick or a larger box",
                 paths_[0], cutoff(), neighbor->skin, height[d], "xyz"[d]);
}

/// Collective. Warns of neigh_modify exclude where it does not hide atoms but leaves out pairs of them.
void PairForcesmithBase::check_exclusions() const {
  const int n_groups = neighbor->nex_group, n_molecules = neighbor->nex_mol;
  if (neighbor->nex_type + n_groups + n_molecules == 0) return;
  const HiddenAtoms hidden(*neighbor, *group, atom->ntypes);
  std::vector<int> bits;  // of the groups: first ones, second ones, those of molecules
  for (int m = 0; m < n_groups; ++m) bits.push_back(group->bitmask[neighbor->ex1_group[m]]);
  for (int m = 0; m < n_groups; ++m) bits.push_back(group->bitmask[neighbor->ex2_group[m]]);
  for (int m = 0; m < n_molecules; ++m) bits.push_back(group->bitmask[neighbor->ex_mol_group[m]]);
  std::vector<int> has_atoms(bits.size(), 0);  // of this style, and not hidden
  for (int i = 0; i < atom->nlocal; ++i) {
    if (element_of_type_[atom->type[i]] < 0 || hidden.contains(atom->type[i], atom->mask[i])) continue;
    for (std::size_t m = 0; m < bits.size(); ++m) has_atoms[m] |= (atom->mask[i] & bits[m]) != 0;
  }
  MPI_Allreduce(MPI_IN_PLACE, has_atoms.data(), static_cast<int>(has_atoms.size()), MPI_INT, MPI_MAX, world);

  bool incomplete = std::find(has_atoms.begin() + 2 * n_groups, has_atoms.end(), 1) != has_atoms.end();
  for (int m = 0; m < n_groups; ++m) incomplete = incomplete || (has_atoms[m] && has_atoms[n_groups + m]);
  for (int m = 0; m < neighbor->nex_type; ++m) {
    const int i = neighbor->ex1_type[m], j = neighbor->ex2_type[m];
    incomplete = incomplete || (setflag[i][j] && !hidden.contains(i, 0) && !hidden.contains(j, 0));
  }
  if (incomplete && comm->me == 0)
    error->warning(FLERR,
                   "neigh_modify exclude leaves out pairs of atoms of pair_style forcesmith, whose energies are then "
                   "those of atoms with neighbors missing; to hide atoms altogether exclude their group from all "
                   "(neigh_modify exclude group ID all), or delete them");
}

/// Also after each change by fix adapt.
double PairForcesmithBase::init_one(int i, int j) {
  const double scale = scale_[i][j];
  if (!std::isfinite(scale))
    error->all(FLERR, "The scale of atom types {} {} of pair_style forcesmith is not finite: {}", i, j, scale);
  if (i != j && scale != 1.0 && scale != scale_[i][i] && scale != scale_[j][j])
    error->all(FLERR,
               "The scale {} of atom types {} {} of pair_style forcesmith has no meaning: it scales energies of atoms, "
               "by that of their type with itself, {} and {} here; set those in fix adapt, or all by * *",
               scale, i, j, scale_[i][i], scale_[j][j]);
  scale_[j][i] = scale;
  return cutoff();
}

/// For fix adapt and its kin.
void* PairForcesmithBase::extract(const char* name, int& dimension) {
  for (AtomQuantity* quantity : {&grades_, &deviations_})
    if (void* found = quantity->extract(name, dimension)) return found;
  dimension = 2;
  return std::strcmp(name, "scale") == 0 ? scale_ : nullptr;
}

void* PairForcesmithBase::extract_peratom(const char* name, int& n_columns) {
  for (AtomQuantity* quantity : {&grades_, &deviations_})
    if (void* found = quantity->extract_peratom(name, n_columns)) return found;
  return nullptr;
}

// ---- every step ----

std::set<double> PairForcesmithBase::scales() const {
  std::set<double> scales;
  for (int i = 1; i <= atom->ntypes; ++i)
    if (element_of_type_[i] >= 0) scales.insert(scale_[i][i]);
  return scales;
}

void PairForcesmithBase::count_close_pairs(std::int64_t n_neighbors) {
  pvector[1] = 0.5 * static_cast<double>(n_neighbors);
  if (n_neighbors == 0) return;
  if (close_.steps == 0) {
    const ClosestPair pair = find_closest_pair();
    const auto name = [&](int i) {
      return fmt::format("{} ({})", atom->tag ? atom->tag[i] : 0, element_names_[atom->type[i] - 1]);
    };
    error->warning(FLERR,
                   "Atoms {} and {} are {:.3f} angstrom apart at step {}, closer than any such pair in the training "
                   "data of '{}' ({:.3f} angstrom), so the potential extrapolates{}. Further pairs are counted until "
                   "the end of the run",
                   name(pair.center), name(pair.neighbor), pair.distance, update->ntimestep, paths_[0], pair.limit,
                   potential_->short_range()->has_wall() ? "; its wall acts there" : "; it has no wall there");
  }
  close_.add(n_neighbors);
}

void PairForcesmithBase::count_extrapolation(const int* values_outside) {
  std::int64_t n_atoms = 0;
  std::string first;
  for (int i = 0; i < atom->nlocal; ++i) {
    if (values_outside[i] <= 0) continue;
    if (++n_atoms <= 5)
      first += fmt::format("{}{} ({} value{})", first.empty() ? "" : ", ", atom->tag ? atom->tag[i] : 0,
                           values_outside[i], values_outside[i] == 1 ? "" : "s");
  }
  pvector[0] = static_cast<double>(n_atoms);
  if (n_atoms == 0) return;
  if (outside_.steps == 0)
    error->warning(FLERR,
                   "{} atom(s) have descriptor values outside the range of the training set of '{}' at "
                   "step {}, so the potential extrapolates; ids: {}{}. Further ones are counted until "
                   "the end of the run",
                   n_atoms, paths_[0], update->ntimestep, first, n_atoms > 5 ? ", ..." : "");
  outside_.add(n_atoms);
}

/// At the end of a run; collective.
void PairForcesmithBase::finish() {
  if (!count_outside_) return;
  const auto report = [&](const Tally& own, int per_thing, const char* things) {
    std::int64_t largest = 0, sum = 0;
    MPI_Allreduce(&own.steps, &largest, 1, MPI_INT64_T, MPI_MAX, world);
    MPI_Allreduce(&own.sum, &sum, 1, MPI_INT64_T, MPI_SUM, world);
    if (sum > 0 && comm->me == 0)
      utils::logmesg(lmp,
                     "pair_style forcesmith: the potential extrapolated in at least {} of {} evaluations, "
                     "for {} {} altogether\n",
                     largest, steps_, (sum + per_thing - 1) / per_thing, things);
  };
  report(outside_, 1, "atoms");
  report(close_, 2, "pairs that are too close");
}

void PairForcesmithBase::report_position() {
  for (int i = 0; i < atom->nlocal; ++i)
    if (!std::isfinite(sum_of(atom->x[i])))
      error->one(FLERR,
                 "The position of atom {} of type {} is not finite at step {}: ({}, {}, {}); look for fixes that "
                 "move it, for forces of other styles, or a time step that is too long",
                 atom->tag ? atom->tag[i] : 0, atom->type[i], update->ntimestep, atom->x[i][0], atom->x[i][1],
                 atom->x[i][2]);
}

void PairForcesmithBase::report_not_finite() {
  report_position();
  std::vector<double> energies(atom->nlocal + atom->nghost, 0.0), forces(3 * energies.size(), 0.0);
  evaluate_alone(energies.data(), forces.data());
  int i = 0;
  while (i < atom->nlocal && std::isfinite(sum_of(&forces[3 * i]) + energies[i])) ++i;
  if (i == atom->nlocal) return;
  error->one(FLERR,
             "The energy or a force of potential file '{}' is not finite at step {}: see atom {} of "
             "type {} at ({}, {}, {}); look for atoms in the same place or a time step that is too "
             "long",
             paths_[0], update->ntimestep, atom->tag ? atom->tag[i] : 0, atom->type[i], atom->x[i][0], atom->x[i][1],
             atom->x[i][2]);
}

// ---- grades and deviations ----

WantedGrades PairForcesmithBase::begin_grades(bool always) {
  if (!grades_.begin(always)) return {};
  const ActiveSet& set = *potential_->active_set();
  if (set.settings().mode == ActiveSet::Mode::neighborhoods) return {grades_.array(), nullptr};
  information_sum_.assign(set.n_columns(), 0.0);
  return {nullptr, information_sum_.data()};
}

/// The grade of a configuration becomes that of its atoms.
void PairForcesmithBase::finish_grades() {
  if (grades_.is_current()) sync_atoms();
  const std::shared_ptr<const ActiveSet> set = potential_->active_set();
  const bool of_all = set && set->settings().mode == ActiveSet::Mode::configurations;
  if (grades_.is_current() && of_all) {
    const HiddenAtoms hidden(*neighbor, *group, atom->ntypes);
    const auto is_ours = [&](int i) {
      return element_of_type_[atom->type[i]] >= 0 && !hidden.contains(atom->type[i], atom->mask[i]);
    };
    double n_atoms = 0.0;
    for (int i = 0; i < atom->nlocal; ++i) n_atoms += is_ours(i);
    MPI_Allreduce(MPI_IN_PLACE, &n_atoms, 1, MPI_DOUBLE, MPI_SUM, world);
    MPI_Allreduce(MPI_IN_PLACE, information_sum_.data(), static_cast<int>(information_sum_.size()), MPI_DOUBLE, MPI_SUM,
                  world);
    const double grade = set->grade_of_sum(information_sum_, n_atoms);
    for (int i = 0; i < atom->nlocal; ++i)
      if (is_ours(i)) grades_.array()[i] = grade;
  }
  grades_.end(of_all);
}

void PairForcesmithBase::finish_call(std::vector<double> own_forces) {
  finish_grades();
  if (deviations_.is_current()) compare_committee(std::move(own_forces));
  deviations_.end();
  // compute pair adds up the ranks
  pvector[2] = comm->me == 0 ? grades_.largest().value : 0.0;
  pvector[3] = comm->me == 0 ? deviations_.largest().value : 0.0;
}

/// Of the members the driving one comes first.
void PairForcesmithBase::compare_committee(std::vector<double> forces) {
  ForceDeviation deviation(atom->nlocal);
  for (std::size_t m = 0; m <= others_.size(); ++m) {
    if (m > 0) {
      std::fill(forces.begin(), forces.end(), 0.0);
      try {
        add_forces_of_other(m - 1, forces.data());
      } catch (const std::exception& problem) {
        error->one(FLERR, "{} (potential file '{}')", problem.what(), others_[m - 1].path);
      }
    }
    reversed_ = forces.data();
    comm->reverse_comm(this);
    deviation.add(forces.data());
  }
  deviation.write(deviations_.array());
}

int PairForcesmithBase::pack_reverse_comm(int n, int first, double* buffer) {
  std::copy_n(reversed_ + 3 * first, 3 * n, buffer);
  return 3 * n;
}

void PairForcesmithBase::unpack_reverse_comm(int n, int* atoms, double* buffer) {
  for (int k = 0; k < n; ++k)
    for (int c = 0; c < 3; ++c) reversed_[3 * atoms[k] + c] += buffer[3 * k + c];
}

// ---- restart files: keywords, paths, elements and scales, so that a run goes on without pair_style and pair_coeff ----

namespace {

// What a restart file of pair_style forcesmith begins with. The first ones began with the path of the potential file,
// the second ones had the scale, too.
const std::string mark_of_scale = "forcesmith restart with scale";
const std::string mark_of_keywords = "forcesmith restart with keywords";

void write_text(FILE* file, const std::string& text) {
  const int size = static_cast<int>(text.size());
  fwrite(&size, sizeof(int), 1, file);
  fwrite(text.data(), 1, size, file);
}

void write_list(FILE* file, const std::vector<std::string>& words) {
  const int size = static_cast<int>(words.size());
  fwrite(&size, sizeof(int), 1, file);
  for (const std::string& word : words) write_text(file, word);
}

}  // namespace

/// All that hybrid styles write, of which LAMMPS wants pair_coeff again.
void PairForcesmithBase::write_restart_settings(FILE* file) {
  write_text(file, mark_of_keywords);
  write_list(file, keywords_);
}

void PairForcesmithBase::write_restart(FILE* file) {
  write_restart_settings(file);
  write_list(file, paths_);
  for (const std::string& name : element_names_) write_text(file, name);
  for (int i = 1; i <= atom->ntypes; ++i) fwrite(&scale_[i][i], sizeof(double), 1, file);
}

int PairForcesmithBase::read_number(FILE* file) {
  int number = 0;
  if (comm->me == 0) utils::sfread(FLERR, &number, sizeof(int), 1, file, nullptr, error);
  MPI_Bcast(&number, 1, MPI_INT, 0, world);
  return number;
}

std::string PairForcesmithBase::read_text(FILE* file) {
  std::string text(read_number(file), ' ');
  if (comm->me == 0) utils::sfread(FLERR, text.data(), 1, text.size(), file, nullptr, error);
  broadcast(text, 0, world);
  return text;
}

std::vector<std::string> PairForcesmithBase::read_list(FILE* file) {
  std::vector<std::string> words(read_number(file));
  for (std::string& word : words) word = read_text(file);
  return words;
}

/// Whether there were any: files of older versions have something else in this place, which is left to be read.
bool PairForcesmithBase::read_keywords(FILE* file) {
  const long begin = comm->me == 0 ? std::ftell(file) : 0;
  const int size = read_number(file);
  std::string mark(size == static_cast<int>(mark_of_keywords.size()) ? size : 0, ' ');
  if (comm->me == 0 && !mark.empty()) utils::sfread(FLERR, mark.data(), 1, size, file, nullptr, error);
  broadcast(mark, 0, world);
  if (mark != mark_of_keywords) {
    if (comm->me == 0) std::fseek(file, begin, SEEK_SET);
    return false;
  }
  std::vector<std::string> keywords = read_list(file);
  std::vector<char*> words;
  for (std::string& keyword : keywords) words.push_back(keyword.data());
  settings(static_cast<int>(words.size()), words.data());
  return true;
}

void PairForcesmithBase::read_restart_settings(FILE* file) { read_keywords(file); }

void PairForcesmithBase::read_restart(FILE* file) {
  bool has_scale = true;
  if (read_keywords(file)) {
    paths_ = read_list(file);
  } else {
    paths_ = {read_text(file)};
    has_scale = paths_[0] == mark_of_scale;
    if (has_scale) paths_ = {read_text(file)};
  }
  std::vector<std::string> names(atom->ntypes);
  for (std::string& name : names) name = read_text(file);
  set_element_names(std::move(names));
  for (int i = 1; i <= atom->ntypes && has_scale; ++i) {
    if (comm->me == 0) utils::sfread(FLERR, &scale_[i][i], sizeof(double), 1, file, nullptr, error);
    MPI_Bcast(&scale_[i][i], 1, MPI_DOUBLE, 0, world);
  }
  // The files are read in init_style: they may have moved, and pair_coeff may still name them anew.
}

}  // namespace forcesmith::lammps
