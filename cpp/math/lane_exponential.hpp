// Exponential function of lanes, what is made of it, and logarithms, for kernels that may not call the
// mathematical library. Relative errors are below 1e-15 unless stated; not-a-number stays what it is, unless
// stated.
#pragma once

#include "core/lane.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// 2^n for whole numbers n from -1022 to 1023. The lowest bits of n + 1.5 2^52 + 1023 are n + 1023, which
/// is what the exponent field of a double wants.
#if !defined(__CUDACC__)
template <int Width>
FORCESMITH_FUNCTION Lane<double, Width> lane_power_of_two(Lane<double, Width> n) {
  using Vector = typename Lane<double, Width>::Vector;
  using Bits = decltype(n.v < n.v);  // whole numbers as wide as doubles
  return (Vector)((Bits)(n.v + 6755399441056767.0) << 52);
}
#endif
FORCESMITH_FUNCTION Lane<double, 1> lane_power_of_two(Lane<double, 1> n) {
  const double shifted = n.v + 6755399441056767.0;
  unsigned long long bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits <<= 52;
  Lane<double, 1> power;
  __builtin_memcpy(&power.v, &bits, sizeof bits);
  return power;
}

/// exp(x) = power (1 + rest) with |rest| < 0.42; x beyond [-708, 709] is taken as the nearer end.
template <class L>
FORCESMITH_FUNCTION void lane_exponential_parts(L x, L& power, L& rest) {
  // 1/k!, highest power first; the first term left out is (ln 2 / 2)^14 / 14! = 4e-18.
  constexpr double terms[] = {1 / 6227020800.0, 1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0,
                              1 / 362880.0,     1 / 40320.0,     1 / 5040.0,     1 / 720.0,
                              1 / 120.0,        1 / 24.0,        1 / 6.0,        1 / 2.0};
  x = lane_clamp(x, L(-708.0), L(709.0));
  const L n = lane_round(x * L(1.4426950408889634));
  // x - n ln 2; whole multiples of the first part of ln 2, of 33 bits, are exact.
  const L r = (x - n * L(0x1.62e42fefp-1)) - n * L(0x1.473de6af278edp-34);
  L sum(terms[0]);
  for (int k = 1; k < 12; ++k) sum = sum * r + L(terms[k]);
  power = lane_power_of_two(n);
  rest = r + r * r * sum;
}

/// x beyond [-708, 709] is taken as the nearer end: the result is never 0 nor infinite.
template <class L>
FORCESMITH_FUNCTION L lane_exp(L x) {
  L power, rest;
  lane_exponential_parts(x, power, rest);
  return power + power * rest;
}

/// x = mantissa 2^exponent with 1 <= mantissa < 2, for positive x that is neither denormal nor infinite.
#if !defined(__CUDACC__)
template <int Width>
FORCESMITH_FUNCTION void lane_split(Lane<double, Width> x, Lane<double, Width>& mantissa,
                                    Lane<double, Width>& exponent) {
  using L = Lane<double, Width>;
  using Vector = typename L::Vector;
  using Bits = decltype(x.v < x.v);
  const Bits bits = (Bits)x.v;
  mantissa = (Vector)((bits & 0xFFFFFFFFFFFFFl) | (Bits)L(1.0).v);
  // The exponent field, put into the lowest bits of 2^52.
  exponent = L((Vector)((bits >> 52) | (Bits)L(4503599627370496.0).v)) - L(4503599627370496.0 + 1023.0);
}
#endif
FORCESMITH_FUNCTION void lane_split(Lane<double, 1> x, Lane<double, 1>& mantissa, Lane<double, 1>& exponent) {
  unsigned long long bits;
  __builtin_memcpy(&bits, &x.v, sizeof bits);
  exponent = static_cast<double>(static_cast<int>(bits >> 52) - 1023);
  bits = (bits & 0xFFFFFFFFFFFFFull) | (1023ull << 52);
  __builtin_memcpy(&mantissa.v, &bits, sizeof bits);
}

/// ln(x); x below 1e-300, 0 and negative numbers included, is taken as 1e-300. Not for not-a-number.
template <class L>
FORCESMITH_FUNCTION L lane_log(L x) {
  // x = 2^n m with m between sqrt(1/2) and sqrt(2), and ln m = 2 artanh(t), t = (m - 1) / (m + 1),
  // |t| < 0.172: the first term left out of the series of artanh is below 1e-17 t.
  constexpr double terms[] = {2 / 21.0, 2 / 19.0, 2 / 17.0, 2 / 15.0, 2 / 13.0,
                              2 / 11.0, 2 / 9.0,  2 / 7.0,  2 / 5.0,  2 / 3.0};
  L m, n;
  lane_split(lane_if_less(x, L(1e-300), L(1e-300), x), m, n);
  const L root(1.4142135623730951);
  n = lane_if_less(root, m, n + L(1.0), n);
  m = lane_if_less(root, m, L(0.5) * m, m);
  const L t = (m - L(1.0)) / (m + L(1.0)), square = t * t;
  L sum(terms[0]);
  for (int k = 1; k < 10; ++k) sum = sum * square + L(terms[k]);
  return n * L(0x1.62e42fefp-1) + (L(2.0) * t + (sum * square * t + n * L(0x1.473de6af278edp-34)));
}

/// ln(1 + x) for 0 <= x <= 1: the series of 2 artanh(x / (2 + x)).
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

/// 1 / (1 + exp(-x)), and `rest`, which is 1 minus that without loss of digits.
template <class L>
FORCESMITH_FUNCTION L lane_logistic(L x, L& rest) {
  const L e = lane_exp(-x), value = L(1.0) / (L(1.0) + e);
  rest = e * value;
  return value;
}

/// tanh(x), and `slope` = 1 - tanh(x)^2 without loss of digits.
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
