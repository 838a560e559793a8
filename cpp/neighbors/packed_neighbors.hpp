// Neighbors of one block of atoms prepared for SIMD kernels: those inside the cutoff only, sorted by
// element, in packs of `width` neighbors of one element, stored component by component.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/normalize_variants.hpp"
#include "neighbors/packed_view.hpp"

namespace forcesmith {

template <class Real>
class PackedNeighborsOf {
 public:
  PackedNeighborsOf();
  /// Packs all atoms of `block`. cutoffs: [center element][neighbor element], angstrom.
  void pack(const NeighborView& block, const std::vector<double>& cutoffs, int n_elements, int width);
  PackedViewOf<Real> view() const;
  int n_packs() const { return static_cast<int>(pack_types_.size()); }
  int max_packs_per_atom() const;

 private:
  int width_ = 1;
  struct Padding {
    std::size_t begin, end;  // slots
    double cutoff;
  };

  Normalize<Real> normalize_;
  std::vector<Padding> paddings_;
  std::vector<int> center_types_, pack_offsets_, pack_types_;
  std::vector<std::int64_t> pairs_;
  std::size_t capacity_ = 0;
  AlignedBufferOf<Real> components_;  // x, y, z, r one after the other, each of capacity_
};

using PackedNeighbors = PackedNeighborsOf<double>;

}  // namespace forcesmith
