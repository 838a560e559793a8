#include "descriptors/ace/functions.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <mutex>
#include <random>

#include "core/error.hpp"
#include "descriptors/ace/tables.hpp"
#include "math/clebsch_gordan.hpp"

namespace forcesmith::ace {

std::vector<Factor> Function::factors() const {
  std::vector<Factor> list;
  for (int t = 0; t < n_factors(); ++t) list.push_back({elements[t], n[t], l[t]});
  return list;
}

const SchemaOf<Function>& Function::schema() {
  using F = Function;
  static const auto schema = SchemaOf<F>()
                                 .field(&F::elements, "elements", "", "elements of the neighbors, from 0, by factors")
                                 .required()
                                 .field(&F::n, "n", "", "radial functions of the factors, from 1")
                                 .required()
                                 .field(&F::l, "l", "", "degrees of the factors")
                                 .required()
                                 .field(&F::L, "L", "", "degrees of the couplings but the last");
  return schema;
}

void check_function(const Function& f, int n_elements, int n_basis, const std::string& where) {
  const std::size_t rank = f.n.size();
  if (rank < 1 || rank > max_factors || f.elements.size() != rank || f.l.size() != rank)
    throw FormatError(where + ": a function needs as many elements, n and l, 1 to " + std::to_string(max_factors) +
                      ", but has " + std::to_string(f.elements.size()) + ", " + std::to_string(rank) + " and " +
                      std::to_string(f.l.size()) + ".");
  const auto refuse = [&](const std::string& what, int value, int least, int most) {
    if (value < least || value > most)
      throw FormatError(where + ": a function has the " + what + " " + std::to_string(value) + ", outside " +
                        std::to_string(least) + " to " + std::to_string(most) + ".");
  };
  for (std::size_t t = 0; t < rank; ++t) {
    refuse("element", f.elements[t], 0, n_elements - 1);
    refuse("n", f.n[t], 1, n_basis);
    refuse("l", f.l[t], 0, rank == 1 ? 0 : max_degree);
  }
  const std::size_t expected = rank > 2 ? rank - 2 : 0;
  if (f.L.size() != expected)
    throw FormatError(where + ": a function of " + std::to_string(rank) + " factors needs " + std::to_string(expected) +
                      " L, but has " + std::to_string(f.L.size()) + ".");
  if (rank == 1) return;
  int sum = 0;
  for (int l : f.l) sum += l;
  bool coupled = sum % 2 == 0;
  const auto [left, right] = couple_in_pairs(f.l, f.L, [&](int l1, int l2, int L) {
    coupled = coupled && L >= std::abs(l1 - l2) && L <= l1 + l2;
    return L;
  });
  if (!coupled || left != right)
    throw FormatError(where + ": the degrees l and L of a function cannot be coupled to an invariant.");
}

namespace {

using Complex = std::complex<double>;

/// Row M of the matrix that makes real components, m = -l .. l, of complex ones: the only two columns that are not 0,
/// M and -M.
struct RealRow {
  Complex of_plus, of_minus;  // of T_|M| and T_-|M|
};
RealRow real_row(int M) {
  const double root = std::sqrt(0.5), sign = M % 2 == 0 ? 1.0 : -1.0;
  if (M == 0) return {1.0, 0.0};
  if (M > 0) return {sign * root, root};
  return {Complex(0.0, -sign * root), Complex(0.0, root)};
}
/// Element (M, m) of that matrix.
Complex real_from_complex(int M, int m) {
  if (std::abs(M) != std::abs(m)) return 0.0;
  return m > 0 || M == 0 ? real_row(M).of_plus : real_row(M).of_minus;
}

Coupling make_coupling(int l1, int l2, int L) {
  Coupling coupling(2 * L + 1);
  for (int M = -L; M <= L; ++M)
    for (int m1 = -l1; m1 <= l1; ++m1)
      for (int m2 = -l2; m2 <= l2; ++m2) {
        Complex sum = 0.0;
        for (int c1 : {m1, -m1})
          for (int c2 : {m2, -m2}) {
            const int c = c1 + c2;
            if (std::abs(c) != std::abs(M)) continue;
            Complex term = clebsch_gordan(2 * l1, c1 + l1, 2 * l2, c2 + l2, 2 * L, c + L) * real_from_complex(M, c) *
                           std::conj(real_from_complex(m1, c1)) * std::conj(real_from_complex(m2, c2));
            if (m1 == 0) term *= 0.5;  // counted twice
            if (m2 == 0) term *= 0.5;
            sum += term;
          }
        const double factor = (l1 + l2 + L) % 2 == 0 ? sum.real() : sum.imag();
        if (std::abs(factor) > 1e-14) coupling[M + L].push_back({m1 + l1, m2 + l2, factor});
      }
  return coupling;
}

}  // namespace

const Coupling& real_coupling(int l1, int l2, int L) {
  static std::mutex mutex;
  static std::map<std::array<int, 3>, Coupling> known;
  const std::lock_guard lock(mutex);
  const auto [found, is_new] = known.try_emplace({l1, l2, L});
  if (is_new) found->second = make_coupling(l1, l2, L);
  return found->second;
}

namespace {

struct Components {
  int L, parity;
  std::vector<double> t;
};

/// (-1)^(parity / 2): i to the power of an even number.
double sign_of(int parity) { return parity % 4 == 0 ? 1.0 : -1.0; }

}  // namespace

double coupled(const std::vector<int>& l, const std::vector<int>& L,
               const std::vector<std::vector<double>>& components) {
  std::vector<Components> items;
  for (std::size_t t = 0; t < l.size(); ++t) items.push_back({l[t], 0, components[t]});
  const auto [left, right] = couple_in_pairs(items, L, [](const Components& a, const Components& b, int L) {
    const Coupling& coupling = real_coupling(a.L, b.L, L);
    Components sum{L, a.parity + b.parity + (a.L + b.L + L) % 2, std::vector<double>(2 * L + 1, 0.0)};
    for (int M = 0; M < 2 * L + 1; ++M)
      for (const auto& [m1, m2, factor] : coupling[M]) sum.t[M] += factor * a.t[m1] * b.t[m2];
    return sum;
  });
  double sum = 0.0;
  for (std::size_t M = 0; M < left.t.size(); ++M) sum += left.t[M] * right.t[M];
  return sign_of(left.parity + right.parity) * sum;
}

std::vector<int> same_factors(const std::vector<Factor>& factors) {
  std::vector<int> same(factors.size(), 0);
  for (std::size_t t = 1; t < factors.size(); ++t) same[t] = same[t - 1] + (factors[t] == factors[t - 1] ? 0 : 1);
  return same;
}

namespace {

/// All degrees of the couplings but the last.
void list_couplings(std::vector<int> items, std::size_t at, std::vector<int> coupled, std::vector<int>& L,
                    std::vector<std::vector<int>>& found) {
  if (items.size() == 2) {
    if (items[0] == items[1]) found.push_back(L);
    return;
  }
  if (at >= items.size()) return list_couplings(std::move(coupled), 0, {}, L, found);
  if (at + 1 == items.size()) {
    coupled.push_back(items[at]);
    return list_couplings(std::move(coupled), 0, {}, L, found);
  }
  for (int value = std::abs(items[at] - items[at + 1]); value <= items[at] + items[at + 1]; ++value) {
    L.push_back(value);
    std::vector<int> next = coupled;
    next.push_back(value);
    list_couplings(items, at + 2, std::move(next), L, found);
    L.pop_back();
  }
}

std::vector<std::vector<int>> find_independent(const std::vector<int>& l, const std::vector<int>& same) {
  std::vector<std::vector<int>> all, independent;
  std::vector<int> L;
  list_couplings(l, 0, {}, L, all);
  // Values for random factors, as rows; one that the rows before it make up is left out.
  std::mt19937_64 bits(7);
  const auto random = [&] { return static_cast<double>(bits() >> 11) * 0x1p-52 - 1.0; };
  std::vector<std::vector<double>> rows, samples(all.size());
  for (std::size_t sample = 0; sample < all.size() + 3; ++sample) {
    std::vector<std::vector<double>> components(l.size());
    for (std::size_t t = 0; t < l.size(); ++t) {
      if (t > 0 && same[t] == same[t - 1]) components[t] = components[t - 1];
      else
        for (int m = 0; m < 2 * l[t] + 1; ++m) components[t].push_back(random());
    }
    for (std::size_t k = 0; k < all.size(); ++k) samples[k].push_back(coupled(l, all[k], components));
  }
  const auto dot = [](const auto& a, const auto& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  double largest = 0.0;
  for (const auto& row : samples) largest = std::max(largest, std::sqrt(dot(row, row)));
  for (std::size_t k = 0; k < all.size(); ++k) {
    std::vector<double> row = samples[k];
    const double before = std::sqrt(dot(row, row));
    if (before < 1e-10 * largest) continue;
    for (int twice = 0; twice < 2; ++twice)
      for (const auto& other : rows) {
        const double along = dot(row, other);
        for (std::size_t i = 0; i < row.size(); ++i) row[i] -= along * other[i];
      }
    const double rest = std::sqrt(dot(row, row));
    if (rest < 1e-8 * before) continue;
    for (double& value : row) value /= rest;
    rows.push_back(std::move(row));
    independent.push_back(all[k]);
  }
  return independent;
}

}  // namespace

const std::vector<std::vector<int>>& independent_couplings(const std::vector<int>& l, const std::vector<int>& same) {
  static std::mutex mutex;
  static std::map<std::pair<std::vector<int>, std::vector<int>>, std::vector<std::vector<int>>> known;
  const std::lock_guard lock(mutex);
  const auto [found, is_new] = known.try_emplace({l, same});
  if (is_new) found->second = find_independent(l, same);
  return found->second;
}

namespace {

/// Adds the functions of given factors, which ascend.
void add_functions(const std::vector<Factor>& factors, std::vector<Function>& list) {
  Function function;
  int sum = 0;
  for (const auto& [element, n, l] : factors) {
    function.elements.push_back(element);
    function.n.push_back(n);
    function.l.push_back(l);
    sum += l;
  }
  if (factors.size() == 1) list.push_back(function);
  else if (sum % 2 == 0)
    for (const std::vector<int>& L : independent_couplings(function.l, same_factors(factors))) {
      function.L = L;
      list.push_back(function);
    }
}

/// Calls visit(factors) for all choices of `left` more of the available ones, from number `first` on, in ascending
/// order, whose degrees add up to no more than `degree`.
template <class Visit>
void for_each_choice(const std::vector<Factor>& available, std::size_t first, int left, int degree,
                     std::vector<Factor>& factors, const Visit& visit) {
  if (left == 0) return visit(factors);
  for (std::size_t i = first; i < available.size(); ++i) {
    const int own = available[i].n - 1 + available[i].l;
    if (own > degree) continue;
    factors.push_back(available[i]);
    for_each_choice(available, i, left - 1, degree - own, factors, visit);
    factors.pop_back();
  }
}

}  // namespace

std::vector<Function> generate_functions(const FunctionChoice& choice, int n_elements, const std::string& where) {
  constexpr std::size_t most_choices = 3'000'000;
  std::vector<Function> list;
  std::size_t n_choices = 0;
  for (std::size_t order = 0; order < choice.nmax.size(); ++order) {
    std::vector<Factor> available, factors;
    for (int element = 0; element < n_elements; ++element)
      for (int n = 1; n <= choice.nmax[order]; ++n)
        for (int l = 0; l <= choice.lmax[order]; ++l) available.push_back({element, n, l});
    for_each_choice(available, 0, static_cast<int>(order) + 1, choice.total_degree[order], factors,
                    [&](const std::vector<Factor>& found) {
                      add_functions(found, list);
                      if (++n_choices > most_choices || list.size() > largest_size)
                        throw ParameterError(where + ": nmax, lmax and total_degree ask for more than the supported " +
                                             std::to_string(largest_size) +
                                             " functions of an element; choose smaller ones.");
                    });
  }
  return list;
}

FunctionProgram::FunctionProgram(int n_elements, int n_basis, std::vector<int> n_of_l)
    : n_basis_(n_basis), n_of_l_(std::move(n_of_l)) {
  for (int l = 0; l < static_cast<int>(n_of_l_.size()); ++l) {
    begin_of_l_.push_back(n_of_element_);
    n_of_element_ += (2 * l + 1) * (n_of_l_[l] + (l == 0 ? n_basis_ : 0));
  }
  program_ = ProductProgram(n_elements * n_of_element_);
}

int FunctionProgram::tensor_of(const Factor& factor) {
  const auto [element, n, l] = factor;
  const auto [found, is_new] = factors_.try_emplace({element, n, l}, static_cast<int>(tensors_.size()));
  if (is_new) {
    Tensor tensor{l, 0, {}};
    const int first = element * n_of_element_ + begin_of_l_[l] + (l == 0 ? n_basis_ : 0) + n - 1;
    for (int m = 0; m < 2 * l + 1; ++m) tensor.moments.push_back(first + m * (n_of_l_[l] + (l == 0 ? n_basis_ : 0)));
    tensors_.push_back(std::move(tensor));
  }
  return found->second;
}

namespace {

/// Of products: both orders of their factors in one.
using Products = std::map<std::array<int, 2>, double>;

void add_product(int left, int right, double factor, Products& products) {
  if (left >= 0 && right >= 0) products[{std::min(left, right), std::max(left, right)}] += factor;
}

/// The moment that is their sum; -1 if it vanishes.
int finish(const Products& products, ProductProgram& program) {
  bool vanishes = true;
  for (const auto& [pair, factor] : products)
    if (std::abs(factor) > 1e-14) {
      program.multiply(pair[0], pair[1], factor);
      vanishes = false;
    }
  return vanishes ? -1 : program.finish_moment();
}

}  // namespace

int FunctionProgram::tensor_of(int left, int right, int L) {
  const auto [found, is_new] = couplings_.try_emplace({left, right, L}, static_cast<int>(tensors_.size()));
  if (is_new) {
    const Tensor a = tensors_[left], b = tensors_[right];
    Tensor tensor{L, a.parity + b.parity + (a.L + b.L + L) % 2, {}};
    const Coupling& coupling = real_coupling(a.L, b.L, L);
    for (int M = 0; M < 2 * L + 1; ++M) {
      Products products;
      for (const auto& [m1, m2, factor] : coupling[M]) add_product(a.moments[m1], b.moments[m2], factor, products);
      tensor.moments.push_back(ace::finish(products, program_));
    }
    tensors_.push_back(std::move(tensor));
  }
  return found->second;
}

int FunctionProgram::add(const Function& function) {
  if (function.n_factors() == 1) return function.elements[0] * n_of_element_ + function.n[0] - 1;
  const auto [value, is_new] = values_.try_emplace(function, -1);
  if (is_new) {
    std::vector<int> items;
    for (const Factor& factor : function.factors()) items.push_back(tensor_of(factor));
    const auto [left, right] =
        couple_in_pairs(items, function.L, [this](int a, int b, int L) { return tensor_of(a, b, L); });
    const Tensor &a = tensors_[left], &b = tensors_[right];
    Products products;
    for (int M = 0; M < 2 * a.L + 1; ++M)
      add_product(a.moments[M], b.moments[M], sign_of(a.parity + b.parity), products);
    value->second = ace::finish(products, program_);
  }
  return value->second;
}

ProductProgram FunctionProgram::finish() {
  program_.finish();
  return std::move(program_);
}

}  // namespace forcesmith::ace
