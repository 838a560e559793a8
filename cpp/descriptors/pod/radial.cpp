#include "descriptors/pod/radial.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/error.hpp"

namespace forcesmith::pod {

namespace {

// Eigenvectors of small eigenvalues magnify rounding errors.
using Number = long double;
using Matrix = std::vector<std::vector<Number>>;

constexpr int n_distances = 2000;
constexpr Number smallest_eigenvalue = 1e-13L;  // relative to the largest

/// s_k(r), as pair_style pod computes them in double precision: x of the smallest alpha loses digits, which the
/// eigenvectors depend on.
std::vector<double> snapshots(const RadialSettings& p, double r) {
  const double range = p.cutoff - p.inner_cutoff, d = r - p.inner_cutoff, y = d / range, rest = 1.0 - y * y * y;
  const double f = std::exp(-1.0 / std::sqrt(rest * rest + 1e-6)) / std::exp(-1.0);
  std::vector<double> s;
  for (double alpha : bessel_parameters) {
    const double x = (1.0 - std::exp(-alpha * d / range)) / (1.0 - std::exp(-alpha));
    for (int i = 1; i <= p.bessel_degree; ++i)
      s.push_back(std::sqrt(2.0 / range) / i * f * std::sin(i * std::numbers::pi * x) / d);
  }
  double power = 1.0;
  for (int i = 1; i <= p.inverse_degree; ++i) s.push_back(f / (power *= r));
  return s;
}

/// Eigenvectors of a symmetric matrix as columns, by Jacobi's rotations, which leave the eigenvalues on its diagonal.
Matrix diagonalize(Matrix& A) {
  const std::size_t n = A.size();
  Matrix V(n, std::vector<Number>(n, 0));
  for (std::size_t i = 0; i < n; ++i) V[i][i] = 1;
  for (int sweep = 0; sweep < 100; ++sweep) {
    bool rotated = false;
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) {
        if (std::abs(A[p][q]) <= 1e-19L * std::sqrt(std::abs(A[p][p] * A[q][q]))) continue;
        rotated = true;
        const Number half = (A[q][q] - A[p][p]) / (2 * A[p][q]);
        const Number tangent = std::copysign(Number(1), half) / (std::abs(half) + std::hypot(half, Number(1)));
        const Number cosine = 1 / std::hypot(tangent, Number(1)), sine = tangent * cosine;
        const auto rotate = [&](Number& a, Number& b) {
          const Number old = a;
          a = cosine * old - sine * b;
          b = sine * old + cosine * b;
        };
        for (std::size_t k = 0; k < n; ++k) rotate(A[k][p], A[k][q]);
        for (std::size_t k = 0; k < n; ++k) rotate(A[p][k], A[q][k]);
        for (std::size_t k = 0; k < n; ++k) rotate(V[k][p], V[k][q]);
      }
    if (!rotated) break;
  }
  return V;
}

}  // namespace

std::vector<double> radial_coefficients(const RadialSettings& settings, int n_radial, const std::string& where) {
  const int n = settings.n_snapshots();
  const double first = settings.inner_cutoff + 1e-6;
  std::vector<std::vector<double>> s;
  std::vector<double> r;
  Matrix covariance(n, std::vector<Number>(n, 0));
  for (int t = 0; t < n_distances; ++t) {
    r.push_back(first + (settings.cutoff - first) * (t / (n_distances - 1.0)));
    s.push_back(snapshots(settings, r.back()));
    for (int k = 0; k < n; ++k)
      for (int l = 0; l < n; ++l) covariance[k][l] += Number(s[t][k]) * s[t][l] / n_distances;
  }
  const Matrix vectors = diagonalize(covariance);
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](int k) { return covariance[k][k]; });
  const auto eigenvalue = [&](int m) { return covariance[order[m]][order[m]]; };
  int n_sound = 0;
  while (n_sound < n && eigenvalue(n_sound) > smallest_eigenvalue * eigenvalue(0)) ++n_sound;
  if (n_radial > n_sound)
    throw ParameterError(where + ": nmax asks for " + std::to_string(n_radial) +
                         " radial functions, but snapshots of bessel_degree " + std::to_string(settings.bessel_degree) +
                         " and inverse_degree " + std::to_string(settings.inverse_degree) + " determine only " +
                         std::to_string(n_sound) + "; others would follow from rounding errors.");
  std::vector<double> coefficients;
  for (int m = 0; m < n_radial; ++m) {
    Number area = 0, last = 0;
    for (int t = 0; t < n_distances; ++t) {
      Number value = 0;
      for (int k = 0; k < n; ++k) value += vectors[k][order[m]] * s[t][k];
      if (t > 0) area += (r[t] - r[t - 1]) * (last * last + value * value) / 2;
      last = value;
    }
    const Number factor = (vectors[m][order[m]] < 0 ? -1 : 1) / std::sqrt(area);
    for (int k = 0; k < n; ++k) coefficients.push_back(static_cast<double>(factor * vectors[k][order[m]]));
  }
  return coefficients;
}

}  // namespace forcesmith::pod
