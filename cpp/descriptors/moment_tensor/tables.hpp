// The moment tensor descriptor as plain arrays, ready for the kernels of any instruction set or device.
#pragma once

#include <cstddef>

#include "descriptors/product_tables.hpp"

namespace forcesmith::moment_tensor {

inline constexpr int max_radial_basis = 32, max_radial_functions = 16;

// Real: the precision of the kernels. Pointers are into the descriptor.
template <class Real>
struct Tables : ProductTables<Real> {  // products of moments: first_product is n_basic + n_expanded
  int n_elements;
  int n_polynomials;    // Chebyshev polynomials per radial function
  Real cutoff;          // angstrom
  Real min_distance;    // angstrom
  Real scaling;         // factor of every Q_b (MLIP's `scaling`)
  int neighbor_stride;  // 1 or, of several elements, n_elements rounded up to whole registers
  int n_radial;         // radial functions f_mu
  int radial_stride;    // n_radial rounded up: see radial_stride_of
  // c of f_mu = sum_b c_b Q_b and slope of d(sum_b c_b T_b)/dr = sum_b slope_b T_b,
  // [center element][n_polynomials][radial_stride][c, slope][neighbor_stride]
  const Real* radial;

  // Monomials x^a y^b z^c of the unit vector with c = 0 or 1, in rows of equal b and c: those with c = 0
  // first, b ascending, then those with c = 1; in a row a ascends. Monomial a of a row is summed with radial
  // functions mu < K, where K is the number of those with row_ends > a, into consecutive basic moments.
  int n_rows[2];         // for c = 0 and 1
  const int* row_ends;   // [rows][radial_stride], falling with mu
  const int* row_begin;  // [rows + 1] first basic moment
  // The basic moments again, in the order of nested multiplication: mu ascending, then c, b and a descending.
  const int* nested;  // [n_basic]

  // Moment n_basic + e = moment i - moment j - moment k, (i, j, k) = expansion[e]: by z^2 = 1 - x^2 - y^2.
  int n_basic;
  int n_expanded;
  const int* expansion;  // [n_expanded][3]

  int n_values;
  const int* mapping;  // [n_values] moment that is the basis function

  // For dB/dr: values in an order in which neighbors depend on much the same moments. Products that reachable_width
  // consecutive ones depend on, from the last to the first: those of register c are reachable[reachable_begin[c]] and on;
  // registers of values are no wider. Basic moments that jacobian_tile registers of them depend on: those of tile c are
  // dependences[dependence_begin[c]] and on.
  const int* value_order;  // [n_values]
  int reachable_width;
  const int* reachable_begin;  // [registers of values + 1]
  const int* reachable;
  int n_dependences;
  const int* dependence_begin;  // [tiles + 1]
  const int* dependences;       // [n_dependences]

  static constexpr int jacobian_tile = 2;  // registers of values worked on at once
};

/// The kernels are compiled for these numbers of radial functions.
inline int radial_stride_of(int n_radial) {
  return n_radial <= 6 ? n_radial : n_radial <= 8 ? 8 : max_radial_functions;
}

/// The list of arrays, see core/table_arrays.hpp.
template <class From, class To, class Visit>
void for_each_array(const Tables<From>& from, Tables<To>& to, const Visit& visit) {
  const std::size_t n_rows = from.n_rows[0] + from.n_rows[1];
  const std::size_t n_registers = (from.n_values + from.reachable_width - 1) / from.reachable_width;
  const std::size_t n_tiles = (n_registers + from.jacobian_tile - 1) / from.jacobian_tile;
  const std::size_t n_of_center = 2ul * from.n_polynomials * from.radial_stride * from.neighbor_stride;
  for_each_array(static_cast<const ProductTables<From>&>(from), static_cast<ProductTables<To>&>(to), visit);
  visit("radial", from.radial, to.radial, from.n_elements * n_of_center);
  visit("row_ends", from.row_ends, to.row_ends, n_rows * from.radial_stride);
  visit("row_begin", from.row_begin, to.row_begin, n_rows + 1);
  visit("nested", from.nested, to.nested, from.n_basic);
  visit("expansion", from.expansion, to.expansion, 3ul * from.n_expanded);
  visit("mapping", from.mapping, to.mapping, from.n_values);
  visit("value_order", from.value_order, to.value_order, from.n_values);
  visit("reachable_begin", from.reachable_begin, to.reachable_begin, n_registers + 1);
  visit("reachable", from.reachable, to.reachable, from.reachable_begin[n_registers]);
  visit("dependence_begin", from.dependence_begin, to.dependence_begin, n_tiles + 1);
  visit("dependences", from.dependences, to.dependences, from.n_dependences);
}

/// Working memory of one worker for one block of atoms; V is one register (`width` numbers).
template <class Real>
struct Scratch {
  Real* f;             // V [n_packs][radial_stride] radial functions
  Real* df;            // V [n_packs][radial_stride] their derivatives with r
  Real* sums;          // V [n_basic + width] moments before the sum over lanes
  Real* moments;       // V [n_moments + width] lanes: atoms of the block
  Real* moments_dot;   // V [n_moments + width] directional derivatives
  Real* adjoints;      // V [n_moments + width]
  Real* adjoints_dot;  // V [n_moments + width]

  Real* for_gradients;  // V [jacobian_size], then [neighbor slots of one atom][3][n_basic] d(basic moment)/dr_ij

  /// Registers [tiles of values][their dependences][jacobian_tile] of dB_k/d(basic moment).
  static FORCESMITH_FUNCTION std::size_t jacobian_size(const Tables<Real>& t, int width) {
    return static_cast<std::size_t>(t.n_dependences) * t.jacobian_tile * (t.reachable_width / width);
  }

  static FORCESMITH_FUNCTION std::size_t kept_size(const Tables<Real>& t, int n_packs) {
    return 2ul * t.radial_stride * n_packs;
  }
  static FORCESMITH_FUNCTION std::size_t working_size(const Tables<Real>& t, int, int width) {
    // Sums over lanes are made and written in groups of `width`.
    return 4ul * (t.n_moments + width) + t.n_basic + width;
  }
  static FORCESMITH_FUNCTION std::size_t part_size(const Tables<Real>&, int, int) { return 0; }
  static FORCESMITH_FUNCTION std::size_t gradients_size(const Tables<Real>& t, int max_packs, int width) {
    return jacobian_size(t, width) + 3ul * t.n_basic * max_packs;
  }
  static FORCESMITH_FUNCTION Scratch laid_out(const Tables<Real>& t, int n_packs, int, int width, int stride,
                                              Real* kept, Real* working, Real*) {
    const std::size_t moments = static_cast<std::size_t>(t.n_moments + width) * stride;
    Scratch s{};
    s.f = kept;
    s.df = kept + static_cast<std::size_t>(n_packs) * t.radial_stride * stride;
    s.moments = working;
    s.moments_dot = s.moments + moments;
    s.adjoints = s.moments_dot + moments;
    s.adjoints_dot = s.adjoints + moments;
    s.sums = s.adjoints_dot + moments;
    return s;
  }
};

}  // namespace forcesmith::moment_tensor
