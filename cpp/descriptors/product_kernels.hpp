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

/// Derivatives of all products, from those of their factors.
template <class V>
FORCESMITH_FUNCTION void compute_products_dot(const ProductTables<typename V::Number>& t, Registers<const V> moments,
                                              Registers<V> dot) {
  for (int target = t.first_product; target < t.n_moments; ++target) {
    V sum(0.0);
    const int end = t.product_begin[target - t.first_product + 1];
    for (int p = t.product_begin[target - t.first_product]; p < end; ++p) {
      const int left = t.product_left[p], right = t.product_right[p];
      sum += V(t.product_factor[p]) * (dot[left] * moments[right] + moments[left] * dot[right]);
    }
    dot[target] = sum;
  }
}

/// Carries the adjoints of products and of their derivatives to all factors.
template <class V>
FORCESMITH_FUNCTION void reverse_products_dot(const ProductTables<typename V::Number>& t, Registers<const V> moments,
                                              Registers<const V> dot, Registers<V> bar, Registers<V> dot_bar) {
  for (int f = 0; f < t.n_factors; ++f) {
    const int moment = t.factors[f];
    V sum = bar[moment], dot_sum = dot_bar[moment];
    for (int u = t.use_begin[f]; u < t.use_begin[f + 1]; ++u) {
      const int target = t.use_target[u], other = t.use_other[u];
      const V factor(t.use_factor[u]), scaled_dot = factor * dot_bar[target];
      sum += factor * bar[target] * moments[other] + scaled_dot * dot[other];
      dot_sum += scaled_dot * moments[other];
    }
    bar[moment] = sum;
    dot_bar[moment] = dot_sum;
  }
}

}  // namespace forcesmith::FORCESMITH_ISA
