#include "descriptors/product_program.hpp"

#include <algorithm>
#include <utility>

namespace forcesmith {

void ProductProgram::multiply(int left, int right, double factor) {
  left_.push_back(left);
  right_.push_back(right);
  factor_.push_back(factor);
}

int ProductProgram::finish_moment() {
  begin_.push_back(static_cast<int>(left_.size()));
  return n_moments() - 1;
}

void ProductProgram::finish() {
  find_order();
  find_tiles();
}

void ProductProgram::find_order() {
  struct Use {
    int target, other;
    double factor;
  };
  std::vector<std::vector<Use>> uses_of(n_moments());
  depth_.assign(n_moments(), -1);
  for (int target = first_product_; target < n_moments(); ++target) {
    for (int p = begin_[target - first_product_]; p < begin_[target - first_product_ + 1]; ++p) {
      const int left = left_[p], right = right_[p];
      const double factor = factor_[p];
      uses_of[left].push_back({target, right, left == right ? 2.0 * factor : factor});
      if (left != right) uses_of[right].push_back({target, left, factor});
      depth_[target] = std::max({depth_[target], depth_[left], depth_[right]});
    }
    ++depth_[target];
    targets_.push_back(target);
  }
  std::ranges::stable_sort(targets_, {}, [&](int target) { return depth_[target]; });
  for (int least = 0; least <= shared_depths; ++least)
    depth_begin_[least] =
        static_cast<int>(std::ranges::count_if(targets_, [&](int target) { return depth_[target] < least; }));
  // Steps from a moment to the last product it is part of.
  std::vector<int> height(n_moments(), 0);
  for (int moment = n_moments() - 1; moment >= 0; --moment)
    for (const Use& use : uses_of[moment]) height[moment] = std::max(height[moment], height[use.target] + 1);
  for (int moment = 0; moment < n_moments(); ++moment)
    if (height[moment] > 0) factors_.push_back(moment);
  // Equal numbers of uses follow each other: the processor foresees the ends of equally long loops.
  std::stable_sort(factors_.begin(), factors_.end(), [&](int a, int b) {
    return std::pair(height[a], uses_of[a].size()) < std::pair(height[b], uses_of[b].size());
  });
  for (int least = 0; least <= shared_depths; ++least)
    height_begin_[least] =
        static_cast<int>(std::ranges::count_if(factors_, [&](int moment) { return height[moment] <= least; }));
  use_begin_.assign(1, 0);
  for (int moment : factors_) {
    for (const Use& use : uses_of[moment]) {
      use_target_.push_back(use.target);
      use_other_.push_back(use.other);
      use_factor_.push_back(use.factor);
    }
    use_begin_.push_back(static_cast<int>(use_target_.size()));
  }
}

void ProductProgram::find_tiles() {
  std::vector<ProductSum> sums;
  for (const int target : targets_) {
    const int first = begin_[target - first_product_], end = begin_[target - first_product_ + 1];
    sums.push_back({target,
                    depth_[target],
                    {left_.begin() + first, left_.begin() + end},
                    {right_.begin() + first, right_.begin() + end},
                    {factor_.begin() + first, factor_.begin() + end}});
  }
  tiles_ = forcesmith::find_tiles(sums);
}

void ProductProgram::set_arrays(ProductTables<double>& t) const {
  t.product_begin = begin_.data();
  t.product_left = left_.data();
  t.product_right = right_.data();
  t.product_factor = factor_.data();
  t.targets = targets_.data();
  t.factors = factors_.data();
  t.use_begin = use_begin_.data();
  t.use_target = use_target_.data();
  t.use_other = use_other_.data();
  t.use_factor = use_factor_.data();
  t.tile_runs = tiles_.runs.data();
  t.tiles = tiles_.tiles.data();
  t.tile_factors = tiles_.factors.data();
}

}  // namespace forcesmith
