// Horizontal sums of many lanes at once: reduces Width registers to one register of their sums with
// log2(Width) rounds of shuffles instead of Width separate reductions.
#pragma once

#include "core/indices.hpp"
#include "core/lane.hpp"
#include "core/lane_transpose.hpp"

namespace forcesmith::FORCESMITH_ISA {

#if !defined(__CUDACC__)
/// a and b one after the other in blocks of lanes: every even block plus the one behind it.
template <int block, class L, int... i>
FORCESMITH_FUNCTION L fold(L a, L b, Indices<i...>) {
  return __builtin_shufflevector(a.v, b.v, (i / block * 2 * block + i % block)...) +
         __builtin_shufflevector(a.v, b.v, (i / block * 2 * block + i % block + block)...);
}
/// One register of n blocks, which add up to the sums of a[0] .. a[n - 1].
template <int n, class L>
FORCESMITH_FUNCTION L fold_lanes(const L* a) {
  if constexpr (n == 1) {
    return a[0];
  } else {
    return fold<L::width / n>(fold_lanes<n / 2>(a), fold_lanes<n / 2>(a + n / 2),
                              typename IndicesUpTo<L::width>::Type{});
  }
}
template <class L, class Half, int... i>
FORCESMITH_FUNCTION L join(Half a, Half b, Indices<i...>) {
  return __builtin_shufflevector(a.v, b.v, i...);
}
/// Sums over the lanes of a[0] .. a[Width - 1].
template <class Real, int Width>
FORCESMITH_FUNCTION Lane<Real, Width> lane_sums(const Lane<Real, Width>* a) {
  using L = Lane<Real, Width>;
  if constexpr (sizeof(L) < 64) {
    return fold_lanes<Width>(a);
  } else {
    // The first round of the widest by loading halves: without shuffles, and what follows is half as wide.
    using Half = Lane<Real, Width / 2>;
    const Real* numbers = reinterpret_cast<const Real*>(a);
    Half sums[Width];
    for (int i = 0; i < Width; ++i)
      sums[i] = lane_load_unaligned<Half>(numbers + i * Width) +
                lane_load_unaligned<Half>(numbers + i * Width + Width / 2);
    return join<L>(fold_lanes<Width / 2>(sums), fold_lanes<Width / 2>(sums + Width / 2),
                   typename IndicesUpTo<Width>::Type{});
  }
}
#endif

template <class Real>
FORCESMITH_FUNCTION Lane<Real, 1> lane_sums(const Lane<Real, 1>* a) {
  return a[0];
}

/// sums[i] = sum over the lanes of a[i], i < n. Reads whole groups of `width`: `a` has room for them.
template <class L, class Real>
FORCESMITH_FUNCTION void store_lane_sums(const L* a, int n, Real* sums, int stride) {
  for (int i = 0; i < n; i += L::width) {
    const L group = lane_sums(a + i);
    const int count = n - i < L::width ? n - i : L::width;
    for (int k = 0; k < count; ++k) sums[(i + k) * stride] = group[k];
  }
}

/// In two steps, to registers of atoms: for each atom in turn store_sums_of_atom(), and then sums_to_lanes() makes
/// lane `atom` of registers[i] the sum over the lanes of its a[i], i < n. Whole groups of `width` registers are
/// written, and of a read.
template <class L>
FORCESMITH_FUNCTION void store_sums_of_atom(const L* a, int n, int atom, L* registers) {
  for (int i = 0; i < n; i += L::width) registers[i + atom] = lane_sums(a + i);
}
template <class L>
FORCESMITH_FUNCTION void sums_to_lanes(L* registers, int n, int n_atoms) {
  for (int i = 0; i < n; i += L::width) {
    for (int atom = n_atoms; atom < L::width; ++atom) registers[i + atom] = L(0);
    lane_transpose(registers + i);
  }
}

}  // namespace forcesmith::FORCESMITH_ISA
