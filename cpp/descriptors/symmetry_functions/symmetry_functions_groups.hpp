// A list of symmetry functions taken apart into what they share (see symmetry_functions_tables.hpp).
#pragma once

#include <vector>

#include "descriptors/symmetry_functions/symmetry_functions_set.hpp"
#include "descriptors/symmetry_functions/symmetry_functions_tables.hpp"

namespace forcesmith {

/// The arrays of SymmetryFunctionsTables. Values of a center are numbered in the order of its functions.
template <class Real>
struct SymmetryFunctionsGroups {
  std::vector<SymmetryCutoff<Real>> cutoffs;
  std::vector<int> n_values, gaussian_begin, compact_begin, radial_begin, pair_begin, angular_begin;
  std::vector<SymmetryGaussian<Real>> gaussians;
  std::vector<SymmetryCompact<Real>> compacts;
  std::vector<SymmetryRadialTerm<Real>> radial_terms;
  std::vector<SymmetryElementPair> element_pairs;
  std::vector<SymmetryAngularGroup<Real>> groups;
  std::vector<SymmetryAngularTerm<Real>> angular_terms;
  int max_radial_parts = 0, max_terms = 0;
};

/// inner_fraction: inner radius of the cutoff function of Gaussians divided by its cutoff. atomic_numbers:
/// [n_elements].
SymmetryFunctionsGroups<double> make_symmetry_functions_groups(const std::vector<SymmetryFunction>& functions,
                                                               double inner_fraction,
                                                               const std::vector<int>& atomic_numbers);

/// The same with numbers rounded to single precision.
SymmetryFunctionsGroups<float> rounded(const SymmetryFunctionsGroups<double>& groups);

}  // namespace forcesmith
