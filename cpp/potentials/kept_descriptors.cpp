#include "potentials/kept_descriptors.hpp"

#include <algorithm>
#include <utility>

#include "core/instruction_set.hpp"

namespace forcesmith {

namespace {

int filled_up(int n) { return (n + stored_rows_multiple - 1) / stored_rows_multiple * stored_rows_multiple; }

}  // namespace

StoredValues::StoredValues(const Potential& potential, const NeighborView& block, ComputedValues& computed)
    : BlockValues(static_cast<std::size_t>(block.n_atoms) * potential.stride()),
      block_(block),
      value_stride_(potential.stride()),
      row_length_(filled_up(value_stride_)),
      variant_(FORCESMITH_VARIANT_IN_USE(stored_gradients_variant)) {
  for (std::size_t element = 0; element < potential.elements().size(); ++element)
    sizes_.push_back(potential.size(static_cast<int>(element)));
  std::copy_n(computed.B(), B_.size(), B_.begin());
  const std::int64_t first = block.offsets[0], n_pairs = block.offsets[block.n_atoms] - first;
  std::vector<double> gradients(3 * n_pairs * value_stride_);
  computed.descriptors().gradients(gradients.data());
  const std::size_t of_pair = 3 * static_cast<std::size_t>(value_stride_);

  pair_offsets_.push_back(0);
  row_offsets_.push_back(0);
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    for (std::int64_t pair = block.offsets[atom] - first; pair < block.offsets[atom + 1] - first; ++pair) {
      const double* own = gradients.data() + pair * of_pair;
      if (std::any_of(own, own + of_pair, [](double g) { return g != 0.0; })) pairs_.push_back(static_cast<int>(pair));
    }
    pair_offsets_.push_back(static_cast<int>(pairs_.size()));
    row_offsets_.push_back(row_offsets_.back() + filled_up(3 * (pair_offsets_[atom + 1] - pair_offsets_[atom])));
  }
  const std::size_t size = static_cast<std::size_t>(row_offsets_.back()) * row_length_;
  float* rows = std::fill_n(rows_.reserve(size), size, 0.0f) - size;
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    float* row = rows + static_cast<std::size_t>(row_offsets_[atom]) * row_length_;
    for (int p = pair_offsets_[atom]; p < pair_offsets_[atom + 1]; ++p) {
      const double* own = gradients.data() + pairs_[p] * of_pair;
      for (int axis = 0; axis < 3; ++axis, own += value_stride_, row += row_length_)
        for (int k = 0; k < value_stride_; ++k) row[k] = static_cast<float>(own[k]);
    }
  }
}

std::size_t StoredValues::bytes() const {
  return sizeof(*this) + B_.size() * sizeof(double) +
         (pairs_.size() + pair_offsets_.size() + row_offsets_.size()) * sizeof(int) +
         sizeof(float) * static_cast<std::size_t>(row_offsets_.back()) * row_length_;
}

void StoredValues::backpropagate(const double* beta, const PairForces& to) {
  std::vector<double> own_beta(row_length_), products;
  for (int atom = 0; atom < block_.n_atoms; ++atom) {
    const int size = sizes_[block_.center_types[atom]];
    std::copy_n(beta + static_cast<std::size_t>(atom) * value_stride_, size, own_beta.begin());
    std::fill(own_beta.begin() + size, own_beta.end(), 0.0);
    products.resize(rows_of(atom));
    variant_.multiply(rows_.data() + static_cast<std::size_t>(row_offsets_[atom]) * row_length_, rows_of(atom),
                      row_length_, own_beta.data(), products.data());
    const double* g = products.data();
    for (int p = pair_offsets_[atom]; p < pair_offsets_[atom + 1]; ++p, g += 3) {
      const std::int64_t pair = block_.offsets[0] + pairs_[p];
      const double r[3] = {block_.x[pair], block_.y[pair], block_.z[pair]};
      FORCESMITH_ISA::add_pair_forces(r, g, block_.centers[atom], block_.neighbors[pair], to);
    }
  }
}

void StoredValues::tangent(const double* directions, double* B_dot) {
  std::vector<double> factors, sums(row_length_);
  for (int atom = 0; atom < block_.n_atoms; ++atom) {
    factors.assign(rows_of(atom), 0.0);
    double* factor = factors.data();
    for (int p = pair_offsets_[atom]; p < pair_offsets_[atom + 1]; ++p, factor += 3)
      std::copy_n(directions + 3 * static_cast<std::size_t>(pairs_[p]), 3, factor);
    std::fill(sums.begin(), sums.end(), 0.0);
    variant_.add(rows_.data() + static_cast<std::size_t>(row_offsets_[atom]) * row_length_, rows_of(atom), row_length_,
                 factors.data(), sums.data());
    std::copy_n(sums.data(), value_stride_, B_dot + static_cast<std::size_t>(atom) * value_stride_);
  }
}

KeptDescriptors::KeptDescriptors(const Potential& potential, int n_atoms, std::atomic<std::int64_t>& left)
    : potential_(potential),
      block_size_(potential.block_size()),
      left_(left),
      blocks_((n_atoms + block_size_ - 1) / block_size_) {}

BlockValues& KeptDescriptors::values(int first, const NeighborView& block, ComputedValues& computed) {
  std::unique_ptr<StoredValues>& kept = blocks_[first / block_size_];
  if (kept) return *kept;
  computed.compute(block);
  if (left_ <= 0) return computed;
  kept = std::make_unique<StoredValues>(potential_, block, computed);
  const auto bytes = static_cast<std::int64_t>(kept->bytes());
  left_ -= bytes;
  taken_ += bytes;
  return *kept;
}

}  // namespace forcesmith
