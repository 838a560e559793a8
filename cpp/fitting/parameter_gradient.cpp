#include "fitting/parameter_gradient.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "core/parallel.hpp"
#include "potentials/evaluate.hpp"

namespace forcesmith {

namespace {

/// Of every pair of the block, see set_direction(). False if all vanish.
bool set_directions(const NeighborView& block, const TrainingWeights& weights, int first,
                    std::vector<double>& directions) {
  directions.resize(3 * (block.offsets[block.n_atoms] - block.offsets[0]));
  double* d = directions.data();
  bool any = false;
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    const double* v = weights.virial_bar + 6 * weights.configuration[first + atom];
    const double* center = weights.force_bar + 3 * block.centers[atom];
    for (std::int64_t pair = block.offsets[atom]; pair < block.offsets[atom + 1]; ++pair, d += 3) {
      const double* neighbor = weights.force_bar + 3 * block.neighbors[pair];
      const double r[3] = {block.x[pair], block.y[pair], block.z[pair]};
      set_direction(center, neighbor, v, r, d);
      any = any || d[0] != 0.0 || d[1] != 0.0 || d[2] != 0.0;
    }
  }
  return any;
}

/// Rows of the gradient that one worker adds to: of configurations `first` to `last`.
class Rows {
 public:
  Rows(int first, int last, std::size_t n_descriptor, std::size_t n_model)
      : first_(first), n_descriptor_(n_descriptor), size_(n_descriptor + n_model), rows_((last - first + 1) * size_) {}
  double* descriptor(int row) { return rows_.data() + (row - first_) * size_; }
  double* model(int row) { return descriptor(row) + n_descriptor_; }
  void add_to(std::vector<double>& all) const {
    for (std::size_t i = 0; i < rows_.size(); ++i) all[first_ * size_ + i] += rows_[i];
  }

 private:
  std::size_t first_, n_descriptor_, size_;
  std::vector<double> rows_;
};

}  // namespace

std::vector<double> training_gradients(const Potential& potential, const NeighborSource& source,
                                       const TrainingWeights& weights, int n_configurations, bool together,
                                       int n_workers, KeptDescriptors* kept) {
  const int n_atoms = source.n_atoms(), block_size = potential.block_size();
  const int stride = potential.stride();
  const std::size_t n_descriptor = potential.descriptor_parameters().size();
  const std::size_t n_model = potential.model_parameters().size();
  std::vector<double> all((together ? 1 : n_configurations) * (n_descriptor + n_model));
  if (n_descriptor > 0) kept = nullptr;  // they change
  n_workers = std::clamp(n_workers, 1, std::max(1, (n_atoms + block_size - 1) / block_size));
  std::vector<std::optional<Rows>> rows(n_workers);

  for_each_worker(n_workers, [&](int worker) {
    const int begin = first_of_worker(n_atoms, block_size, worker, n_workers);
    const int end = first_of_worker(n_atoms, block_size, worker + 1, n_workers);
    if (begin == end) return;
    const auto row_of = [&](int atom) { return together ? 0 : weights.configuration[atom]; };
    Rows& own = rows[worker].emplace(row_of(begin), row_of(end - 1), n_descriptor, n_model);
    NeighborBuffer buffer;
    ComputedValues computed(potential);
    const std::unique_ptr<Model::Workspace> workspace = potential.model().make_workspace();
    std::vector<double> B_dot(computed.size()), B_bar(B_dot.size()), B_dot_bar(B_dot.size()), directions, of_atoms;
    for (int first = begin; first < end; first += block_size) {
      const NeighborView block = source.block(first, std::min(block_size, end - first), buffer);
      const double* energy_bar = weights.energy_bar + first;
      const bool any = set_directions(block, weights, first, directions) ||
                       std::any_of(energy_bar, energy_bar + block.n_atoms, [](double bar) { return bar != 0.0; });
      if (!any) continue;
      BlockValues* values = &computed;
      if (kept) values = &kept->values(first, block, computed);
      else computed.compute(block);
      values->tangent(directions.data(), B_dot.data());
      for (int atom = 0, next; atom < block.n_atoms; atom = next) {  // configuration by configuration
        const int row = row_of(first + atom);
        for (next = atom + 1; next < block.n_atoms && row_of(first + next) == row;) ++next;
        const std::size_t entry = static_cast<std::size_t>(atom) * stride;
        potential.model().parameter_adjoint(*workspace, next - atom, block.center_types + atom, values->B() + entry,
                                            B_dot.data() + entry, stride, energy_bar + atom, B_bar.data() + entry,
                                            B_dot_bar.data() + entry, own.model(row));
      }
      if (n_descriptor == 0) continue;
      if (row_of(first) == row_of(first + block.n_atoms - 1)) {
        computed.descriptors().parameter_adjoint(directions.data(), B_bar.data(), B_dot_bar.data(),
                                                 own.descriptor(row_of(first)));
        continue;
      }
      of_atoms.assign(block.n_atoms * n_descriptor, 0.0);
      computed.descriptors().parameter_adjoint(directions.data(), B_bar.data(), B_dot_bar.data(), of_atoms.data(),
                                               static_cast<int>(n_descriptor));
      for (int atom = 0; atom < block.n_atoms; ++atom) {
        double* row = own.descriptor(row_of(first + atom));
        for (std::size_t k = 0; k < n_descriptor; ++k) row[k] += of_atoms[atom * n_descriptor + k];
      }
    }
  });
  for (const std::optional<Rows>& own : rows)
    if (own) own->add_to(all);
  return all;
}

}  // namespace forcesmith
