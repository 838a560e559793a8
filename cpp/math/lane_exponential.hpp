// Exponential function of lanes, what is made of it, and logarithms, for kernels that may not call the
// mathematical library. Relative errors are below 1e-15, in single precision 3e-7, unless stated;
// not-a-number stays what it is, unless stated.
#pragma once

#include "core/lane.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// 2^n for whole numbers n from -1022 to 1023, in single precision from -126 to 127. The lowest bits of
/// n + 1.5 2^52 + 1023 are n + 1023, which is what the exponent field of a double wants.
#if !defined(__CUDACC__)
template <class Real, int Width>
FORCESMITH_FUNCTION Lane<Real, Width> lane_power_of_two(Lane<Real, Width> n) {
  using Format = NumberFormat<Real>;
  using Vector = typename Lane<Real, Width>::Vector;
  using Bits = decltype(n.v < n.v);  // whole numbers as wide as the lanes
  return (Vector)((Bits)(n.v + (Format::one_and_a_half + Format::bias)) << Format::fraction_bits);
}
#endif
template <class Real>
FORCESMITH_FUNCTION Lane<Real, 1> lane_power_of_two(Lane<Real, 1> n) {
  using Format = NumberFormat<Real>;
  const Real shifted = n.v + (Format::one_and_a_half + Format::bias);
  typename Format::Bits bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits <<= Format::fraction_bits;
  Lane<Real, 1> power;
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
template <class L>
FORCESMITH_FUNCTION void lane_exponential_parts(L x, L& power, L& rest) {
  // 1/k!, highest power first; the first term left out is (ln 2 / 2)^14 / 14! = 4e-18, in
  // single precision (ln 2 / 2)^8 / 8! = 5e-9.
  constexpr double terms[] = {1 / 6227020800.0, 1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0,
                              1 / 362880.0,     1 / 40320.0,     1 / 5040.0,     1 / 720.0,
                              1 / 120.0,        1 / 24.0,        1 / 6.0,        1 / 2.0};
  constexpr bool single = lane_is_single<L>;
  constexpr int first = single ? 6 : 0;
  x = lane_clamp(x, L(single ? -87.0 : -708.0), L(single ? 88.0 : 709.0));
  const L n = lane_round(x * L(1.4426950408889634));
  const L r = (x - n * L(LogarithmOf2<single>::large)) - n * L(LogarithmOf2<single>::small);
  L sum(terms[first]);
  for (int k = first + 1; k < 12; ++k) sum = sum * r + L(terms[k]);
  power = lane_power_of_two(n);
  rest = r + r * r * sum;
}

/// x beyond the ends of lane_exponential_parts is taken as the nearer one: the result is never 0 nor infinite.
template <class L>
FORCESMITH_FUNCTION L lane_exp(L x) {
  L power, rest;
  lane_exponential_parts(x, power, rest);
  return power + power * rest;
}

/// x = mantissa 2^exponent with 1 <= mantissa < 2, for positive x that is neither denormal nor infinite.
#if !defined(__CUDACC__)
template <class Real, int Width>
FORCESMITH_FUNCTION void lane_split(Lane<Real, Width> x, Lane<Real, Width>& mantissa,
                                    Lane<Real, Width>& exponent) {
  using L = Lane<Real, Width>;
  using Format = NumberFormat<Real>;
  using Vector = typename L::Vector;
  using Bits = decltype(x.v < x.v);
  constexpr auto one = typename Format::Bits(1) << Format::fraction_bits;
  const Bits bits = (Bits)x.v, fraction = bits & (Bits{} + static_cast<decltype(bits[0] + 0)>(one - 1));
  mantissa = (Vector)(fraction | (Bits)L(1.0).v);
  // The exponent field, put into the lowest bits of 2^52.
  const L shift(static_cast<Real>(one));
  exponent = L((Vector)((bits >> Format::fraction_bits) | (Bits)shift.v)) - (shift + L(Format::bias));
}
#endif
template <class Real>
FORCESMITH_FUNCTION void lane_split(Lane<Real, 1> x, Lane<Real, 1>& mantissa, Lane<Real, 1>& exponent) {
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
template <class L>
FORCESMITH_FUNCTION L lane_log(L x) {
  // x = 2^n m with m between sqrt(1/2) and sqrt(2), and ln m = 2 artanh(t), t = (m - 1) / (m + 1),
  // |t| < 0.172: the first term left out of the series of artanh is below 1e-17 t, in single
  // precision 2e-8 t.
  constexpr double terms[] = {2 / 21.0, 2 / 19.0, 2 / 17.0, 2 / 15.0, 2 / 13.0,
                              2 / 11.0, 2 / 9.0,  2 / 7.0,  2 / 5.0,  2 / 3.0};
  L m, n;
  constexpr bool single = lane_is_single<L>;
  const L smallest(single ? 1e-37 : 1e-300);
  lane_split(lane_if_less(x, smallest, smallest, x), m, n);
  const L root(1.4142135623730951);
  n = lane_if_less(root, m, n + L(1.0), n);
  m = lane_if_less(root, m, L(0.5) * m, m);
  const L t = (m - L(1.0)) / (m + L(1.0)), square = t * t;
  constexpr int first = single ? 6 : 0;
  L sum(terms[first]);
  for (int k = first + 1; k < 10; ++k) sum = sum * square + L(terms[k]);
  return n * L(LogarithmOf2<single>::large) +
         (L(2.0) * t + (sum * square * t + n * L(LogarithmOf2<single>::small)));
}

/// ln(1 + x) for 0 <= x <= 1, in double precision only: the series of 2 artanh(x / (2 + x)).
template <class L>
FORCESMITH_FUNCTION L lane_log1p(L x) {
  // 1/(2k+1), highest power first; the first term left out is (1/9)^17 / 35 = 2e-18.
  constexpr double terms[] = {1 / 33.0, 1 / 31.0, 1 / 29.0, 1 / 27.0, 1 / 25.0, 1 / 23.0,
                              1 / 21.0, 1 / 19.0, 1 / 17.0, 1 / 15.0, 1 / 13.0, 1 / 11.0,
                              1 / 9.0,  1 / 7.0,  1 / 5.0,  1 / 3.0};
  const L s = x / (L(2.0) + x), square = s * s;
  L sum(terms[0]);
  for (int k = 1; k < 16; ++k) sum = sum * square + L(terms[k]);
  return L(2.0) * s * (L(1.0) + square * sum);
}

/// In double precision only: 1 / (1 + exp(-x)), and `rest`, which is 1 minus that without loss of digits.
template <class L>
FORCESMITH_FUNCTION L lane_logistic(L x, L& rest) {
  const L e = lane_exp(-x), value = L(1.0) / (L(1.0) + e);
  rest = e * value;
  return value;
}

/// In double precision only: tanh(x), and `slope` = 1 - tanh(x)^2 without loss of digits.
template <class L>
FORCESMITH_FUNCTION L lane_tanh(L x, L& slope) {
  L power, rest;
  lane_exponential_parts(L(-2.0) * x, power, rest);
  // With e = exp(-2x): (1 - e) / (1 + e); close to 0, e - 1 keeps its digits this way.
  const L product = power * rest, e_minus_1 = product + (power - L(1.0));
  const L inverse = L(1.0) / (L(2.0) + e_minus_1);
  slope = L(4.0) * ((power + product) * inverse) * inverse;
  return -e_minus_1 * inverse;
}

/// tanh(x) for |x| <= 1, without an exponential function: ninth convergent of Lambert's continued fraction
/// x / (1 + x^2 / (3 + x^2 / (5 + ..))), whose own relative error is 3e-17.
template <class L>
FORCESMITH_FUNCTION L lane_tanh_up_to_1(L x) {
  const L z = x * x;
  const L above = (((z + L(990.0)) * z + L(135135.0)) * z + L(4729725.0)) * z + L(34459425.0);
  const L below = (((L(45.0) * z + L(13860.0)) * z + L(945945.0)) * z + L(16216200.0)) * z + L(34459425.0);
  return x * above / below;
}

}  // namespace forcesmith::FORCESMITH_ISA
