// Chebyshev polynomials T_b(x) of lanes, one after the other.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// Walks through T_b(x), b = 0, 1, ..
template <class V>
struct ChebyshevValues {
  V two_x, value, lower;

  FORCESMITH_FUNCTION explicit ChebyshevValues(V x) {
    two_x = x + x;
    value = V(1.0);
    lower = x;  // T_-1
  }
  FORCESMITH_FUNCTION void advance() {
    const V next = two_x * value - lower;
    lower = value;
    value = next;
  }
};

/// And through dT_b/dr. slope: dx/dr.
template <class V>
struct ChebyshevDerivatives : ChebyshevValues<V> {
  V derivative, lower_derivative, two_slope;

  FORCESMITH_FUNCTION ChebyshevDerivatives(V x, typename V::Number slope) : ChebyshevValues<V>(x) {
    two_slope = V(2 * slope);
    derivative = V(0.0);
    lower_derivative = V(slope);
  }
  FORCESMITH_FUNCTION void advance() {
    const V next = this->two_x * derivative + (two_slope * this->value - lower_derivative);
    lower_derivative = derivative;
    derivative = next;
    ChebyshevValues<V>::advance();
  }
};

}  // namespace forcesmith::FORCESMITH_ISA
