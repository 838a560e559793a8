// The atomic cluster expansion as plain arrays, ready for the kernels of any instruction set or device.
//
// Radial functions f of a pair of elements: the basis g_k itself, n_basis of it, and then R_nl = sum_k c_nlk g_k, l by
// l, n_of_l[l] each. Basic moments, of one neighbor element after the other: sum_j f Y_lm, by l, m and then f; those of
// l = 0 begin with those of the basis.
#pragma once

#include <cstddef>

#include "descriptors/product_tables.hpp"

namespace forcesmith::ace {

enum class RadialBasis { ChebExpCos, ChebPow, SBessel };

inline constexpr int max_radial_basis = 64, max_degree = 12;

/// What the radial basis of a pair of elements depends on. Lengths in angstrom.
template <class Real>
struct Bond {
  RadialBasis basis;
  Real parameter, cutoff, cutoff_width;
  Real inner_cutoff, inner_width;  // inner_width 0: none
};

inline Bond<float> rounded(const Bond<double>& b) {
  const auto number = [](double value) { return static_cast<float>(value); };
  return {b.basis,
          number(b.parameter),
          number(b.cutoff),
          number(b.cutoff_width),
          number(b.inner_cutoff),
          number(b.inner_width)};
}

// Real: the precision of the kernels. Pointers are into the descriptor.
template <class Real>
struct Tables : ProductTables<Real> {
  int n_elements;
  const Bond<Real>* bonds;  // [center element][neighbor element]
  int n_basis;              // g_k
  const Real* bessel;       // [n_basis][3] of SBessel: factor of h_n, of g_(n-1), and of both

  int lmax;
  const int* n_of_l;         // [lmax + 1] radial functions R_nl with that l
  int n_combined;            // all R_nl
  const Real* coefficients;  // [center element][neighbor element][n_combined][n_basis]
  bool trains_coefficients;

  // Q_lm(z) of the real spherical harmonics Q_lm(z) Re, Im (x + iy)^m, for every m: that of l = m, then for l > m the
  // factors a, b of Q_lm = a z Q_(l-1)m + b Q_(l-2)m.
  const Real* harmonics;

  int n_basic, n_of_element;  // basic moments, and those of a neighbor element
  int largest_size;
  const int* sizes;    // [center element] values
  const int* mapping;  // [center element][largest_size] moment that is the value

  // What value k of a center depends on, v = center * largest_size + k: basic moments of one neighbor element after the
  // other, dependences[dependence_begin[v * n_elements + element]] and on, and products, from the last to the first,
  // reachable[reachable_begin[v]] and on.
  int largest_dependence;       // basic moments, counted for each value, of a center
  const int* dependence_begin;  // [center element][largest_size][neighbor element], and the end
  const int* dependences;
  const int* reachable_begin;  // [center element][largest_size], and the end
  const int* reachable;

  FORCESMITH_FUNCTION int n_functions() const { return n_basis + n_combined; }
  FORCESMITH_FUNCTION int n_harmonics() const { return (lmax + 1) * (lmax + 1); }
};

inline int size_of_harmonics(int lmax) { return (lmax + 1) * (lmax + 1); }

/// The list of arrays, see core/table_arrays.hpp.
template <class From, class To, class Visit>
void for_each_array(const Tables<From>& from, Tables<To>& to, const Visit& visit) {
  const std::size_t n_pairs = static_cast<std::size_t>(from.n_elements) * from.n_elements;
  for_each_array(static_cast<const ProductTables<From>&>(from), static_cast<ProductTables<To>&>(to), visit);
  visit("bonds", from.bonds, to.bonds, n_pairs);
  visit("bessel", from.bessel, to.bessel, 3ul * from.n_basis);
  visit("n_of_l", from.n_of_l, to.n_of_l, from.lmax + 1ul);
  visit("coefficients", from.coefficients, to.coefficients, n_pairs * from.n_combined * from.n_basis);
  visit("harmonics", from.harmonics, to.harmonics, size_of_harmonics(from.lmax));
  visit("sizes", from.sizes, to.sizes, from.n_elements);
  const std::size_t n_values = static_cast<std::size_t>(from.n_elements) * from.largest_size;
  const std::size_t n_ranges = n_values * from.n_elements;
  visit("mapping", from.mapping, to.mapping, n_values);
  visit("dependence_begin", from.dependence_begin, to.dependence_begin, n_ranges + 1);
  visit("dependences", from.dependences, to.dependences, from.dependence_begin[n_ranges]);
  visit("reachable_begin", from.reachable_begin, to.reachable_begin, n_values + 1);
  visit("reachable", from.reachable, to.reachable, from.reachable_begin[n_values]);
}

/// Working memory of one worker for one block of atoms; V is one register (`width` numbers).
template <class Real>
struct Scratch {
  Real* f;                 // V [n_packs][n_functions] radial functions
  Real* df;                // V [n_packs][n_functions] their derivatives with r
  Real* sums;              // V [n_basic + width] moments before the sum over lanes
  Real* moments;           // V [n_moments + width] lanes: atoms of the block
  Real* moments_dot;       // V [n_moments + width] directional derivatives
  Real* adjoints;          // V [n_moments + width]
  Real* adjoints_dot;      // V [n_moments + width]
  Real* Y;                 // V [n_harmonics] of one pack
  Real* Y_dot;             // V [n_harmonics]
  Real* coefficient_sums;  // V [n_combined][n_basis], and width: derivatives with them before the sum over lanes

  Real* for_gradients;  // V [largest_dependence] dB_k/d(basic moment), [3][n_of_element] d(basic moment)/dr_ij

  static FORCESMITH_FUNCTION std::size_t kept_size(const Tables<Real>& t, int n_packs) {
    return 2ul * t.n_functions() * n_packs;
  }
  static FORCESMITH_FUNCTION std::size_t working_size(const Tables<Real>& t, int, int width) {
    // Sums over lanes are made and written in groups of `width`.
    return 4ul * (t.n_moments + width) + t.n_basic + width + 2ul * t.n_harmonics() +
           static_cast<std::size_t>(t.n_combined) * t.n_basis + width;
  }
  static FORCESMITH_FUNCTION std::size_t part_size(const Tables<Real>&, int, int) { return 0; }
  static FORCESMITH_FUNCTION std::size_t gradients_size(const Tables<Real>& t, int, int) {
    return t.largest_dependence + 3ul * t.n_of_element;
  }
  static FORCESMITH_FUNCTION Scratch laid_out(const Tables<Real>& t, int n_packs, int, int width, int stride,
                                              Real* kept, Real* working, Real*) {
    const std::size_t moments = static_cast<std::size_t>(t.n_moments + width) * stride;
    Scratch s{};
    s.f = kept;
    s.df = kept + static_cast<std::size_t>(n_packs) * t.n_functions() * stride;
    s.moments = working;
    s.moments_dot = s.moments + moments;
    s.adjoints = s.moments_dot + moments;
    s.adjoints_dot = s.adjoints + moments;
    s.sums = s.adjoints_dot + moments;
    s.Y = s.sums + static_cast<std::size_t>(t.n_basic + width) * stride;
    s.Y_dot = s.Y + static_cast<std::size_t>(t.n_harmonics()) * stride;
    s.coefficient_sums = s.Y_dot + static_cast<std::size_t>(t.n_harmonics()) * stride;
    return s;
  }
};

}  // namespace forcesmith::ace
