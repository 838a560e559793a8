// Products of moments and their adjoints, all atoms of a block at once, written once for all processors (see
// simd/simd.hpp).
#pragma once

#include "descriptors/product_tables.hpp"
#include "simd/part.hpp"
#include "simd/registers.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// A moment beyond the basic ones, of all atoms of a block at once.
template <class V>
FORCESMITH_FUNCTION void compute_products(const ProductTables<typename V::Number>& t, Registers<V> moments,
                                          int target) {
  V sum(0.0);
  const int end = t.product_begin[target - t.first_product + 1];
  for (int p = t.product_begin[target - t.first_product]; p < end; ++p)
    sum += V(t.product_factor[p]) * moments[t.product_left[p]] * moments[t.product_right[p]];
  moments[target] = sum;
}
/// Those of targets `first` to end - 1, or of the part's share of them.
template <class V>
FORCESMITH_FUNCTION void compute_products(const ProductTables<typename V::Number>& t, Registers<V> moments, int first,
                                          int end, Part part) {
  for (int i = first + part.index; i < end; i += part.count) compute_products<V>(t, moments, t.targets[i]);
}

/// Carries the adjoints of products to their factors `first` to end - 1, or to the part's share of these, all atoms of a
/// block at once.
template <class V>
FORCESMITH_FUNCTION void reverse_products(const ProductTables<typename V::Number>& t, Registers<const V> moments,
                                          Registers<V> adjoints, int first, int end, Part part) {
  for (int f = first + part.index; f < end; f += part.count) {
    const int moment = t.factors[f];
    V sum = adjoints[moment];
    for (int u = t.use_begin[f]; u < t.use_begin[f + 1]; ++u)
      sum += V(t.use_factor[u]) * adjoints[t.use_target[u]] * moments[t.use_other[u]];
    adjoints[moment] = sum;
  }
}

}  // namespace forcesmith::FORCESMITH_ISA
