// Neighbors of one block of atoms prepared for SIMD kernels: those inside the cutoff only, in packs of `width`
// neighbors, of one element each or of all, stored component by component.
#pragma once

#include <cstddef>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/packed_view.hpp"
#include "neighbors/packing_variants.hpp"

namespace forcesmith {

PackingVariants packing_variants_in_use();

/// Elements of the neighbors in a pack. Fewer slots stay empty where they mix.
enum class PackElements { one, mixed };

template <class Real>
class PackedNeighborsOf {
 public:
  /// variants: of the instruction set of the kernels that read the packs.
  explicit PackedNeighborsOf(const PackingVariants& variants = packing_variants_in_use());
  /// Packs all atoms of `block`. cutoffs: [center element][neighbor element], angstrom; of packs of mixed elements,
  /// those of all neighbors are the same.
  template <class Given>
  void pack(const NeighborViewOf<Given>& block, const std::vector<double>& cutoffs, int n_elements, int width,
            PackElements elements = PackElements::one);
  const PackedViewOf<Real>& view() const { return view_; }
  /// Adds dE_i/dr_ij, gradients [n_packs][3][width], to forces and virials, while the arrays of `block` are still
  /// there. The width is that of a register of the variants, or two; gradients of padding vanish.
  void add_forces(const Real* gradients, const PairForces& to) const;
  int n_packs() const { return view_.pack_offsets[view_.n_atoms]; }
  int max_packs_per_atom() const;

 private:
  PackingVariant<Real> variant_;
  const int *centers_ = nullptr, *neighbors_ = nullptr;  // of the host, for the atoms and pairs of the block
  std::vector<int> center_types_;
  AlignedBufferOf<int> pack_offsets_, pack_types_, pairs_, types_;
  AlignedBufferOf<Real> components_;  // x, y, z, r one after the other
  PackedViewOf<Real> view_{};
};

using PackedNeighbors = PackedNeighborsOf<double>;

}  // namespace forcesmith
