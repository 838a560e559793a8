// Functions that fall smoothly from 1 to 0, with their slopes, on lanes: cutoff functions of descriptors.
#pragma once

#include "simd/exponential.hpp"
#include "simd/trigonometry.hpp"

namespace forcesmith {

/// Numbered as n2p2's cutoff_type.
enum class CutoffFunction { cos = 1, tanhu, tanh, exp, poly1, poly2, poly3, poly4 };

}  // namespace forcesmith

namespace forcesmith::FORCESMITH_ISA {

/// f = (1 + cos(pi x)) / 2 for x from 0 to 1, where it is exactly 0, and df = steepest sin(pi x). steepest: the slope
/// in the middle, -pi/2 dx/dr for a derivative with r.
template <class V>
FORCESMITH_FUNCTION void cosine_cutoff(V x, V steepest, V& f, V& df) {
  constexpr double pi = 3.14159265358979323846;
  const V zero(0.0), one(1.0);
  V s, c;
  simd_sin_cos(x * V(pi), s, c);
  f = simd_if_less(x, one, V(0.5) * (one + c), zero);
  df = steepest * simd_if_less(x, one, s, zero);
}

/// f = (1 + sin(pi x / 2)) / 2, which rises from 0 at x = -1 to 1 at x = 1, and df = steepest cos(pi x / 2). steepest:
/// pi/4 dx/dr for a derivative with r.
template <class V>
FORCESMITH_FUNCTION void sine_switch(V x, V steepest, V& f, V& df) {
  constexpr double half_pi = 1.57079632679489661923;
  V s, c;
  simd_sin_cos(x * V(half_pi), s, c);
  f = V(0.5) * (V(1.0) + s);
  df = steepest * c;
}

/// f(x), which falls from 1 at x = 0 to 0 at x = 1, and its derivative, for 0 <= x <= 1. rest: x - 1, which a caller
/// may know with more digits.
template <class V>
FORCESMITH_FUNCTION void cutoff_function(CutoffFunction function, V x, V rest, V& f, V& df) {
  constexpr double pi = 3.14159265358979323846;
  const V zero(0.0), one(1.0);
  switch (function) {
    case CutoffFunction::cos: cosine_cutoff(x, V(-0.5 * pi), f, df); break;
    case CutoffFunction::tanhu:
    case CutoffFunction::tanh: {
      constexpr double inverse_tanh_of_1 = 1.3130352854993313;
      const V scale(function == CutoffFunction::tanh ? inverse_tanh_of_1 * inverse_tanh_of_1 * inverse_tanh_of_1 : 1.0);
      const V y = simd_tanh_up_to_1(-rest), square = y * y;
      f = scale * square * y;
      df = V(3.0) * scale * square * (square - one);
      break;
    }
    case CutoffFunction::exp: {
      // Infinite at x = 1, where neither result is taken.
      const V inverse = one / (one - x * x), value = simd_exp(one - inverse);
      f = simd_if_less(x, one, value, zero);
      df = simd_if_less(x, one, V(-2.0) * x * inverse * inverse * value, zero);
      break;
    }
    // Factored, so that no digits are lost near x = 1: (1 - x)^n times positive terms.
    case CutoffFunction::poly1:
      f = (rest * rest) * (V(2.0) * x + one);
      df = V(6.0) * x * rest;
      break;
    case CutoffFunction::poly2:
      f = -(rest * rest) * rest * ((V(6.0) * x + V(3.0)) * x + one);
      df = V(-30.0) * (x * rest) * (x * rest);
      break;
    case CutoffFunction::poly3:
      f = (rest * rest) * (rest * rest) * (((V(20.0) * x + V(10.0)) * x + V(4.0)) * x + one);
      df = V(140.0) * (x * rest) * (x * rest) * (x * rest);
      break;
    case CutoffFunction::poly4:
      f = -(rest * rest) * (rest * rest) * rest * ((((V(70.0) * x + V(35.0)) * x + V(15.0)) * x + V(5.0)) * x + one);
      df = V(-630.0) * (x * rest) * (x * rest) * (x * rest) * (x * rest);
      break;
  }
}

}  // namespace forcesmith::FORCESMITH_ISA
