// Compiled once per instruction set (FORCESMITH_ISA).
#include "neighbors/normalize_variants.hpp"

#include "core/lane.hpp"

namespace forcesmith::FORCESMITH_ISA {

template <class L, class Real>
void normalize(Real* x, Real* y, Real* z, Real* r, int n) {
  for (int i = 0; i < n; i += L::width) {
    const L dx = lane_load<L>(x + i), dy = lane_load<L>(y + i), dz = lane_load<L>(z + i);
    const L length = lane_sqrt(dx * dx + dy * dy + dz * dz);
    const L inverse = lane_if_less(L(0), length, L(1) / length, L(0));
    lane_store(x + i, dx * inverse);
    lane_store(y + i, dy * inverse);
    lane_store(z + i, dz * inverse);
    lane_store(r + i, length);
  }
}

NormalizeVariants normalize_variants() {
  return {normalize<Lane<double, native_width>>, normalize<Lane<float, native_single_width>>};
}

}  // namespace forcesmith::FORCESMITH_ISA
