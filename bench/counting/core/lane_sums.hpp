// Takes the place of cpp/core/lane_sums.hpp in kernel_operations: with one lane there is nothing to sum.
#pragma once

#include "core/lane.hpp"

namespace forcesmith::FORCESMITH_ISA {

template <class Real>
FORCESMITH_FUNCTION Lane<Real, 1> lane_sums(const Lane<Real, 1>* a) {
  return a[0];
}

template <class L, class Real>
FORCESMITH_FUNCTION void store_lane_sums(const L* a, int n, Real* sums, int stride) {
  for (int i = 0; i < n; ++i) sums[i * stride] = a[i].v;
}

template <class L>
FORCESMITH_FUNCTION void store_sums_of_atom(const L* a, int n, int, L* registers) {
  for (int i = 0; i < n; ++i) registers[i] = a[i];
}
template <class L>
FORCESMITH_FUNCTION void sums_to_lanes(L*, int, int) {}

}  // namespace forcesmith::FORCESMITH_ISA
