// How the densities U come from polynomials on the sphere, which of their products make up the bispectrum components,
// and how each component depends on each of its three factors: index lists and coefficients behind Tables. All j are
// doubled.
#pragma once

#include <array>
#include <vector>

#include "descriptors/bispectrum/tables.hpp"

namespace forcesmith::bispectrum {

/// One component B^{abc}_{j1 j2 j}, j2 <= j1 <= j.
struct Component {
  std::array<int, 3> channels;
  int j1, j2, j;
};

struct Coupling {
  std::vector<Component> components;
  std::vector<int> half_begin, full_begin, roots_begin;
  std::vector<double> roots, element_coefficients, coupling;
  std::vector<PowerProduct> power_products;
  std::vector<int> power_products_end;
  std::vector<Element> elements;
  std::vector<Block> blocks;
  std::vector<SumsOfProducts> sums_of_products;
  std::vector<int> sums_end, z_places;
  std::vector<Product> products;
  int n_z = 0;
  std::vector<Projection> projections;
  std::vector<int> entry_value, value_block, value_channel;
  std::vector<double> entry_factor;
};

/// bnormflag: Z is divided by 2j + 1, which makes B symmetric in its three factors.
Coupling make_coupling(int twojmax, int n_channels, bool bnormflag);

}  // namespace forcesmith::bispectrum
