// Neighbors of one block of atoms prepared for SIMD kernels: those inside the cutoff only, sorted by
// element, in packs of `width` neighbors of one element, stored component by component.
#pragma once

#include <cstddef>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/packed_view.hpp"
#include "neighbors/packing_variants.hpp"

namespace forcesmith {

PackingVariants packing_variants_in_use();

template <class Real>
class PackedNeighborsOf {
 public:
  /// variants: of the instruction set of the kernels that read the packs.
  explicit PackedNeighborsOf(const PackingVariants& variants = packing_variants_in_use());
  /// Packs all atoms of `block`. cutoffs: [center element][neighbor element], angstrom.
  void pack(const NeighborView& block, const std::vector<double>& cutoffs, int n_elements, int width);
  PackedViewOf<Real> view() const;
  /// Adds dE_i/dr_ij, gradients [n_packs][3][width], to forces and virials, while the arrays of `block` are still
  /// there. The width is that of a register of the variants, or two; gradients of padding vanish.
  void add_forces(const Real* gradients, PairForces& to) const;
  int n_packs() const { return n_packs_; }
  int max_packs_per_atom() const;

 private:
  int width_ = 1, n_packs_ = 0;
  PackingVariant<Real> variant_;
  const int *centers_ = nullptr, *neighbors_ = nullptr;  // of the host, for the atoms and pairs of the block
  std::vector<int> center_types_;
  AlignedBufferOf<int> pack_offsets_, pack_types_, pairs_;
  std::size_t capacity_ = 0;
  AlignedBufferOf<Real> components_;  // x, y, z, r one after the other, each of capacity_
};

using PackedNeighbors = PackedNeighborsOf<double>;

}  // namespace forcesmith
