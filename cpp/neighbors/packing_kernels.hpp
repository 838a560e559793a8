// What packing does with neighbors on processors and devices alike.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// Replaces vectors by unit vectors, by zero where the length is zero, and returns their lengths.
template <class V>
FORCESMITH_FUNCTION V normalize(V& x, V& y, V& z) {
  const V length = simd_sqrt(x * x + y * y + z * z);
  const V inverse = simd_if_less(V(0), length, V(1) / length, V(0));
  x *= inverse;
  y *= inverse;
  z *= inverse;
  return length;
}

}  // namespace forcesmith::FORCESMITH_ISA
