// Chebyshev polynomials against T_b(cos phi) = cos(b phi), and their derivatives.
#include "math/chebyshev.hpp"

#include "check.hpp"

int main() {
  using V = forcesmith::FORCESMITH_ISA::Simd<double, 1>;
  const double slope = 0.7;  // dx/dr
  std::vector<double> values, derivatives, expected_values, expected_derivatives;
  for (double phi : {0.1, 0.8, 1.5, 2.2, 3.0}) {
    forcesmith::FORCESMITH_ISA::ChebyshevValues<V> of_values(V(std::cos(phi)));
    forcesmith::FORCESMITH_ISA::ChebyshevDerivatives<V> of_both(V(std::cos(phi)), slope);
    for (int b = 0; b < 20; ++b, of_values.advance(), of_both.advance()) {
      CHECK(of_both.value[0] == of_values.value[0]);
      values.push_back(of_values.value[0]);
      derivatives.push_back(of_both.derivative[0]);
      expected_values.push_back(std::cos(b * phi));
      expected_derivatives.push_back(b * std::sin(b * phi) / std::sin(phi) * slope);
    }
  }
  CHECK_CLOSE(values, expected_values, 1e-13);
  CHECK_CLOSE(derivatives, expected_derivatives, 1e-13);
  return failures != 0;
}
