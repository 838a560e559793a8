#include "potentials/evaluate.hpp"

#include <algorithm>
#include <utility>

#include "core/instruction_set.hpp"
#include "core/parallel.hpp"
#include "core/phase.hpp"
#include "potentials/add_virial_variants.hpp"

namespace forcesmith {

namespace {

/// Per-atom results of one worker: the host's own arrays for the first, private ones for the others.
struct WorkerArrays {
  std::vector<double> storage;
  double *energies, *forces, *virials, *centroid_virials;

  WorkerArrays(const Evaluation& host, bool is_private)
      : energies(host.energies),
        forces(host.forces),
        virials(host.virials),
        centroid_virials(host.centroid_virials) {
    if (!is_private) return;
    const std::size_t n = host.n_host;
    storage.assign(n * ((forces ? 3 : 0) + (virials ? 6 : 0) + (centroid_virials ? 9 : 0)), 0.0);
    double* next = storage.data();
    // Energies belong to central atoms, which no two workers share.
    if (forces) forces = std::exchange(next, next + 3 * n);
    if (virials) virials = std::exchange(next, next + 6 * n);
    if (centroid_virials) centroid_virials = next;
  }
};

void add_pairs(const NeighborView& block, const double* pair_gradients, WorkerArrays& arrays) {
  const std::int64_t first_pair = block.offsets[0];
  double* forces = arrays.forces;
  const bool per_atom_virials = arrays.virials || arrays.centroid_virials;
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    const int i = block.centers[atom];
    double force[3] = {0, 0, 0};
    for (std::int64_t pair = block.offsets[atom]; pair < block.offsets[atom + 1]; ++pair) {
      const double* gradient = pair_gradients + 3 * (pair - first_pair);
      const double g[3] = {gradient[0], gradient[1], gradient[2]};
      const int j = block.neighbors[pair];
      for (int axis = 0; axis < 3; ++axis) force[axis] += g[axis];
      if (forces)
        for (int axis = 0; axis < 3; ++axis) forces[3 * j + axis] -= g[axis];
      if (!per_atom_virials) continue;
      const double* r = block.displacements + 3 * pair;
      const double w[6] = {-r[0] * g[0], -r[1] * g[1], -r[2] * g[2],
                           -r[0] * g[1], -r[0] * g[2], -r[1] * g[2]};
      if (arrays.virials)
        for (int c = 0; c < 6; ++c) {
          arrays.virials[6 * i + c] += 0.5 * w[c];
          arrays.virials[6 * j + c] += 0.5 * w[c];
        }
      if (arrays.centroid_virials) {
        double* row = arrays.centroid_virials + 9 * j;
        for (int c = 0; c < 6; ++c) row[c] += w[c];
        row[6] -= r[1] * g[0];
        row[7] -= r[2] * g[0];
        row[8] -= r[2] * g[1];
      }
    }
    if (forces)
      for (int axis = 0; axis < 3; ++axis) forces[3 * i + axis] += force[axis];
  }
}

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

  std::vector<WorkerArrays> arrays;
  for (int worker = 0; worker < n_workers; ++worker) arrays.emplace_back(evaluation, worker > 0);
  struct Sums { double energy = 0.0, virial[6] = {0}; };
  std::vector<Sums> sums(n_workers);
  const AddVirial add_virial = FORCESMITH_VARIANT_IN_USE(add_virial_variant);

  for_each_worker(n_workers, [&](int worker) {
    NeighborBuffer buffer;
    BlockDescriptors descriptors(potential, evaluation.precision);
    const std::unique_ptr<Model::Workspace> workspace = potential.model().make_workspace();
    std::vector<double> B(static_cast<std::size_t>(block_size) * stride), beta(B.size());
    std::vector<double> energies(block_size), pair_gradients;
    Sums own;
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
      FORCESMITH_PHASE(forces);
      const std::int64_t n_pairs = block.offsets[block.n_atoms] - block.offsets[0];
      pair_gradients.assign(3 * n_pairs + virial_padding, 0.0);
      FORCESMITH_PHASE(descriptor);
      descriptors.backpropagate(beta.data(), pair_gradients.data());
      FORCESMITH_PHASE(repulsion);
      if (potential.zbl()) potential.zbl()->add(block, energies.data(), pair_gradients.data());
      FORCESMITH_PHASE(forces);
      add_pairs(block, pair_gradients.data(), arrays[worker]);
      add_virial(block.displacements + 3 * block.offsets[0], pair_gradients.data(), n_pairs, own.virial);
      for (int atom = 0; atom < block.n_atoms; ++atom) {
        own.energy += energies[atom];
        if (evaluation.energies) evaluation.energies[block.centers[atom]] += energies[atom];
        if (evaluation.values_outside)
          evaluation.values_outside[block.centers[atom]] = potential.model().values_outside(
              block.center_types[atom], B.data() + static_cast<std::size_t>(atom) * stride);
      }
    }
    FORCESMITH_PHASE(other);
    sums[worker] = own;
  });

  for (const Sums& own : sums) {
    evaluation.energy += own.energy;
    for (int c = 0; c < 6; ++c) evaluation.virial[c] += own.virial[c];
  }
  if (n_workers == 1) return;
  // Fixed order of summation: the result does not depend on timing.
  for_each_worker(n_workers, [&](int worker) {
    auto add = [&](double* host, auto member, int components) {
      if (host == nullptr) return;
      const std::size_t n = static_cast<std::size_t>(evaluation.n_host) * components;
      const std::size_t begin = n * worker / n_workers, end = n * (worker + 1) / n_workers;
      for (int other = 1; other < n_workers; ++other) {
        const double* own = arrays[other].*member;
        for (std::size_t i = begin; i < end; ++i) host[i] += own[i];
      }
    };
    add(evaluation.forces, &WorkerArrays::forces, 3);
    add(evaluation.virials, &WorkerArrays::virials, 6);
    add(evaluation.centroid_virials, &WorkerArrays::centroid_virials, 9);
  });
}

}  // namespace forcesmith
