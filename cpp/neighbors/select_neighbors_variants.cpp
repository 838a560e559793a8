// Compiled once per instruction set (FORCESMITH_ISA).
#include "neighbors/select_neighbors_variants.hpp"

#include "core/lane_select.hpp"

namespace forcesmith::FORCESMITH_ISA {

namespace {

constexpr int width = native_width;

int select_neighbors(const ListedAtoms& atoms, int center, const int* listed, int n_listed, const PairArrays& to,
                     int n_pairs) {
  const double* own = atoms.positions + 3 * static_cast<long long>(center);
  const auto select_group = [&](const int* listed_here, unsigned lanes) FORCESMITH_INLINE_LAMBDA {
    const auto index = [&](int i) { return listed_here[i] & atoms.index_mask; };
    IntLane indices = lane_load_unaligned<IntLane>(listed_here);
    indices.v &= IntLane(atoms.index_mask).v;
    DoubleLane d[3];
    lane_gather_points(atoms.positions, index, d);
    for (int axis = 0; axis < 3; ++axis) d[axis] -= DoubleLane(own[axis]);
    lanes &= lanes_less(d[0] * d[0] + d[1] * d[1] + d[2] * d[2], DoubleLane(atoms.cutoff_squared));
    if (atoms.elements != nullptr) {
      const IntLane elements = lane_gather(atoms.elements, index);
      lanes &= ~lanes_less(elements, 0);
      store_selected(to.types + n_pairs, elements, lanes);
    }
    store_selected(to.neighbors + n_pairs, indices, lanes);
    store_selected(to.x + n_pairs, d[0], lanes);
    store_selected(to.y + n_pairs, d[1], lanes);
    store_selected(to.z + n_pairs, d[2], lanes);
    n_pairs += count_lanes(lanes);
  };
  int first = 0;
  for (; first + width <= n_listed; first += width) select_group(listed + first, (1u << width) - 1);
  if (const int rest = n_listed - first; rest > 0) {
    int padded[width];  // with atom 0, not selected
    lane_store_unaligned(padded, lane_load_first(listed + first, rest));
    select_group(padded, (1u << rest) - 1);
  }
  return n_pairs;
}

}  // namespace

SelectNeighbors select_neighbors_variant() {
  return select_neighbors;
}

}  // namespace forcesmith::FORCESMITH_ISA
