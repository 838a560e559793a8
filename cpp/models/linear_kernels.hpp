// The linear model as plain arrays, and its energy, for processors and devices alike.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace forcesmith::linear {

struct Tables {
  int n_elements;
  std::size_t n_parameters;
  const int* sizes;                 // [n_elements] descriptor values
  const std::size_t* first_column;  // [n_elements] parameter that is the element's first coefficient
  const double* parameters;         // offsets [n_elements], then sets of coefficients, eV
};

/// The list of arrays, see core/table_arrays.hpp.
template <class Visit>
void for_each_array(const Tables& from, Tables& to, const Visit& visit) {
  const std::size_t n = from.n_elements;
  visit("sizes", from.sizes, to.sizes, n);
  visit("first_column", from.first_column, to.first_column, n);
  visit("parameters", from.parameters, to.parameters, from.n_parameters);
}

namespace FORCESMITH_ISA {

/// E of one atom, and its gradient beta with B. threads: whose B and beta alternate in memory, see simd/registers.hpp.
template <int threads = 1>
FORCESMITH_FUNCTION double compute_energy(const Tables& t, int element, const double* B, double* beta) {
  const double* theta = t.parameters + t.first_column[element];
  // Several sums, or each addition would wait for the one before it; in registers.
  const int n = t.sizes[element];
  double sum_0 = t.parameters[element], sum_1 = 0.0, sum_2 = 0.0, sum_3 = 0.0;
  int k = 0;
  for (; k + 4 <= n; k += 4) {
    sum_0 += theta[k] * B[k * threads];
    sum_1 += theta[k + 1] * B[(k + 1) * threads];
    sum_2 += theta[k + 2] * B[(k + 2) * threads];
    sum_3 += theta[k + 3] * B[(k + 3) * threads];
  }
  for (; k < n; ++k) sum_0 += theta[k] * B[k * threads];
  for (k = 0; k < n; ++k) beta[k * threads] = theta[k];
  return (sum_0 + sum_1) + (sum_2 + sum_3);
}

/// See Model::features: 1, then B.
template <int threads = 1>
FORCESMITH_FUNCTION void compute_features(const Tables& t, int element, const double* B, double* features) {
  features[0] = 1.0;
  for (int k = 0; k < t.sizes[element]; ++k) features[(1 + k) * threads] = B[k * threads];
}

/// Reverse pass of J = energy_bar E + E_dot of one atom, E_dot: the derivative along B_dot. Sets B_bar = dJ/dB and
/// B_dot_bar = dJ/dB_dot.
template <int threads = 1>
FORCESMITH_FUNCTION void reverse_energy(const Tables& t, int element, double energy_bar, double* B_bar,
                                        double* B_dot_bar) {
  const double* theta = t.parameters + t.first_column[element];
  for (int k = 0; k < t.sizes[element]; ++k) {
    B_bar[k * threads] = energy_bar * theta[k];
    B_dot_bar[k * threads] = theta[k];
  }
}

/// As launches call it.
struct Kernels {
  using Tables = linear::Tables;
  static std::size_t memory_size(const Tables&) { return 0; }
  template <int threads>
  FORCESMITH_FUNCTION static double compute_energy(const Tables& t, int element, const double* B, double*,
                                                   double* beta) {
    return FORCESMITH_ISA::compute_energy<threads>(t, element, B, beta);
  }

  FORCESMITH_FUNCTION static int n_features(const Tables& t, int element) { return 1 + t.sizes[element]; }
  /// memory: as compute_energy left it.
  template <int threads>
  FORCESMITH_FUNCTION static void compute_features(const Tables& t, int element, const double* B, const double*,
                                                   double* features) {
    FORCESMITH_ISA::compute_features<threads>(t, element, B, features);
  }

  static std::size_t adjoint_size(const Tables&) { return 0; }
  template <int threads>
  FORCESMITH_FUNCTION static void reverse_energy(const Tables& t, int element, const double*, const double*,
                                                 double energy_bar, double*, double* B_bar, double* B_dot_bar) {
    FORCESMITH_ISA::reverse_energy<threads>(t, element, energy_bar, B_bar, B_dot_bar);
  }
  using Parameter = std::size_t;
  FORCESMITH_FUNCTION static Parameter parameter(const Tables&, std::size_t number) { return number; }
  template <int threads>
  FORCESMITH_FUNCTION static double parameter_bar(const Tables& t, Parameter number, int element, const double* B,
                                                  const double* B_dot, double energy_bar, const double*) {
    if (number < static_cast<std::size_t>(t.n_elements))
      return number == static_cast<std::size_t>(element) ? energy_bar : 0.0;
    const std::size_t k = number - t.first_column[element];  // before the first: very large
    if (k >= static_cast<std::size_t>(t.sizes[element])) return 0.0;
    return energy_bar * B[k * threads] + B_dot[k * threads];
  }
};

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith::linear
