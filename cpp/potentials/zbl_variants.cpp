// Compiled once per instruction set (FORCESMITH_ISA).
#include "potentials/zbl_variants.hpp"

#include "math/lane_exponential.hpp"

namespace forcesmith::FORCESMITH_ISA {

namespace {

using L = Lane<double, native_width>;

void add_zbl(const ZblTables& t, const PackedView& neighbors, double* energies, double* pair_gradients) {
  for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
    L energy(0.0);
    for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
      const ZblPair& p = t.pairs[neighbors.center_types[atom] * t.n_elements + neighbors.pack_types[pack]];
      const int slot = pack * L::width;
      const L r = lane_load<L>(neighbors.r + slot), inverse = L(1.0) / r;
      L sum(0.0), slope(0.0);
      for (int n = 0; n < 4; ++n) {
        const L term = L(p.factor[n]) * lane_exp(L(-p.rate[n]) * r);
        sum += term;
        slope -= L(p.rate[n]) * term;
      }
      const L beyond = r - L(p.inner), half = lane_if_less(r, L(p.outer), L(0.5), L(0.0));
      const L switched = lane_if_less(L(0.0), beyond, beyond, L(0.0)), square = switched * switched;
      slope = half * (inverse * (slope - sum * inverse) + square * (L(p.a) + L(p.b) * switched));
      energy += half * (sum * inverse + L(p.c) + square * switched * (L(p.a / 3.0) + L(p.b / 4.0) * switched));
      double* gradient = pair_gradients + 3 * slot;
      lane_store(gradient, slope * lane_load<L>(neighbors.x + slot));
      lane_store(gradient + L::width, slope * lane_load<L>(neighbors.y + slot));
      lane_store(gradient + 2 * L::width, slope * lane_load<L>(neighbors.z + slot));
    }
    energies[atom] += lane_sum(energy);
  }
}

}  // namespace

ZblVariant zbl_variant() {
  return {native_width, add_zbl};
}

}  // namespace forcesmith::FORCESMITH_ISA
