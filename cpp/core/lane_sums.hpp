// Horizontal sums of many lanes at once: reduces Width registers to one register of their sums with
// log2(Width) rounds of shuffles instead of Width separate reductions.
#pragma once

#include "core/indices.hpp"
#include "core/lane.hpp"

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
/// Sums over the lanes of a[0] .. a[Width - 1].
template <class Real, int Width>
FORCESMITH_FUNCTION Lane<Real, Width> lane_sums(const Lane<Real, Width>* a) {
  return fold_lanes<Width>(a);
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

}  // namespace forcesmith::FORCESMITH_ISA
