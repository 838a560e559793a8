// The Jacobian of the values row by row, from the adjoint of the values alone: what takes the place of kernels for
// gradients and tangent where a descriptor has none. Slow: as many adjoints as there are values.
#pragma once

#include <cstddef>
#include <vector>

#include "core/table_arrays.hpp"
#include "descriptors/descriptor.hpp"
#include "neighbors/packed_view.hpp"

namespace forcesmith {

/// The rows of a unit matrix, as beta of all atoms. threads: of the registers, see simd/registers.hpp.
struct UnitBetas {
  int n_elements, n_values;  // n_values: the most of an element
  const int* sizes;          // [element] values
  const double* numbers;     // [2 n_values - 1][threads] a 1 in the middle, between zeros
  int threads = 1;

  FORCESMITH_FUNCTION const double* row(int k) const { return numbers + (n_values - 1 - k) * threads; }
};

/// The list of arrays, see core/table_arrays.hpp.
template <class Visit>
void for_each_array(const UnitBetas& from, UnitBetas& to, const Visit& visit) {
  visit("sizes", from.sizes, to.sizes, from.n_elements);
  visit("unit_betas", from.numbers, to.numbers, (2ul * from.n_values - 1) * from.threads);
}

inline UnitBetas unit_betas(const Descriptor& descriptor, int n_elements, TableArrays& arrays, int threads = 1) {
  UnitBetas unit{n_elements, 1, nullptr, nullptr, threads};
  std::vector<int> sizes;
  for (int element = 0; element < n_elements; ++element) {
    sizes.push_back(descriptor.size(element));
    if (sizes.back() > unit.n_values) unit.n_values = sizes.back();
  }
  std::vector<double> numbers((2ul * unit.n_values - 1) * threads);
  numbers[(unit.n_values - 1ul) * threads] = 1.0;
  unit.sizes = arrays.keep(std::move(sizes));
  unit.numbers = arrays.keep(std::move(numbers));
  return unit;
}

/// Calls visit(atom, k, component, dB_k/dr_ij) for all values and neighbors, component: that of [n_pairs][3].
/// reverse(beta) sets pair_gradients [n_packs][3][width]; beta is one row for all atoms.
template <class Reverse, class Visit>
FORCESMITH_FUNCTION void for_each_derivative(const PackedView& neighbors, const UnitBetas& unit,
                                             const double* pair_gradients, const Reverse& reverse, const Visit& visit) {
  const int width = neighbors.width, threads = unit.threads;
  for (int k = 0; k < unit.n_values; ++k) {
    reverse(unit.row(k));
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      if (k >= unit.sizes[neighbors.center_types[atom]]) continue;
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack)
        for (int lane = 0; lane < width; ++lane) {
          const std::ptrdiff_t pair = neighbors.pairs[(pack * width + lane) * threads];
          if (pair < 0) continue;
          for (int axis = 0; axis < 3; ++axis)
            visit(atom, k, 3 * pair + axis, pair_gradients[((3 * pack + axis) * width + lane) * threads]);
        }
    }
  }
}

/// As Descriptor::gradients().
template <class Reverse>
FORCESMITH_FUNCTION void gradients_by_rows(const PackedView& neighbors, const UnitBetas& unit,
                                           const double* pair_gradients, const Reverse& reverse, double* gradients,
                                           int stride) {
  for_each_derivative(
      neighbors, unit, pair_gradients, reverse,
      [&](int, int k, std::ptrdiff_t component, double derivative) { gradients[component * stride + k] = derivative; });
}

/// As Descriptor::tangent().
template <class Reverse>
FORCESMITH_FUNCTION void tangent_by_rows(const PackedView& neighbors, const UnitBetas& unit,
                                         const double* pair_gradients, const Reverse& reverse, const double* directions,
                                         double* B_dot, int stride) {
  for (int atom = 0; atom < neighbors.n_atoms; ++atom)
    for (int k = 0; k < unit.sizes[neighbors.center_types[atom]]; ++k)
      B_dot[(static_cast<std::ptrdiff_t>(atom) * stride + k) * unit.threads] = 0.0;
  for_each_derivative(
      neighbors, unit, pair_gradients, reverse, [&](int atom, int k, std::ptrdiff_t component, double derivative) {
        B_dot[(static_cast<std::ptrdiff_t>(atom) * stride + k) * unit.threads] += derivative * directions[component];
      });
}

}  // namespace forcesmith
