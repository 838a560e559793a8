// The list of symmetry functions of a descriptor: how it is written in JSON, and how one is generated from a
// cutoff and two resolutions. Lengths in angstrom, eta in 1/angstrom^2, angles in degrees.
#pragma once

#include <string>
#include <vector>

#include "core/parameter_schema.hpp"
#include "descriptors/symmetry_functions/tables.hpp"

namespace forcesmith::symmetry_functions {

/// Numbered as n2p2's types.
enum class FunctionType {
  radial = 2,
  angular_narrow = 3,
  angular_wide = 9,
  weighted_radial = 12,
  weighted_angular = 13,
  compact_radial = 20,
  compact_angular_narrow = 21,
  compact_angular_wide = 22,
  compact_weighted_radial = 23,
  compact_weighted_angular_narrow = 24,
  compact_weighted_angular_wide = 25
};

struct Function {
  FunctionType type = FunctionType::radial;
  int center = 0;              // element
  std::vector<int> neighbors;  // elements: one (radial), two (angular), none (weighted)
  double eta = 0.0, rs = 0.0;
  double lambda = 1.0, zeta = 1.0;  // angular ones
  double cutoff = 0.0;
  // compact ones, which have no Gaussian:
  double rl = 0.0;  // the distances that count lie between rl and the cutoff
  CutoffFunction core = CutoffFunction::poly2;
  bool asymmetric = false;
  double angle_left = 0.0, angle_right = 0.0;  // angular ones

  bool compact() const { return type >= FunctionType::compact_radial; }
  bool angular() const {
    return type != FunctionType::radial && type != FunctionType::weighted_radial &&
           type != FunctionType::compact_radial && type != FunctionType::compact_weighted_radial;
  }
  /// Whether neighbors of all elements count, with their atomic numbers.
  bool weighted() const {
    return type == FunctionType::weighted_radial || type == FunctionType::weighted_angular ||
           type >= FunctionType::compact_weighted_radial;
  }
  /// Whether an angular one depends on the distance between the two neighbors.
  bool narrow() const {
    return type != FunctionType::angular_wide && type != FunctionType::compact_angular_wide &&
           type != FunctionType::compact_weighted_angular_wide;
  }
};

/// n2p2's words for core functions: p1 to p4, with an "a" behind if it is asymmetric, and e.
std::string subtype_of(const Function& function);

/// `cutoff` is that of a function without one of its own. G2, G4 and G5 of the Atomistic Machine-learning
/// Package become radial, angular_narrow and angular_wide functions.
Function parse_function(Json given, double cutoff, const std::vector<std::string>& elements, const std::string& where);

/// Reads "functions".
std::vector<Function> parse_functions(const Json& list, double cutoff, const std::vector<std::string>& elements,
                                      const std::string& where);

Json to_json(const Function& function, const std::vector<std::string>& elements);

/// "angular_narrow O H eta=0.1 rs=0 lambda=-1 zeta=4 cutoff=6"
std::string name_of(const Function& function, const std::vector<std::string>& elements);

/// For every center and
/// - every neighbor element, `radial` radial functions by the rules of G. Imbalzano et al., J. Chem. Phys.
///   148, 241730 (2018). One half (the larger one, or all of less than four), n functions: rs = 0,
///   eta = (n^(m/n) / cutoff)^2, m = 0 .. n-1. The other half, n functions: rs_m = cutoff / n^(m/n),
///   eta = 1 / (rs_(m-1) - rs_m)^2, m = n .. 1;
/// - every pair of neighbor elements, 2 angular^2 narrow angular functions: rs = 0, eta by the first of
///   these rules with n = angular, lambda = -1 and 1, zeta = 1, 4, 16, .., 4^(angular-1).
std::vector<Function> generate_functions(double cutoff, int radial, int angular, int n_elements);

/// The same numbers of compact functions with this subtype, evenly spaced like those of M. P. Bircher et al., Mach.
/// Learn.: Sci. Technol. 2, 035026 (2021): with the distances r_m = cutoff (1 + 2 m/n) / 3, m = 1 .. n, for every
/// center and
/// - every neighbor element, n functions around the center, between -r_m and r_m, and n shells, between
///   r_m - 2/3 cutoff and r_m; the two n as in generate_functions;
/// - every pair of neighbor elements, between -r_m and r_m, n = angular, and each with 2 angular windows of angles:
///   centered at 0, w, 2 w, .., 180 degrees, each w = 180 / (2 angular - 1) degrees wide to both sides.
/// type: compact_angular_narrow or compact_angular_wide.
std::vector<Function> generate_compact_functions(double cutoff, int radial, int angular, int n_elements,
                                                 FunctionType type, const std::string& subtype,
                                                 const std::string& where);

}  // namespace forcesmith::symmetry_functions
