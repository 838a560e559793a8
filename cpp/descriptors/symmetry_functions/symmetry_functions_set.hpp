// The list of symmetry functions of a descriptor: how it is written in JSON, and how one is generated from a
// cutoff and two resolutions. Lengths in angstrom, eta in 1/angstrom^2.
#pragma once

#include <string>
#include <vector>

#include "core/parameter_schema.hpp"

namespace forcesmith {

/// Numbered as n2p2's types.
enum class SymmetryFunctionType {
  radial = 2,
  angular_narrow = 3,
  angular_wide = 9,
  weighted_radial = 12,
  weighted_angular = 13
};

struct SymmetryFunction {
  SymmetryFunctionType type = SymmetryFunctionType::radial;
  int center = 0;              // element
  std::vector<int> neighbors;  // elements: one (radial), two (angular), none (weighted)
  double eta = 0.0, rs = 0.0;
  double lambda = 1.0, zeta = 1.0;  // angular ones
  double cutoff = 0.0;

  bool angular() const {
    return type != SymmetryFunctionType::radial && type != SymmetryFunctionType::weighted_radial;
  }
};

/// `cutoff` is that of a function without one of its own. G2, G4 and G5 of the Atomistic Machine-learning
/// Package become radial, angular_narrow and angular_wide functions.
SymmetryFunction parse_symmetry_function(Json given, double cutoff,
                                         const std::vector<std::string>& elements,
                                         const std::string& where);

/// Reads "functions".
std::vector<SymmetryFunction> parse_symmetry_functions(const Json& list, double cutoff,
                                                       const std::vector<std::string>& elements,
                                                       const std::string& where);

Json to_json(const SymmetryFunction& function, const std::vector<std::string>& elements);

/// "angular_narrow O H eta=0.1 rs=0 lambda=-1 zeta=4 cutoff=6"
std::string name_of(const SymmetryFunction& function, const std::vector<std::string>& elements);

/// For every center and
/// - every neighbor element, `radial` radial functions by the rules of G. Imbalzano et al., J. Chem. Phys.
///   148, 241730 (2018). One half (the larger one, or all of less than four), n functions: rs = 0,
///   eta = (n^(m/n) / cutoff)^2, m = 0 .. n-1. The other half, n functions: rs_m = cutoff / n^(m/n),
///   eta = 1 / (rs_(m-1) - rs_m)^2, m = n .. 1;
/// - every pair of neighbor elements, 2 angular^2 narrow angular functions: rs = 0, eta by the first of
///   these rules with n = angular, lambda = -1 and 1, zeta = 1, 4, 16, .., 4^(angular-1).
std::vector<SymmetryFunction> generate_symmetry_functions(double cutoff, int radial, int angular,
                                                          int n_elements);

}  // namespace forcesmith
