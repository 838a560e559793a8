// Takes the place of cpp/core/lane.hpp in kernel_operations: a lane of width 1 that counts the operations
// done with it. The kernels see one double, as they do on a device.
//
// Counted as 1 each: add, subtract, multiply, divide, square root. Not counted: negation, comparison,
// selection, conversion, and what kernels do with plain doubles (copying results out, mostly).
#pragma once

#define FORCESMITH_FUNCTION inline __attribute__((always_inline))
#define FORCESMITH_INLINE_LAMBDA __attribute__((always_inline))

#ifndef FORCESMITH_ISA
#define FORCESMITH_ISA portable
#endif

namespace forcesmith {
/// Operations so far; defined by the program.
extern unsigned long long operations;
}  // namespace forcesmith

namespace forcesmith::FORCESMITH_ISA {

template <class Real, int Width>
struct Lane;

template <class Real>
struct Lane<Real, 1> {
  static constexpr int width = 1;
  using Number = Real;
  Real v;

  Lane() = default;
  FORCESMITH_FUNCTION Lane(Real value) : v(value) {}

  FORCESMITH_FUNCTION Real operator[](int) const { return v; }
  FORCESMITH_FUNCTION void set(int, Real value) { v = value; }
  FORCESMITH_FUNCTION Lane& operator+=(Lane b) { return *this = *this + b; }
  FORCESMITH_FUNCTION Lane& operator-=(Lane b) { return *this = *this - b; }
  FORCESMITH_FUNCTION Lane& operator*=(Lane b) { return *this = *this * b; }
  friend FORCESMITH_FUNCTION Lane operator+(Lane a, Lane b) { return counted(a.v + b.v); }
  friend FORCESMITH_FUNCTION Lane operator-(Lane a, Lane b) { return counted(a.v - b.v); }
  friend FORCESMITH_FUNCTION Lane operator*(Lane a, Lane b) { return counted(a.v * b.v); }
  friend FORCESMITH_FUNCTION Lane operator/(Lane a, Lane b) { return counted(a.v / b.v); }
  friend FORCESMITH_FUNCTION Lane operator-(Lane a) { return -a.v; }

  static FORCESMITH_FUNCTION Lane counted(Real result) {
    ++operations;
    return result;
  }
};
static_assert(sizeof(Lane<double, 1>) == sizeof(double));

template <class Real>
FORCESMITH_FUNCTION Lane<Real, 1> lane_if_less(Lane<Real, 1> a, Lane<Real, 1> b, Lane<Real, 1> yes,
                                               Lane<Real, 1> no) {
  return a.v < b.v ? yes : no;
}

template <class L>
FORCESMITH_FUNCTION L lane_clamp(L value, L low, L high) {
  return lane_if_less(value, low, low, lane_if_less(high, value, high, value));
}

template <class L>
inline constexpr bool lane_is_single = sizeof(typename L::Number) == sizeof(float);

template <class Real>
struct NumberFormat;
template <>
struct NumberFormat<double> {
  using Bits = unsigned long long;
  static constexpr int fraction_bits = 52, bias = 1023;
  static constexpr double one_and_a_half = 6755399441055744.0;
};
template <>
struct NumberFormat<float> {
  using Bits = unsigned int;
  static constexpr int fraction_bits = 23, bias = 127;
  static constexpr float one_and_a_half = 12582912.0f;
};

/// One rounding instruction elsewhere; not counted.
template <class Real>
FORCESMITH_FUNCTION Lane<Real, 1> lane_round(Lane<Real, 1> x) {
  constexpr Real shift = NumberFormat<Real>::one_and_a_half;
  return (x.v + shift) - shift;
}

FORCESMITH_FUNCTION Lane<double, 1> lane_sqrt(Lane<double, 1> a) {
  return Lane<double, 1>::counted(__builtin_sqrt(a.v));
}
FORCESMITH_FUNCTION Lane<float, 1> lane_sqrt(Lane<float, 1> a) {
  return Lane<float, 1>::counted(__builtin_sqrtf(a.v));
}

template <class Real>
FORCESMITH_FUNCTION Real lane_sum(Lane<Real, 1> a) {
  return a.v;
}

template <class L, class Real>
FORCESMITH_FUNCTION L lane_load(const Real* address) {
  return *reinterpret_cast<const L*>(address);
}

template <class L, class Real>
FORCESMITH_FUNCTION void lane_store(Real* address, L value) {
  *reinterpret_cast<L*>(address) = value;
}

template <class L, class Real>
FORCESMITH_FUNCTION L lane_load_unaligned(const Real* address) {
  return lane_load<L>(address);
}

template <class L, class Real>
FORCESMITH_FUNCTION void lane_store_unaligned(Real* address, L value) {
  lane_store(address, value);
}

inline constexpr int native_width = 1, native_single_width = 1;

}  // namespace forcesmith::FORCESMITH_ISA
