#include "neighbors/packed_neighbors.hpp"

#include <algorithm>

#include "core/instruction_set.hpp"

namespace forcesmith {

namespace {

/// The one of that precision, for the instruction set in use.
template <class Real>
Normalize<Real> normalize_in_use() {
  const NormalizeVariants variants = FORCESMITH_VARIANT_IN_USE(normalize_variants);
  if constexpr (sizeof(Real) == sizeof(float)) return variants.in_single;
  else return variants.in_double;
}

}  // namespace

template <class Real>
PackedNeighborsOf<Real>::PackedNeighborsOf() : normalize_(normalize_in_use<Real>()) {}

template <class Real>
void PackedNeighborsOf<Real>::pack(const NeighborView& block, const std::vector<double>& cutoffs,
                                   int n_elements, int width) {
  width_ = width;
  center_types_.assign(block.center_types, block.center_types + block.n_atoms);
  pack_offsets_.assign(1, 0);
  pack_types_.clear();
  const std::int64_t first_pair = block.offsets[0];
  // A pack may be partly empty: one more per atom and element.
  const std::size_t n_pairs = block.offsets[block.n_atoms] - first_pair;
  constexpr std::size_t most_lanes = 64 / sizeof(Real);  // in a register of any instruction set
  std::size_t capacity = n_pairs + static_cast<std::size_t>(block.n_atoms) * n_elements * width;
  capacity = (capacity / most_lanes + 1) * most_lanes;
  if (pairs_.size() < capacity) pairs_.resize(capacity);
  Real* x = components_.reserve(4 * capacity);
  Real *y = x + capacity, *z = y + capacity, *r = z + capacity;
  capacity_ = capacity;
  paddings_.clear();

  std::size_t slot = 0;
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    const double* own_cutoffs = cutoffs.data() + block.center_types[atom] * n_elements;
    for (int element = 0; element < n_elements; ++element) {
      const double cutoff = own_cutoffs[element], cutoff_squared = cutoff * cutoff;
      const std::size_t begin = slot;
      for (std::int64_t pair = block.offsets[atom]; pair < block.offsets[atom + 1]; ++pair) {
        const double* d = block.displacements + 3 * pair;
        const double squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        x[slot] = static_cast<Real>(d[0]);
        y[slot] = static_cast<Real>(d[1]);
        z[slot] = static_cast<Real>(d[2]);
        pairs_[slot] = pair - first_pair;
        // Written first and kept only if wanted: no branch to mispredict.
        slot += (block.types[pair] == element) & (squared < cutoff_squared);
      }
      const std::size_t end = begin + (slot - begin + width - 1) / width * width;
      if (slot < end) paddings_.push_back({slot, end, cutoff});
      slot = end;
      pack_types_.insert(pack_types_.end(), (end - begin) / width, element);
    }
    pack_offsets_.push_back(static_cast<int>(pack_types_.size()));
  }
  normalize_(x, y, z, r, static_cast<int>((slot + most_lanes - 1) / most_lanes * most_lanes));
  for (const Padding& padding : paddings_)
    for (std::size_t k = padding.begin; k < padding.end; ++k) {
      x[k] = y[k] = 0;
      z[k] = 1;
      r[k] = static_cast<Real>(padding.cutoff);
      pairs_[k] = -1;
    }
}

template <class Real>
PackedViewOf<Real> PackedNeighborsOf<Real>::view() const {
  const Real* x = components_.data();
  return {static_cast<int>(center_types_.size()),
          width_,
          center_types_.data(),
          pack_offsets_.data(),
          pack_types_.data(),
          x,
          x + capacity_,
          x + 2 * capacity_,
          x + 3 * capacity_,
          pairs_.data()};
}

template <class Real>
int PackedNeighborsOf<Real>::max_packs_per_atom() const {
  int largest = 0;
  for (std::size_t atom = 0; atom + 1 < pack_offsets_.size(); ++atom)
    largest = std::max(largest, pack_offsets_[atom + 1] - pack_offsets_[atom]);
  return largest;
}

template class PackedNeighborsOf<double>;
template class PackedNeighborsOf<float>;

}  // namespace forcesmith
