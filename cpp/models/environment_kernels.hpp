// The environment model as plain arrays, and its energy, for processors and devices alike.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace forcesmith::environments {

struct Tables {
  int n_elements, n_clusters, n_components;
  std::size_t n_parameters;
  const int* sizes;                     // [n_elements] descriptor values
  const std::size_t* first_column;      // [n_elements] parameter that is the element's first coefficient
  const double* parameters;             // offsets [n_elements], then coefficients [n_elements][n_clusters][size], eV
  const std::size_t* first_projection;  // [n_elements] the element's first number in projections
  std::size_t n_projections;
  const double* projections;  // [n_elements][size][n_components]
  const double* centroids;    // [n_elements][n_clusters][n_components]
};

/// The list of arrays, see core/table_arrays.hpp.
template <class Visit>
void for_each_array(const Tables& from, Tables& to, const Visit& visit) {
  const std::size_t n = from.n_elements;
  visit("sizes", from.sizes, to.sizes, n);
  visit("first_column", from.first_column, to.first_column, n);
  visit("parameters", from.parameters, to.parameters, from.n_parameters);
  visit("first_projection", from.first_projection, to.first_projection, n);
  visit("projections", from.projections, to.projections, from.n_projections);
  visit("centroids", from.centroids, to.centroids, n * from.n_clusters * from.n_components);
}

namespace FORCESMITH_ISA {

/// How an atom's values B belong to the clusters; or how that changes along B_dot. Numbers of an atom alternate in
/// memory with those of other threads, see simd/registers.hpp.
template <int threads>
struct Shares {
  double* components;  // [n_components] a = projection^T B
  double* closeness;   // [n_clusters] D_k = 1 / (1e-20 + |a - centroid_k|^2)
  double* shares;      // [n_clusters] P_k = D_k / sum D
  double* energies;    // [n_clusters] s_k = coefficients_k . B

