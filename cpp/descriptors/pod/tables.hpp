// Proper orthogonal descriptors as plain arrays, ready for the kernels of any instruction set or device.
//
// Basic moments, of one neighbor element after the other: sum_j R_m x^a y^b z^c of the unit vectors of its neighbors
// with c = 0 or 1, for every c, b and a those of m < n_shared; then the sums of the other R_m, which have no angles.
#pragma once

#include <cstddef>

#include "descriptors/product_tables.hpp"

namespace forcesmith::pod {

inline constexpr int max_radial_functions = 24, max_snapshots = 64, max_degree = 12, max_four_body_degree = 6;
inline constexpr int n_bessel_parameters = 3;  // alpha of snapshots that are sines

// Real: the precision of the kernels. Pointers are into the descriptor.
template <class Real>
struct Tables : ProductTables<Real> {  // products of moments: first_product is n_basic + n_expanded
  int n_elements;
  Real inner_cutoff, cutoff;  // angstrom
  int bessel_degree, inverse_degree;
  Real bessel_rates[n_bessel_parameters], bessel_scales[n_bessel_parameters];  // alpha / range, 1 / (1 - exp(-alpha))
  int n_radial;                                                                // radial functions R_m
  const Real* coefficients;  // [n_radial][n_snapshots] of snapshots as the kernels compute them

  int n_shared;  // radial functions of three and more bodies, the first of all
  int degree;    // largest a + b + c
  int n_basic, n_of_element;
  // Moment n_basic + e = moment i - moment j - moment k, (i, j, k) = expansion[e]: by z^2 = 1 - x^2 - y^2. As many of
  // each element and m < n_shared, one after the other, made of their own moments alone.
  int n_expanded;
  const int* expansion;  // [n_expanded][3]

  int n_values;
  const int* mapping;  // [n_values] moment that is the value

  FORCESMITH_FUNCTION int n_snapshots() const { return n_bessel_parameters * bessel_degree + inverse_degree; }
};

/// The list of arrays, see core/table_arrays.hpp.
template <class From, class To, class Visit>
void for_each_array(const Tables<From>& from, Tables<To>& to, const Visit& visit) {
  for_each_array(static_cast<const ProductTables<From>&>(from), static_cast<ProductTables<To>&>(to), visit);
  visit("coefficients", from.coefficients, to.coefficients,
        static_cast<std::size_t>(from.n_radial) * from.n_snapshots());
  visit("expansion", from.expansion, to.expansion, 3ul * from.n_expanded);
  visit("mapping", from.mapping, to.mapping, from.n_values);
}

/// Working memory of one worker for one block of atoms; V is one register (`width` numbers).
template <class Real>
struct Scratch {
  Real* f;          // V [n_packs][n_radial] radial functions
  Real* df;         // V [n_packs][n_radial] their derivatives with r
  Real* sums;       // V [n_basic + width] moments before the sum over lanes
  Real* moments;    // V [n_moments + width] lanes: atoms of the block
  Real* adjoints;   // V [n_moments + width]
  Real* snapshots;  // V [2][n_snapshots] of one pack, and their derivatives with r

  static FORCESMITH_FUNCTION std::size_t kept_size(const Tables<Real>& t, int n_packs) {
    return 2ul * t.n_radial * n_packs;
  }
  static FORCESMITH_FUNCTION std::size_t working_size(const Tables<Real>& t, int, int width) {
    // Sums over lanes are made and written in groups of `width`.
    return 2ul * (t.n_moments + width) + t.n_basic + width;
  }
  static FORCESMITH_FUNCTION std::size_t part_size(const Tables<Real>& t, int, int) { return 2ul * t.n_snapshots(); }
  static FORCESMITH_FUNCTION Scratch laid_out(const Tables<Real>& t, int n_packs, int, int width, int stride,
                                              Real* kept, Real* working, Real* of_part) {
    const std::size_t moments = static_cast<std::size_t>(t.n_moments + width) * stride;
    Scratch s{};
    s.f = kept;
    s.df = kept + static_cast<std::size_t>(n_packs) * t.n_radial * stride;
    s.moments = working;
    s.adjoints = s.moments + moments;
    s.sums = s.adjoints + moments;
    s.snapshots = of_part;
    return s;
  }
};

}  // namespace forcesmith::pod
