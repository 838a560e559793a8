// Exponential function of lanes, what is made of it, and logarithms, for kernels that may not call the
// mathematical library. Relative errors are below 1e-15, in single precision 3e-7, unless stated;
// not-a-number stays what it is, unless stated.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// 2^n for whole numbers n from -1022 to 1023, in single precision from -126 to 127. The lowest bits of
/// n + 1.5 2^52 + 1023 are n + 1023, which is what the exponent field of a double wants.
#if !defined(__CUDACC__)
template <class Real, int Width>
  requires(Width > 1)
FORCESMITH_FUNCTION Simd<Real, Width> simd_power_of_two(Simd<Real, Width> n) {
  using Format = NumberFormat<Real>;
  using Vector = typename Simd<Real, Width>::Vector;
  using Bits = decltype(n.v < n.v);  // whole numbers as wide as the lanes
  return (Vector)((Bits)(n.v + (Format::one_and_a_half + Format::bias)) << Format::fraction_bits);
}
#endif
template <class Real, int Threads>
FORCESMITH_FUNCTION Simd<Real, 1, Threads> simd_power_of_two(Simd<Real, 1, Threads> n) {
  using Format = NumberFormat<Real>;
  const Real shifted = n.v + (Format::one_and_a_half + Format::bias);
  typename Format::Bits bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits <<= Format::fraction_bits;
  Simd<Real, 1, Threads> power;
  __builtin_memcpy(&power.v, &bits, sizeof bits);
  return power;
}

/// ln 2 in two parts, whose whole multiples of up to 10 bits are exact for the first, of 33 bits, in single
/// precision 15.
template <bool single>
struct LogarithmOf2 {
  static constexpr double large = 0x1.62e42fefp-1, small = 0x1.473de6af278edp-34;
};
template <>
struct LogarithmOf2<true> {
  static constexpr float large = 0x1.62e4p-1f, small = 0x1.7f7d1cp-20f;
};

/// exp(x) = power (1 + rest) with |rest| < 0.42; x beyond [-708, 709], in single precision [-87, 88], is taken
/// as the nearer end.
template <class V>
FORCESMITH_FUNCTION void simd_exponential_parts(V x, V& power, V& rest) {
  // 1/k!, highest power first; the first term left out is (ln 2 / 2)^14 / 14! = 4e-18, in
  // single precision (ln 2 / 2)^8 / 8! = 5e-9.
  constexpr double terms[] = {1 / 6227020800.0, 1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0,
                              1 / 362880.0,     1 / 40320.0,     1 / 5040.0,     1 / 720.0,
                              1 / 120.0,        1 / 24.0,        1 / 6.0,        1 / 2.0};
  constexpr bool single = simd_is_single<V>;
  constexpr int first = single ? 6 : 0;
  x = simd_clamp(x, V(single ? -87.0 : -708.0), V(single ? 88.0 : 709.0));
  const V n = simd_round(x * V(1.4426950408889634));
  const V r = (x - n * V(LogarithmOf2<single>::large)) - n * V(LogarithmOf2<single>::small);
  V sum(terms[first]);
  for (int k = first + 1; k < 12; ++k) sum = sum * r + V(terms[k]);
  power = simd_power_of_two(n);
  rest = r + r * r * sum;
}

/// x beyond the ends of simd_exponential_parts is taken as the nearer one: the result is never 0 nor infinite.
template <class V>
FORCESMITH_FUNCTION V simd_exp(V x) {
  V power, rest;
  simd_exponential_parts(x, power, rest);
  return power + power * rest;
}

/// x = mantissa 2^exponent with 1 <= mantissa < 2, for positive x that is neither denormal nor infinite.
#if !defined(__CUDACC__)
template <class Real, int Width>
  requires(Width > 1)
FORCESMITH_FUNCTION void simd_split(Simd<Real, Width> x, Simd<Real, Width>& mantissa, Simd<Real, Width>& exponent) {
  using V = Simd<Real, Width>;
  using Format = NumberFormat<Real>;
  using Vector = typename V::Vector;
  using Bits = decltype(x.v < x.v);
  constexpr auto one = typename Format::Bits(1) << Format::fraction_bits;
  const Bits bits = (Bits)x.v, fraction = bits & (Bits{} + static_cast<decltype(bits[0] + 0)>(one - 1));
  mantissa = (Vector)(fraction | (Bits)V(1.0).v);
  // The exponent field, put into the lowest bits of 2^52.
  const V shift(static_cast<Real>(one));
  exponent = V((Vector)((bits >> Format::fraction_bits) | (Bits)shift.v)) - (shift + V(Format::bias));
}
#endif
template <class Real, int Threads>
FORCESMITH_FUNCTION void simd_split(Simd<Real, 1, Threads> x, Simd<Real, 1, Threads>& mantissa,
                                    Simd<Real, 1, Threads>& exponent) {
  using Format = NumberFormat<Real>;
  using Bits = typename Format::Bits;
  Bits bits;
  __builtin_memcpy(&bits, &x.v, sizeof bits);
  exponent = static_cast<Real>(static_cast<int>(bits >> Format::fraction_bits) - Format::bias);
  bits = (bits & ((Bits(1) << Format::fraction_bits) - 1)) | (Bits(Format::bias) << Format::fraction_bits);
  __builtin_memcpy(&mantissa.v, &bits, sizeof bits);
}

