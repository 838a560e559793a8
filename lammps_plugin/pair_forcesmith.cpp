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
#include "error.h"
#include "group.h"
#include "hidden_atoms.hpp"
#include "neigh_list.h"
#include "neighbor.h"
#include "neighbor_adapter.hpp"
#include "potentials/evaluate.hpp"
#include "potentials/potential.hpp"

namespace forcesmith::lammps {

namespace {

/// Kokkos lives until the process ends: several LAMMPS may use it, one after another or at once.
void start_kokkos(int n_threads) {
  ensure_kokkos(n_threads);
  static const int registered = std::atexit(finalize_kokkos);
  static_cast<void>(registered);
}

/// Adds `scale` times an evaluation.
template <class Real>
void add_scaled(Evaluator& evaluator, const NeighborAdapter<Real>& neighbors, double scale, Evaluation& sum,
                int n_workers) {
  if (scale == 0.0) return;
  if (scale == 1.0) return evaluator.evaluate(neighbors, sum, n_workers);
  Evaluation own;
  own.n_host = sum.n_host;
  own.values_outside = sum.values_outside;
  own.close_neighbors = sum.close_neighbors;
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
  evaluator.evaluate(neighbors, own, n_workers);
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
auto PairForcesmith::with_neighbors(const Use& use) const {
  const auto in = [&]<class Real>(Real) {
    NeighborAdapter<Real> neighbors(*list, *atom, HiddenAtoms(*neighbor, *group, atom->ntypes), element_of_type_,
                                    potential_->cutoff(),
                                    potential_->short_range() ? &*potential_->short_range() : nullptr);
    return use(neighbors);
  };
  return precision_ == Precision::single ? in(float()) : in(double());
}

void PairForcesmith::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  pvector[0] = pvector[1] = 0.0;
  ++steps_;
  if (list->inum == 0) return;

  Evaluation wanted;
  wanted.n_host = atom->nlocal + atom->nghost;
  wanted.forces = &atom->f[0][0];
  if (eflag_atom) wanted.energies = eatom;
  if (vflag_atom) wanted.virials = &vatom[0][0];
  if (vflag_global) wanted.virial = virial;
  if (cvflag_atom) wanted.centroid_virials = &cvatom[0][0];
  std::vector<int> values_outside, close_neighbors;
  if (count_outside_) {
    values_outside.assign(wanted.n_host, 0);
    wanted.values_outside = values_outside.data();
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

void PairForcesmith::evaluate(Evaluation& wanted) {
  const std::set<double> different = scales();
  with_neighbors([&](auto& neighbors) {
    for (const double scale : different) {
      if (different.size() > 1)
        neighbors.set_centers([&](int i) { return scale_[atom->type[i]][atom->type[i]] == scale; });
      add_scaled(*evaluator_, neighbors, scale, wanted, n_workers_);
    }
  });
}

void PairForcesmith::evaluate_alone(double* energies, double* forces) {
  Evaluation wanted;
  wanted.n_host = atom->nlocal + atom->nghost;
  wanted.energies = energies;
  wanted.forces = forces;
  with_neighbors([&](const auto& neighbors) { evaluator_->evaluate(neighbors, wanted, n_workers_); });
}

ClosestPair PairForcesmith::find_closest_pair() {
  return with_neighbors([&](const auto& neighbors) { return closest_pair(*potential_->short_range(), neighbors); });
}

}  // namespace forcesmith::lammps
