// Which moments multiply into which, as arrays for product_kernels.hpp.
#pragma once

#include <array>
#include <vector>

#include "descriptors/product_tables.hpp"
#include "descriptors/product_tiles.hpp"

namespace forcesmith {

class ProductProgram {
 public:
  /// Moments before the first product are given.
  explicit ProductProgram(int first_product = 0) : first_product_(first_product) {}

  /// Adds factor moments[left] moments[right] to the next moment.
  void multiply(int left, int right, double factor);
  /// That moment is complete; its number.
  int finish_moment();
  /// All are: finds in what order they are worked through, and what they share.
  void finish();

  int first_product() const { return first_product_; }
  int n_moments() const { return first_product_ + static_cast<int>(begin_.size()) - 1; }
  /// Calls visit(left, right) for the products of a moment.
  template <class Visit>
  void for_each_product(int moment, const Visit& visit) const {
    for (int p = begin_[moment - first_product_]; p < begin_[moment - first_product_ + 1]; ++p)
      visit(left_[p], right_[p]);
  }

  /// Sets all but the arrays. Both as long as the program lives.
  template <class Real>
  void set_sizes(ProductTables<Real>& t) const;
  void set_arrays(ProductTables<double>& t) const;

 private:
  int first_product_;
  std::vector<int> begin_{0}, left_, right_;
  std::vector<double> factor_;
  std::vector<int> targets_, factors_, use_begin_, use_target_, use_other_;
  std::vector<double> use_factor_;
  std::vector<int> depth_;  // [moment] -1: given, 0: products of given ones, and so on
  std::array<int, shared_depths + 1> depth_begin_{}, height_begin_{};
  ProductTiles tiles_;

  void find_order();
  void find_tiles();
};

template <class Real>
void ProductProgram::set_sizes(ProductTables<Real>& t) const {
  t.n_moments = n_moments();
  t.first_product = first_product_;
  t.n_factors = static_cast<int>(factors_.size());
  t.n_tile_runs = static_cast<int>(tiles_.runs.size()) / tile_run_size;
  t.n_tile_numbers = static_cast<int>(tiles_.tiles.size());
  t.n_tile_factors = static_cast<int>(tiles_.factors.size());
  for (int least = 0; least <= shared_depths; ++least) {
    t.depth_begin[least] = depth_begin_[least];
    t.height_begin[least] = height_begin_[least];
  }
}

}  // namespace forcesmith
