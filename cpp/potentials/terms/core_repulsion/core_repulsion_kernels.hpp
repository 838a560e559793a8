// The kernel of the core repulsion, written once for all processors (see simd/simd.hpp). Lanes run over neighbors of one
// element.
#pragma once

#include "math/cutoff_functions.hpp"
#include "neighbors/packed_view.hpp"
#include "potentials/terms/core_repulsion/core_repulsion_tables.hpp"
#include "simd/exponential.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// As variants and launches call it.
struct CoreRepulsionKernels {
  using Tables = CoreRepulsionTables;

  /// Adds the energies of the neighbors to that of their center, energies [n_atoms], and sets their derivatives with
  /// r_ij, pair_gradients [n_packs][3][width]; those of padding vanish.
  template <class V>
  static FORCESMITH_FUNCTION void add(const CoreRepulsionTables& t, const PackedView& neighbors, double* energies,
                                      double* pair_gradients) {
    constexpr double half_pi = 1.57079632679489661923;
    const V zero(0.0), one(1.0);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      V energy(0.0);
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const CoreRepulsionPair& p =
            t.pairs[neighbors.center_types[atom] * t.n_elements + neighbors.pack_types[pack * V::threads]];
        const int at = pack * V::stride;
        const V r = simd_load<V>(neighbors.r + at), inverse = one / r;
        V f, df;
        cosine_cutoff(r / V(p.cutoff), V(-half_pi / p.cutoff), f, df);
        V value = V(p.factor) * simd_exp(V(-p.decay) * r * r) * inverse;
        V slope = -value * (V(2.0 * p.decay) * r + inverse);
        slope = slope * f + value * df;
        value = value * f;
        if (p.inner_width > 0.0) {  // times a polynomial that falls from 1 to 0
          const V half_width(p.inner_width / 2.0);
          V x = (r - V(p.inner_cutoff)) / half_width + one;
          x = simd_if_less(x, -one, -one, simd_if_less(x, one, x, one));
          const V square = x * x, flank = one - square;
          const V step = V(0.5) - x * (V(15.0 / 16) + square * (V(-10.0 / 16) + square * V(3.0 / 16)));
          slope = slope * step - value * V(15.0 / 16) * flank * flank / half_width;
          value = value * step;
        }
        energy += value;
        double* gradient = pair_gradients + 3 * at;
        simd_store(gradient, slope * simd_load<V>(neighbors.x + at));
        simd_store(gradient + V::stride, slope * simd_load<V>(neighbors.y + at));
        simd_store(gradient + 2 * V::stride, slope * simd_load<V>(neighbors.z + at));
      }
      energies[atom] += lane_sum(energy);
    }
  }
};

}  // namespace forcesmith::FORCESMITH_ISA
