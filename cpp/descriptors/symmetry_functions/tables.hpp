// The symmetry functions as plain arrays, ready for the kernels of any instruction set or device.
//
// Functions are taken apart into what they share. A radial part, which is a Gaussian times its cutoff function
// or a compact function C of the distance,
//   E(r) = exp(-eta (r - rs)^2) fc(r)  or  E(r) = C(r),
// is evaluated once per neighbor. A radial function is a sum of radial terms factor * sum_j E(r_ij), one
// per element (one altogether unless it is weighted). An angular function is a sum of angular terms
// factor * sum_{j<k} E(r_ij) E(r_ik) E(r_jk) A(theta), one per pair of elements, where A is u^zeta,
// u = (1 + lambda cos theta) / 2, or a compact function of theta; terms that differ only in A form a group.
// Lengths in angstrom, angles in radian.
#pragma once

#include <cstddef>

#include "math/cutoff_functions.hpp"
#include "simd/simd.hpp"

namespace forcesmith::symmetry_functions {

template <class Real>
struct Cutoff {
  Real outer, inner;   // fc is 0 beyond the first and, but for tanhu and tanh, 1 below the second
  Real inverse_width;  // 1 / (outer - inner)
};

template <class Real>
struct Gaussian {
  Real eta;  // 1/angstrom^2
  Real rs;
  int cutoff;
};

/// C(x) = f(|x - center| / width), where f falls from 1 at 0 to 0 at 1.
template <class Real>
struct CompactFunction {
  Real center, outer;   // C is 0 from `outer` on, and on the other side of the center from the same distance on
  Real inverse_width;   // 1 / (outer - center)
  CutoffFunction core;  // f: exp or poly1 to poly4
  bool asymmetric;      // f(y (2 - y)) in place of f(y)
};

template <class Real>
struct RadialTerm {
  int part;  // radial part, counted from the first one of the two elements: Gaussians, then compact functions
  int value;
  Real factor;
};

template <class Real>
struct AngularTerm {
  int value;
  Real factor;
  Real half_lambda;
  Real zeta;
  int whole_zeta;               // zeta if it is a whole number, else 0
  CompactFunction<Real> angle;  // in groups of compact functions, where the last three are 0
};

template <class Real>
struct AngularGroup {
  int first_part, second_part;  // of neighbors j and k, counted as in RadialTerm
  Gaussian<Real> opposite;      // of r_jk
  int compact;                  // in place of Gaussians: the compact function of all three distances
  bool narrow;                  // with the factor E(r_jk)
  int power;                    // opposite.eta is so many times the pair's common_eta; 0: it is not
  int begin, end;               // angular terms
};

/// Neighbors j of the first element, k of the second; if they are the same, k comes after j.
struct ElementPair {
  int first, second;
  bool narrow;  // some group is
  // Groups: with Gaussians, of these the ones that need a cutoff function of r_jk first, by cutoff; then compact ones.
  int begin, compact_begin, end;
  double common_eta;  // 1/angstrom^2, of which those of several groups are whole multiples; 0: there is none

  FORCESMITH_FUNCTION bool compact() const { return compact_begin < end; }

