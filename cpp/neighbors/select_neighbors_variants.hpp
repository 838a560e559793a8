// The neighbors of one atom within the cutoff, out of a longer list: for hosts whose lists hold indices of
// atoms, one function per instruction set and precision. Included by sources that are compiled for each of them:
// no standard headers here.
#pragma once

#include "core/variants.hpp"

namespace forcesmith {

/// Pairs closer than these distances are to be noticed.
template <class Real>
struct CloseLimits {
  const Real* squares = nullptr;  // [center element][neighbor element] angstrom^2
  Real largest_square = 0;        // 0: nothing is to be noticed
  int n_elements = 0;
};

/// What a host lists: for every atom, indices of atoms, among which are all its neighbors.
template <class Real>
struct ListedAtoms;

template <>
struct ListedAtoms<double> {
  const double* positions;  // [..][3] angstrom
  const int* elements;      // [..] element index, negative: left out; null: all are of element 0
  int index_mask;           // bits of a listed index that belong to the index
  double cutoff_squared;    // angstrom^2
  CloseLimits<double> close;
};

/// In single precision, positions far from the origin would lose their digits: as whole numbers of small steps, modulo
/// 2^32, their differences are exact wherever the atoms are.
template <>
struct ListedAtoms<float> {
  const int* rows;       // [..][4] x, y, z in steps; element index, negative: left out
  bool one_element;      // all are of element 0
  int index_mask;        // as above
  float step;            // angstrom
  float cutoff_squared;  // angstrom^2
  CloseLimits<float> close;
};
/// Steps with which vectors of up to 4 cutoffs, and 32 angstrom, have no second meaning. A power of two.
double grid_step(double cutoff);

/// Arrays of pairs: see NeighborView.
template <class Real>
struct PairArrays {
  int *neighbors, *types;  // types are not set where there are no elements
  Real *x, *y, *z;
};

/// Writes the pairs of atom `center` behind the first n_pairs and returns the number there is then; up to
/// `select_padding` entries beyond them are overwritten. close: set to true if a pair is closer than its limit.
template <class Real>
using SelectNeighbors = int (*)(const ListedAtoms<Real>& atoms, int center, const int* listed, int n_listed,
                                const PairArrays<Real>& to, int n_pairs, bool& close);
inline constexpr int select_padding = 16;

struct SelectNeighborsVariant {
  SelectNeighbors<double> in_double;
  SelectNeighbors<float> in_single;
  /// Rows of atoms first .. end - 1 of ListedAtoms<float>.
  void (*set_rows)(const double* positions, const int* elements, int first, int end, double step, int* rows);

  template <class Real>
  SelectNeighbors<Real> of() const {
    if constexpr (sizeof(Real) == sizeof(float)) return in_single;
    else return in_double;
  }
};

FORCESMITH_DECLARE_VARIANTS(SelectNeighborsVariant select_neighbors_variant());

/// The one in use.
SelectNeighborsVariant select_neighbors_in_use();

}  // namespace forcesmith
