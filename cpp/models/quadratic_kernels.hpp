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

/// As launches call it.
struct Kernels {
  using Tables = quadratic::Tables;
  static std::size_t memory_size(const Tables& t) {
    int largest = 0;
    for (int element = 0; element < t.linear.n_elements; ++element)
      if (t.linear.sizes[element] > largest) largest = t.linear.sizes[element];
    return largest;
  }
  template <int threads>
  FORCESMITH_FUNCTION static double compute_energy(const Tables& t, int element, const double* B, double* memory,
                                                   double* beta) {
    return FORCESMITH_ISA::compute_energy<threads>(t, element, B, memory, beta);
  }
};

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith::quadratic
