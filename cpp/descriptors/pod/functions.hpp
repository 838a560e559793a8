// Values of proper orthogonal descriptors as products of moments U_(mu m)(abc) (N. C. Nguyen, Phys. Rev. B 107, 144103
// (2023)), in the order of pair_style pod.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "descriptors/product_program.hpp"

namespace forcesmith::pod {

inline constexpr int max_bodies = 7, largest_number = 20'000;  // of values

/// Radial functions and angular degrees of two, three, .., seven bodies.
struct Sizes {
  std::array<int, max_bodies - 1> nmax{}, lmax{};

  int n_radial() const { return std::max(nmax[0], nmax[1]); }
  int n_shared() const { return nmax[1]; }
  int degree() const { return nmax[1] > 0 ? lmax[1] : 0; }
};

/// What all values are: the products of moments that they are made of, and which of them they are.
class ValueProgram {
 public:
  /// Throws ParameterError naming `where` for too many values.
  ValueProgram(const Sizes& sizes, const std::vector<std::string>& elements, const std::string& where);

  const ProductProgram& products() const { return products_; }
  const std::vector<int>& expansion() const { return expansion_; }  // see Tables
  const std::vector<int>& mapping() const { return mapping_; }
  const std::vector<std::string>& names() const { return names_; }
  int n_basic() const { return n_basic_; }
  int n_of_element() const { return n_of_element_; }

 private:
  using Powers = std::array<int, 3>;
  /// Of products, both orders of their factors in one.
  using Products = std::map<std::array<int, 2>, double>;
  /// A value, and what of it says which products of it with others are values, too.
  struct Value {
    int elements, radial, rank, degree;
    int moment;
    std::string name;
  };
  struct Moment {
    int element, m;
    Powers powers;
    friend auto operator<=>(const Moment&, const Moment&) = default;
  };

  void number_moments();
  int expand(int element, int m, const Powers& powers);
  int moment_of(int element, int m, const Powers& powers) const { return numbers_.at({element, m, powers}); }
  int finish(const Products& products);
  void check_number(double n_values) const;
  void add(int moment, const std::string& name);
  std::vector<Value> three_bodies();
  std::vector<Value> four_bodies(const std::vector<Value>& three);
  void multiply(const std::vector<Value>& left, const std::vector<Value>& right, int n, int degree);

  Sizes sizes_;
  std::vector<std::string> elements_;
  std::string where_;
  int n_elements_, n_basic_ = 0, n_of_element_ = 0;
  std::map<Moment, int> numbers_;
  std::vector<int> expansion_, mapping_;
  std::vector<std::string> names_;
  ProductProgram products_;
  std::map<Products, int> known_;  // moments that are sums of these products
};

}  // namespace forcesmith::pod