  /// memory: [size(t)]
  FORCESMITH_FUNCTION Shares(const Tables& t, double* memory)
      : components(memory),
        closeness(components + t.n_components * threads),
        shares(closeness + t.n_clusters * threads),
        energies(shares + t.n_clusters * threads) {}
  FORCESMITH_FUNCTION static int size(const Tables& t) { return t.n_components + 3 * t.n_clusters; }
};

/// component c less that of the centroid of cluster k.
template <int threads>
FORCESMITH_FUNCTION double distance(const Tables& t, int element, int k, int c, const double* components) {
  return components[c * threads] -
         t.centroids[(static_cast<std::size_t>(element) * t.n_clusters + k) * t.n_components + c];
}

/// Of values X, which may be B or B_dot: components and energies.
template <int threads>
FORCESMITH_FUNCTION void project(const Tables& t, int element, const double* X, const Shares<threads>& found) {
  const int n = t.sizes[element];
  const double* projection = t.projections + t.first_projection[element];
  for (int c = 0; c < t.n_components; ++c) {
    double sum = 0.0;
    for (int m = 0; m < n; ++m) sum += projection[m * t.n_components + c] * X[m * threads];
    found.components[c * threads] = sum;
  }
  const double* theta = t.parameters + t.first_column[element];
  for (int k = 0; k < t.n_clusters; ++k, theta += n) {
    double sum = 0.0;
    for (int m = 0; m < n; ++m) sum += theta[m] * X[m * threads];
    found.energies[k * threads] = sum;
  }
}

/// Returns sum_k P_k s_k.
template <int threads>
FORCESMITH_FUNCTION double compute_shares(const Tables& t, int element, const double* B, const Shares<threads>& own) {
  project<threads>(t, element, B, own);
  double sum = 0.0, energy = 0.0;
  for (int k = 0; k < t.n_clusters; ++k) {
    double square = 1e-20;
    for (int c = 0; c < t.n_components; ++c) {
      const double u = distance<threads>(t, element, k, c, own.components);
      square += u * u;
    }
    own.closeness[k * threads] = 1.0 / square;
    sum += 1.0 / square;
  }
  for (int k = 0; k < t.n_clusters; ++k) {
    own.shares[k * threads] = own.closeness[k * threads] / sum;
    energy += own.shares[k * threads] * own.energies[k * threads];
  }
  return energy;
}

/// Changes along B_dot, after compute_shares() of B. Returns that of its result.
template <int threads>
FORCESMITH_FUNCTION double compute_changes(const Tables& t, int element, const double* B_dot,
                                           const Shares<threads>& own, const Shares<threads>& dots) {
  project<threads>(t, element, B_dot, dots);
  double sum = 0.0, sum_dot = 0.0, energy_dot = 0.0;
  for (int k = 0; k < t.n_clusters; ++k) {
    const double D = own.closeness[k * threads];
    double square_dot = 0.0;
    for (int c = 0; c < t.n_components; ++c)
      square_dot += 2.0 * distance<threads>(t, element, k, c, own.components) * dots.components[c * threads];
    dots.closeness[k * threads] = -D * D * square_dot;
    sum += D;
    sum_dot += dots.closeness[k * threads];
  }
  for (int k = 0; k < t.n_clusters; ++k) {
    const int at = k * threads;
    dots.shares[at] = (dots.closeness[at] - own.shares[at] * sum_dot) / sum;
    energy_dot += dots.shares[at] * own.energies[at] + own.shares[at] * dots.energies[at];
  }
  return energy_dot;
}

/// gradient = factor_k theta_k summed over clusters k, factors: [n_clusters].
template <int threads>
FORCESMITH_FUNCTION void sum_coefficients(const Tables& t, int element, const double* factors, double scale,
                                          double* gradient, bool add) {
  const int n = t.sizes[element];
  const double* theta = t.parameters + t.first_column[element];
  for (int m = 0; m < n; ++m) {
    double sum = 0.0;
    for (int k = 0; k < t.n_clusters; ++k) sum += factors[k * threads] * theta[k * n + m];
    gradient[m * threads] = scale * sum + (add ? gradient[m * threads] : 0.0);
  }
}

/// Adds scale times the projection of a component's gradient.
template <int threads>
FORCESMITH_FUNCTION void add_component(const Tables& t, int element, int c, double scale, double* gradient) {
  const double* projection = t.projections + t.first_projection[element];
  for (int m = 0; m < t.sizes[element]; ++m) gradient[m * threads] += scale * projection[m * t.n_components + c];
}

/// d(sum_k P_k s_k)/d|a - centroid_k|^2, times 2. energy: the sum.
template <int threads>
FORCESMITH_FUNCTION double pull(const Shares<threads>& own, int k, double energy) {
  const int at = k * threads;
  return -2.0 * own.closeness[at] * own.shares[at] * (own.energies[at] - energy);
}

/// E of one atom, and its gradient beta with B. memory: [Shares::size].
template <int threads = 1>
FORCESMITH_FUNCTION double compute_energy(const Tables& t, int element, const double* B, double* memory, double* beta) {
  const Shares<threads> own(t, memory);
  const double energy = compute_shares<threads>(t, element, B, own);
  sum_coefficients<threads>(t, element, own.shares, 1.0, beta, false);
  for (int c = 0; c < t.n_components; ++c) {
    double g = 0.0;
    for (int k = 0; k < t.n_clusters; ++k)
      g += pull<threads>(own, k, energy) * distance<threads>(t, element, k, c, own.components);
    add_component<threads>(t, element, c, g, beta);
  }
  return t.parameters[element] + energy;
}

/// See Model::features: 1, then P_k B, cluster after cluster. shares: P.
template <int threads = 1>
FORCESMITH_FUNCTION void compute_features(const Tables& t, int element, const double* B, const double* shares,
                                          double* features) {
  features[0] = 1.0;
  double* next = features + threads;
  for (int k = 0; k < t.n_clusters; ++k)
    for (int m = 0; m < t.sizes[element]; ++m, next += threads) *next = shares[k * threads] * B[m * threads];
}

/// Reverse pass of J = energy_bar E + E_dot of one atom, E_dot: the derivative along B_dot. Sets B_bar = dJ/dB and
/// B_dot_bar = dJ/dB_dot. memory: [2 Shares::size], of B and then of B_dot.
template <int threads = 1>
FORCESMITH_FUNCTION void reverse_energy(const Tables& t, int element, const double* B, const double* B_dot,
                                        double energy_bar, double* memory, double* B_bar, double* B_dot_bar) {
  const Shares<threads> own(t, memory), dots(t, memory + Shares<threads>::size(t) * threads);
  const double energy = compute_shares<threads>(t, element, B, own);
  const double energy_dot = compute_changes<threads>(t, element, B_dot, own, dots);
  sum_coefficients<threads>(t, element, own.shares, 1.0, B_dot_bar, false);
  sum_coefficients<threads>(t, element, own.shares, energy_bar, B_bar, false);
  sum_coefficients<threads>(t, element, dots.shares, 1.0, B_bar, true);
  for (int c = 0; c < t.n_components; ++c) {
    double g = 0.0, g_dot = 0.0;
    for (int k = 0; k < t.n_clusters; ++k) {
      const int at = k * threads;
      const double u = distance<threads>(t, element, k, c, own.components), w = pull<threads>(own, k, energy);
      const double weight = own.closeness[at] * own.shares[at],
                   weight_dot = dots.closeness[at] * own.shares[at] + own.closeness[at] * dots.shares[at];
      const double w_dot =
          -2.0 * (weight_dot * (own.energies[at] - energy) + weight * (dots.energies[at] - energy_dot));
      g += w * u;
      g_dot += w_dot * u + w * dots.components[c * threads];
    }
    add_component<threads>(t, element, c, g, B_dot_bar);
    add_component<threads>(t, element, c, energy_bar * g + g_dot, B_bar);
  }
}

/// As launches call it.
struct Kernels {
  using Tables = environments::Tables;
  static std::size_t memory_size(const Tables& t) { return Shares<1>::size(t); }
  template <int threads>
  FORCESMITH_FUNCTION static double compute_energy(const Tables& t, int element, const double* B, double* memory,
                                                   double* beta) {
    return FORCESMITH_ISA::compute_energy<threads>(t, element, B, memory, beta);
  }

