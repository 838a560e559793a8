// Compiled once per instruction set (FORCESMITH_ISA).
#include "multiply_add_variants.hpp"

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

double multiply_adds(double wanted, double& sum) {
  using V = Simd<double, native_width>;
  // Two units of latency 4 to 5 want 10; 12 and the two factors fit into 16 registers.
  constexpr int n = 12;
  const V factor(1.0 - 1e-9), shift(1e-9);  // converges to 1
  V x[n];
  for (int i = 0; i < n; ++i) x[i] = V(0.5 + 0.01 * i);
  const long rounds = static_cast<long>(wanted / (2.0 * n * V::width)) + 1;
  for (long round = 0; round < rounds; ++round)
    for (int i = 0; i < n; ++i) x[i] = x[i] * factor + shift;
  sum = 0.0;
  for (int i = 0; i < n; ++i) sum += lane_sum(x[i]);
  return 2.0 * n * V::width * static_cast<double>(rounds);
}

}  // namespace forcesmith::FORCESMITH_ISA
