#include "fitting/design_matrix.hpp"

#include <algorithm>
#include <atomic>

#include "core/error.hpp"
#include "core/parallel.hpp"

namespace forcesmith {

namespace {

/// Adds the rows of one block; `rows` are those of its configuration, cleared.
class DesignBlock {
 public:
  DesignBlock(const Potential& potential, const LinearInParameters& model)
      : model_(model),
        descriptors_(potential),
        n_columns_(potential.model_parameters().size()),
        stride_(potential.stride()),
        B_(static_cast<std::size_t>(potential.block_size()) * stride_) {}

  void add(const NeighborView& block, int first_atom, double* rows) {
    const std::int64_t first_pair = block.offsets[0];
    descriptors_.values(block, B_.data());
    gradients_.assign(3 * (block.offsets[block.n_atoms] - first_pair) * stride_, 0.0);
    descriptors_.gradients(gradients_.data());
    double* virial_rows = rows + n_columns_;
    double* force_rows = rows + 7 * n_columns_;
    for (int atom = 0; atom < block.n_atoms; ++atom) {
      const int element = block.center_types[atom];
      const double* B = B_.data() + static_cast<std::size_t>(atom) * stride_;
      model_.add_design_row(element, B, rows);
      // dB of the center's own displacement and of the strain: sums over its neighbors.
      sums_.assign(9 * stride_, 0.0);
      for (std::int64_t pair = block.offsets[atom]; pair < block.offsets[atom + 1]; ++pair) {
        double* neighbor = force_rows + 3 * (block.neighbors[pair] - first_atom) * n_columns_;
        const double r[3] = {block.x[pair], block.y[pair], block.z[pair]};
        for (int axis = 0; axis < 3; ++axis) {
          const double* dB = gradients_.data() + (3 * (pair - first_pair) + axis) * stride_;
          model_.add_design_gradient(element, B, dB, -1.0, neighbor + axis * n_columns_);
          add(1.0, dB, axis);
          // Virial rows xx yy zz xy xz yz: W_ab = -r_a g_b, with b = axis.
          static constexpr int row_of[3][3] = {{0, 3, 4}, {-1, 1, 5}, {-1, -1, 2}};
          for (int other = 0; other <= axis; ++other) add(-r[other], dB, 3 + row_of[other][axis]);
        }
      }
      double* center = force_rows + 3 * (block.centers[atom] - first_atom) * n_columns_;
      for (int sum = 0; sum < 9; ++sum)
        model_.add_design_gradient(element, B, sums_.data() + sum * stride_, 1.0,
                                   sum < 3 ? center + sum * n_columns_ : virial_rows + (sum - 3) * n_columns_);
    }
  }

 private:
  void add(double factor, const double* dB, int sum) {
    double* own = sums_.data() + sum * stride_;
    for (int k = 0; k < stride_; ++k) own[k] += factor * dB[k];
  }

  const LinearInParameters& model_;
  BlockDescriptors descriptors_;
  std::size_t n_columns_;
  int stride_;
  std::vector<double> B_, gradients_;
  std::vector<double> sums_;  // [3 force, 6 virial][stride]
};

}  // namespace

void design_matrix(const Potential& potential, const NeighborSource& source,
                   const std::vector<ConfigurationRange>& ranges, double* rows, int n_workers) {
  const LinearInParameters* model = potential.model().linear_in_parameters();
  if (model == nullptr)
    throw ParameterError("The model \"" + potential.model().type() +
                         "\" is not linear in its parameters, so it has no design matrix; train it by gradients.");
  const std::size_t n_columns = potential.model_parameters().size();
  const int block_size = potential.block_size();
  std::vector<std::size_t> first_row{0};
  for (const ConfigurationRange& range : ranges) first_row.push_back(first_row.back() + design_rows(range));

  std::atomic<std::size_t> next{0};
  for_each_worker(std::max(1, n_workers), [&](int) {
    DesignBlock design(potential, *model);
    NeighborBuffer buffer;
    for (std::size_t c = next++; c < ranges.size(); c = next++) {
      double* own = rows + first_row[c] * n_columns;
      std::fill(own, rows + first_row[c + 1] * n_columns, 0.0);
      const int end = ranges[c].first + ranges[c].count;
      for (int first = ranges[c].first; first < end; first += block_size)
        design.add(source.block(first, std::min(block_size, end - first), buffer), ranges[c].first, own);
    }
  });
}

}  // namespace forcesmith
