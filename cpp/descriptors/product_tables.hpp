// Sums of products of moments, products of products among them, as plain arrays: what descriptors share that multiply
// moments of neighborhoods. product_program.hpp makes the arrays, product_kernels.hpp works with them.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace forcesmith {

/// Threads of a device share products of these depths and heights.
inline constexpr int shared_depths = 3;

/// Tiles of products have 1 to tile_rows rows, and as many to widest_tile[rows] columns.
inline constexpr int tile_rows = 3;
inline constexpr int widest_tile[tile_rows + 1] = {0, 6, 4, 3};
inline constexpr int tile_run_size = 5;  // numbers that describe a run of tiles

template <class Real>
struct ProductTables {
  // Moment first_product + t is the sum of products product_begin[t] .. product_begin[t + 1] - 1.
  int n_moments;
  int first_product;
  const int* product_begin;    // [n_moments - first_product + 1]
  const int* product_left;     // [n_products]
  const int* product_right;    // [n_products]
  const Real* product_factor;  // [n_products]
  // Those whose factors are no products come first, then those whose factors are among them, and so on.
  const int* targets;                  // [n_moments - first_product] moments
  int depth_begin[shared_depths + 1];  // the first of each depth

  // The same by factors, in an order in which a product comes before its factors: moment factors[f] times
  // use_other[u] is part of use_target[u], use_begin[f] <= u < use_begin[f + 1].
  int n_factors;
  const int* factors;                   // [n_factors]
  int height_begin[shared_depths + 1];  // the first of those so many steps before the last product
  const int* use_begin;                 // [n_factors + 1]
  const int* use_target;
  const int* use_other;
  const Real* use_factor;  // the product's, twice it for squares

  // The same in tiles, which share what they load: moment targets[i][j] is sum_k factor_k left[i]_k right[j]_k. Tiles of
  // one shape follow each other in runs, those of factors before those of what they are factors of: rows, columns, whether a
  // factor is not 1, number of tiles, first number in `tiles`. Of each tile there are n_k, the place of factor_0 in
  // tile_factors, the targets [rows][columns], and for every k left [rows] and right [columns].
  int n_tile_runs;
  const int* tile_runs;  // [n_tile_runs][tile_run_size]
  int n_tile_numbers;
  const int* tiles;  // [n_tile_numbers]
  int n_tile_factors;
  const Real* tile_factors;  // [n_tile_factors]
};

/// The list of arrays, see core/table_arrays.hpp.
template <class From, class To, class Visit>
void for_each_array(const ProductTables<From>& from, ProductTables<To>& to, const Visit& visit) {
  const std::size_t n_targets = from.n_moments - from.first_product;
  const std::size_t n_products = from.product_begin[n_targets], n_uses = from.use_begin[from.n_factors];
  visit("product_begin", from.product_begin, to.product_begin, n_targets + 1);
  visit("product_left", from.product_left, to.product_left, n_products);
  visit("product_right", from.product_right, to.product_right, n_products);
  visit("product_factor", from.product_factor, to.product_factor, n_products);
  visit("targets", from.targets, to.targets, n_targets);
  visit("factors", from.factors, to.factors, from.n_factors);
  visit("use_begin", from.use_begin, to.use_begin, from.n_factors + 1ul);
  visit("use_target", from.use_target, to.use_target, n_uses);
  visit("use_other", from.use_other, to.use_other, n_uses);
  visit("use_factor", from.use_factor, to.use_factor, n_uses);
  visit("tile_runs", from.tile_runs, to.tile_runs, static_cast<std::size_t>(tile_run_size) * from.n_tile_runs);
  visit("tiles", from.tiles, to.tiles, from.n_tile_numbers);
  visit("tile_factors", from.tile_factors, to.tile_factors, from.n_tile_factors);
}

}  // namespace forcesmith
