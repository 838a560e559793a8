#include "potentials/evaluate.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "core/phase.hpp"
#include "potentials/information_vectors.hpp"

namespace forcesmith {

int first_of_worker(int n_atoms, int block_size, int worker, int n_workers) {
  const std::int64_t n_blocks = (n_atoms + block_size - 1) / block_size;
  return static_cast<int>(std::min<std::int64_t>(n_atoms, n_blocks * worker / n_workers * block_size));
}

void descriptor_values(const Potential& potential, const NeighborSource& source, double* B, int n_workers) {
  const int n_atoms = source.n_atoms(), block_size = potential.block_size();
  const int stride = potential.stride();
  n_workers = std::clamp(n_workers, 1, std::max(1, (n_atoms + block_size - 1) / block_size));
  for_each_worker(n_workers, [&](int worker) {
    NeighborBuffer buffer;
    BlockDescriptors descriptors(potential);
    const int end = first_of_worker(n_atoms, block_size, worker + 1, n_workers);
    for (int first = first_of_worker(n_atoms, block_size, worker, n_workers); first < end; first += block_size) {
      const NeighborView block = source.block(first, std::min(block_size, end - first), buffer);
      double* rows = B + static_cast<std::size_t>(first) * stride;
      descriptors.values(block, rows);
      for (int atom = 0; atom < block.n_atoms; ++atom) {
        double* row = rows + static_cast<std::size_t>(atom) * stride;
        std::fill(row + potential.size(block.center_types[atom]), row + stride, 0.0);
      }
    }
  });
}

/// Working memory of one worker, and its results. Forces have rows of their own; other arrays are the host's for the
/// first worker, private ones for the others. Energies of atoms belong to central atoms, which no two workers share.
struct Evaluator::Worker {
  Worker(const Potential& potential, Precision precision, const std::vector<const LocalTerm*>& local_terms)
      : values(potential, precision),
        model(potential.model().make_workspace()),
        beta(values.size()),
        energies_of_block(potential.block_size(precision)) {
    for (const LocalTerm* term : local_terms) terms.push_back(term->make_workspace());
    if (potential.short_range() && potential.short_range()->repulsion())
      wall = potential.short_range()->repulsion()->make_workspace();
  }

  void prepare(const Evaluation& host, bool is_first) {
    const std::size_t n = host.n_host;
    energy = 0.0;
    to = {};
    if (host.forces) to.forces = zero_rows(n);
    if (host.virial) {
      std::fill_n(virial, 6, 0.0);
      to.virial = virial;
    }
    to.virials = host.virials;
    to.centroid_virials = host.centroid_virials;
    if (is_first) return;
    if (host.virials) to.virials = (virials.assign(6 * n, 0.0), virials.data());
    if (host.centroid_virials) to.centroid_virials = (centroid_virials.assign(9 * n, 0.0), centroid_virials.data());
  }
  /// Adds rows begin .. end - 1 to the forces of the host, and clears them for the next evaluation.
  void move_forces(std::size_t begin, std::size_t end, double* host) {
    for (std::size_t i = begin; i < end; ++i) {
      double* row = to.forces + force_stride * i;
      for (int axis = 0; axis < 3; ++axis) host[3 * i + axis] += row[axis];
      std::fill_n(row, force_stride, 0.0);
    }
  }

  InBothPrecisions<NeighborBufferOf> neighbors;
  ComputedValues values;
  std::unique_ptr<Model::Workspace> model;
  std::vector<std::unique_ptr<LocalTerm::Workspace>> terms;  // of the local ones
  std::unique_ptr<LocalTerm::Workspace> wall;
  WallView wall_view;
  std::unique_ptr<BlockGrades> grades;  // null: were never asked for
  std::vector<double> information_sum;
  std::vector<double> beta, energies_of_block;

  double energy = 0.0;
  double virial[6];
  PairForces to;
  std::size_t n_cleared = 0;  // rows of forces, between evaluations