  FORCESMITH_FUNCTION static int n_features(const Tables& t, int element) {
    return 1 + t.n_clusters * t.sizes[element];
  }
  /// memory: as compute_energy left it.
  template <int threads>
  FORCESMITH_FUNCTION static void compute_features(const Tables& t, int element, const double* B, const double* memory,
                                                   double* features) {
    const Shares<threads> own(t, const_cast<double*>(memory));
    FORCESMITH_ISA::compute_features<threads>(t, element, B, own.shares, features);
  }

  static std::size_t adjoint_size(const Tables& t) { return 2ul * Shares<1>::size(t); }
  template <int threads>
  FORCESMITH_FUNCTION static void reverse_energy(const Tables& t, int element, const double* B, const double* B_dot,
                                                 double energy_bar, double* memory, double* B_bar, double* B_dot_bar) {
    FORCESMITH_ISA::reverse_energy<threads>(t, element, B, B_dot, energy_bar, memory, B_bar, B_dot_bar);
  }
  using Parameter = std::size_t;
  FORCESMITH_FUNCTION static Parameter parameter(const Tables&, std::size_t number) { return number; }
  template <int threads>
  FORCESMITH_FUNCTION static double parameter_bar(const Tables& t, Parameter number, int element, const double* B,
                                                  const double* B_dot, double energy_bar, const double* memory) {
    if (number < static_cast<std::size_t>(t.n_elements))
      return number == static_cast<std::size_t>(element) ? energy_bar : 0.0;
    const std::size_t index = number - t.first_column[element];  // before the first: very large
    const std::size_t n = t.sizes[element];
    if (index >= t.n_clusters * n) return 0.0;
    double* const first = const_cast<double*>(memory);
    const Shares<threads> own(t, first), dots(t, first + Shares<threads>::size(t) * threads);
    const std::size_t k = index / n * threads, m = index % n * threads;
    return own.shares[k] * (energy_bar * B[m] + B_dot[m]) + dots.shares[k] * B[m];
  }
};

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith::environments
