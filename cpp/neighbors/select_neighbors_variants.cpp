// Compiled once per instruction set (FORCESMITH_ISA).
#include "neighbors/select_neighbors_variants.hpp"

#include "simd/select.hpp"

namespace forcesmith::FORCESMITH_ISA {

namespace {

/// Calls select_group(indices, lanes) for as many listed atoms at a time as V has lanes. Those that `lanes` does
/// not select, at the end, are atom 0.
template <class V, class SelectGroup>
FORCESMITH_FUNCTION void for_groups(const int* listed, int n_listed, const SelectGroup& select_group) {
  constexpr int width = V::width;
  int first = 0;
  for (; first + width <= n_listed; first += width) select_group(listed + first, first_lanes(width));
  if (const int rest = n_listed - first; rest > 0) {
    int padded[width];
    simd_store_unaligned(padded, simd_load_first<IntegersOf<V>>(listed + first, rest));
    select_group(padded, first_lanes(rest));
  }
}

/// The row of a center's element.
template <class Real>
FORCESMITH_FUNCTION const Real* limits_of(const CloseLimits<Real>& limits, int element) {
  return limits.squares == nullptr ? nullptr : limits.squares + element * limits.n_elements;
}

/// Whether one of these lanes is closer than its limit. row: of the center's element; element(lane): of the neighbor.
template <class V, class Element>
FORCESMITH_FUNCTION bool any_close(V r_squared, unsigned lanes, const CloseLimits<typename V::Number>& limits,
                                   const typename V::Number* row, const Element& element) {
  bool close = false;
  for (unsigned near = lanes & lanes_less(r_squared, V(limits.largest_square)); near != 0; near &= near - 1) {
    const int lane = __builtin_ctz(near);
    close = close || r_squared[lane] < row[element(lane)];
  }
  return close;
}

int select_neighbors(const ListedAtoms<double>& atoms, int center, const int* listed, int n_listed,
                     const PairArrays<double>& to, int n_pairs, bool& close) {
  using V = DoubleSimd;
  const double* own = atoms.positions + 3 * static_cast<long long>(center);
  const double* limits = limits_of(atoms.close, atoms.elements != nullptr ? atoms.elements[center] : 0);
  for_groups<V>(listed, n_listed, [&](const int* listed_here, unsigned lanes) FORCESMITH_INLINE_LAMBDA {
    const auto index = [&](int i) { return listed_here[i] & atoms.index_mask; };
    V d[3];
    simd_gather_points(atoms.positions, index, d);
    for (int axis = 0; axis < 3; ++axis) d[axis] -= V(own[axis]);
    const V r_squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    lanes &= lanes_less(r_squared, V(atoms.cutoff_squared));
    if (atoms.elements != nullptr) {
      const auto elements = simd_gather<IntegersOf<V>>(atoms.elements, index);
      lanes &= ~lanes_less(elements, 0);
      store_selected(to.types + n_pairs, elements, lanes);
    }
    auto indices = simd_load_unaligned<IntegersOf<V>>(listed_here);
    indices.v &= atoms.index_mask;
    store_selected(to.neighbors + n_pairs, indices, lanes);
    store_selected(to.x + n_pairs, d[0], lanes);
    store_selected(to.y + n_pairs, d[1], lanes);
    store_selected(to.z + n_pairs, d[2], lanes);
    n_pairs += count_lanes(lanes);
    close |= any_close(r_squared, lanes, atoms.close, limits,
                       [&](int lane) { return atoms.elements != nullptr ? atoms.elements[index(lane)] : 0; });
  });
  return n_pairs;
}

int select_neighbors_on_grid(const ListedAtoms<float>& atoms, int center, const int* listed, int n_listed,
                             const PairArrays<float>& to, int n_pairs, bool& close) {
  using V = SingleSimd;
  const int* own = atoms.rows + 4 * static_cast<long long>(center);
  const float* limits = limits_of(atoms.close, own[3]);
  for_groups<V>(listed, n_listed, [&](const int* listed_here, unsigned lanes) FORCESMITH_INLINE_LAMBDA {
    const auto index = [&](int i) { return listed_here[i] & atoms.index_mask; };
    IntegersOf<V> row[4];
    simd_gather_rows(atoms.rows, index, row);
    V d[3];
    for (int axis = 0; axis < 3; ++axis) d[axis] = simd_difference(row[axis], own[axis]) * V(atoms.step);
    const V r_squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    lanes &= lanes_less(r_squared, V(atoms.cutoff_squared));
    if (!atoms.one_element) {
      lanes &= ~lanes_less(row[3], 0);
      store_selected(to.types + n_pairs, row[3], lanes);
    }
    auto indices = simd_load_unaligned<IntegersOf<V>>(listed_here);
    indices.v &= atoms.index_mask;
    store_selected(to.neighbors + n_pairs, indices, lanes);
    store_selected(to.x + n_pairs, d[0], lanes);
    store_selected(to.y + n_pairs, d[1], lanes);
    store_selected(to.z + n_pairs, d[2], lanes);
    n_pairs += count_lanes(lanes);
    close |= any_close(r_squared, lanes, atoms.close, limits, [&](int lane) { return row[3][lane]; });
  });
  return n_pairs;
}

void set_rows(const double* positions, const int* elements, int first, int end, double step, int* rows) {
  using Format = NumberFormat<double>;
  const double steps_per_angstrom = 1.0 / step;
  for (long long i = first; i < end; ++i) {
    for (int axis = 0; axis < 3; ++axis) {
      // The last bits of a number above 2^52 are those of its nearest whole number, in two's complement.
      const double shifted = positions[3 * i + axis] * steps_per_angstrom + Format::one_and_a_half;
      Format::Bits bits;
      __builtin_memcpy(&bits, &shifted, sizeof bits);
      rows[4 * i + axis] = static_cast<int>(static_cast<unsigned>(bits));
    }
    rows[4 * i + 3] = elements[i];
  }
}

}  // namespace

SelectNeighborsVariant select_neighbors_variant() { return {select_neighbors, select_neighbors_on_grid, set_rows}; }

}  // namespace forcesmith::FORCESMITH_ISA
