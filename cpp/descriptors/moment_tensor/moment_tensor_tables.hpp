// The moment tensor descriptor as plain arrays, ready for the kernels of any instruction set or device.
#pragma once

namespace forcesmith {

struct MomentTensorTables {
  static constexpr int max_radial_basis = 32;
  static constexpr int max_radial_functions = 16;

  int n_elements;
  int n_radial;            // radial functions f_mu
  int n_polynomials;       // Chebyshev polynomials per radial function
  double cutoff;           // angstrom
  double min_distance;     // angstrom
  double scaling;          // factor of every Q_b (MLIP's `scaling`)
  const double* radial;    // [center element][neighbor element][n_radial][n_polynomials], c of f_mu = sum_b c Q_b

  // Monomials x^a y^b z^c of the unit vector. 0 is the constant; monomial m of the range
  // axis_begin[axis] .. axis_begin[axis + 1] - 1 is monomial parent[m] times that component.
  int n_monomials;
  int axis_begin[4];
  const int* parent;       // [n_monomials]

  // Basic moments, sorted by monomial: those of monomial m are basic_begin[m] .. basic_begin[m + 1] - 1.
  int n_basic;
  const int* basic_begin;  // [n_monomials + 1]
  const int* basic_mu;     // [n_basic] radial function

  // Moment n_basic + t is the sum of products product_begin[t] .. product_begin[t + 1] - 1.
  int n_moments;
  const int* product_begin;      // [n_moments - n_basic + 1]
  const int* product_left;       // [n_products]
  const int* product_right;      // [n_products]
  const double* product_factor;  // [n_products]

  int n_values;
  const int* mapping;      // [n_values] moment that is the basis function

  // Moments beyond the basic ones that the values of one register (width consecutive k) depend on, from
  // the last to the first: those of register c are reachable[reachable_begin[c]] and on.
  const int* reachable_begin;  // [registers of values + 1]
  const int* reachable;
};

/// Working memory of one worker for one block of atoms; L is one register (`width` doubles).
struct MomentTensorScratch {
  double* f;            // L [n_packs][n_radial] radial functions
  double* df;           // L [n_packs][n_radial] their derivatives with r
  double* monomials;    // L [2][n_monomials] two packs are worked on at once
  double* dmonomials;   // L [2][n_monomials] directional derivatives, or adjoints
  double* sums;         // L [n_basic + width] moments before the sum over lanes
  double* moments;      // L [n_moments] lanes: atoms of the block
  double* moments_dot;  // L [n_moments] directional derivatives
  double* adjoints;     // L [n_moments]
  double* adjoints_dot; // L [n_moments]

  // Only for gradients.
  static constexpr int jacobian_tile = 4;  // registers of values worked on at once
  double* jacobian;     // L [tiles of values][n_basic][jacobian_tile] dB_k/d(basic moment)
  double* dbasic;       // [neighbor slots of one atom][3][n_basic] d(basic moment)/dr_ij
};

}  // namespace forcesmith
