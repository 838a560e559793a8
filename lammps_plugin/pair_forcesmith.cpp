#include "pair_forcesmith.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "atom.h"
#include "comm.h"
#include "core/kokkos_scope.hpp"
#include "device_host.hpp"
#include "error.h"
#include "force.h"
#include "group.h"
#include "hidden_atoms.hpp"
#include "neigh_list.h"
#include "neighbor.h"
#include "neighbor_adapter.hpp"
#include "potentials/evaluate.hpp"
#include "potentials/potential.hpp"

namespace forcesmith::lammps {

namespace utils = LAMMPS_NS::utils;

namespace {

/// Our own Kokkos lives until the process ends: several LAMMPS may use it, one after another or at once. That of a LAMMPS
/// with KOKKOS is started by its command line, and there is one thread where it is not.
void start_kokkos([[maybe_unused]] int n_threads) {
#ifndef FORCESMITH_HOST_KOKKOS
  ensure_kokkos(n_threads);
  static const int registered = std::atexit(finalize_kokkos);
  static_cast<void>(registered);
#endif
}

/// Adds `scale` times what evaluate(Evaluation&) adds.
template <class Evaluate>
void add_scaled(const Evaluate& evaluate, double scale, Evaluation& sum) {
  if (scale == 0.0) return;
  if (scale == 1.0) return evaluate(sum);
  Evaluation own;
  own.n_host = sum.n_host;
  own.values_outside = sum.values_outside;
  own.close_neighbors = sum.close_neighbors;
  own.grades = sum.grades;
  own.information_sum = sum.information_sum;
  const std::size_t n = sum.n_host;
  const std::pair<double* Evaluation::*, std::size_t> arrays[] = {{&Evaluation::energies, n},
                                                                  {&Evaluation::forces, 3 * n},
                                                                  {&Evaluation::virials, 6 * n},
                                                                  {&Evaluation::centroid_virials, 9 * n},
                                                                  {&Evaluation::virial, 6}};
  std::vector<double> memory[std::size(arrays)];
  for (std::size_t k = 0; k < std::size(arrays); ++k) {
    const auto& [array, size] = arrays[k];
    if (sum.*array) own.*array = (memory[k].assign(size, 0.0), memory[k].data());
  }
  evaluate(own);
  sum.energy += scale * own.energy;
  for (const auto& [array, size] : arrays)
    for (std::size_t i = 0; sum.*array && i < size; ++i) (sum.*array)[i] += scale * (own.*array)[i];
}

}  // namespace

PairForcesmith::PairForcesmith(LAMMPS_NS::LAMMPS* lmp) : PairForcesmithBase(lmp) {}
PairForcesmith::~PairForcesmith() = default;

void PairForcesmith::make_evaluator() {
  start_kokkos(comm->nthreads);
  evaluator_ = std::make_unique<Evaluator>(*potential_, precision_);
  others_evaluators_.clear();
  for (const Member& member : others_)
    others_evaluators_.push_back(std::make_unique<Evaluator>(*member.potential, precision_));
  device_host_.reset();
  if (device_ == DeviceKind::cpu) return;
  ChosenDevice chosen = choose_device(device_, rank_on_machine(*lmp));
  if (device_ == DeviceKind::automatic) {
    int all = chosen.device != nullptr;
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, world);
    if (!all && chosen.device) chosen = {nullptr, "not every process has a device that can be used."};
  }
  if (chosen.device) device_host_ = std::make_unique<DeviceHost>(chosen.device, *potential_, precision_);
  static bool said = false;
  if (!said && comm->me == 0)
    utils::logmesg(lmp, "pair_style forcesmith computes on {}\n",
                   chosen.device ? chosen.device->name() : "the CPU: " + chosen.remark);
  said = true;
}

/// A device finds neighbors itself, unless LAMMPS leaves some out: where other styles take pairs over, or neigh_modify
/// does.
void PairForcesmith::request_neighbors() {
  if (device_host_) device_host_->forget_neighbors();
  const bool leaves_out = neighbor->nex_type + neighbor->nex_group + neighbor->nex_mol + neighbor->includegroup > 0 ||
                          atom->molecular != LAMMPS_NS::Atom::ATOMIC || utils::strmatch(force->pair_style, "^hybrid");
  if (!device_host_ || leaves_out) PairForcesmithBase::request_neighbors();
  else list = nullptr;
}

void PairForcesmith::init_style() {
  PairForcesmithBase::init_style();
  n_workers_ = std::min(comm->nthreads, max_workers());
  if (n_workers_ < comm->nthreads && comm->me == 0)
    error->warning(FLERR,
                   "pair_style forcesmith runs on {} instead of {} threads: the number is fixed by "
                   "its first use in a process (and is 1 if it was built without OpenMP)",
                   n_workers_, comm->nthreads);
}

template <class Use>
auto PairForcesmith::with_neighbors(const Potential& potential, const std::vector<int>& element_of_type,
                                    const Use& use) const {
  const auto in = [&]<class Real>(Real) {
    NeighborAdapter<Real> neighbors({list->inum, list->ilist, list->numneigh, list->firstneigh}, *atom,
                                    HiddenAtoms(*neighbor, *group, atom->ntypes), element_of_type, potential.cutoff(),
                                    potential.short_range() ? &*potential.short_range() : nullptr);
    return use(neighbors);
  };
  return precision_ == Precision::single ? in(float()) : in(double());
}

