// The moment tensor descriptor as plain arrays, ready for the kernels of any instruction set or device.
#pragma once

namespace forcesmith::moment_tensor {

inline constexpr int max_radial_basis = 32, max_radial_functions = 16;

// Real: the precision of the kernels. Pointers are into the descriptor.
template <class Real>
struct Tables {
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

  // Moment n_basic + e = moment i - moment j - moment k, (i, j, k) = expansion[e]: by z^2 = 1 - x^2 - y^2.
  int n_basic;
  int n_expanded;
  const int* expansion;  // [n_expanded][3]

  // Moment first_product + t is the sum of products product_begin[t] .. product_begin[t + 1] - 1.
  int n_moments;
  int first_product;           // n_basic + n_expanded
  const int* product_begin;    // [n_moments - first_product + 1]
  const int* product_left;     // [n_products]
  const int* product_right;    // [n_products]
  const Real* product_factor;  // [n_products]

  // The same by factors, in an order in which a product comes before its factors: moment factors[f] times
  // use_other[u] is part of use_target[u], use_begin[f] <= u < use_begin[f + 1].
  int n_factors;
  const int* factors;    // [n_factors]
  const int* use_begin;  // [n_factors + 1]
  const int* use_target;
  const int* use_other;
  const Real* use_factor;  // the product's, twice it for squares

  int n_values;
  const int* mapping;  // [n_values] moment that is the basis function

  // Products that the values of one register (width consecutive k) depend on, from
  // the last to the first: those of register c are reachable[reachable_begin[c]] and on.
  const int* reachable_begin;  // [registers of values + 1]
  const int* reachable;
};

/// The kernels are compiled for these numbers of radial functions.
inline int radial_stride_of(int n_radial) {
  return n_radial <= 6 ? n_radial : n_radial <= 8 ? 8 : max_radial_functions;
}

/// Working memory of one worker for one block of atoms; V is one register (`width` numbers).
template <class Real>
struct Scratch {
  Real* f;             // V [n_packs][radial_stride] radial functions
  Real* df;            // V [n_packs][radial_stride] their derivatives with r
  Real* sums;          // V [n_basic + width] moments before the sum over lanes
  Real* moments;       // V [n_moments] lanes: atoms of the block
  Real* moments_dot;   // V [n_moments] directional derivatives
  Real* adjoints;      // V [n_moments]
  Real* adjoints_dot;  // V [n_moments]

  // Only for gradients.
  static constexpr int jacobian_tile = 4;  // registers of values worked on at once
  Real* jacobian;                          // V [tiles of values][n_basic][jacobian_tile] dB_k/d(basic moment)
  Real* dbasic;                            // [neighbor slots of one atom][3][n_basic] d(basic moment)/dr_ij
};

}  // namespace forcesmith::moment_tensor