 private:
  double* zero_rows(std::size_t n) {
    double* rows = forces.reserve(force_stride * n);
    if (n > n_cleared) std::fill_n(rows, force_stride * n, 0.0);
    n_cleared = 0;  // should the evaluation fail
    return rows;
  }
  AlignedBuffer forces;
  std::vector<double> virials, centroid_virials;
};

Evaluator::Evaluator(const Potential& potential, Precision precision, const GlobalHost* host)
    : Evaluator(potential, precision, host, true) {}

Evaluator Evaluator::without_global_terms(const Potential& potential, Precision precision) {
  return Evaluator(potential, precision, nullptr, false);
}

Evaluator::Evaluator(const Potential& potential, Precision precision, const GlobalHost* host, bool with_global_terms)
    : potential_(potential), precision_(precision), host_(host) {
  for (const auto& term : potential.terms()) {
    if (const auto* local = dynamic_cast<const LocalTerm*>(term.get())) local_terms_.push_back(local);
    else if (with_global_terms) global_terms_.push_back(dynamic_cast<const GlobalTerm*>(term.get()));
  }
  if (!global_terms_.empty() && host == nullptr)
    throw ParameterError("The term \"" + global_terms_[0]->type() +
                         "\" of the potential acts between all atoms, with numbers of atoms that processes exchange, "
                         "which is not offered here; use a potential without it.");
}
Evaluator::~Evaluator() = default;

template <class Real>
void Evaluator::evaluate(const NeighborSourceOf<Real>& source, Evaluation& evaluation, int n_workers,
                         KeptDescriptors* kept) {
  const Potential& potential = potential_;
  const int n_atoms = source.n_atoms(), block_size = potential.block_size(precision_), stride = potential.stride();
  n_workers = std::clamp(n_workers, 1, std::max(1, (n_atoms + block_size - 1) / block_size));
  if (workers_.size() < static_cast<std::size_t>(n_workers)) workers_.resize(n_workers);

  const bool wants_grades = evaluation.grades || evaluation.information_sum;
  if (wants_grades && !potential.active_set())
    throw ParameterError("Grades are asked for, but the potential has no active set.");
  for_each_worker(n_workers, [&](int worker) {
    std::unique_ptr<Worker>& mine = workers_[worker];
    if (!mine) mine = std::make_unique<Worker>(potential, precision_, local_terms_);
    Worker& own = *mine;
    own.prepare(evaluation, worker == 0);
    if (wants_grades) {
      if (!own.grades) own.grades = std::make_unique<BlockGrades>(potential);
      own.grades->begin();
    }
    if (evaluation.information_sum) own.information_sum.assign(potential.active_set()->n_columns(), 0.0);
    double energy = 0.0;
    const int end = first_of_worker(n_atoms, block_size, worker + 1, n_workers);
    for (int first = first_of_worker(n_atoms, block_size, worker, n_workers); first < end; first += block_size) {
      FORCESMITH_PHASE(neighbors);
      const NeighborViewOf<Real> block =
          source.block(first, std::min(block_size, end - first), std::get<NeighborBufferOf<Real>>(own.neighbors));
      const bool moved =
          potential.short_range() && own.wall_view.look_at(*potential.short_range(), block, evaluation.close_neighbors);
      if (wants_grades) {
        // Where atoms really are.
        FORCESMITH_PHASE(descriptor);
        own.values.compute(block);
        FORCESMITH_PHASE(model);
        own.grades->compute(block, own.values.B(), evaluation.grades,
                            evaluation.information_sum ? own.information_sum.data() : nullptr);
      }
      FORCESMITH_PHASE(descriptor);
      BlockValues* values = &own.values;
      if (moved) own.values.compute(own.wall_view.seen());
      else if (kept != nullptr) {
        if constexpr (std::is_same_v<Real, double>) values = &kept->values(first, block, own.values);
      } else if (!wants_grades) own.values.compute(block);
      FORCESMITH_PHASE(model);
      potential.model().energies_and_gradients(*own.model, block.n_atoms, block.center_types, values->B(), stride,
                                               own.energies_of_block.data(), own.beta.data());
      values->backpropagate(own.beta.data(), moved ? own.wall_view.forces() : own.to);
      FORCESMITH_PHASE(terms);
      for (std::size_t k = 0; k < local_terms_.size(); ++k)
        local_terms_[k]->add(block, *own.terms[k], own.energies_of_block.data(), own.to);
      if (moved) {
        own.wall_view.move_back(block, own.to);
        if (const std::optional<Zbl>& wall = potential.short_range()->repulsion())
          wall->add(block, *own.wall, own.energies_of_block.data(), own.to);
      }
      FORCESMITH_PHASE(forces);
      for (int atom = 0; atom < block.n_atoms; ++atom) {
        energy += own.energies_of_block[atom];
        if (evaluation.energies) evaluation.energies[block.centers[atom]] += own.energies_of_block[atom];
        if (evaluation.values_outside)
          evaluation.values_outside[block.centers[atom]] = potential.model().values_outside(
              block.center_types[atom], values->B() + static_cast<std::size_t>(atom) * stride);
      }
    }
    if (wants_grades) own.grades->finish(evaluation.grades);
    FORCESMITH_PHASE(other);
    own.energy = energy;
  });

  // Fixed order of summation: the result does not depend on timing.
  for (int worker = 0; worker < n_workers; ++worker) {
    evaluation.energy += workers_[worker]->energy;
    for (std::size_t k = 0; evaluation.information_sum && k < workers_[worker]->information_sum.size(); ++k)
      evaluation.information_sum[k] += workers_[worker]->information_sum[k];
    for (int c = 0; c < 6 && evaluation.virial; ++c) evaluation.virial[c] += workers_[worker]->virial[c];
  }
  for_each_worker(n_workers, [&](int worker) {
    const std::size_t n = evaluation.n_host, begin = n * worker / n_workers, end = n * (worker + 1) / n_workers;
    if (evaluation.forces)
      for (int other = 0; other < n_workers; ++other) workers_[other]->move_forces(begin, end, evaluation.forces);
    const auto add = [&](double* host, auto member, int components) {
      if (host == nullptr) return;
      for (int other = 1; other < n_workers; ++other) {
        const double* own = workers_[other]->to.*member;
        for (std::size_t i = components * begin; i < components * end; ++i) host[i] += own[i];
      }
    };
    add(evaluation.virials, &PairForces::virials, 6);
    add(evaluation.centroid_virials, &PairForces::centroid_virials, 9);
  });
  if (evaluation.forces)
    for (int worker = 0; worker < n_workers; ++worker) workers_[worker]->n_cleared = evaluation.n_host;
  for (const GlobalTerm* term : global_terms_) term->add(source, *host_, evaluation, n_workers);
}
template void Evaluator::evaluate(const NeighborSourceOf<double>&, Evaluation&, int, KeptDescriptors*);
template void Evaluator::evaluate(const NeighborSourceOf<float>&, Evaluation&, int, KeptDescriptors*);

}  // namespace forcesmith
