// What descriptor kernels see of the neighbors of one block of atoms: see PackedNeighbors.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace forcesmith {

/// Neighbors inside the cutoff in packs of `width`, each pack of one element or of all. Padding sits exactly at
/// the cutoff of the pair, where every descriptor vanishes together with its slope.
/// In single precision, unit vectors and distances are rounded once, here.
/// On devices the packs of V::threads atoms alternate: a thread sees those of its own, see simd/registers.hpp.
template <class Real>
struct PackedViewOf {
  int n_atoms;              // for kernels of descriptors at most `width`
  int width;                // neighbors per pack
  const int* center_types;  // [n_atoms]
  const int* pack_offsets;  // [n_atoms + 1]
  const int* pack_types;    // [n_packs] element of the neighbors in a pack; null where they mix
  const Real* x;            // [n_packs][width] components of r_ij / |r_ij|
  const Real* y;
  const Real* z;
  const Real* r;     // [n_packs][width] |r_ij|, angstrom
  const int* pairs;  // [n_packs][width] pair, counted from the block's first; -1: padding
  const int* types;  // [n_packs][width] element, 0 for padding; null where there is one, or packs are of one
};

using PackedView = PackedViewOf<double>;

}  // namespace forcesmith
