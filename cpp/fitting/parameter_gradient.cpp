#include "fitting/parameter_gradient.hpp"

#include <algorithm>

#include "core/parallel.hpp"
#include "potentials/evaluate.hpp"

namespace forcesmith {

namespace {

/// Of every pair of the block, see set_direction().
void set_directions(const NeighborView& block, const TrainingWeights& weights, int first,
                    std::vector<double>& directions) {
  directions.resize(3 * (block.offsets[block.n_atoms] - block.offsets[0]));
  double* d = directions.data();
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    const double* v = weights.virial_bar + 6 * weights.configuration[first + atom];
    const double* center = weights.force_bar + 3 * block.centers[atom];
    for (std::int64_t pair = block.offsets[atom]; pair < block.offsets[atom + 1]; ++pair, d += 3) {
      const double* neighbor = weights.force_bar + 3 * block.neighbors[pair];
      const double r[3] = {block.x[pair], block.y[pair], block.z[pair]};
      set_direction(center, neighbor, v, r, d);
    }
  }
}

}  // namespace

ParameterGradient parameter_gradient(const Potential& potential, const NeighborSource& source,
                                     const TrainingWeights& weights, int n_workers) {
  const int n_atoms = source.n_atoms(), block_size = potential.block_size();
  const int stride = potential.stride();
  n_workers = std::clamp(n_workers, 1, std::max(1, (n_atoms + block_size - 1) / block_size));
  const ParameterGradient zero{std::vector<double>(potential.descriptor_parameters().size()),
                               std::vector<double>(potential.model_parameters().size())};
  std::vector<ParameterGradient> gradients(n_workers, zero);

  for_each_worker(n_workers, [&](int worker) {
    NeighborBuffer buffer;
    BlockDescriptors descriptors(potential);
    const std::unique_ptr<Model::Workspace> workspace = potential.model().make_workspace();
    const std::size_t size = static_cast<std::size_t>(block_size) * stride;
    std::vector<double> B(size), B_dot(size), B_bar(size), B_dot_bar(size), directions;
    ParameterGradient& own = gradients[worker];
    const int end = first_of_worker(n_atoms, block_size, worker + 1, n_workers);
    for (int first = first_of_worker(n_atoms, block_size, worker, n_workers); first < end; first += block_size) {
      const NeighborView block = source.block(first, std::min(block_size, end - first), buffer);
      set_directions(block, weights, first, directions);
      descriptors.values(block, B.data());
      descriptors.tangent(directions.data(), B_dot.data());
      potential.model().parameter_adjoint(*workspace, block.n_atoms, block.center_types, B.data(), B_dot.data(), stride,
                                          weights.energy_bar + first, B_bar.data(), B_dot_bar.data(), own.model.data());
      descriptors.parameter_adjoint(directions.data(), B_bar.data(), B_dot_bar.data(), own.descriptor.data());
    }
  });

  ParameterGradient sum = zero;
  for (const ParameterGradient& own : gradients) {
    for (std::size_t i = 0; i < sum.descriptor.size(); ++i) sum.descriptor[i] += own.descriptor[i];
    for (std::size_t i = 0; i < sum.model.size(); ++i) sum.model[i] += own.model[i];
  }
  return sum;
}

}  // namespace forcesmith
