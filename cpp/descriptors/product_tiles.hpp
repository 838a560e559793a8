// Groups sums of products into tiles that share what they load, for product_kernels.hpp.
#pragma once

#include <vector>

namespace forcesmith {

/// moment `target` = sum_k factors[k] moments[left[k]] moments[right[k]]
struct ProductSum {
  int target, depth;  // sums of equal depth do not depend on each other
  std::vector<int> left, right;
  std::vector<double> factors;
};

/// As ProductTables has them.
struct ProductTiles {
  std::vector<int> runs, tiles;
  std::vector<double> factors;
};

/// Every sum in one tile. Sums share one if they have the same factors, and rows or columns in common: the same `left`
/// or the same `right`.
ProductTiles find_tiles(const std::vector<ProductSum>& sums);

}  // namespace forcesmith
