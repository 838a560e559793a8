// The screened nuclear repulsion of many pairs, one function per instruction set. Included by sources that are
// compiled for each of them: no standard headers here.
#pragma once

#include "neighbors/packed_view.hpp"

namespace forcesmith {

// phi(x) = sum_n amplitude_n exp(-decay_n x), with the constants of LAMMPS.
inline constexpr double zbl_amplitude[4] = {0.02817, 0.28022, 0.50986, 0.18175};
inline constexpr double zbl_decay[4] = {0.20162, 0.40290, 0.94229, 3.19980};

struct ZblPair {
  double prefactor, screening;  // Z_i Z_j e^2, eV angstrom; (Z_i^0.23 + Z_j^0.23) / a0, 1/angstrom
  double a, b, c;               // switching: S(r) = a/3 (r - inner)^3 + b/4 (r - inner)^4 + c
};

struct ZblTables {
  int n_elements;
  double inner;          // angstrom
  const ZblPair* pairs;  // [center element][neighbor element]
};

struct ZblVariant {
  int width;  // neighbors per pack
  /// Adds half the energy of every pair to that of its center, energies [n_atoms], and sets the derivatives of
  /// these halves with r_ij, pair_gradients [n_packs][3][width].
  void (*add)(const ZblTables& tables, const PackedView& neighbors, double* energies, double* pair_gradients);
};

namespace portable { ZblVariant zbl_variant(); }
namespace avx2 { ZblVariant zbl_variant(); }
namespace avx512 { ZblVariant zbl_variant(); }

}  // namespace forcesmith
