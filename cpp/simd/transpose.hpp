// Numbers of many atoms between rows, [atom][k], and lanes, one register of atoms per k. Where registers of threads
// alternate in memory, so do the numbers of their rows.
#pragma once

#include "simd/indices.hpp"
#include "simd/registers.hpp"
#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

#if !defined(__CUDACC__)
/// Exchanges blocks of lanes: every odd block of a with the even block before it of b.
template <int block, class V, int... i>
FORCESMITH_FUNCTION void exchange_blocks(V& a, V& b, Indices<i...>) {
  const V first = __builtin_shufflevector(a.v, b.v, (i / block % 2 == 0 ? i : V::width + i - block)...);
  b = __builtin_shufflevector(a.v, b.v, (i / block % 2 == 0 ? i + block : V::width + i)...);
  a = first;
}
/// Lane j of register i becomes lane i of register j, i and j < width.
template <class V, int block = 1>
FORCESMITH_FUNCTION void simd_transpose(V* rows) {
  if constexpr (block < V::width) {
    for (int i = 0; i < V::width; ++i)
      if (i / block % 2 == 0) exchange_blocks<block>(rows[i], rows[i + block], typename IndicesUpTo<V::width>::Type{});
    simd_transpose<V, 2 * block>(rows);
  }
}
#else
template <class V>
FORCESMITH_FUNCTION void simd_transpose(V*) {}
#endif

/// rows[atom][k] = lane `atom` of registers[index[k]], k < n.
template <class Array>
FORCESMITH_FUNCTION void lanes_to_rows(Array registers, const int* index, int n, int n_atoms, double* rows,
                                       int stride) {
  using V = RegisterOf<Array>;
  for (int k = 0; k < n; k += V::width) {
    const int count = n - k < V::width ? n - k : V::width;
    V numbers[V::width];
    for (int i = 0; i < V::width; ++i) numbers[i] = registers[index[k + (i < count ? i : 0)]];
    simd_transpose(numbers);
    for (int atom = 0; atom < n_atoms; ++atom) {
      const auto* from = reinterpret_cast<const typename V::Number*>(numbers + atom);
      double* to = rows + (static_cast<long long>(atom) * stride + k) * V::threads;
      if (count == V::width)
        for (int i = 0; i < V::width; ++i) to[i * V::threads] = from[i];
      else
        for (int i = 0; i < count; ++i) to[i * V::threads] = from[i];
    }
  }
}

/// Adds rows[atom][k] to lane `atom` of registers[index[k]], k < n.
template <class Array>
FORCESMITH_FUNCTION void add_rows_to_lanes(const double* rows, int stride, const int* index, int n, int n_atoms,
                                           Array registers) {
  using V = RegisterOf<Array>;
  using Number = typename V::Number;
  for (int k = 0; k < n; k += V::width) {
    const int count = n - k < V::width ? n - k : V::width;
    V numbers[V::width];
    for (int atom = 0; atom < V::width; ++atom) {
      auto* to = reinterpret_cast<Number*>(numbers + atom);
      const double* from = rows + (static_cast<long long>(atom) * stride + k) * V::threads;
      if (atom >= n_atoms) numbers[atom] = V(0);
      else if (count == V::width)
        for (int i = 0; i < V::width; ++i) to[i] = static_cast<Number>(from[i * V::threads]);
      else
        for (int i = 0; i < V::width; ++i) to[i] = i < count ? static_cast<Number>(from[i * V::threads]) : 0;
    }
    simd_transpose(numbers);
    for (int i = 0; i < count; ++i) registers[index[k + i]] += numbers[i];
  }
}

}  // namespace forcesmith::FORCESMITH_ISA
