// Horizontal sums of many lanes at once: reduces Width registers to one register of their sums with
// log2(Width) rounds of shuffles instead of Width separate reductions.
#pragma once

#include "core/lane.hpp"

namespace forcesmith::FORCESMITH_ISA {

#if !defined(__CUDACC__)
FORCESMITH_FUNCTION Lane<double, 8> fold_quarters(Lane<double, 8> a, Lane<double, 8> b) {
  return __builtin_shufflevector(a.v, b.v, 0, 1, 2, 3, 8, 9, 10, 11) +
         __builtin_shufflevector(a.v, b.v, 4, 5, 6, 7, 12, 13, 14, 15);
}
FORCESMITH_FUNCTION Lane<double, 8> fold_pairs(Lane<double, 8> a, Lane<double, 8> b) {
  return __builtin_shufflevector(a.v, b.v, 0, 1, 4, 5, 8, 9, 12, 13) +
         __builtin_shufflevector(a.v, b.v, 2, 3, 6, 7, 10, 11, 14, 15);
}
FORCESMITH_FUNCTION Lane<double, 8> fold_singles(Lane<double, 8> a, Lane<double, 8> b) {
  return __builtin_shufflevector(a.v, b.v, 0, 2, 4, 6, 8, 10, 12, 14) +
         __builtin_shufflevector(a.v, b.v, 1, 3, 5, 7, 9, 11, 13, 15);
}
FORCESMITH_FUNCTION Lane<double, 8> lane_sums(const Lane<double, 8>* a) {
  return fold_singles(fold_pairs(fold_quarters(a[0], a[1]), fold_quarters(a[2], a[3])),
                      fold_pairs(fold_quarters(a[4], a[5]), fold_quarters(a[6], a[7])));
}
FORCESMITH_FUNCTION Lane<double, 4> fold_pairs(Lane<double, 4> a, Lane<double, 4> b) {
  return __builtin_shufflevector(a.v, b.v, 0, 1, 4, 5) + __builtin_shufflevector(a.v, b.v, 2, 3, 6, 7);
}
FORCESMITH_FUNCTION Lane<double, 4> lane_sums(const Lane<double, 4>* a) {
  const Lane<double, 4> p = fold_pairs(a[0], a[1]), q = fold_pairs(a[2], a[3]);
  return __builtin_shufflevector(p.v, q.v, 0, 2, 4, 6) + __builtin_shufflevector(p.v, q.v, 1, 3, 5, 7);
}
FORCESMITH_FUNCTION Lane<double, 2> lane_sums(const Lane<double, 2>* a) {
  return __builtin_shufflevector(a[0].v, a[1].v, 0, 2) + __builtin_shufflevector(a[0].v, a[1].v, 1, 3);
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
