// Horizontal sums of many lanes at once: reduces Width registers to one register of their sums with
// log2(Width) rounds of shuffles instead of Width separate reductions.
#pragma once

#include "simd/indices.hpp"
#include "simd/registers.hpp"
#include "simd/simd.hpp"
#include "simd/transpose.hpp"

namespace forcesmith::FORCESMITH_ISA {

#if !defined(__CUDACC__)
/// a and b one after the other in blocks of lanes: every even block plus the one behind it.
template <int block, class V, int... i>
FORCESMITH_FUNCTION V fold(V a, V b, Indices<i...>) {
  return __builtin_shufflevector(a.v, b.v, (i / block * 2 * block + i % block)...) +
         __builtin_shufflevector(a.v, b.v, (i / block * 2 * block + i % block + block)...);
}
/// One register of n blocks, which add up to the sums of a[0] .. a[n - 1].
template <int n, class V>
FORCESMITH_FUNCTION V fold_lanes(const V* a) {
  if constexpr (n == 1) {
    return a[0];
  } else {
    return fold<V::width / n>(fold_lanes<n / 2>(a), fold_lanes<n / 2>(a + n / 2),
                              typename IndicesUpTo<V::width>::Type{});
  }
}
/// Sums over the lanes of a[0] .. a[Width - 1].
template <class Real, int Width>
  requires(Width > 1)
FORCESMITH_FUNCTION Simd<Real, Width> lane_sums(const Simd<Real, Width>* a) {
  using V = Simd<Real, Width>;
  if constexpr (sizeof(V) < 64) {
    return fold_lanes<Width>(a);
  } else {
    // The first round of the widest by loading halves: without shuffles, and what follows is half as wide.
    using Half = Simd<Real, Width / 2>;
    const Real* numbers = reinterpret_cast<const Real*>(a);
    Half sums[Width];
    for (int i = 0; i < Width; ++i)
      sums[i] =
          simd_load_unaligned<Half>(numbers + i * Width) + simd_load_unaligned<Half>(numbers + i * Width + Width / 2);
    return join<V>(fold_lanes<Width / 2>(sums), fold_lanes<Width / 2>(sums + Width / 2),
                   typename IndicesUpTo<Width>::Type{});
  }
}
#endif

template <class V>
  requires(V::width == 1)
FORCESMITH_FUNCTION V lane_sums(const V* a) {
  return a[0];
}

/// sums[i * stride] = sum over the lanes of a[i], i < n. Reads whole groups of `width`: `a` has room for them.
template <class Array, class Real>
FORCESMITH_FUNCTION void store_lane_sums(Array a, int n, Real* sums, int stride) {
  using V = RegisterOf<Array>;
  for (int i = 0; i < n; i += V::width) {
    const V group = lane_sums(&a[i]);
    const int count = n - i < V::width ? n - i : V::width;
    for (int k = 0; k < count; ++k) sums[(i + k) * stride] = group[k];
  }
}

/// In two steps, to registers of atoms: for each atom in turn store_sums_of_atom(), and then sums_to_lanes() makes
/// lane `atom` of registers[i] the sum over the lanes of its a[i], i < n. Whole groups of `width` registers are
/// written, and of a read.
template <class ConstArray, class Array>
FORCESMITH_FUNCTION void store_sums_of_atom(ConstArray a, int n, int atom, Array registers) {
  for (int i = 0; i < n; i += RegisterOf<Array>::width) registers[i + atom] = lane_sums(&a[i]);
}
template <class Array>
FORCESMITH_FUNCTION void sums_to_lanes(Array registers, int n, int n_atoms) {
  using V = RegisterOf<Array>;
  for (int i = 0; i < n; i += V::width) {
    for (int atom = n_atoms; atom < V::width; ++atom) registers[i + atom] = V(0);
    simd_transpose(&registers[i]);
  }
}

}  // namespace forcesmith::FORCESMITH_ISA
