// Simd arithmetic, choices, sums over lanes and elementary functions, for every width that exists: each lane
// does what a double does.
#include <algorithm>
#include <limits>
#include <numbers>

#include "check.hpp"
#include "core/aligned_buffer.hpp"
#include "simd/exponential.hpp"
#include "simd/sums.hpp"
#include "simd/transpose.hpp"
#include "simd/trigonometry.hpp"

namespace {

using namespace forcesmith::FORCESMITH_ISA;

template <class Real, int Width>
void test_arithmetic() {
  using V = Simd<Real, Width>;
  static_assert(V::width == Width && sizeof(V) == Width * sizeof(Real));
  constexpr double relative = 5 * std::numeric_limits<Real>::epsilon();
  forcesmith::AlignedBufferOf<Real> buffer;
  Real* x = buffer.reserve(4 * Width);
  Real *y = x + Width, *z = y + Width, *w = z + Width;
  for (int i = 0; i < Width; ++i) {
    x[i] = 1.5 + i;
    y[i] = -0.25 * i + 3.0;
    z[i] = w[i] = -1.0;
  }
  const V a = simd_load<V>(x), b = simd_load<V>(y);
  V c = a;
  c += b;
  c -= V(2.0);
  c *= a;
  simd_store(z, (a + b) * a - b / a + -a);
  simd_store(w, c);
  for (int i = 0; i < Width; ++i) {
    CHECK(a[i] == x[i]);
    CHECK(V(7.25)[i] == Real(7.25));
    CHECK_CLOSE(z[i], (x[i] + y[i]) * x[i] - y[i] / x[i] - x[i], relative);
    CHECK_CLOSE(w[i], (x[i] + y[i] - 2.0) * x[i], relative);
  }
  c.set(Width - 1, 42.0);
  for (int i = 0; i < Width; ++i) CHECK(c[i] == (i == Width - 1 ? 42.0 : w[i]));
  const V roots = simd_sqrt(a);
  for (int i = 0; i < Width; ++i) CHECK(roots[i] == std::sqrt(x[i]));
  // A broadcast of the special values: subtracting zero must not change them.
  CHECK(std::isnan(V(NAN)[0]) && V(Real(INFINITY))[Width - 1] == INFINITY);
  CHECK(std::signbit(V(-0.0)[0]));
  Real sum = 0.0;
  for (int i = 0; i < Width; ++i) sum += x[i];
  CHECK_CLOSE(lane_sum(a), sum, relative);
}

template <class Real, int Width>
void test_choices() {
  using V = Simd<Real, Width>;
  const Real some[] = {-INFINITY, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, INFINITY, NAN};
  for (Real a : some)
    for (Real b : some)
      for (int own = 0; own < Width; ++own) {
        // One lane of its own, so that no lane decides for another.
        V x(0.25), low(-1.0), high(1.0), y(0.75);
        x.set(own, a);
        y.set(own, b);
        const V chosen = simd_if_less(x, y, low, high), clamped = simd_clamp(x, low, high);
        for (int i = 0; i < Width; ++i) {
          CHECK(chosen[i] == (x[i] < y[i] ? -1 : 1));
          if (std::isnan(x[i])) CHECK(std::isnan(clamped[i]));
          else CHECK(clamped[i] == std::clamp<Real>(x[i], -1, 1));
        }
      }
}

template <int Width>
void test_sin_cos() {
  using V = Simd<double, Width>;
  constexpr int n = 100000;
  double largest = 0.0;
  for (int first = 0; first <= n; first += Width) {
    V x(0.0), sine, cosine;
    for (int i = 0; i < Width; ++i) x.set(i, std::numbers::pi * (2.0 * std::min(first + i, n) / n - 1.0));
    simd_sin_cos(x, sine, cosine);
    for (int i = 0; i < Width; ++i)
      largest = std::max({largest, std::abs(sine[i] - std::sin(x[i])), std::abs(cosine[i] - std::cos(x[i]))});
  }
  CHECK(largest < 2e-15);
}

/// Largest relative difference of two functions at n + 1 points from `low` to `high`.
template <int Width, class Function, class Exact>
double largest_difference(double low, double high, const Function& function, const Exact& exact) {
  using V = Simd<double, Width>;
  constexpr int n = 100000;
  double largest = 0.0;
  for (int first = 0; first <= n; first += Width) {
    V x(0.0);
    for (int i = 0; i < Width; ++i) x.set(i, low + (high - low) * std::min(first + i, n) / n);
    const V found = function(x);
    for (int i = 0; i < Width; ++i) {
      const double expected = exact(x[i]);
      if (found[i] != expected) largest = std::max(largest, std::abs(found[i] / expected - 1.0));
    }
  }
  return largest;
}

template <int Width>
void test_exponential() {
  using V = Simd<double, Width>;
  auto exponential = [](V x) { return simd_exp(x); };
  auto exact = [](double x) { return std::exp(x); };
  for (double range : {1e-8, 1.0, 30.0, 708.0})
    CHECK(largest_difference<Width>(-range, range, exponential, exact) < 5e-16);
  CHECK(simd_exp(V(0.0))[Width - 1] == 1.0);
  CHECK_CLOSE(simd_exp(V(709.0))[0], std::exp(709.0), 1e-15);
  for (double x : {-709.0, -1e10, -1e300}) CHECK(simd_exp(V(x))[0] == simd_exp(V(-708.0))[0]);
  CHECK(simd_exp(V(-INFINITY))[0] == simd_exp(V(-708.0))[0]);

  auto logarithm = [](V x) { return simd_log(x); };
  auto exact_logarithm = [](double x) { return std::log(x); };
  for (double range : {1e-8, 0.1, 0.999, 1.001, 1.9, 1e8, 1e300})
    CHECK(largest_difference<Width>(1.0, range, logarithm, exact_logarithm) < 5e-16);
  CHECK(simd_log(V(1.0))[0] == 0.0);
  for (double x : {0.0, -0.0, -1.0, 1e-310}) CHECK(simd_log(V(x))[0] == simd_log(V(1e-300))[0]);

  auto tangent = [](V x) { return simd_tanh_up_to_1(x); };
  CHECK(largest_difference<Width>(-1.0, 1.0, tangent, [](double x) { return std::tanh(x); }) < 1e-15);
  auto root = [](V x) { return simd_sqrt(x); };
  CHECK(largest_difference<Width>(0.0, 10.0, root, [](double x) { return std::sqrt(x); }) == 0.0);
}

template <class Real, int Width>
void test_sums() {
  using V = Simd<Real, Width>;
  constexpr int most = 3 * Width + 1, room = most + Width, stride = 3;
  constexpr double relative = 50 * std::numeric_limits<Real>::epsilon();
  forcesmith::AlignedBufferOf<Real> buffer;
  Real* numbers = buffer.reserve(room * Width);
  for (int i = 0; i < room * Width; ++i) numbers[i] = i * i % 17 + Real(0.125) * i;
  const V* lanes = reinterpret_cast<const V*>(numbers);
  const V sums = lane_sums(lanes);
  for (int i = 0; i < Width; ++i) CHECK_CLOSE(sums[i], lane_sum(lanes[i]), relative);
  for (int n = 0; n <= most; ++n) {
    std::vector<Real> found(stride * most + 1, -7.0);
    store_lane_sums(lanes, n, found.data(), stride);
    for (int i = 0; i < static_cast<int>(found.size()); ++i) {
      // Nothing is written between the strides or behind the last one.
      const bool written = i % stride == 0 && i / stride < n;
      if (written) CHECK_CLOSE(found[i], lane_sum(lanes[i / stride]), relative);
      else CHECK(found[i] == -7.0);
    }
  }
}

/// Sums of several atoms, in lanes of the atoms; of fewer atoms than lanes, too.
template <class Real, int Width>
void test_sums_of_atoms() {
  using V = Simd<Real, Width>;
  constexpr double relative = 50 * std::numeric_limits<Real>::epsilon();
  for (int n : {1, Width, Width + 1, 3 * Width - 1})
    for (int n_atoms : {1, (Width + 1) / 2, Width}) {
      const int room = (n + Width - 1) / Width * Width;
      forcesmith::AlignedBufferOf<Real> buffer;
      Real* numbers = buffer.reserve((n_atoms + 1) * room * Width);
      for (int i = 0; i < n_atoms * room * Width; ++i) numbers[i] = i * i % 17 + Real(0.125) * i;
      const V* lanes = reinterpret_cast<const V*>(numbers);
      V* registers = reinterpret_cast<V*>(numbers + n_atoms * room * Width);
      std::fill_n(numbers + n_atoms * room * Width, room * Width, Real(NAN));
      for (int atom = 0; atom < n_atoms; ++atom) store_sums_of_atom(lanes + atom * room, n, atom, registers);
      sums_to_lanes(registers, n, n_atoms);
      for (int i = 0; i < n; ++i)
        for (int atom = 0; atom < Width; ++atom)
          CHECK_CLOSE(registers[i][atom], atom < n_atoms ? lane_sum(lanes[atom * room + i]) : Real(0), relative);
    }
}

void test_aligned_buffer() {
  forcesmith::AlignedBuffer buffer;
  CHECK(buffer.data() == nullptr);
  for (std::size_t size : {1, 7, 3, 1000, 1}) {
    double* data = buffer.reserve(size);
    CHECK(data == buffer.data() && reinterpret_cast<std::uintptr_t>(data) % 64 == 0);
    std::fill_n(data, size, 1.0);
  }
}

/// Rows of atoms to lanes and back, with fewer atoms and numbers than there are lanes, too.
template <class Real, int Width>
void test_rows() {
  using V = Simd<Real, Width>;
  for (int n : {1, Width, Width + 1, 3 * Width - 1})
    for (int n_atoms : {1, (Width + 1) / 2, Width}) {
      const int stride = n + 2;
      std::vector<double> rows(n_atoms * stride), back(rows.size(), -1.0);
      std::vector<int> index(n);
      for (int k = 0; k < n; ++k) index[k] = (k + 2) % n;
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = 0.5 * i + 1.0;
      forcesmith::AlignedBufferOf<Real> buffer;
      V* registers = reinterpret_cast<V*>(buffer.reserve(n * Width));
      for (int k = 0; k < n; ++k) registers[k] = V(Real(0.25));
      add_rows_to_lanes(rows.data(), stride, index.data(), n, n_atoms, registers);
      for (int k = 0; k < n; ++k)
        for (int atom = 0; atom < Width; ++atom)
          CHECK(registers[index[k]][atom] == Real(0.25) + (atom < n_atoms ? Real(rows[atom * stride + k]) : Real(0)));
      lanes_to_rows(registers, index.data(), n, n_atoms, back.data(), stride);
      for (int i = 0; i < n_atoms * stride; ++i) CHECK(back[i] == (i % stride < n ? rows[i] + 0.25 : -1.0));
    }
}

template <int Width>
void test_single_width() {
  test_rows<float, Width>();
  test_arithmetic<float, Width>();
  test_choices<float, Width>();
  test_sums<float, Width>();
  test_sums_of_atoms<float, Width>();
}

template <int Width>
void test_width() {
  test_arithmetic<double, Width>();
  test_rows<double, Width>();
  test_choices<double, Width>();
  test_sums<double, Width>();
  test_sums_of_atoms<double, Width>();
  test_single_width<Width>();
  test_sin_cos<Width>();
  test_exponential<Width>();
}

}  // namespace

int main() {
  test_width<1>();
  test_width<2>();
  test_width<4>();
  test_width<8>();
  test_single_width<16>();
  test_aligned_buffer();
  return failures != 0;
}
