// Which moments multiply into which: the basis functions of a moment tensor potential as a list of
// products (A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016), Eqs. 2-5).
//
// Moments 0 .. n_basic - 1 are components of M_{mu,nu}: sum_j f_mu(r_ij) x^a y^b z^c / r^(a+b+c).
// Every further moment is a sum of products of earlier ones. The form is that of MLIP's .mtp files
// (alpha_index_basic, alpha_index_times, alpha_moment_mapping), so any such list can be run.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/parameter_schema.hpp"

namespace forcesmith::moment_tensor {

struct ContractionProgram {
  std::vector<std::array<int, 4>> basic;     // [n_basic] mu, a, b, c
  std::vector<std::array<int, 4>> products;  // [n_products] left, right, integer factor, target
  std::vector<int> mapping;                  // [n_values] moment that is the basis function
  int n_moments = 0;

  int n_values() const { return static_cast<int>(mapping.size()); }
  int n_radial() const;  // number of radial functions, 1 + largest mu

  /// Throws FormatError naming `where` unless indices are in range, factors are finite, and every
  /// moment is complete before it is used.
  void check(const std::string& where) const;

  /// Throws FormatError naming `where` unless the basis functions of a few random neighbors stay the same when
  /// these are rotated. After check().
  void check_rotation_invariance(const std::string& where) const;

  static const SchemaOf<ContractionProgram>& schema();

  friend bool operator==(const ContractionProgram&, const ContractionProgram&) = default;
};

inline constexpr int largest_level = 28;
/// Most moments multiplied in a basis function of MLIP's lists.
inline constexpr int mlip_factors = 4;

/// Throws ParameterError unless there is a program of that level: even, 2 .. 28. name: of the level, for the message.
void check_level(int level, const std::string& name = "The level of a moment tensor potential");

/// All contractions of at most `max_factors` moments to scalars with level at most `level` (even,
/// 2 .. 28), where lev M_{mu,nu} = 2 + 4 mu + nu and the level of a product is the sum (Shapeev 2016,
/// Sec. 3). With four factors (five-body terms), as in MLIP's lists, the numbers of basis functions
/// for level 2, 4, ... 20 are 1 2 5 9 16 29 52 92 163 288.
ContractionProgram generate_contractions(int level, int max_factors = mlip_factors);

/// The same basis functions with fewer products if generate_contractions() has them all, else the program as it is. Moments
/// and products are others. After check().
ContractionProgram with_fewest_products(const ContractionProgram& program);

}  // namespace forcesmith::moment_tensor
