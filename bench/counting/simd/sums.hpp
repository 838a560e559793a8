// Takes the place of cpp/simd/sums.hpp in kernel_operations: with one lane there is nothing to sum.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

template <class Real>
FORCESMITH_FUNCTION Simd<Real, 1> lane_sums(const Simd<Real, 1>* a) {
  return a[0];
}

template <class V, class Real>
FORCESMITH_FUNCTION void store_lane_sums(const V* a, int n, Real* sums, int stride) {
  for (int i = 0; i < n; ++i) sums[i * stride] = a[i].v;
}

template <class V>
FORCESMITH_FUNCTION void store_sums_of_atom(const V* a, int n, int, V* registers) {
  for (int i = 0; i < n; ++i) registers[i] = a[i];
}
template <class V>
FORCESMITH_FUNCTION void sums_to_lanes(V*, int, int) {}

}  // namespace forcesmith::FORCESMITH_ISA