/// ln(x); x below 1e-300, in single precision 1e-37, 0 and negative numbers included, is taken as that. Not for
/// not-a-number.
template <class V>
FORCESMITH_FUNCTION V simd_log(V x) {
  // x = 2^n m with m between sqrt(1/2) and sqrt(2), and ln m = 2 artanh(t), t = (m - 1) / (m + 1),
  // |t| < 0.172: the first term left out of the series of artanh is below 1e-17 t, in single
  // precision 2e-8 t.
  constexpr double terms[] = {2 / 21.0, 2 / 19.0, 2 / 17.0, 2 / 15.0, 2 / 13.0,
                              2 / 11.0, 2 / 9.0,  2 / 7.0,  2 / 5.0,  2 / 3.0};
  V m, n;
  constexpr bool single = simd_is_single<V>;
  const V smallest(single ? 1e-37 : 1e-300);
  simd_split(simd_if_less(x, smallest, smallest, x), m, n);
  const V root(1.4142135623730951);
  n = simd_if_less(root, m, n + V(1.0), n);
  m = simd_if_less(root, m, V(0.5) * m, m);
  const V t = (m - V(1.0)) / (m + V(1.0)), square = t * t;
  constexpr int first = single ? 6 : 0;
  V sum(terms[first]);
  for (int k = first + 1; k < 10; ++k) sum = sum * square + V(terms[k]);
  return n * V(LogarithmOf2<single>::large) + (V(2.0) * t + (sum * square * t + n * V(LogarithmOf2<single>::small)));
}

/// ln(1 + x) for 0 <= x <= 1, in double precision only: the series of 2 artanh(x / (2 + x)).
template <class V>
FORCESMITH_FUNCTION V simd_log1p(V x) {
  // 1/(2k+1), highest power first; the first term left out is (1/9)^17 / 35 = 2e-18.
  constexpr double terms[] = {1 / 33.0, 1 / 31.0, 1 / 29.0, 1 / 27.0, 1 / 25.0, 1 / 23.0, 1 / 21.0, 1 / 19.0,
                              1 / 17.0, 1 / 15.0, 1 / 13.0, 1 / 11.0, 1 / 9.0,  1 / 7.0,  1 / 5.0,  1 / 3.0};
  const V s = x / (V(2.0) + x), square = s * s;
  V sum(terms[0]);
  for (int k = 1; k < 16; ++k) sum = sum * square + V(terms[k]);
  return V(2.0) * s * (V(1.0) + square * sum);
}

/// In double precision only: 1 / (1 + exp(-x)), and `rest`, which is 1 minus that without loss of digits.
template <class V>
FORCESMITH_FUNCTION V simd_logistic(V x, V& rest) {
  const V e = simd_exp(-x), value = V(1.0) / (V(1.0) + e);
  rest = e * value;
  return value;
}

/// In double precision only: tanh(x), and `slope` = 1 - tanh(x)^2 without loss of digits.
template <class V>
FORCESMITH_FUNCTION V simd_tanh(V x, V& slope) {
  V power, rest;
  simd_exponential_parts(V(-2.0) * x, power, rest);
  // With e = exp(-2x): (1 - e) / (1 + e); close to 0, e - 1 keeps its digits this way.
  const V product = power * rest, e_minus_1 = product + (power - V(1.0));
  const V inverse = V(1.0) / (V(2.0) + e_minus_1);
  slope = V(4.0) * ((power + product) * inverse) * inverse;
  return -e_minus_1 * inverse;
}

/// tanh(x) for |x| <= 1, without an exponential function: ninth convergent of Lambert's continued fraction
/// x / (1 + x^2 / (3 + x^2 / (5 + ..))), whose own relative error is 3e-17.
template <class V>
FORCESMITH_FUNCTION V simd_tanh_up_to_1(V x) {
  const V z = x * x;
  const V above = (((z + V(990.0)) * z + V(135135.0)) * z + V(4729725.0)) * z + V(34459425.0);
  const V below = (((V(45.0) * z + V(13860.0)) * z + V(945945.0)) * z + V(16216200.0)) * z + V(34459425.0);
  return x * above / below;
}

}  // namespace forcesmith::FORCESMITH_ISA
