// The neighbors of one atom within the cutoff, out of a longer list: for hosts whose lists hold indices of
// atoms, one function per instruction set. Included by sources that are compiled for each of them: no standard
// headers here.
#pragma once

namespace forcesmith {

/// What a host lists: for every atom, indices of atoms, among which are all its neighbors.
struct ListedAtoms {
  const double* positions;  // [..][3] angstrom
  const int* elements;      // [..] element index, negative: left out; null: all are of element 0
  int index_mask;           // bits of a listed index that belong to the index
  double cutoff_squared;    // angstrom^2
};

/// Arrays of pairs: see NeighborView.
struct PairArrays {
  int *neighbors, *types;  // types are not set where there are no elements
  double *x, *y, *z;
};

/// Writes the pairs of atom `center` behind the first n_pairs and returns the number there is then; up to
/// `select_padding` entries beyond them are overwritten.
using SelectNeighbors = int (*)(const ListedAtoms& atoms, int center, const int* listed, int n_listed,
                                const PairArrays& to, int n_pairs);
inline constexpr int select_padding = 8;

namespace portable { SelectNeighbors select_neighbors_variant(); }
namespace avx2 { SelectNeighbors select_neighbors_variant(); }
namespace avx512 { SelectNeighbors select_neighbors_variant(); }

/// The one in use.
SelectNeighbors select_neighbors_in_use();

}  // namespace forcesmith
