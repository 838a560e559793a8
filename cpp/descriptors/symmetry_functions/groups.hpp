// A list of symmetry functions taken apart into what they share (see tables.hpp).
#pragma once

#include <vector>

#include "descriptors/symmetry_functions/functions.hpp"
#include "descriptors/symmetry_functions/tables.hpp"

namespace forcesmith::symmetry_functions {

/// The arrays of Tables. Values of a center are numbered in the order of its functions.
template <class Real>
struct Groups {
  std::vector<Cutoff<Real>> cutoffs;
  std::vector<int> n_values, gaussian_begin, compact_begin, radial_begin, pair_begin, angular_begin;
  std::vector<Gaussian<Real>> gaussians;
  std::vector<CompactFunction<Real>> compacts;
  std::vector<RadialTerm<Real>> radial_terms;
  std::vector<ElementPair> element_pairs;
  std::vector<AngularGroup<Real>> groups;
  std::vector<AngularTerm<Real>> angular_terms;
  int max_radial_parts = 0, max_terms = 0;
};

/// inner_fraction: inner radius of the cutoff function of Gaussians divided by its cutoff. atomic_numbers:
/// [n_elements].
Groups<double> make_groups(const std::vector<Function>& functions, double inner_fraction,
                           const std::vector<int>& atomic_numbers);

/// The same with numbers rounded to single precision.
Groups<float> rounded(const Groups<double>& groups);

}  // namespace forcesmith::symmetry_functions
