#include "potentials/evaluate.hpp"

#include <algorithm>

#include "core/parallel.hpp"
#include "core/phase.hpp"

namespace forcesmith {

namespace {

/// Results of one worker. Forces have rows of their own; virials are in the host's arrays for the first worker,
/// in private ones for the others. Energies of atoms belong to central atoms, which no two workers share.
struct WorkerSums {
  double energy = 0.0;
  PairForces to;
  AlignedBuffer forces;
  std::vector<double> virials, centroid_virials;

  void prepare(const Evaluation& host, bool is_first) {
    const std::size_t n = host.n_host;
    if (host.forces) {
      to.forces = forces.reserve(force_stride * n);
      std::fill_n(to.forces, force_stride * n, 0.0);
    }
    to.virials = host.virials;
    to.centroid_virials = host.centroid_virials;
    if (is_first) return;
    if (host.virials) to.virials = (virials.assign(6 * n, 0.0), virials.data());
    if (host.centroid_virials) to.centroid_virials = (centroid_virials.assign(9 * n, 0.0), centroid_virials.data());
  }
};

}  // namespace

int first_of_worker(int n_atoms, int block_size, int worker, int n_workers) {
  const std::int64_t n_blocks = (n_atoms + block_size - 1) / block_size;
  return static_cast<int>(
      std::min<std::int64_t>(n_atoms, n_blocks * worker / n_workers * block_size));
}

void descriptor_values(const Potential& potential, const NeighborSource& source, double* B,
                       int n_workers) {
  const int n_atoms = source.n_atoms(), block_size = potential.block_size();
  const int stride = potential.stride();
  n_workers = std::clamp(n_workers, 1, std::max(1, (n_atoms + block_size - 1) / block_size));
  for_each_worker(n_workers, [&](int worker) {
    NeighborBuffer buffer;
    BlockDescriptors descriptors(potential);
    const int end = first_of_worker(n_atoms, block_size, worker + 1, n_workers);
    for (int first = first_of_worker(n_atoms, block_size, worker, n_workers); first < end;
         first += block_size) {
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

void evaluate(const Potential& potential, const NeighborSource& source, Evaluation& evaluation,
              int n_workers) {
  const int n_atoms = source.n_atoms(), block_size = potential.block_size(evaluation.precision);
  const int stride = potential.stride();
  n_workers = std::clamp(n_workers, 1, std::max(1, (n_atoms + block_size - 1) / block_size));

  std::vector<WorkerSums> sums(n_workers);
  for_each_worker(n_workers, [&](int worker) {
    sums[worker].prepare(evaluation, worker == 0);
    NeighborBuffer buffer;
    BlockDescriptors descriptors(potential, evaluation.precision);
    const std::unique_ptr<Model::Workspace> workspace = potential.model().make_workspace();
    std::vector<double> B(static_cast<std::size_t>(block_size) * stride), beta(B.size());
    std::vector<double> energies(block_size);
    Zbl::Workspace repulsion(potential.zbl());
    PairForces forces = sums[worker].to;
    double energy = 0.0;
    const int end = first_of_worker(n_atoms, block_size, worker + 1, n_workers);
    for (int first = first_of_worker(n_atoms, block_size, worker, n_workers); first < end;
         first += block_size) {
      FORCESMITH_PHASE(neighbors);
      const NeighborView block = source.block(first, std::min(block_size, end - first), buffer);
      FORCESMITH_PHASE(descriptor);
      descriptors.values(block, B.data());
      FORCESMITH_PHASE(model);
      potential.model().energies_and_gradients(*workspace, block.n_atoms, block.center_types, B.data(),
                                               stride, energies.data(), beta.data());
      descriptors.backpropagate(beta.data(), forces);
      FORCESMITH_PHASE(repulsion);
      if (potential.zbl()) potential.zbl()->add(block, repulsion, energies.data(), forces);
      FORCESMITH_PHASE(forces);
      for (int atom = 0; atom < block.n_atoms; ++atom) {
        energy += energies[atom];
        if (evaluation.energies) evaluation.energies[block.centers[atom]] += energies[atom];
        if (evaluation.values_outside)
          evaluation.values_outside[block.centers[atom]] = potential.model().values_outside(
              block.center_types[atom], B.data() + static_cast<std::size_t>(atom) * stride);
      }
    }
    FORCESMITH_PHASE(other);
    sums[worker].energy = energy;
    sums[worker].to = forces;
  });

  for (const WorkerSums& own : sums) {
    evaluation.energy += own.energy;
    for (int c = 0; c < 6; ++c) evaluation.virial[c] += own.to.virial[c];
  }
  // Fixed order of summation: the result does not depend on timing.
  for_each_worker(n_workers, [&](int worker) {
    const std::size_t n = evaluation.n_host, begin = n * worker / n_workers, end = n * (worker + 1) / n_workers;
    if (evaluation.forces)
      for (const WorkerSums& own : sums)
        for (std::size_t i = begin; i < end; ++i)
          for (int axis = 0; axis < 3; ++axis) evaluation.forces[3 * i + axis] += own.to.forces[force_stride * i + axis];
    const auto add = [&](double* host, auto member, int components) {
      if (host == nullptr) return;
      for (int other = 1; other < n_workers; ++other) {
        const double* own = sums[other].to.*member;
        for (std::size_t i = components * begin; i < components * end; ++i) host[i] += own[i];
      }
    };
    add(evaluation.virials, &PairForces::virials, 6);
    add(evaluation.centroid_virials, &PairForces::centroid_virials, 9);
  });
}

}  // namespace forcesmith
