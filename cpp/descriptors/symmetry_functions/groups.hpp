// A list of symmetry functions taken apart into what they share (see tables.hpp).
#pragma once

#include <vector>

#include "descriptors/symmetry_functions/functions.hpp"
#include "descriptors/symmetry_functions/tables.hpp"

namespace forcesmith::symmetry_functions {

/// The arrays of Tables. Values of a center are numbered in the order of its functions.
struct Groups {
  std::vector<Cutoff<double>> cutoffs;
  std::vector<int> n_values, gaussian_begin, compact_begin, radial_begin, pair_begin, angular_begin;
  std::vector<Gaussian<double>> gaussians;
  std::vector<CompactFunction<double>> compacts;
  std::vector<RadialTerm<double>> radial_terms;
  std::vector<ElementPair> element_pairs;
  std::vector<AngularGroup<double>> groups;
  std::vector<AngularTerm<double>> angular_terms;
  int max_radial_parts = 0, max_terms = 0;
};

/// inner_fraction: inner radius of the cutoff function of Gaussians divided by its cutoff. atomic_numbers:
/// [n_elements].
Groups make_groups(const std::vector<Function>& functions, double inner_fraction,
                   const std::vector<int>& atomic_numbers);

// Elements of these arrays with numbers rounded to single precision.
Cutoff<float> rounded(const Cutoff<double>& cutoff);
Gaussian<float> rounded(const Gaussian<double>& gaussian);
CompactFunction<float> rounded(const CompactFunction<double>& compact);
RadialTerm<float> rounded(const RadialTerm<double>& term);
AngularGroup<float> rounded(const AngularGroup<double>& group);
AngularTerm<float> rounded(const AngularTerm<double>& term);

}  // namespace forcesmith::symmetry_functions
