// Compiled once per instruction set (FORCESMITH_ISA).
#include "potentials/add_virial_variants.hpp"

#include "core/lane.hpp"

namespace forcesmith::FORCESMITH_ISA {

namespace {

using L = Lane<double, native_width>;

/// Components x y z x y z .. fill three registers before they repeat. Each is multiplied with the gradients at
/// the same place (xx yy zz), one further (xy yz) and two further (xz); the other products are not looked at.
void add_virial(const double* r, const double* g, std::int64_t n_pairs, double* virial) {
  constexpr int width = L::width;
  L sums[3][3];
  for (auto& of_shift : sums)
    for (L& sum : of_shift) sum = L(0.0);
  std::int64_t pair = 0;
  for (; pair + width <= n_pairs; pair += width)
    for (int k = 0; k < 3; ++k) {
      const std::int64_t at = 3 * pair + k * width;
      const L displacements = lane_load_unaligned<L>(r + at);
      for (int shift = 0; shift < 3; ++shift)
        sums[shift][k] += displacements * lane_load_unaligned<L>(g + at + shift);
    }
  for (int k = 0; k < 3; ++k)
    for (int lane = 0; lane < width; ++lane) {
      const int axis = (k * width + lane) % 3;
      virial[axis] -= sums[0][k][lane];
      if (axis == 0) virial[3] -= sums[1][k][lane];
      if (axis == 1) virial[5] -= sums[1][k][lane];
      if (axis == 0) virial[4] -= sums[2][k][lane];
    }
  for (; pair < n_pairs; ++pair) {
    const double *own_r = r + 3 * pair, *own_g = g + 3 * pair;
    for (int axis = 0; axis < 3; ++axis) virial[axis] -= own_r[axis] * own_g[axis];
    virial[3] -= own_r[0] * own_g[1];
    virial[4] -= own_r[0] * own_g[2];
    virial[5] -= own_r[1] * own_g[2];
  }
}

}  // namespace

AddVirial add_virial_variant() {
  return add_virial;
}

}  // namespace forcesmith::FORCESMITH_ISA
