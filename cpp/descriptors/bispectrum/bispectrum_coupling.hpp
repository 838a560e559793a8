// Which products of the densities U make up the bispectrum components, and how each component depends on
// each of its three factors: index lists and Clebsch-Gordan coefficients behind BispectrumTables. All j
// are doubled.
#pragma once

#include <array>
#include <vector>

#include "descriptors/bispectrum/bispectrum_tables.hpp"

namespace forcesmith {

/// <j1 m1 j2 m2 | j m> by Racah's formula (D. A. Varshalovich et al., Quantum Theory of Angular Momentum
/// (1988), 8.2.1); m counted from 0. 0 where the coefficient vanishes.
double clebsch_gordan(int j1, int m1, int j2, int m2, int j, int m);

/// One component B^{abc}_{j1 j2 j}, j2 <= j1 <= j.
struct BispectrumComponent {
  std::array<int, 3> channels;
  int j1, j2, j;
};

struct BispectrumCoupling {
  std::vector<BispectrumComponent> components;
  std::vector<int> half_begin, full_begin, roots_begin;
  std::vector<double> roots, clebsch_gordan;
  std::vector<BispectrumBlock> blocks;
  int n_z = 0;
  std::vector<BispectrumProjection> projections;
  std::vector<int> entry_value, value_block, value_channel;
  std::vector<double> entry_factor;
};

/// bnormflag: Z is divided by 2j + 1, which makes B symmetric in its three factors.
BispectrumCoupling make_bispectrum_coupling(int twojmax, int n_channels, bool bnormflag);

}  // namespace forcesmith
