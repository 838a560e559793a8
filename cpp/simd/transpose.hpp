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

/// A register of two halves, and each of them.
template <class V, class Half, int... i>
FORCESMITH_FUNCTION V join(Half a, Half b, Indices<i...>) {
  return __builtin_shufflevector(a.v, b.v, i...);
}
template <class Half, int first, class V, int... i>
FORCESMITH_FUNCTION Half half_from(V whole, Indices<i...>) {
  return __builtin_shufflevector(whole.v, whole.v, (first + i)...);
}

/// Lanes from doubles that follow each other, and back.
template <class V>
FORCESMITH_FUNCTION V load_lanes(const double* from) {
  if constexpr (V::width > 1 && !simd_is_single<V>) {
    return simd_load_unaligned<V>(from);
  } else if constexpr (V::width > 2) {
    constexpr int width = V::width / 2;
    using Half = Simd<float, width>;
    const auto half = [](const double* numbers) FORCESMITH_INLINE_LAMBDA {
      return Half(__builtin_convertvector(simd_load_unaligned<Simd<double, width>>(numbers).v, typename Half::Vector));
    };
    return join<V>(half(from), half(from + width), typename IndicesUpTo<V::width>::Type{});
  } else {
    V lanes(0);
    for (int i = 0; i < V::width; ++i) lanes.set(i, static_cast<typename V::Number>(from[i]));
    return lanes;
  }
}
template <class V>
FORCESMITH_FUNCTION void store_lanes(double* to, V lanes) {
  if constexpr (V::width > 1 && !simd_is_single<V>) {
    simd_store_unaligned(to, lanes);
  } else if constexpr (V::width > 2) {
    constexpr int width = V::width / 2;
    using Half = Simd<float, width>;
    using Doubles = Simd<double, width>;
    const auto store = [](double* numbers, Half half) FORCESMITH_INLINE_LAMBDA {
      simd_store_unaligned(numbers, Doubles(__builtin_convertvector(half.v, typename Doubles::Vector)));
    };
    store(to, half_from<Half, 0>(lanes, typename IndicesUpTo<width>::Type{}));
    store(to + width, half_from<Half, width>(lanes, typename IndicesUpTo<width>::Type{}));
  } else {
    for (int i = 0; i < V::width; ++i) to[i] = lanes[i];
  }
}
#else
template <class V>
FORCESMITH_FUNCTION void simd_transpose(V*) {}
template <class V>
FORCESMITH_FUNCTION V load_lanes(const double* from) {
  return V(static_cast<typename V::Number>(*from));
}
template <class V>
FORCESMITH_FUNCTION void store_lanes(double* to, V lanes) {
  *to = lanes.v;
}
#endif

/// Calls group(first, begin) for groups of `width` out of n numbers, in which those before `begin` have been in the group
/// before, and rest(n) for fewer.
template <int width, class Group, class Rest>
FORCESMITH_FUNCTION void for_groups_of(int n, const Group& group, const Rest& rest) {
  if (n < width) return rest(n);
  int k = 0;
  for (; k + width <= n; k += width) group(k, 0);
  if (k < n) group(n - width, k - (n - width));
}

/// rows[atom][k] = lane `atom` of registers[index[k]], k < n.
template <class Array>
FORCESMITH_FUNCTION void lanes_to_rows(Array registers, const int* index, int n, int n_atoms, double* rows,
                                       int stride) {
  using V = RegisterOf<Array>;
  const auto row = [&](int atom, int k) FORCESMITH_INLINE_LAMBDA {
    return rows + (static_cast<long long>(atom) * stride + k) * V::threads;
  };
  for_groups_of<V::width>(
      n,
      [&](int first, int) FORCESMITH_INLINE_LAMBDA {
        V numbers[V::width];
        for (int i = 0; i < V::width; ++i) numbers[i] = registers[index[first + i]];
        simd_transpose(numbers);
        for (int atom = 0; atom < V::width; ++atom)
          if (atom < n_atoms) store_lanes(row(atom, first), numbers[atom]);
      },
      [&](int count) FORCESMITH_INLINE_LAMBDA {
        for (int k = 0; k < count; ++k)
          for (int atom = 0; atom < n_atoms; ++atom) *row(atom, k) = registers[index[k]][atom];
      });
}

/// Adds rows[atom][k] to lane `atom` of registers[index[k]], k < n.
template <class Array>
FORCESMITH_FUNCTION void add_rows_to_lanes(const double* rows, int stride, const int* index, int n, int n_atoms,
                                           Array registers) {
  using V = RegisterOf<Array>;
  const auto row = [&](int atom, int k) FORCESMITH_INLINE_LAMBDA {
    return rows + (static_cast<long long>(atom) * stride + k) * V::threads;
  };
  for_groups_of<V::width>(
      n,
      [&](int first, int begin) FORCESMITH_INLINE_LAMBDA {
        V numbers[V::width];
        for (int atom = 0; atom < V::width; ++atom)
          numbers[atom] = atom < n_atoms ? load_lanes<V>(row(atom, first)) : V(0);
        simd_transpose(numbers);
        for (int i = 0; i < V::width; ++i)
          if (i >= begin) registers[index[first + i]] += numbers[i];
      },
      [&](int count) FORCESMITH_INLINE_LAMBDA {
        for (int k = 0; k < count; ++k) {
          V number(0);
          for (int atom = 0; atom < n_atoms; ++atom) number.set(atom, static_cast<typename V::Number>(*row(atom, k)));
          registers[index[k]] += number;
        }
      });
}

}  // namespace forcesmith::FORCESMITH_ISA
