// The screened nuclear repulsion as plain arrays, for kernels on any processor. Included by sources that are
// compiled for each of them: no standard headers here.
#pragma once

namespace forcesmith {

/// V(r) = sum_n factor_n exp(-rate_n r) / r, to which S(r) = a/3 (r - inner)^3 + b/4 (r - inner)^4 beyond `inner`,
/// and c everywhere, are added, so that the sum goes smoothly to 0.
struct ZblPair {
  double factor[4], rate[4];  // eV angstrom, 1/angstrom
  double inner, outer;        // angstrom
  double a, b, c;             // eV/angstrom^3, eV/angstrom^4, eV
};

struct ZblTables {
  int n_elements;
  const ZblPair* pairs;  // [center element][neighbor element]
};

/// The list of arrays, see core/table_arrays.hpp.
template <class Visit>
void for_each_array(const ZblTables& from, ZblTables& to, const Visit& visit) {
  visit("pairs", from.pairs, to.pairs, static_cast<decltype(sizeof(0))>(from.n_elements) * from.n_elements);
}

}  // namespace forcesmith
