// Products of moments and their adjoints, all atoms of a block at once, written once for all processors (see
// simd/simd.hpp).
#pragma once

#include "descriptors/product_tables.hpp"
#include "simd/constants.hpp"
#include "simd/part.hpp"
#include "simd/registers.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// Calls run(rows, columns, has_factors), all known to the compiler, for a run of tiles.
template <class Run>
FORCESMITH_FUNCTION void with_tile_shape(const int* tile_run, const Run& run) {
  with_constant<tile_rows>(tile_run[0], [&](auto rows) FORCESMITH_INLINE_LAMBDA {
    constexpr int n_rows = rows.value, widest = widest_tile[n_rows];
    with_constant<widest - n_rows + 1>(tile_run[1] - n_rows + 1, [&](auto more) FORCESMITH_INLINE_LAMBDA {
      constexpr int n_columns = n_rows + more.value - 1;
      if (tile_run[2]) run(rows, Constant<n_columns>{}, Constant<1>{});
      else run(rows, Constant<n_columns>{}, Constant<0>{});
    });
  });
}

/// A tile of products (see ProductTables): I rows, J columns; without factors these are 1.
template <class V, int I, int J, bool has_factors>
struct ProductTile {
  int n_k;
  const typename V::Number* factors;
  const int *targets, *indices;

  FORCESMITH_FUNCTION ProductTile(const ProductTables<typename V::Number>& t, const int* numbers)
      : n_k(numbers[0]), factors(t.tile_factors + numbers[1]), targets(numbers + 2), indices(numbers + 2 + I * J) {}
  FORCESMITH_FUNCTION const int* end() const { return indices + n_k * (I + J); }

  FORCESMITH_FUNCTION V scaled(int k, V number) const {
    if constexpr (has_factors) return V(factors[k]) * number;
    else return number;
  }

  FORCESMITH_FUNCTION void compute(Registers<V> moments) const {
    V sum[I][J];
    for (int i = 0; i < I; ++i)
      for (int j = 0; j < J; ++j) sum[i][j] = V(0.0);
    const int* at = indices;
    for (int k = 0; k < n_k; ++k, at += I + J) {
      V right[J];
      for (int j = 0; j < J; ++j) right[j] = moments[at[I + j]];
      for (int i = 0; i < I; ++i) {
        const V left = scaled(k, moments[at[i]]);
        for (int j = 0; j < J; ++j) sum[i][j] += left * right[j];
      }
    }
    for (int i = 0; i < I; ++i)
      for (int j = 0; j < J; ++j) moments[targets[i * J + j]] = sum[i][j];
  }

  /// Derivatives of the targets, from those of their factors.
  FORCESMITH_FUNCTION void compute_dot(Registers<const V> moments, Registers<V> dot) const {
    V sum[I][J];
    for (int i = 0; i < I; ++i)
      for (int j = 0; j < J; ++j) sum[i][j] = V(0.0);
    const int* at = indices;
    for (int k = 0; k < n_k; ++k, at += I + J) {
      V right[J], right_dot[J];
      for (int j = 0; j < J; ++j) right[j] = moments[at[I + j]];
      for (int j = 0; j < J; ++j) right_dot[j] = dot[at[I + j]];
      for (int i = 0; i < I; ++i) {
        const V left = scaled(k, moments[at[i]]), left_dot = scaled(k, dot[at[i]]);
        for (int j = 0; j < J; ++j) sum[i][j] += left_dot * right[j];
        for (int j = 0; j < J; ++j) sum[i][j] += left * right_dot[j];
      }
    }
    for (int i = 0; i < I; ++i)
      for (int j = 0; j < J; ++j) dot[targets[i * J + j]] = sum[i][j];
  }

  /// Carries the adjoints of the targets to their factors. A moment may be in several rows and columns.
  FORCESMITH_FUNCTION void reverse(Registers<const V> moments, Registers<V> adjoints) const {
    V bar[I][J];
    for (int i = 0; i < I; ++i)
      for (int j = 0; j < J; ++j) bar[i][j] = adjoints[targets[i * J + j]];
    const int* at = indices;
    for (int k = 0; k < n_k; ++k, at += I + J) {
      V left[I], right[J];
      for (int i = 0; i < I; ++i) left[i] = scaled(k, moments[at[i]]);
      for (int j = 0; j < J; ++j) right[j] = moments[at[I + j]];
      for (int i = 0; i < I; ++i) {
        V sum = bar[i][0] * right[0];
        for (int j = 1; j < J; ++j) sum += bar[i][j] * right[j];
        adjoints[at[i]] += scaled(k, sum);
      }
      for (int j = 0; j < J; ++j) {
        V sum = adjoints[at[I + j]];
        for (int i = 0; i < I; ++i) sum += bar[i][j] * left[i];
        adjoints[at[I + j]] = sum;
      }
    }
  }

