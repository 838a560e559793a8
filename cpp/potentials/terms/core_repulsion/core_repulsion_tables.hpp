// The core repulsion as plain arrays, for kernels on any processor. Included by sources that are compiled for each of
// them: no standard headers here.
#pragma once

namespace forcesmith {

struct CoreRepulsionPair {
  double factor, decay;              // eV angstrom, 1/angstrom^2
  double cutoff;                     // angstrom
  double inner_cutoff, inner_width;  // angstrom; inner_width 0: none
};

struct CoreRepulsionTables {
  int n_elements;
  const CoreRepulsionPair* pairs;  // [center element][neighbor element]
};

/// The list of arrays, see core/table_arrays.hpp.
template <class Visit>
void for_each_array(const CoreRepulsionTables& from, CoreRepulsionTables& to, const Visit& visit) {
  visit("pairs", from.pairs, to.pairs, static_cast<decltype(sizeof(0))>(from.n_elements) * from.n_elements);
}

}  // namespace forcesmith
