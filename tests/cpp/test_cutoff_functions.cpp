// The cutoff functions of math/: values at points where they are known, slopes by differences, both ends.
#include "math/cutoff_functions.hpp"

#include "check.hpp"

namespace {

using forcesmith::CutoffFunction;
using V = forcesmith::FORCESMITH_ISA::Simd<double, 1>;

struct ValueAndSlope {
  double f, df;
};

ValueAndSlope cutoff(CutoffFunction function, double x) {
  V f(0.0), df(0.0);
  forcesmith::FORCESMITH_ISA::cutoff_function(function, V(x), V(x - 1), f, df);
  return {f[0], df[0]};
}

ValueAndSlope sine_switch(double x) {
  V f(0.0), df(0.0);
  forcesmith::FORCESMITH_ISA::sine_switch(V(x), V(std::atan(1.0)), f, df);
  return {f[0], df[0]};
}

void test_slope(ValueAndSlope below, ValueAndSlope at, ValueAndSlope above, double h) {
  CHECK_CLOSE(1 + at.df, 1 + (above.f - below.f) / (2 * h), 1e-8);
}

void test_cutoff(CutoffFunction function, double half) {
  const double h = 1e-5;
  const bool is_tanh = function == CutoffFunction::tanh || function == CutoffFunction::tanhu;
  // Of tanhu and tanh, the slope does not vanish at 0; tanhu begins with tanh(1)^3.
  CHECK_CLOSE(cutoff(function, 0).f, function == CutoffFunction::tanhu ? std::pow(std::tanh(1.0), 3) : 1.0, 1e-14);
  CHECK(is_tanh || cutoff(function, 0).df == 0.0);
  CHECK(std::abs(cutoff(function, 1).f) == 0.0 && std::abs(cutoff(function, 1).df) == 0.0);
  CHECK_CLOSE(cutoff(function, 0.5).f, half, 1e-14);
  for (double x : {0.05, 0.3, 0.5, 0.77, 0.98})
    test_slope(cutoff(function, x - h), cutoff(function, x), cutoff(function, x + h), h);
}

}  // namespace

int main() {
  const double cubed = std::pow(std::tanh(0.5), 3);
  test_cutoff(CutoffFunction::cos, 0.5);
  test_cutoff(CutoffFunction::tanhu, cubed);
  test_cutoff(CutoffFunction::tanh, cubed / std::pow(std::tanh(1.0), 3));
  test_cutoff(CutoffFunction::exp, std::exp(-1 / 3.0));
  for (CutoffFunction polynomial :
       {CutoffFunction::poly1, CutoffFunction::poly2, CutoffFunction::poly3, CutoffFunction::poly4})
    test_cutoff(polynomial, 0.5);

  CHECK_CLOSE(1 + sine_switch(-1).f, 1.0, 1e-14);
  CHECK_CLOSE(sine_switch(1).f, 1.0, 1e-14);
  CHECK_CLOSE(sine_switch(1 / 3.0).f, 0.75, 1e-14);
  for (double x : {-0.9, -0.2, 0.0, 0.4, 0.95})
    test_slope(sine_switch(x - 1e-5), sine_switch(x), sine_switch(x + 1e-5), 1e-5);
  return failures != 0;
}
