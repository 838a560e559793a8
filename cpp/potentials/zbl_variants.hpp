// The screened nuclear repulsion of many pairs, one function per instruction set. Included by sources that are
// compiled for each of them: no standard headers here.
#pragma once

#include "neighbors/packed_view.hpp"

namespace forcesmith {

/// V(r) = sum_n factor_n exp(-rate_n r) / r, to which S(r) = a/3 (r - inner)^3 + b/4 (r - inner)^4 beyond `inner`,
/// and c everywhere, are added, so that the sum goes smoothly to 0.
struct ZblPair {
  double factor[4], rate[4];  // eV angstrom, 1/angstrom
  double inner, outer;        // angstrom
  double a, b, c;             // eV/angstrom^3, eV/angstrom^4, eV
};

struct ZblTables {
  int n_elements;
  const ZblPair* pairs;  // [center element][neighbor element]
};

struct ZblVariant {
  int width;  // neighbors per pack
  /// Adds half the energy of every pair to that of its center, energies [n_atoms], and sets the derivatives of
  /// these halves with r_ij, pair_gradients [n_packs][3][width]; those of padding vanish.
  void (*add)(const ZblTables& tables, const PackedView& neighbors, double* energies, double* pair_gradients);
};

namespace portable {
ZblVariant zbl_variant();
}
namespace avx2 {
ZblVariant zbl_variant();
}
namespace avx512 {
ZblVariant zbl_variant();
}

}  // namespace forcesmith
