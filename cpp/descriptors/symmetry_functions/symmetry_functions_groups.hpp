// A list of symmetry functions taken apart into what they share (see symmetry_functions_tables.hpp).
#pragma once

#include <vector>

#include "descriptors/symmetry_functions/symmetry_functions_set.hpp"
#include "descriptors/symmetry_functions/symmetry_functions_tables.hpp"

namespace forcesmith {

/// The arrays of SymmetryFunctionsTables. Values of a center are numbered in the order of its functions.
struct SymmetryFunctionsGroups {
  std::vector<SymmetryCutoff> cutoffs;
  std::vector<int> n_values, gaussian_begin, radial_begin, pair_begin, angular_begin;
  std::vector<SymmetryGaussian> gaussians;
  std::vector<SymmetryRadialTerm> radial_terms;
  std::vector<SymmetryElementPair> element_pairs;
  std::vector<SymmetryAngularGroup> groups;
  std::vector<SymmetryAngularTerm> angular_terms;
  int max_gaussians = 0, max_terms = 0;
};

/// inner_fraction: inner radius of the cutoff function divided by its cutoff. atomic_numbers: [n_elements].
SymmetryFunctionsGroups make_symmetry_functions_groups(const std::vector<SymmetryFunction>& functions,
                                                       double inner_fraction,
                                                       const std::vector<int>& atomic_numbers);

}  // namespace forcesmith
