// Exponential functions, logarithms and trigonometric functions of lanes, for every width that exists, against the
// mathematical library in long double.
#include <cmath>

#include "check.hpp"
#include "core/aligned_buffer.hpp"
#include "simd/exponential.hpp"
#include "simd/trigonometry.hpp"

namespace {

using namespace forcesmith::FORCESMITH_ISA;

/// Largest relative (below `floor`: relative to it) error of `function` from `low` to `high`.
template <class V, class Function, class Expected>
double error(double low, double high, const Function& function, const Expected& expected, double floor = 0.0) {
  double largest = 0.0;
  const int n = 20000;
  for (int i = 0; i < n; i += V::width) {
    V x(0.0);
    // Denser around the middle, where e^x - 1 and the like lose digits.
    for (int k = 0; k < V::width; ++k) {
      const double t = 2.0 * (i + k) / (n - 1) - 1.0;
      x.set(k, static_cast<typename V::Number>(
                   std::min(high, std::max(low, 0.5 * (low + high) + 0.5 * (high - low) * t * t * t))));
    }
    const V y = function(x);
    for (int k = 0; k < V::width; ++k) {
      const long double exact = expected(static_cast<long double>(x[k]));
      const long double scale = std::max<long double>(std::abs(exact), floor);
      const double own = exact == y[k] ? 0.0 : static_cast<double>(std::abs(y[k] - exact) / scale);
      if (!(own <= largest)) largest = own;
    }
  }
  return largest;
}

/// Of a cosine; with the sine that belongs to it.
template <class V>
V angle(V cosine) {
  V sine(0.0);
  for (int k = 0; k < V::width; ++k) {
    const long double x = cosine[k];
    sine.set(k, static_cast<typename V::Number>(std::sqrt((1 - x) * (1 + x))));
  }
  return simd_angle(cosine, sine);
}

template <int Width>
void test_functions() {
  using V = Simd<double, Width>;
  using std::exp, std::tanh, std::log1p;
  using Number = long double;
  V other(0.0);

  CHECK(error<V>(-708, 709, simd_exp<V>, [](Number x) { return exp(x); }) < 5e-16);
  CHECK(error<V>(-2, 2, simd_exp<V>, [](Number x) { return exp(x); }) < 5e-16);
  CHECK(error<V>(0, 1, simd_log1p<V>, [](Number x) { return log1p(x); }) < 1e-15);
  CHECK(error<V>(0, 1e-6, simd_log1p<V>, [](Number x) { return log1p(x); }) < 1e-15);
  for (double far : {1e-300, 1e-8, 0.1, 0.999, 1.001, 1.9, 1e8, 1e300})
    CHECK(error<V>(std::min(1.0, far), std::max(1.0, far), simd_log<V>, [](Number x) { return std::log(x); }) < 5e-16);
  CHECK(error<V>(-1, 1, simd_tanh_up_to_1<V>, [](Number x) { return tanh(x); }) < 5e-16);
  for (double range : {1e-8, 1.0, 30.0, 353.0}) {
    const auto value = [&](V x) { return simd_tanh(x, other); };
    const auto slope = [](V x) {
      V d;
      simd_tanh(x, d);
      return d;
    };
    CHECK(error<V>(-range, range, value, [](Number x) { return tanh(x); }) < 1e-15);
    CHECK(error<V>(-range, range, slope, [](Number x) { return 1 / (std::cosh(x) * std::cosh(x)); }) < 2e-15);
  }
  for (double range : {1.0, 30.0, 707.0}) {
    const auto value = [&](V x) { return simd_logistic(x, other); };
    const auto rest = [](V x) {
      V r;
      simd_logistic(x, r);
      return r;
    };
    CHECK(error<V>(-range, range, value, [](Number x) { return 1 / (1 + exp(-x)); }) < 1e-15);
    CHECK(error<V>(-range, range, rest, [](Number x) { return 1 / (1 + exp(x)); }) < 1e-15);
  }
  for (double range : {3.141592653589793, 100.0, 1e6}) {
    const auto sine = [](V x) {
      V s, c;
      simd_sin_cos(simd_wrapped_angle(x), s, c);
      return s;
    };
    const auto cosine = [](V x) {
      V s, c;
      simd_sin_cos(simd_wrapped_angle(x), s, c);
      return c;
    };
    CHECK(error<V>(-range, range, sine, [](Number x) { return std::sin(x); }, 1.0) < 2e-15);
    CHECK(error<V>(-range, range, cosine, [](Number x) { return std::cos(x); }, 1.0) < 2e-15);
  }
  for (auto [low, high] : {std::pair{-1.0, 1.0}, {-0.51, -0.49}, {0.0, 0.6}, {1 - 1e-12, 1.0}, {-1.0, -1 + 1e-9}})
    CHECK(error<V>(low, high, angle<V>, [](Number x) { return std::acos(x); }) < 5e-16);
  CHECK(error<V>(-1e6, 1e6, [](V x) { return simd_round(x); }, [](Number x) { return std::nearbyint(x); }) == 0.0);

  // Far outside: the nearer end, finite, and not-a-number stays.
  for (double far : {1e3, 1e300, double(INFINITY)}) {
    CHECK(simd_exp(V(-far))[0] == simd_exp(V(-708.0))[0] && simd_exp(V(far))[0] == simd_exp(V(709.0))[0]);
    for (double sign : {1.0, -1.0}) {
      V slope;
      CHECK_CLOSE(simd_tanh(V(sign * far), slope)[0], sign, 1e-15);
      CHECK(slope[0] >= 0.0 && slope[0] < 1e-300);
    }
  }
  CHECK(simd_exp(V(0.0))[0] == 1.0 && simd_tanh(V(0.0), other)[0] == 0.0 && other[0] == 1.0);
  for (double beyond : {1.0, 1.0 + 1e-15, 2.0})
    CHECK(simd_angle(V(beyond), V(0.0))[0] == 0.0 && simd_angle(V(-beyond), V(0.0))[0] == 3.141592653589793);
  // The cosine has no digits of these angles any more.
  for (double small : {1e-9, 1e-12, 1e-200}) CHECK_CLOSE(simd_angle(V(1.0), V(small))[0] / small, 1.0, 1e-15);
  CHECK(simd_log1p(V(0.0))[0] == 0.0 && simd_log(V(1.0))[0] == 0.0);
  for (double x : {0.0, -0.0, -1.0, 1e-310}) CHECK(simd_log(V(x))[0] == simd_log(V(1e-300))[0]);
  V mixed(1.0);
  mixed.set(Width - 1, NAN);
  CHECK(std::isnan(simd_exp(mixed)[Width - 1]) && std::isnan(simd_tanh(mixed, other)[Width - 1]));
  CHECK(Width == 1 || simd_exp(mixed)[0] == simd_exp(V(1.0))[0]);
}

/// Those that kernels use in single precision.
template <int Width>
void test_single_functions() {
  using V = Simd<float, Width>;
  using Number = long double;
  CHECK(error<V>(-87, 88, simd_exp<V>, [](Number x) { return std::exp(x); }) < 3e-7);
  CHECK(error<V>(-2, 2, simd_exp<V>, [](Number x) { return std::exp(x); }) < 2e-7);
  for (double far : {1e-37, 1e-8, 0.1, 0.999, 1.001, 1.9, 1e8, 1e38})
    CHECK(error<V>(std::min(1.0, far), std::max(1.0, far), simd_log<V>, [](Number x) { return std::log(x); }) < 3e-7);
  CHECK(error<V>(-1, 1, simd_tanh_up_to_1<V>, [](Number x) { return std::tanh(x); }) < 3e-7);
  const auto sine = [](V x) {
    V s, c;
    simd_sin_cos(x, s, c);
    return s;
  };
  const auto cosine = [](V x) {
    V s, c;
    simd_sin_cos(x, s, c);
    return c;
  };
  CHECK(error<V>(-3.141592, 3.141592, sine, [](Number x) { return std::sin(x); }, 1.0) < 3e-7);
  CHECK(error<V>(-3.141592, 3.141592, cosine, [](Number x) { return std::cos(x); }, 1.0) < 4e-7);
  for (auto [low, high] : {std::pair{-1.0, 1.0}, {-0.51, -0.49}, {0.0, 0.6}, {1 - 1e-5, 1.0}, {-1.0, -1 + 1e-5}})
    CHECK(error<V>(low, high, angle<V>, [](Number x) { return std::acos(x); }) < 2e-7);
  CHECK(error<V>(-4e6, 4e6, [](V x) { return simd_round(x); }, [](Number x) { return std::nearbyint(x); }) == 0.0);
  CHECK(error<V>(0, 10, [](V x) { return simd_sqrt(x); }, [](Number x) { return std::sqrt(x); }) < 7e-8);

  for (float far : {1e3f, 1e30f, INFINITY})
    CHECK(simd_exp(V(-far))[0] == simd_exp(V(-87.0))[0] && simd_exp(V(far))[0] == simd_exp(V(88.0))[0]);
  CHECK(simd_exp(V(0.0))[0] == 1.0f && simd_log(V(1.0))[0] == 0.0f);
  for (float x : {0.0f, -0.0f, -1.0f, 1e-40f}) CHECK(simd_log(V(x))[0] == simd_log(V(1e-37))[0]);
  V mixed(1.0);
  mixed.set(Width - 1, NAN);
  CHECK(std::isnan(simd_exp(mixed)[Width - 1]));
  CHECK(Width == 1 || simd_exp(mixed)[0] == simd_exp(V(1.0))[0]);
}

/// Whatever the alignment, and nothing beside it is touched.
template <int Width>
void test_unaligned() {
  using V = Simd<double, Width>;
  for (int shift = 0; shift < 3; ++shift) {
    double numbers[Width + 4], copy[Width + 4] = {0};
    for (int i = 0; i < Width + 4; ++i) numbers[i] = 1.0 + i;
    simd_store_unaligned(copy + shift, simd_load_unaligned<V>(numbers + shift));
    for (int i = 0; i < Width + 4; ++i) CHECK(copy[i] == (i >= shift && i < shift + Width ? numbers[i] : 0.0));
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
  return failures != 0;
}
