// The embedding model as plain arrays, and its energy, for processors and devices alike.
#pragma once

#include <cstddef>

#include "simd/exponential.hpp"
#include "simd/simd.hpp"

namespace forcesmith::embedding {

/// f(rho) of E_i, see embedding_model.hpp.
enum class Function { FinnisSinclair, FinnisSinclairShiftedScaled };

struct Tables {
  int n_elements, most_densities;  // the latter: of one element
  std::size_t n_parameters;
  const Function* functions;         // [n_elements]
  const std::size_t* first_density;  // [n_elements + 1] in weights and exponents
  std::size_t n_densities;           // of all elements
  const double* weights;             // [n_densities] eV
  const double* exponents;           // [n_densities]
  const int* sizes;                  // [n_elements] descriptor values
  const std::size_t* first_column;   // [n_elements] parameter that is the element's first coefficient
  const double* parameters;          // offsets [n_elements] eV, then coefficients [n_elements][density][size]
  std::size_t n_inputs;
  const std::size_t* first_input;  // [n_elements] in factors
  const double* factors;           // [n_inputs] of the descriptor values
};

/// The list of arrays, see core/table_arrays.hpp.
template <class Visit>
void for_each_array(const Tables& from, Tables& to, const Visit& visit) {
  const std::size_t n = from.n_elements;
  visit("functions", from.functions, to.functions, n);
  visit("first_density", from.first_density, to.first_density, n + 1);
  visit("weights", from.weights, to.weights, from.n_densities);
  visit("exponents", from.exponents, to.exponents, from.n_densities);
  visit("sizes", from.sizes, to.sizes, n);
  visit("first_column", from.first_column, to.first_column, n);
  visit("parameters", from.parameters, to.parameters, from.n_parameters);
  visit("first_input", from.first_input, to.first_input, n);
  visit("factors", from.factors, to.factors, from.n_inputs);
}

namespace FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

/// x^m for x > 0.
FORCESMITH_FUNCTION double power(double x, double m) {
  using V = Simd<double, 1>;
  return simd_exp(V(m) * simd_log(V(x)))[0];
}
FORCESMITH_FUNCTION double exponential(double x) { return simd_exp(Simd<double, 1>(x))[0]; }

/// f(rho) with its first two derivatives.
struct Embedded {
  double value, slope, bend;
};

FORCESMITH_FUNCTION Embedded finnis_sinclair(double a, double m) {
  // (1 - s) a^m + s a w^(1-m), s = exp(-(w a)^3): a power, but linear below 1/w.
  constexpr double w = 1e6, cube = w * w * w;
  const double least = power(w, 1.0 - m);
  if (a <= 1e-10) return {least * a, least, 0.0};
  const double p = power(a, m), dp = m * p / a, d2p = (m - 1.0) * dp / a;
  const double exponent = cube * a * a * a;
  if (exponent > 30.0) return {p, dp, d2p};
  const double s = exponential(-exponent), ds = -3.0 * cube * a * a * s;
  const double d2s = -3.0 * cube * a * (2.0 * s + a * ds);
  return {(1.0 - s) * p + s * a * least, (1.0 - s) * dp - ds * p + least * (s + a * ds),
          (1.0 - s) * d2p - 2.0 * ds * dp - d2s * p + least * (2.0 * ds + a * d2s)};
}

FORCESMITH_FUNCTION Embedded shifted_scaled(double a, double m) {
  const double n = 1.0 / m, e = exponential(-a);
  const double x = power(n, n / (1.0 - n)) * e, y = power(n, 1.0 / (1.0 - n)) * e, s = x + a;
  const double p = power(s, m), dp = m * p / s, d2p = (m - 1.0) * dp / s;
  return {p - y, dp * (1.0 - x) + y, d2p * (1.0 - x) * (1.0 - x) + dp * x - y};
}

FORCESMITH_FUNCTION Embedded embed(Function function, double rho, double m) {
  if (m == 1.0) return {rho, 1.0, 0.0};
  const double a = rho < 0.0 ? -rho : rho;
  Embedded f = function == Function::FinnisSinclair ? finnis_sinclair(a, m) : shifted_scaled(a, m);
  if (rho < 0.0) {
    f.value = -f.value;
    f.bend = -f.bend;
  }
  return f;
}

FORCESMITH_FUNCTION int n_densities(const Tables& t, int element) {
  return static_cast<int>(t.first_density[element + 1] - t.first_density[element]);
}

/// rho of one atom. threads: whose B alternate in memory, see simd/registers.hpp.
template <int threads>
FORCESMITH_FUNCTION double compute_density(const Tables& t, int element, int density, const double* B) {
  const int n = t.sizes[element];
  const double *c = t.parameters + t.first_column[element] + static_cast<std::size_t>(density) * n,
               *factor = t.factors + t.first_input[element];
  // Several sums, or each addition would wait for the one before it.
  double sum[4] = {0.0, 0.0, 0.0, 0.0};
  int k = 0;
  for (; k + 4 <= n; k += 4)
    for (int i = 0; i < 4; ++i) sum[i] += c[k + i] * factor[k + i] * B[(k + i) * threads];
  for (; k < n; ++k) sum[0] += c[k] * factor[k] * B[k * threads];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// Adds slope drho/dB of a density to gradient.
template <int threads>
FORCESMITH_FUNCTION void add_gradient(const Tables& t, int element, int density, double slope, double* gradient) {
  const int n = t.sizes[element];
  const double *c = t.parameters + t.first_column[element] + static_cast<std::size_t>(density) * n,
               *factor = t.factors + t.first_input[element];
  for (int k = 0; k < n; ++k) gradient[k * threads] += slope * c[k] * factor[k];
}

/// E of one atom, and its gradient beta with B.
template <int threads = 1>
FORCESMITH_FUNCTION double compute_energy(const Tables& t, int element, const double* B, double* beta) {
  double energy = t.parameters[element];
  for (int k = 0; k < t.sizes[element]; ++k) beta[k * threads] = 0.0;
  for (int p = 0; p < n_densities(t, element); ++p) {
    const std::size_t density = t.first_density[element] + p;
    const double rho = compute_density<threads>(t, element, p, B), weight = t.weights[density];
    const Embedded f = embed(t.functions[element], rho, t.exponents[density]);
    energy += weight * f.value;
    add_gradient<threads>(t, element, p, weight * f.slope, beta);
  }
  return energy;
}

/// See Model::features: 1, then the scaled B.
template <int threads = 1>
FORCESMITH_FUNCTION void compute_features(const Tables& t, int element, const double* B, double* features) {
  features[0] = 1.0;
  for (int k = 0; k < t.sizes[element]; ++k)
    features[(1 + k) * threads] = t.factors[t.first_input[element] + k] * B[k * threads];
}

/// Reverse pass of J = energy_bar E + E_dot of one atom, E_dot: the derivative along B_dot. Sets B_bar = dJ/dB,
/// B_dot_bar = dJ/dB_dot, and bars = dJ/drho and dJ/drho_dot of every density.
template <int threads = 1>
FORCESMITH_FUNCTION void reverse_energy(const Tables& t, int element, const double* B, const double* B_dot,
                                        double energy_bar, double* bars, double* B_bar, double* B_dot_bar) {
  for (int k = 0; k < t.sizes[element]; ++k) B_bar[k * threads] = B_dot_bar[k * threads] = 0.0;
  for (int p = 0; p < n_densities(t, element); ++p) {
    const std::size_t density = t.first_density[element] + p;
    const double rho = compute_density<threads>(t, element, p, B), weight = t.weights[density];
    const Embedded f = embed(t.functions[element], rho, t.exponents[density]);
    const double rho_dot = compute_density<threads>(t, element, p, B_dot);
    const double bar = weight * (energy_bar * f.slope + f.bend * rho_dot), dot_bar = weight * f.slope;
    bars[2 * p * threads] = bar;
    bars[(2 * p + 1) * threads] = dot_bar;
    add_gradient<threads>(t, element, p, bar, B_bar);
    add_gradient<threads>(t, element, p, dot_bar, B_dot_bar);
  }
}

/// As launches call it.
struct Kernels {
  using Tables = embedding::Tables;
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

  static std::size_t adjoint_size(const Tables& t) { return 2ul * t.most_densities; }
  template <int threads>
  FORCESMITH_FUNCTION static void reverse_energy(const Tables& t, int element, const double* B, const double* B_dot,
                                                 double energy_bar, double* bars, double* B_bar, double* B_dot_bar) {
    FORCESMITH_ISA::reverse_energy<threads>(t, element, B, B_dot, energy_bar, bars, B_bar, B_dot_bar);
  }
  /// An offset, or the coefficient of a value in a density.
  struct Parameter {
    int element, density, k;  // density -1: the offset
  };
  FORCESMITH_FUNCTION static Parameter parameter(const Tables& t, std::size_t number) {
    if (number < static_cast<std::size_t>(t.n_elements)) return {static_cast<int>(number), -1, 0};
    int element = t.n_elements - 1;
    while (t.first_column[element] > number) --element;
    const int index = static_cast<int>(number - t.first_column[element]);
    return {element, index / t.sizes[element], index % t.sizes[element]};
  }
  template <int threads>
  FORCESMITH_FUNCTION static double parameter_bar(const Tables& t, Parameter p, int element, const double* B,
                                                  const double* B_dot, double energy_bar, const double* bars) {
    if (element != p.element) return 0.0;
    if (p.density < 0) return energy_bar;
    return t.factors[t.first_input[element] + p.k] * (bars[2 * p.density * threads] * B[p.k * threads] +
                                                      bars[(2 * p.density + 1) * threads] * B_dot[p.k * threads]);
  }
};

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith::embedding
