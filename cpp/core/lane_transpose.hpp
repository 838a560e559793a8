// Numbers of many atoms between rows, [atom][k], and lanes, one register of atoms per k.
#pragma once

#include "core/indices.hpp"
#include "core/lane.hpp"

namespace forcesmith::FORCESMITH_ISA {

#if !defined(__CUDACC__)
/// Exchanges blocks of lanes: every odd block of a with the even block before it of b.
template <int block, class L, int... i>
FORCESMITH_FUNCTION void exchange_blocks(L& a, L& b, Indices<i...>) {
  const L first = __builtin_shufflevector(a.v, b.v, (i / block % 2 == 0 ? i : L::width + i - block)...);
  b = __builtin_shufflevector(a.v, b.v, (i / block % 2 == 0 ? i + block : L::width + i)...);
  a = first;
}
/// Lane j of register i becomes lane i of register j, i and j < width.
template <class L, int block = 1>
FORCESMITH_FUNCTION void lane_transpose(L* rows) {
  if constexpr (block < L::width) {
    for (int i = 0; i < L::width; ++i)
      if (i / block % 2 == 0)
        exchange_blocks<block>(rows[i], rows[i + block], typename IndicesUpTo<L::width>::Type{});
    lane_transpose<L, 2 * block>(rows);
  }
}
#else
template <class L>
FORCESMITH_FUNCTION void lane_transpose(L*) {}
#endif

/// rows[atom][k] = lane `atom` of registers[index[k]], k < n.
template <class L>
FORCESMITH_FUNCTION void lanes_to_rows(const L* registers, const int* index, int n, int n_atoms, double* rows,
                                       int stride) {
  for (int k = 0; k < n; k += L::width) {
    const int count = n - k < L::width ? n - k : L::width;
    L numbers[L::width];
    for (int i = 0; i < L::width; ++i) numbers[i] = registers[index[k + (i < count ? i : 0)]];
    lane_transpose(numbers);
    for (int atom = 0; atom < n_atoms; ++atom) {
      const auto* from = reinterpret_cast<const typename L::Number*>(numbers + atom);
      double* to = rows + static_cast<long long>(atom) * stride + k;
      if (count == L::width)
        for (int i = 0; i < L::width; ++i) to[i] = from[i];
      else
        for (int i = 0; i < count; ++i) to[i] = from[i];
    }
  }
}

/// Adds rows[atom][k] to lane `atom` of registers[index[k]], k < n.
template <class L>
FORCESMITH_FUNCTION void add_rows_to_lanes(const double* rows, int stride, const int* index, int n, int n_atoms,
                                           L* registers) {
  using Number = typename L::Number;
  for (int k = 0; k < n; k += L::width) {
    const int count = n - k < L::width ? n - k : L::width;
    L numbers[L::width];
    for (int atom = 0; atom < L::width; ++atom) {
      auto* to = reinterpret_cast<Number*>(numbers + atom);
      const double* from = rows + static_cast<long long>(atom) * stride + k;
      if (atom >= n_atoms) numbers[atom] = L(0);
      else if (count == L::width)
        for (int i = 0; i < L::width; ++i) to[i] = static_cast<Number>(from[i]);
      else
        for (int i = 0; i < L::width; ++i) to[i] = i < count ? static_cast<Number>(from[i]) : 0;
    }
    lane_transpose(numbers);
    for (int i = 0; i < count; ++i) registers[index[k + i]] += numbers[i];
  }
}

}  // namespace forcesmith::FORCESMITH_ISA
