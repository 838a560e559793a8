// Basis functions of the atomic cluster expansion: products of A_(mu n l m) coupled to invariants.
//
// Factors are coupled in pairs of neighbors in their list, first and second, third and fourth, ..; the results again,
// until two are left (generalised Clebsch-Gordan coefficients, R. Drautz, Phys. Rev. B 99, 014104 (2019), Eq. 31):
//   T^(L M) = sum C^(L M)_(l1 m1 l2 m2) T1^(l1 m1) T2^(l2 m2),   B = sum_M (-1)^M T1^(L M) T2^(L -M)
// with complex spherical harmonics. In the kernels they are real: components t of T, times i where the sum
// l1 + l2 + L of the couplings so far was odd.
#pragma once

#include <array>
#include <compare>
#include <map>
#include <string>
#include <vector>

#include "core/typed_schema.hpp"
#include "descriptors/product_program.hpp"

namespace forcesmith::ace {

inline constexpr int max_factors = 6;
inline constexpr std::size_t largest_size = 100'000;  // functions of an element

/// A_(mu n l): element of the neighbors, radial function from 1, degree.
struct Factor {
  int element, n, l;
  friend auto operator<=>(const Factor&, const Factor&) = default;
};

/// Of one center element. A single factor is a sum of the radial basis itself, with l = 0.
struct Function {
  std::vector<int> elements, n, l;  // of the factors
  std::vector<int> L;               // of the couplings but the last one, in their order

  int n_factors() const { return static_cast<int>(n.size()); }
  std::vector<Factor> factors() const;
  static const SchemaOf<Function>& schema();
  friend auto operator<=>(const Function&, const Function&) = default;
};

/// Calls couple(left, right, L) for the couplings of `items`, left to right and pair by pair, but the last one, and
/// returns the two that are left.
template <class Item, class Couple>
std::array<Item, 2> couple_in_pairs(std::vector<Item> items, const std::vector<int>& L, const Couple& couple) {
  std::size_t next = 0;
  while (items.size() > 2) {
    std::vector<Item> coupled;
    for (std::size_t i = 0; i < items.size(); i += 2)
      if (i + 1 < items.size()) coupled.push_back(couple(items[i], items[i + 1], L[next++]));
      else coupled.push_back(items[i]);
    items = std::move(coupled);
  }
  return {items[0], items[1]};
}

/// Throws FormatError naming `where` for one that is no invariant of such factors.
void check_function(const Function& function, int n_elements, int n_basis, const std::string& where);

/// A component t1_m1 t2_m2 of a coupling of real components, which are numbered from 0.
struct CouplingTerm {
  int m1, m2;
  double factor;
};
/// [M] those that make component M.
using Coupling = std::vector<std::vector<CouplingTerm>>;
/// Of degrees l1 and l2 to L.
const Coupling& real_coupling(int l1, int l2, int L);

/// Degrees L of the couplings but the last one, for factors of these degrees, whose functions are independent of each
/// other and do not vanish. Factors with equal numbers in `same` are the same.
const std::vector<std::vector<int>>& independent_couplings(const std::vector<int>& l, const std::vector<int>& same);
/// Which factors are the same, numbered from 0; they follow each other.
std::vector<int> same_factors(const std::vector<Factor>& factors);
/// B of factors with the given components [factor][2 l + 1].
double coupled(const std::vector<int>& l, const std::vector<int>& L,
               const std::vector<std::vector<double>>& components);

/// What functions are generated, [number of factors - 1]. The degree of a factor is n - 1 + l, that of the polynomials
/// that it is a product of.
struct FunctionChoice {
  std::vector<int> nmax, lmax;    // largest n and l of a factor
  std::vector<int> total_degree;  // largest sum of the degrees of the factors
};

/// All functions of that choice. Throws ParameterError naming `where` if they are too many.
std::vector<Function> generate_functions(const FunctionChoice& choice, int n_elements, const std::string& where);

/// Builds the program of the functions of all center elements, in which equal ones are shared.
class FunctionProgram {
 public:
  /// n_of_l: radial functions R_nl, see Tables.
  FunctionProgram(int n_elements, int n_basis, std::vector<int> n_of_l);
  /// The moment that is the value; before finish().
  int add(const Function& function);
  ProductProgram finish();
  int n_of_element() const { return n_of_element_; }

 private:
  /// A factor, or what several are coupled to.
  struct Tensor {
    int L;
    int parity;                // couplings so far with an odd sum of degrees
    std::vector<int> moments;  // [2 L + 1], -1: vanishes
  };
  int tensor_of(const Factor& factor);
  int tensor_of(int left, int right, int L);

  int n_basis_, n_of_element_ = 0;
  std::vector<int> n_of_l_, begin_of_l_;  // begin_of_l_: first basic moment
  ProductProgram program_;
  std::vector<Tensor> tensors_;
  std::map<std::array<int, 3>, int> factors_, couplings_;  // (element, n, l) and (left, right, L): tensor
  std::map<Function, int> values_;
};

}  // namespace forcesmith::ace
