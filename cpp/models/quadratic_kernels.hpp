// The quadratic model as plain arrays, and its energy, for processors and devices alike.
#pragma once

#include "models/linear_kernels.hpp"

namespace forcesmith::quadratic {

struct Tables {
  linear::Tables linear;
  std::size_t n_numbers;              // of all triangles
  const std::size_t* triangle_begin;  // [n_elements] first number of the element's triangle
  const double* triangles;            // upper triangles of alpha row by row, one set after the other, eV
};

/// The list of arrays, see core/table_arrays.hpp.
template <class Visit>
void for_each_array(const Tables& from, Tables& to, const Visit& visit) {
  for_each_array(from.linear, to.linear, visit);
  visit("triangle_begin", from.triangle_begin, to.triangle_begin, static_cast<std::size_t>(from.linear.n_elements));
  visit("triangles", from.triangles, to.triangles, from.n_numbers);
}

namespace FORCESMITH_ISA {

/// y = alpha x. threads: whose x and y alternate in memory, see simd/registers.hpp.
template <int threads = 1>
FORCESMITH_FUNCTION void multiply(const double* alpha, int n, const double* x, double* y) {
  for (int k = 0; k < n; ++k) y[k * threads] = 0.0;
  for (int k = 0; k < n; ++k) {
    y[k * threads] += *alpha++ * x[k * threads];
    double sum = 0.0;
    for (int l = k + 1; l < n; ++l) {
      sum += *alpha * x[l * threads];
      y[l * threads] += *alpha++ * x[k * threads];
    }
    y[k * threads] += sum;
  }
}

/// E of one atom, and its gradient beta with B. product: [size], alpha B.
template <int threads = 1>
FORCESMITH_FUNCTION double compute_energy(const Tables& t, int element, const double* B, double* product,
                                          double* beta) {
  double energy = linear::FORCESMITH_ISA::compute_energy<threads>(t.linear, element, B, beta);
  const int n = t.linear.sizes[element];
  multiply<threads>(t.triangles + t.triangle_begin[element], n, B, product);
  for (int k = 0; k < n; ++k) {
    energy += 0.5 * product[k * threads] * B[k * threads];
    beta[k * threads] += product[k * threads];
  }
  return energy;
}

/// See Model::features: those of the linear model, then what the upper triangle of alpha multiplies.
template <int threads = 1>
FORCESMITH_FUNCTION void compute_features(const Tables& t, int element, const double* B, double* features) {
  linear::FORCESMITH_ISA::compute_features<threads>(t.linear, element, B, features);
  const int n = t.linear.sizes[element];
  double* next = features + (1 + n) * threads;
  for (int k = 0; k < n; ++k)
    for (int l = k; l < n; ++l, next += threads) *next = (k == l ? 0.5 : 1.0) * B[k * threads] * B[l * threads];
}

/// Reverse pass of J = energy_bar E + E_dot of one atom, as that of the linear model. product, product_dot: [size],
/// alpha B and alpha B_dot.
template <int threads = 1>
FORCESMITH_FUNCTION void reverse_energy(const Tables& t, int element, const double* B, const double* B_dot,
                                        double energy_bar, double* product, double* product_dot, double* B_bar,
                                        double* B_dot_bar) {
  linear::FORCESMITH_ISA::reverse_energy<threads>(t.linear, element, energy_bar, B_bar, B_dot_bar);
  const int n = t.linear.sizes[element];
  const double* alpha = t.triangles + t.triangle_begin[element];
  multiply<threads>(alpha, n, B, product);
  multiply<threads>(alpha, n, B_dot, product_dot);
  for (int k = 0; k < n * threads; k += threads) {
    B_bar[k] += energy_bar * product[k] + product_dot[k];
    B_dot_bar[k] += product[k];
  }
}

/// dJ/dalpha_kl of an atom, for k = l and for k != l.
FORCESMITH_FUNCTION double diagonal_bar(double energy_bar, double B, double B_dot) {
  return (0.5 * energy_bar * B + B_dot) * B;
}
FORCESMITH_FUNCTION double triangle_bar(double energy_bar, double B_k, double B_dot_k, double B_l, double B_dot_l) {
  return (energy_bar * B_k + B_dot_k) * B_l + B_k * B_dot_l;
}

/// As launches call it.
struct Kernels {
  using Tables = quadratic::Tables;
  static int largest_size(const Tables& t) {
    int largest = 0;
    for (int element = 0; element < t.linear.n_elements; ++element)
      if (t.linear.sizes[element] > largest) largest = t.linear.sizes[element];
    return largest;
  }
  static std::size_t memory_size(const Tables& t) { return largest_size(t); }
  template <int threads>
  FORCESMITH_FUNCTION static double compute_energy(const Tables& t, int element, const double* B, double* memory,
                                                   double* beta) {
    return FORCESMITH_ISA::compute_energy<threads>(t, element, B, memory, beta);
  }

  FORCESMITH_FUNCTION static int n_features(const Tables& t, int element) {
    const int n = t.linear.sizes[element];
    return 1 + n + n * (n + 1) / 2;
  }
  /// memory: as compute_energy left it.
  template <int threads>
  FORCESMITH_FUNCTION static void compute_features(const Tables& t, int element, const double* B, const double*,
                                                   double* features) {
    FORCESMITH_ISA::compute_features<threads>(t, element, B, features);
  }

  static std::size_t adjoint_size(const Tables& t) { return 2ul * largest_size(t); }
  template <int threads>
  FORCESMITH_FUNCTION static void reverse_energy(const Tables& t, int element, const double* B, const double* B_dot,
                                                 double energy_bar, double* memory, double* B_bar, double* B_dot_bar) {
    FORCESMITH_ISA::reverse_energy<threads>(t, element, B, B_dot, energy_bar, memory,
                                            memory + t.linear.sizes[element] * threads, B_bar, B_dot_bar);
  }
  struct Parameter {
    std::size_t number;    // among all
    std::size_t triangle;  // the first number of its triangle
    int k = -1, l = -1;    // of alpha; -1: a linear one
  };
  FORCESMITH_FUNCTION static Parameter parameter(const Tables& t, std::size_t number) {
    Parameter found{number, 0};
    if (number < t.linear.n_parameters) return found;
    std::size_t index = number - t.linear.n_parameters;
    int element = 0;
    const auto size = [&] { return static_cast<std::size_t>(t.linear.sizes[element]); };
    while (index - t.triangle_begin[element] >= size() * (size() + 1) / 2) ++element;
    found.triangle = t.triangle_begin[element];
    index -= found.triangle;
    found.k = 0;
    for (std::size_t row = size(); index >= row; --row, ++found.k) index -= row;
    found.l = found.k + static_cast<int>(index);
    return found;
  }
  template <int threads>
  FORCESMITH_FUNCTION static double parameter_bar(const Tables& t, const Parameter& p, int element, const double* B,
                                                  const double* B_dot, double energy_bar, const double* memory) {
    if (p.k < 0)
      return linear::FORCESMITH_ISA::Kernels::parameter_bar<threads>(t.linear, p.number, element, B, B_dot, energy_bar,
                                                                     memory);
    if (t.triangle_begin[element] != p.triangle) return 0.0;
    const int k = p.k * threads, l = p.l * threads;
    return k == l ? diagonal_bar(energy_bar, B[k], B_dot[k]) : triangle_bar(energy_bar, B[k], B_dot[k], B[l], B_dot[l]);
  }
};

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith::quadratic