  /// Carries the adjoints of the targets and of their derivatives to all factors.
  FORCESMITH_FUNCTION void reverse_dot(Registers<const V> moments, Registers<const V> dot, Registers<V> bar,
                                       Registers<V> dot_bar) const {
    V own[I][J], own_dot[I][J];
    for (int i = 0; i < I; ++i)
      for (int j = 0; j < J; ++j) own[i][j] = bar[targets[i * J + j]];
    for (int i = 0; i < I; ++i)
      for (int j = 0; j < J; ++j) own_dot[i][j] = dot_bar[targets[i * J + j]];
    const int* at = indices;
    for (int k = 0; k < n_k; ++k, at += I + J) {
      for (int i = 0; i < I; ++i) {
        V sum(0.0), dot_sum(0.0);
        for (int j = 0; j < J; ++j) {
          const V right = moments[at[I + j]];
          sum += own[i][j] * right + own_dot[i][j] * dot[at[I + j]];
          dot_sum += own_dot[i][j] * right;
        }
        bar[at[i]] += scaled(k, sum);
        dot_bar[at[i]] += scaled(k, dot_sum);
      }
      for (int j = 0; j < J; ++j) {
        V sum(0.0), dot_sum(0.0);
        for (int i = 0; i < I; ++i) {
          const V left = moments[at[i]];
          sum += own[i][j] * left + own_dot[i][j] * dot[at[i]];
          dot_sum += own_dot[i][j] * left;
        }
        bar[at[I + j]] += scaled(k, sum);
        dot_bar[at[I + j]] += scaled(k, dot_sum);
      }
    }
  }
};

/// Calls visit(tile) for all tiles of a run.
template <class V, class Visit>
FORCESMITH_FUNCTION void for_tiles_of(const ProductTables<typename V::Number>& t, const int* run, const Visit& visit) {
  with_tile_shape(run, [&](auto rows, auto columns, auto has_factors) FORCESMITH_INLINE_LAMBDA {
    const int* numbers = t.tiles + run[4];
    for (int n = 0; n < run[3]; ++n) {
      const ProductTile<V, rows.value, columns.value, has_factors.value> tile(t, numbers);
      visit(tile);
      numbers = tile.end();
    }
  });
}

/// Factors before what they are factors of.
template <class V, class Visit>
FORCESMITH_FUNCTION void for_all_tiles(const ProductTables<typename V::Number>& t, const Visit& visit) {
  for (const int* run = t.tile_runs; run < t.tile_runs + tile_run_size * t.n_tile_runs; run += tile_run_size)
    for_tiles_of<V>(t, run, visit);
}

/// What they are factors of before factors.
template <class V, class Visit>
FORCESMITH_FUNCTION void for_all_tiles_reversed(const ProductTables<typename V::Number>& t, const Visit& visit) {
  for (const int* run = t.tile_runs + tile_run_size * t.n_tile_runs; run > t.tile_runs;)
    for_tiles_of<V>(t, run -= tile_run_size, visit);
}

/// All moments beyond the given ones, of all atoms of a block at once.
template <class V>
FORCESMITH_FUNCTION void compute_all_products(const ProductTables<typename V::Number>& t, Registers<V> moments) {
  for_all_tiles<V>(t, [&](const auto& tile) FORCESMITH_INLINE_LAMBDA { tile.compute(moments); });
}

/// Carries the adjoints of all products to their factors.
template <class V>
FORCESMITH_FUNCTION void reverse_all_products(const ProductTables<typename V::Number>& t, Registers<const V> moments,
                                              Registers<V> adjoints) {
  for_all_tiles_reversed<V>(t, [&](const auto& tile) FORCESMITH_INLINE_LAMBDA { tile.reverse(moments, adjoints); });
}

/// Derivatives of all products, from those of their factors.
template <class V>
FORCESMITH_FUNCTION void compute_all_products_dot(const ProductTables<typename V::Number>& t,
                                                  Registers<const V> moments, Registers<V> dot) {
  for_all_tiles<V>(t, [&](const auto& tile) FORCESMITH_INLINE_LAMBDA { tile.compute_dot(moments, dot); });
}

/// Carries the adjoints of all products and of their derivatives to all factors.
template <class V>
FORCESMITH_FUNCTION void reverse_all_products_dot(const ProductTables<typename V::Number>& t,
                                                  Registers<const V> moments, Registers<const V> dot, Registers<V> bar,
                                                  Registers<V> dot_bar) {
  for_all_tiles_reversed<V>(
      t, [&](const auto& tile) FORCESMITH_INLINE_LAMBDA { tile.reverse_dot(moments, dot, bar, dot_bar); });
}

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
