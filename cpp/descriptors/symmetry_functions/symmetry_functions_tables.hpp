// The symmetry functions as plain arrays, ready for the kernels of any instruction set or device.
//
// Functions are taken apart into what they share. A Gaussian times its cutoff function,
//   E(r) = exp(-eta (r - rs)^2) fc(r),
// is evaluated once per neighbor. A radial function is a sum of radial terms factor * sum_j E(r_ij), one
// per element (one altogether unless it is weighted). An angular function is a sum of angular terms
// factor * sum_{j<k} E(r_ij) E(r_ik) E(r_jk) u^zeta, u = (1 + lambda cos theta) / 2, one per pair of
// elements; terms that differ only in u^zeta form a group. Lengths in angstrom.
#pragma once

#include <cstddef>

#include "core/lane.hpp"

namespace forcesmith {

/// Numbered as n2p2's cutoff_type.
enum class CutoffFunction { cos = 1, tanhu, tanh, exp, poly1, poly2, poly3, poly4 };

template <class Real>
struct SymmetryCutoff {
  Real outer, inner;   // fc is 0 beyond the first and, but for tanhu and tanh, 1 below the second
  Real inverse_width;  // 1 / (outer - inner)
};

template <class Real>
struct SymmetryGaussian {
  Real eta;  // 1/angstrom^2
  Real rs;
  int cutoff;
};

template <class Real>
struct SymmetryRadialTerm {
  int gaussian;  // counted from the first one of the two elements
  int value;
  Real factor;
};

template <class Real>
struct SymmetryAngularTerm {
  int value;
  Real factor;
  Real half_lambda;
  Real zeta;
  int whole_zeta;  // zeta if it is a whole number, else 0
};

template <class Real>
struct SymmetryAngularGroup {
  int first_gaussian, second_gaussian;  // of neighbors j and k, counted as in SymmetryRadialTerm
  SymmetryGaussian<Real> opposite;      // of r_jk
  bool narrow;                          // with the factor E(r_jk)
  int begin, end;                       // angular terms
};

/// Neighbors j of the first element, k of the second; if they are the same, k comes after j.
struct SymmetryElementPair {
  int first, second;
  bool narrow;     // some group is
  int begin, end;  // groups; those that need a cutoff function of r_jk come first, by cutoff
};

template <class Real>
struct SymmetryFunctionsTables {
  int n_elements;
  CutoffFunction cutoff_function;
  const SymmetryCutoff<Real>* cutoffs;
  const int* n_values;                       // [n_elements]
  const int* gaussian_begin;                 // [n_elements^2 + 1] center * n_elements + neighbor
  const SymmetryGaussian<Real>* gaussians;
  const int* radial_begin;                   // [n_elements^2 + 1]
  const SymmetryRadialTerm<Real>* radial_terms;
  const int* pair_begin;                     // [n_elements + 1] by center
  const SymmetryElementPair* element_pairs;
  const SymmetryAngularGroup<Real>* groups;
  const int* angular_begin;                  // [n_elements + 1] by center
  const SymmetryAngularTerm<Real>* angular_terms;
  int max_gaussians;                         // of two elements
  int max_terms;                             // radial and angular, of one center
};

/// Working memory; L is one register (`width` numbers), max_packs the most packs of one atom. What is kept
/// from compute_values for the other verbs has room for all packs of a block (on a device: of all atoms);
/// the rest is used for one atom at a time.
template <class Real>
struct SymmetryFunctionsScratch {
  Real* gaussians;  // L, of each atom in turn: [gaussians][E, dE/dr][packs of the atom]
  Real* kept_rows;  // L, of each row in turn: cos theta, then E(r_jk) and its slope of each group; may be null
  Real* rows;       // L [n_rows][max_packs] of the pairs of one neighbor j with neighbors k
  Real* neighbors;  // L [4][max_packs] gradients, or motion, of each neighbor
  Real* sums;       // L [max_terms + width]
  Real* weights;    // [max_terms]
  int max_packs;

  static constexpr int n_rows = 11;

  static FORCESMITH_FUNCTION std::size_t kept_size(const SymmetryFunctionsTables<Real>& t, int n_packs,
                                                   int width) {
    return 2ul * t.max_gaussians * n_packs * width;
  }
  static FORCESMITH_FUNCTION std::size_t working_size(const SymmetryFunctionsTables<Real>& t, int max_packs,
                                                      int width) {
    return (static_cast<std::size_t>(n_rows + 4) * max_packs + 2ul * t.max_terms + width) * width;
  }
  static FORCESMITH_FUNCTION SymmetryFunctionsScratch laid_out(const SymmetryFunctionsTables<Real>& t,
                                                               int max_packs, int width, Real* kept,
                                                               Real* working) {
    SymmetryFunctionsScratch s{};
    s.gaussians = kept;
    s.rows = working;
    s.neighbors = s.rows + static_cast<std::size_t>(n_rows) * max_packs * width;
    s.sums = s.neighbors + 4ul * max_packs * width;
    s.weights = s.sums + static_cast<std::size_t>(t.max_terms + width) * width;
    s.max_packs = max_packs;
    return s;
  }
};

}  // namespace forcesmith
