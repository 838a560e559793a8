// Radial functions of proper orthogonal descriptors (N. C. Nguyen and A. Rohskopf, J. Comput. Phys. 480, 112030 (2023)):
// principal components of snapshots, which are sines and inverse powers of the distance times a cutoff function.
#pragma once

#include <iterator>
#include <string>
#include <vector>

namespace forcesmith::pod {

inline constexpr double bessel_parameters[] = {1e-3, 2.0, 4.0};

struct RadialSettings {
  double inner_cutoff, cutoff;  // angstrom
  int bessel_degree, inverse_degree;

  int n_snapshots() const { return static_cast<int>(std::size(bessel_parameters)) * bessel_degree + inverse_degree; }
};

/// phi of R_m = sum_k phi_mk s_k, [n_radial][n_snapshots]. Throws ParameterError naming `where` if rounding errors
/// would determine one of them.
std::vector<double> radial_coefficients(const RadialSettings& settings, int n_radial, const std::string& where);

}  // namespace forcesmith::pod