  /// What is kept of a row: cos theta, also theta and its slope if some group is compact, then E(r_jk) and its
  /// slope of each group.
  FORCESMITH_FUNCTION int n_kept_of_angle() const { return compact() ? 3 : 1; }
  FORCESMITH_FUNCTION int n_kept() const { return n_kept_of_angle() + 2 * (end - begin); }
};

template <class Real>
struct Tables {
  int n_elements;
  CutoffFunction cutoff_function;
  int n_cutoffs;
  const Cutoff<Real>* cutoffs;  // [n_cutoffs]
  const int* n_values;          // [n_elements]
  const int* gaussian_begin;    // [n_elements^2 + 1] center * n_elements + neighbor
  const Gaussian<Real>* gaussians;
  const int* compact_begin;  // [n_elements^2 + 1]
  const CompactFunction<Real>* compacts;
  const int* radial_begin;  // [n_elements^2 + 1]
  const RadialTerm<Real>* radial_terms;
  const int* pair_begin;  // [n_elements + 1] by center
  const ElementPair* element_pairs;
  const AngularGroup<Real>* groups;
  const int* angular_begin;  // [n_elements + 1] by center
  const AngularTerm<Real>* angular_terms;
  int max_radial_parts;  // of two elements
  int max_terms;         // radial and angular, of one center
};

/// The list of arrays, see core/table_arrays.hpp.
template <class From, class To, class Visit>
void for_each_array(const Tables<From>& from, Tables<To>& to, const Visit& visit) {
  const std::size_t n = from.n_elements, n_pairs = n * n, n_element_pairs = from.pair_begin[n];
  const std::size_t n_groups = n_element_pairs == 0 ? 0 : from.element_pairs[n_element_pairs - 1].end;
  visit("cutoffs", from.cutoffs, to.cutoffs, from.n_cutoffs);
  visit("n_values", from.n_values, to.n_values, n);
  visit("gaussian_begin", from.gaussian_begin, to.gaussian_begin, n_pairs + 1);
  visit("gaussians", from.gaussians, to.gaussians, from.gaussian_begin[n_pairs]);
  visit("compact_begin", from.compact_begin, to.compact_begin, n_pairs + 1);
  visit("compacts", from.compacts, to.compacts, from.compact_begin[n_pairs]);
  visit("radial_begin", from.radial_begin, to.radial_begin, n_pairs + 1);
  visit("radial_terms", from.radial_terms, to.radial_terms, from.radial_begin[n_pairs]);
  visit("pair_begin", from.pair_begin, to.pair_begin, n + 1);
  visit("element_pairs", from.element_pairs, to.element_pairs, n_element_pairs);
  visit("groups", from.groups, to.groups, n_groups);
  visit("angular_begin", from.angular_begin, to.angular_begin, n + 1);
  visit("angular_terms", from.angular_terms, to.angular_terms, from.angular_begin[n]);
}

/// Working memory; V is one register (`width` numbers), max_packs the most packs of one atom. What is kept
/// from compute_values for the other verbs has room for all packs of a block; the rest is used for one atom at a time.
template <class Real>
struct Scratch {
  Real* radial_parts;  // V, of each atom in turn: [radial parts][E, dE/dr][packs of the atom]
  // Not on devices:
  Real* kept_rows;  // V, of each row in turn: ElementPair's kept arrays; may be null
  Real* rows;       // V [n_rows][max_packs] of the pairs of one neighbor j with neighbors k
  // Of all parts of the work:
  Real* neighbors;  // V [4][max_packs] gradients, or motion, of each neighbor
  // Of each:
  Real* sums;     // V [max_terms + width]
  Real* weights;  // [max_terms]
  int max_packs;

  static constexpr int n_rows = 14;

  static FORCESMITH_FUNCTION std::size_t kept_size(const Tables<Real>& t, int n_packs) {
    return 2ul * t.max_radial_parts * n_packs;
  }
  static FORCESMITH_FUNCTION std::size_t working_size(const Tables<Real>&, int max_packs, int) {
    return 4ul * max_packs;
  }
  static FORCESMITH_FUNCTION std::size_t part_size(const Tables<Real>& t, int, int width) {
    return 2ul * t.max_terms + width;
  }
  /// Without kept_rows and rows.
  static FORCESMITH_FUNCTION Scratch laid_out(const Tables<Real>& t, int, int max_packs, int width, int stride,
                                              Real* kept, Real* working, Real* of_part) {
    Scratch s{};
    s.radial_parts = kept;
    s.neighbors = working;
    s.sums = of_part;
    s.weights = s.sums + static_cast<std::size_t>(t.max_terms + width) * stride;
    s.max_packs = max_packs;
    return s;
  }
};

}  // namespace forcesmith::symmetry_functions
