// What PackedNeighbors does with many neighbors at once, as functions per instruction set. Included by sources
// that are compiled for each of them: no standard headers here.
#pragma once

#include "core/variants.hpp"
#include "neighbors/packed_view.hpp"
#include "neighbors/pair_forces.hpp"

namespace forcesmith {

/// Neighbors of one atom: pairs begin .. end - 1 of a block.
template <class Given>
struct PairRange {
  const Given *x, *y, *z;  // [pair] r_ij, angstrom
  const int* types;        // [pair] element; null: all are the one wanted
  int begin, end;
};

/// Places in packs: x, y, z and, later, r; pair; element, where they mix.
template <class Real>
struct PackSlots {
  Real *x, *y, *z, *r;
  int *pairs, *types;
};

/// What a pack is of.
struct PackKind {
  static constexpr int any_element = -1;
  int element;
  double cutoff;  // angstrom
  int width;
};

/// Puts the neighbors of one kind inside the cutoff into slots `slot` and following ones, fills their last pack with
/// padding and returns its end. Overwrites up to 16 slots beyond it.
template <class Real, class Given>
using AppendNeighbors = int (*)(const PairRange<Given>& pairs, const PackKind& kind, const PackSlots<Real>& to,
                                int slot);

template <class Real>
struct PackingVariant {
  AppendNeighbors<Real, double> append_double;
  AppendNeighbors<Real, float> append_single;
  /// The same for neighbors that are all of the kind and inside the cutoff: as unit vectors, with their lengths.
  AppendNeighbors<Real, Real> append_all;
  /// Replaces n vectors by unit vectors (by zero where the length is zero) and sets their lengths r. n is a
  /// multiple of the number of lanes, the arrays are aligned.
  void (*normalize)(const PackSlots<Real>& slots, int n);
  /// Adds dE_i/dr_ij, gradients [n_packs][3][width], to forces and virials. The width is a multiple of that of a
  /// register of doubles; gradients of padding vanish. centers [n_atoms] and neighbors [pair]: atoms of the host.
  void (*add_forces)(const PackedViewOf<Real>& packs, const int* centers, const int* neighbors, const Real* gradients,
                     const PairForces& to);

  template <class Given>
  AppendNeighbors<Real, Given> append() const {
    if constexpr (sizeof(Given) == sizeof(float)) return append_single;
    else return append_double;
  }
};

struct PackingVariants {
  PackingVariant<double> in_double;
  PackingVariant<float> in_single;

  template <class Real>
  const PackingVariant<Real>& of() const {
    if constexpr (sizeof(Real) == sizeof(float)) return in_single;
    else return in_double;
  }
};

FORCESMITH_DECLARE_VARIANTS(PackingVariants packing_variants());

}  // namespace forcesmith
