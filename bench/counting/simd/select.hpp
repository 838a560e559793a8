// Takes the place of cpp/simd/select.hpp in kernel_operations, for lanes of width 1.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

template <class Real>
using NativeSimd = Simd<Real, 1>;
using DoubleSimd = NativeSimd<double>;
using SingleSimd = NativeSimd<float>;
template <class V>
using IntegersOf = Simd<int, 1>;

FORCESMITH_FUNCTION unsigned first_lanes(int count) { return count > 0; }
template <class Number>
FORCESMITH_FUNCTION unsigned lanes_less(Simd<Number, 1> a, Simd<Number, 1> b) {
  return a.v < b.v;
}
FORCESMITH_FUNCTION unsigned lanes_less(Simd<int, 1> a, int b) { return a.v < b; }
FORCESMITH_FUNCTION unsigned lanes_equal(Simd<int, 1> a, int b) { return a.v == b; }
FORCESMITH_FUNCTION int count_lanes(unsigned lanes) { return static_cast<int>(lanes); }

template <class Real>
FORCESMITH_FUNCTION DoubleSimd load_as_double(const Real* address) {
  return static_cast<double>(*address);
}
template <class V>
FORCESMITH_FUNCTION V simd_load_first(const typename V::Number* address, int count) {
  return count > 0 ? *address : typename V::Number(0);
}
template <class To, class Number>
FORCESMITH_FUNCTION void store_selected(To* address, Simd<Number, 1> lane, unsigned lanes) {
  if (lanes != 0) *address = static_cast<To>(lane.v);
}

struct ForceRow {
  double x, y, z;
  friend FORCESMITH_FUNCTION ForceRow operator+(ForceRow a, ForceRow b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend FORCESMITH_FUNCTION ForceRow operator-(ForceRow a, ForceRow b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
};
FORCESMITH_FUNCTION void lanes_to_force_rows(const DoubleSimd* components, ForceRow* rows) {
  rows[0] = {components[0].v, components[1].v, components[2].v};
}

template <class V>
FORCESMITH_FUNCTION V simd_count_from(int first) {
  return first;
}
template <class V, class Index>
FORCESMITH_FUNCTION V simd_gather(const typename V::Number* values, const Index& index) {
  return values[index(0)];
}
template <class Index>
FORCESMITH_FUNCTION void simd_gather_points(const double* points, const Index& index, DoubleSimd* components) {
  for (int axis = 0; axis < 3; ++axis) components[axis] = points[3 * static_cast<long long>(index(0)) + axis];
}
template <class Index>
FORCESMITH_FUNCTION void simd_gather_rows(const int* rows, const Index& index, IntegersOf<SingleSimd>* columns) {
  for (int k = 0; k < 4; ++k) columns[k] = rows[4 * static_cast<long long>(index(0)) + k];
}
FORCESMITH_FUNCTION SingleSimd simd_difference(IntegersOf<SingleSimd> a, int b) {
  return static_cast<float>(static_cast<int>(static_cast<unsigned>(a.v) - static_cast<unsigned>(b)));
}

}  // namespace forcesmith::FORCESMITH_ISA
