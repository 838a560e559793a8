#include "neighbors/packed_neighbors.hpp"

#include <algorithm>
#include <cmath>

namespace forcesmith {

template <class Real>
void PackedNeighborsOf<Real>::pack(const NeighborView& block, const std::vector<double>& cutoffs,
                                   int n_elements, int width) {
  width_ = width;
  center_types_.assign(block.center_types, block.center_types + block.n_atoms);
  pack_offsets_.assign(1, 0);
  pack_types_.clear();
  pack_cutoffs_.clear();
  pairs_.clear();
  by_element_.resize(n_elements);
  const std::int64_t first_pair = block.offsets[0];

  for (int atom = 0; atom < block.n_atoms; ++atom) {
    for (auto& list : by_element_) list.clear();
    const double* own_cutoffs = cutoffs.data() + block.center_types[atom] * n_elements;
    for (std::int64_t pair = block.offsets[atom]; pair < block.offsets[atom + 1]; ++pair) {
      const double* d = block.displacements + 3 * pair;
      const double cutoff = own_cutoffs[block.types[pair]];
      if (d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < cutoff * cutoff)
        by_element_[block.types[pair]].push_back(pair - first_pair);
    }
    for (int element = 0; element < n_elements; ++element) {
      const auto& list = by_element_[element];
      if (list.empty()) continue;
      const int packs = static_cast<int>((list.size() + width - 1) / width);
      pack_types_.insert(pack_types_.end(), packs, element);
      pack_cutoffs_.insert(pack_cutoffs_.end(), packs, own_cutoffs[element]);
      pairs_.insert(pairs_.end(), list.begin(), list.end());
      pairs_.resize(pack_types_.size() * width, -1);
    }
    pack_offsets_.push_back(static_cast<int>(pack_types_.size()));
  }

  const std::size_t size = pairs_.size();
  Real* x = components_.reserve(4 * size);
  Real *y = x + size, *z = y + size, *r = z + size;
  for (std::size_t slot = 0; slot < size; ++slot) {
    if (pairs_[slot] < 0) {
      x[slot] = y[slot] = 0.0;
      z[slot] = 1.0;
      r[slot] = pack_cutoffs_[slot / width];
      continue;
    }
    const double* d = block.displacements + 3 * (first_pair + pairs_[slot]);
    const double distance = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    const double inverse = distance > 0.0 ? 1.0 / distance : 0.0;
    x[slot] = d[0] * inverse;
    y[slot] = d[1] * inverse;
    z[slot] = d[2] * inverse;
    r[slot] = distance;
  }
}

template <class Real>
PackedViewOf<Real> PackedNeighborsOf<Real>::view() const {
  const std::size_t size = pairs_.size();
  const Real* x = components_.data();
  return {static_cast<int>(center_types_.size()),
          width_,
          center_types_.data(),
          pack_offsets_.data(),
          pack_types_.data(),
          x,
          x + size,
          x + 2 * size,
          x + 3 * size,
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
