// Takes the place of cpp/simd/simd.hpp in kernel_operations: a lane of width 1 that counts the operations
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
struct Simd;

template <class Real>
struct Simd<Real, 1> {
  static constexpr int width = 1;
  using Number = Real;
  Real v;

  Simd() = default;
  FORCESMITH_FUNCTION Simd(Real value) : v(value) {}

  FORCESMITH_FUNCTION Real operator[](int) const { return v; }
  FORCESMITH_FUNCTION void set(int, Real value) { v = value; }
  FORCESMITH_FUNCTION Simd& operator+=(Simd b) { return *this = *this + b; }
  FORCESMITH_FUNCTION Simd& operator-=(Simd b) { return *this = *this - b; }
  FORCESMITH_FUNCTION Simd& operator*=(Simd b) { return *this = *this * b; }
  friend FORCESMITH_FUNCTION Simd operator+(Simd a, Simd b) { return counted(a.v + b.v); }
  friend FORCESMITH_FUNCTION Simd operator-(Simd a, Simd b) { return counted(a.v - b.v); }
  friend FORCESMITH_FUNCTION Simd operator*(Simd a, Simd b) { return counted(a.v * b.v); }
  friend FORCESMITH_FUNCTION Simd operator/(Simd a, Simd b) { return counted(a.v / b.v); }
  friend FORCESMITH_FUNCTION Simd operator-(Simd a) { return -a.v; }

  static FORCESMITH_FUNCTION Simd counted(Real result) {
    ++operations;
    return result;
  }
};
static_assert(sizeof(Simd<double, 1>) == sizeof(double));

template <class Real>
FORCESMITH_FUNCTION Simd<Real, 1> simd_if_less(Simd<Real, 1> a, Simd<Real, 1> b, Simd<Real, 1> yes, Simd<Real, 1> no) {
  return a.v < b.v ? yes : no;
}

template <class V>
FORCESMITH_FUNCTION V simd_clamp(V value, V low, V high) {
  return simd_if_less(value, low, low, simd_if_less(high, value, high, value));
}

template <class V>
inline constexpr bool simd_is_single = sizeof(typename V::Number) == sizeof(float);

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
FORCESMITH_FUNCTION Simd<Real, 1> simd_round(Simd<Real, 1> x) {
  constexpr Real shift = NumberFormat<Real>::one_and_a_half;
  return (x.v + shift) - shift;
}

FORCESMITH_FUNCTION Simd<double, 1> simd_sqrt(Simd<double, 1> a) {
  return Simd<double, 1>::counted(__builtin_sqrt(a.v));
}
FORCESMITH_FUNCTION Simd<float, 1> simd_sqrt(Simd<float, 1> a) { return Simd<float, 1>::counted(__builtin_sqrtf(a.v)); }

template <class Real>
FORCESMITH_FUNCTION Real lane_sum(Simd<Real, 1> a) {
  return a.v;
}

template <class V, class Real>
FORCESMITH_FUNCTION V simd_load(const Real* address) {
  return *reinterpret_cast<const V*>(address);
}

template <class V, class Real>
FORCESMITH_FUNCTION void simd_store(Real* address, V value) {
  *reinterpret_cast<V*>(address) = value;
}

template <class V, class Real>
FORCESMITH_FUNCTION V simd_load_unaligned(const Real* address) {
  return simd_load<V>(address);
}

template <class V, class Real>
FORCESMITH_FUNCTION void simd_store_unaligned(Real* address, V value) {
  simd_store(address, value);
}

inline constexpr int native_width = 1, native_single_width = 1;

}  // namespace forcesmith::FORCESMITH_ISA
