// The kernel of the screened nuclear repulsion, written once for all processors (see simd/simd.hpp). Lanes run over
// neighbors of one element.
#pragma once

#include "neighbors/packed_view.hpp"
#include "potentials/terms/zbl/zbl_tables.hpp"
#include "simd/exponential.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// As variants and launches call it.
struct ZblKernels {
  using Tables = ZblTables;

  /// Adds half the energy of every pair to that of its center, energies [n_atoms], and sets the derivatives of
  /// these halves with r_ij, pair_gradients [n_packs][3][width]; those of padding vanish.
  template <class V>
  static FORCESMITH_FUNCTION void add(const ZblTables& t, const PackedView& neighbors, double* energies,
                                      double* pair_gradients) {
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      V energy(0.0);
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const ZblPair& p =
            t.pairs[neighbors.center_types[atom] * t.n_elements + neighbors.pack_types[pack * V::threads]];
        const int at = pack * V::stride;
        const V r = simd_load<V>(neighbors.r + at), inverse = V(1.0) / r;
        V sum(0.0), slope(0.0);
        for (int n = 0; n < 4; ++n) {
          const V term = V(p.factor[n]) * simd_exp(V(-p.rate[n]) * r);
          sum += term;
          slope -= V(p.rate[n]) * term;
        }
        const V beyond = r - V(p.inner), half = simd_if_less(r, V(p.outer), V(0.5), V(0.0));
        const V switched = simd_if_less(V(0.0), beyond, beyond, V(0.0)), square = switched * switched;
        slope = half * (inverse * (slope - sum * inverse) + square * (V(p.a) + V(p.b) * switched));
        energy += half * (sum * inverse + V(p.c) + square * switched * (V(p.a / 3.0) + V(p.b / 4.0) * switched));
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
