// Small numbers that become known to the compiler.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

template <int number>
struct Constant {
  static constexpr int value = number;
};

/// Calls body(Constant<n>{}) for 1 <= n <= most; body(Constant<most>{}) for larger n.
template <int most, class Body>
FORCESMITH_FUNCTION void with_constant(int n, const Body& body) {
  if constexpr (most > 1) {
    if (n < most) return with_constant<most - 1>(n, body);
  }
  body(Constant<most>{});
}

}  // namespace forcesmith::FORCESMITH_ISA
