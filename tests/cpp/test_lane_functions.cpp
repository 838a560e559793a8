// Exponential functions, logarithms and trigonometric functions of lanes, for every width that exists, against the mathematical
// library in long double.
#include <cmath>

#include "check.hpp"
#include "core/aligned_buffer.hpp"
#include "math/lane_exponential.hpp"
#include "math/lane_trigonometry.hpp"

namespace {

using namespace forcesmith::FORCESMITH_ISA;

/// Largest relative (below `floor`: relative to it) error of `function` from `low` to `high`.
template <class L, class Function, class Expected>
double error(double low, double high, const Function& function, const Expected& expected,
             double floor = 0.0) {
  double largest = 0.0;
  const int n = 20000;
  for (int i = 0; i < n; i += L::width) {
    L x(0.0);
    // Denser around the middle, where e^x - 1 and the like lose digits.
    for (int k = 0; k < L::width; ++k) {
      const double t = 2.0 * (i + k) / (n - 1) - 1.0;
      x.set(k, static_cast<typename L::Number>(
                   std::min(high, std::max(low, 0.5 * (low + high) + 0.5 * (high - low) * t * t * t))));
    }
    const L y = function(x);
    for (int k = 0; k < L::width; ++k) {
      const long double exact = expected(static_cast<long double>(x[k]));
      const long double scale = std::max<long double>(std::abs(exact), floor);
      const double own = exact == y[k] ? 0.0 : static_cast<double>(std::abs(y[k] - exact) / scale);
      if (!(own <= largest)) largest = own;
    }
  }
  return largest;
}

template <int Width>
void test_functions() {
  using L = Lane<double, Width>;
  using std::exp, std::tanh, std::log1p;
  using Number = long double;
  L other(0.0);

  CHECK(error<L>(-708, 709, lane_exp<L>, [](Number x) { return exp(x); }) < 5e-16);
  CHECK(error<L>(-2, 2, lane_exp<L>, [](Number x) { return exp(x); }) < 5e-16);
  CHECK(error<L>(0, 1, lane_log1p<L>, [](Number x) { return log1p(x); }) < 1e-15);
  CHECK(error<L>(0, 1e-6, lane_log1p<L>, [](Number x) { return log1p(x); }) < 1e-15);
  for (double far : {1e-300, 1e-8, 0.1, 0.999, 1.001, 1.9, 1e8, 1e300})
    CHECK(error<L>(std::min(1.0, far), std::max(1.0, far), lane_log<L>, [](Number x) { return std::log(x); }) < 5e-16);
  CHECK(error<L>(-1, 1, lane_tanh_up_to_1<L>, [](Number x) { return tanh(x); }) < 5e-16);
  for (double range : {1e-8, 1.0, 30.0, 353.0}) {
    const auto value = [&](L x) { return lane_tanh(x, other); };
    const auto slope = [](L x) { L d; lane_tanh(x, d); return d; };
    CHECK(error<L>(-range, range, value, [](Number x) { return tanh(x); }) < 1e-15);
    CHECK(error<L>(-range, range, slope, [](Number x) { return 1 / (std::cosh(x) * std::cosh(x)); }) < 2e-15);
  }
  for (double range : {1.0, 30.0, 707.0}) {
    const auto value = [&](L x) { return lane_logistic(x, other); };
    const auto rest = [](L x) { L r; lane_logistic(x, r); return r; };
    CHECK(error<L>(-range, range, value, [](Number x) { return 1 / (1 + exp(-x)); }) < 1e-15);
    CHECK(error<L>(-range, range, rest, [](Number x) { return 1 / (1 + exp(x)); }) < 1e-15);
  }
  for (double range : {3.141592653589793, 100.0, 1e6}) {
    const auto sine = [](L x) { L s, c; lane_sin_cos(lane_wrapped_angle(x), s, c); return s; };
    const auto cosine = [](L x) { L s, c; lane_sin_cos(lane_wrapped_angle(x), s, c); return c; };
    CHECK(error<L>(-range, range, sine, [](Number x) { return std::sin(x); }, 1.0) < 2e-15);
    CHECK(error<L>(-range, range, cosine, [](Number x) { return std::cos(x); }, 1.0) < 2e-15);
  }
  for (auto [low, high] : {std::pair{-1.0, 1.0}, {-0.51, -0.49}, {0.0, 0.6}, {1 - 1e-12, 1.0}, {-1.0, -1 + 1e-9}})
    CHECK(error<L>(low, high, lane_acos<L>, [](Number x) { return std::acos(x); }) < 5e-16);
  CHECK(error<L>(-1e6, 1e6, [](L x) { return lane_round(x); }, [](Number x) { return std::nearbyint(x); }) == 0.0);

  // Far outside: the nearer end, finite, and not-a-number stays.
  for (double far : {1e3, 1e300, double(INFINITY)}) {
    CHECK(lane_exp(L(-far))[0] == lane_exp(L(-708.0))[0] && lane_exp(L(far))[0] == lane_exp(L(709.0))[0]);
    for (double sign : {1.0, -1.0}) {
      L slope;
      CHECK_CLOSE(lane_tanh(L(sign * far), slope)[0], sign, 1e-15);
      CHECK(slope[0] >= 0.0 && slope[0] < 1e-300);
    }
  }
  CHECK(lane_exp(L(0.0))[0] == 1.0 && lane_tanh(L(0.0), other)[0] == 0.0 && other[0] == 1.0);
  for (double beyond : {1.0, 1.0 + 1e-15, 2.0})
    CHECK(lane_acos(L(beyond))[0] == 0.0 && lane_acos(L(-beyond))[0] == 3.141592653589793);
  CHECK(lane_log1p(L(0.0))[0] == 0.0 && lane_log(L(1.0))[0] == 0.0);
  for (double x : {0.0, -0.0, -1.0, 1e-310}) CHECK(lane_log(L(x))[0] == lane_log(L(1e-300))[0]);
  L mixed(1.0);
  mixed.set(Width - 1, NAN);
  CHECK(std::isnan(lane_exp(mixed)[Width - 1]) && std::isnan(lane_tanh(mixed, other)[Width - 1]));
  CHECK(Width == 1 || lane_exp(mixed)[0] == lane_exp(L(1.0))[0]);
}

/// Those that kernels use in single precision.
template <int Width>
void test_single_functions() {
  using L = Lane<float, Width>;
  using Number = long double;
  CHECK(error<L>(-87, 88, lane_exp<L>, [](Number x) { return std::exp(x); }) < 3e-7);
  CHECK(error<L>(-2, 2, lane_exp<L>, [](Number x) { return std::exp(x); }) < 2e-7);
  for (double far : {1e-37, 1e-8, 0.1, 0.999, 1.001, 1.9, 1e8, 1e38})
    CHECK(error<L>(std::min(1.0, far), std::max(1.0, far), lane_log<L>, [](Number x) { return std::log(x); }) < 3e-7);
  CHECK(error<L>(-1, 1, lane_tanh_up_to_1<L>, [](Number x) { return std::tanh(x); }) < 3e-7);
  const auto sine = [](L x) { L s, c; lane_sin_cos(x, s, c); return s; };
  const auto cosine = [](L x) { L s, c; lane_sin_cos(x, s, c); return c; };
  CHECK(error<L>(-3.141592, 3.141592, sine, [](Number x) { return std::sin(x); }, 1.0) < 3e-7);
  CHECK(error<L>(-3.141592, 3.141592, cosine, [](Number x) { return std::cos(x); }, 1.0) < 4e-7);
  for (auto [low, high] : {std::pair{-1.0, 1.0}, {-0.51, -0.49}, {0.0, 0.6}, {1 - 1e-5, 1.0}, {-1.0, -1 + 1e-5}})
    CHECK(error<L>(low, high, lane_acos<L>, [](Number x) { return std::acos(x); }) < 2e-7);
  CHECK(error<L>(-4e6, 4e6, [](L x) { return lane_round(x); }, [](Number x) { return std::nearbyint(x); }) == 0.0);
  CHECK(error<L>(0, 10, [](L x) { return lane_sqrt(x); }, [](Number x) { return std::sqrt(x); }) < 7e-8);

  for (float far : {1e3f, 1e30f, INFINITY})
    CHECK(lane_exp(L(-far))[0] == lane_exp(L(-87.0))[0] && lane_exp(L(far))[0] == lane_exp(L(88.0))[0]);
  CHECK(lane_exp(L(0.0))[0] == 1.0f && lane_log(L(1.0))[0] == 0.0f);
  for (float x : {0.0f, -0.0f, -1.0f, 1e-40f}) CHECK(lane_log(L(x))[0] == lane_log(L(1e-37))[0]);
  L mixed(1.0);
  mixed.set(Width - 1, NAN);
  CHECK(std::isnan(lane_exp(mixed)[Width - 1]));
  CHECK(Width == 1 || lane_exp(mixed)[0] == lane_exp(L(1.0))[0]);
}

/// Whatever the alignment, and nothing beside it is touched.
template <int Width>
void test_unaligned() {
  using L = Lane<double, Width>;
  for (int shift = 0; shift < 3; ++shift) {
    double numbers[Width + 4], copy[Width + 4] = {0};
    for (int i = 0; i < Width + 4; ++i) numbers[i] = 1.0 + i;
    lane_store_unaligned(copy + shift, lane_load_unaligned<L>(numbers + shift));
    for (int i = 0; i < Width + 4; ++i)
      CHECK(copy[i] == (i >= shift && i < shift + Width ? numbers[i] : 0.0));
  }
}

}  // namespace

int main() {
  test_functions<1>();
  test_functions<2>();
  test_functions<4>();
  test_functions<8>();
  test_single_functions<1>();
  test_single_functions<4>();
  test_single_functions<8>();
  test_single_functions<16>();
  test_unaligned<1>();
  test_unaligned<2>();
  test_unaligned<4>();
  test_unaligned<8>();
  return failures;
}
