// Trigonometric functions of lanes, for kernels that may not call the mathematical library.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// For |x| <= pi, absolute error below 2e-15, in single precision 4e-7. Taylor series of the half angle (the
/// first term left out is (pi/2)^23 / 23! = 1e-18, in single precision (pi/2)^15 / 15! = 7e-10), then the
/// formulas for the double angle.
template <class V>
FORCESMITH_FUNCTION void simd_sin_cos(V x, V& sine, V& cosine) {
  // sin(y) / y and (cos(y) - 1) / y^2 as polynomials in y^2, highest power first.
  constexpr double sine_terms[] = {1 / 51090942171709440000.0,
                                   -1 / 121645100408832000.0,
                                   1 / 355687428096000.0,
                                   -1 / 1307674368000.0,
                                   1 / 6227020800.0,
                                   -1 / 39916800.0,
                                   1 / 362880.0,
                                   -1 / 5040.0,
                                   1 / 120.0,
                                   -1 / 6.0,
                                   1.0};
  constexpr double cosine_terms[] = {-1 / 1124000727777607680000.0,
                                     1 / 2432902008176640000.0,
                                     -1 / 6402373705728000.0,
                                     1 / 20922789888000.0,
                                     -1 / 87178291200.0,
                                     1 / 479001600.0,
                                     -1 / 3628800.0,
                                     1 / 40320.0,
                                     -1 / 720.0,
                                     1 / 24.0,
                                     -1 / 2.0};
  constexpr int first = simd_is_single<V> ? 4 : 0;
  const V y = x * V(0.5), square = y * y;
  V s(sine_terms[first]), c(cosine_terms[first]);
  for (int i = first + 1; i < 11; ++i) {
    s = s * square + V(sine_terms[i]);
    c = c * square + V(cosine_terms[i]);
  }
  const V sine_half = s * y, cosine_half = V(1.0) + c * square;
  sine = V(2.0) * sine_half * cosine_half;
  // Of twice the accuracy where the sine of the half angle is near 1.
  if constexpr (simd_is_single<V>) cosine = (cosine_half - sine_half) * (cosine_half + sine_half);
  else cosine = V(1.0) - V(2.0) * sine_half * sine_half;
}

/// x without the multiple of 2 pi that brings it into [-pi, pi], for |x| < 1e6; absolute error below 1e-15.
/// Double precision only.
template <class V>
FORCESMITH_FUNCTION V simd_wrapped_angle(V x) {
  // 2 pi in three parts; whole multiples of the first two, of 33 bits each, are exact.
  const V turns = simd_round(x * V(1 / 6.283185307179586));
  return ((x - turns * V(0x1.921fb544p+2)) - turns * V(0x1.0b4611a6p-32)) - turns * V(0x1.3198a2e037073p-67);
}

/// The angle in [0, pi] with this cosine and sine, relative error below 1e-15, in single precision 3e-7, as far as they
/// are right: near 0 and pi it has the digits of the sine. A cosine beyond [-1, 1] is taken as the nearer end.
template <class V>
FORCESMITH_FUNCTION V simd_angle(V cosine, V sine) {
  // (asin(t) / t - 1) / t^2 as polynomials in t^2 for t <= 1/2, highest power first: they meet the function in
  // the Chebyshev nodes, and change asin(t) by less than 6e-17 t, in single precision 2e-8 t.
  constexpr double double_terms[] = {0.028169218060881414,  -0.010749050339697808, 0.01603551434914882,
                                     0.0078029494773533175, 0.011875494382636922,  0.013929652902326633,
                                     0.017355259955786323,  0.02237204763174451,   0.03038194736709848,
                                     0.044642857103423646,  0.07500000000020764,   0.1666666666666665};
  constexpr double single_terms[] = {0.038085023561092654, 0.026554542206161328, 0.04500138006991017,
                                     0.07498855072600821, 0.16666672414795305};
  constexpr bool single = simd_is_single<V>;
  constexpr int n_terms = single ? 5 : 12;
  const V zero(0.0), half(0.5), half_pi(1.5707963267948966);
  const V size = simd_clamp(simd_if_less(cosine, zero, -cosine, cosine), zero, V(1.0));
  // acos(x) = 2 asin(sine / sqrt(2 + 2 x)), or pi/2 - asin(x) up to 1/2
  const V t = simd_if_less(half, size, sine / simd_sqrt(V(2.0) + V(2.0) * size), size), square = t * t;
  V sum(single ? single_terms[0] : double_terms[0]);
  for (int i = 1; i < n_terms; ++i) sum = sum * square + V(single ? single_terms[i] : double_terms[i]);
  const V arcsine = t + t * square * sum;
  const V angle = simd_if_less(half, size, V(2.0) * arcsine, half_pi - arcsine);
  return simd_if_less(cosine, zero, V(2.0) * half_pi - angle, angle);
}

}  // namespace forcesmith::FORCESMITH_ISA