void PairForcesmith::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  pvector[0] = pvector[1] = 0.0;
  ++steps_;
  const WantedGrades grades = begin_grades();
  std::vector<double> own_forces;  // of this style alone
  if (deviations_.begin()) own_forces.assign(atom->f[0], atom->f[0] + 3 * (atom->nlocal + atom->nghost));
  if (device_host_ ? atom->nlocal > 0 : list->inum > 0) compute_atoms(grades);
  for (std::size_t k = 0; k < own_forces.size(); ++k) own_forces[k] = atom->f[0][k] - own_forces[k];
  finish_call(std::move(own_forces));
}

void PairForcesmith::compute_atoms(const WantedGrades& grades) {
  Evaluation wanted;
  wanted.n_host = atom->nlocal + atom->nghost;
  wanted.forces = &atom->f[0][0];
  if (eflag_atom) wanted.energies = eatom;
  if (vflag_atom) wanted.virials = &vatom[0][0];
  if (vflag_global) wanted.virial = virial;
  if (cvflag_atom) wanted.centroid_virials = &cvatom[0][0];
  wanted.grades = grades.grades;
  wanted.information_sum = grades.information_sum;
  std::vector<int> values_outside, close_neighbors;
  if (count_outside_) {
    values_outside.assign(wanted.n_host, 0);
    if (potential_->model().input_range(0)) wanted.values_outside = values_outside.data();
    if (potential_->short_range()) {
      close_neighbors.assign(wanted.n_host, 0);
      wanted.close_neighbors = close_neighbors.data();
    }
  }
  try {
    evaluate(wanted);
    if (wanted.close_neighbors)
      count_close_pairs(std::accumulate(close_neighbors.begin(), close_neighbors.end(), std::int64_t{0}));
  } catch (const std::exception& problem) {
    report_position();
    error->one(FLERR, std::string(problem.what()));
  }
  // What is not finite shows in a sum; every pair acts on its central atom, which is local.
  double sum = wanted.energy;
  for (int i = 0; i < atom->nlocal; ++i) sum += sum_of(atom->x[i]) + sum_of(atom->f[i]);
  if (!std::isfinite(sum)) report_not_finite();

  if (count_outside_) count_extrapolation(values_outside.data());
  if (eflag_global) eng_vdwl += wanted.energy;
  if (vflag_fdotr) virial_fdotr_compute();
}

void PairForcesmith::finish() {
  PairForcesmithBase::finish();
  if (!device_host_) return;
  const DeviceTimes times = device_host_->take_times();
  if (comm->me == 0)
    utils::logmesg(lmp, "forcesmith on {}: list {:.3f} s, copy {:.3f} s, kernels {:.3f} s\n", device_host_->name(),
                   times.list, times.copy, times.kernels);
}

void PairForcesmith::evaluate(Evaluation& wanted) {
  if (device_host_) {
    const std::set<double> different = scales();
    if (different.size() > 1)
      throw ParameterError(
          fmt::format("pair_style forcesmith device cuda can scale the energies of all atom types alike, not by "
                      "different factors ({} and {}); scale all types in fix adapt, or use device cpu.",
                      *different.begin(), *different.rbegin()));
    add_scaled([this](Evaluation& own) { evaluate_on_device(own); }, *different.begin(), wanted);
    return;
  }
  evaluate_on_cpu(*potential_, element_of_type_, *evaluator_, wanted);
}

void PairForcesmith::evaluate_on_cpu(const Potential& potential, const std::vector<int>& element_of_type,
                                     Evaluator& evaluator, Evaluation& wanted) {
  const std::set<double> different = scales();
  with_neighbors(potential, element_of_type, [&](auto& neighbors) {
    for (const double scale : different) {
      if (different.size() > 1)
        neighbors.set_centers([&](int i) { return scale_[atom->type[i]][atom->type[i]] == scale; });
      add_scaled([&](Evaluation& own) { evaluator.evaluate(neighbors, own, n_workers_); }, scale, wanted);
    }
  });
}

void PairForcesmith::evaluate_on_device(Evaluation& wanted) {
  device_host_->evaluate(*atom, *neighbor, list, HiddenAtoms(*neighbor, *group, atom->ntypes), element_of_type_,
                         wanted);
}

void PairForcesmith::evaluate_alone(double* energies, double* forces) {
  Evaluation wanted;
  wanted.n_host = atom->nlocal + atom->nghost;
  wanted.energies = energies;
  wanted.forces = forces;
  if (device_host_) return evaluate_on_device(wanted);
  with_neighbors([&](const auto& neighbors) { evaluator_->evaluate(neighbors, wanted, n_workers_); });
}

std::string PairForcesmith::limited_host() const { return device_host_ ? "pair_style forcesmith device cuda" : ""; }

void PairForcesmith::find_grades(const WantedGrades& grades) {
  Evaluation wanted;
  wanted.n_host = atom->nlocal + atom->nghost;
  wanted.grades = grades.grades;
  wanted.information_sum = grades.information_sum;
  evaluate(wanted);
}

void PairForcesmith::add_forces_of_other(std::size_t number, double* forces) {
  Evaluation wanted;
  wanted.n_host = atom->nlocal + atom->nghost;
  wanted.forces = forces;
  const Member& other = others_[number];
  evaluate_on_cpu(*other.potential, other.element_of_type, *others_evaluators_[number], wanted);
}

ClosestPair PairForcesmith::find_closest_pair() {
  if (device_host_) return device_host_->closest_pair(*potential_->short_range(), *atom);
  return with_neighbors([&](const auto& neighbors) { return closest_pair(*potential_->short_range(), neighbors); });
}

}  // namespace forcesmith::lammps
