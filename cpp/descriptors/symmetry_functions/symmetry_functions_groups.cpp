#include "descriptors/symmetry_functions/symmetry_functions_groups.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace forcesmith {

namespace {

using Gaussian = SymmetryGaussian<double>;

auto key(const Gaussian& g) { return std::tuple(g.cutoff, g.eta, g.rs); }

/// The Gaussians of the neighbors of one element, without repetition, by cutoff.
class Gaussians {
 public:
  void add(const Gaussian& gaussian) { list_.push_back(gaussian); }
  void finish() {
    auto less = [](const Gaussian& a, const Gaussian& b) { return key(a) < key(b); };
    auto equal = [](const Gaussian& a, const Gaussian& b) { return key(a) == key(b); };
    std::sort(list_.begin(), list_.end(), less);
    list_.erase(std::unique(list_.begin(), list_.end(), equal), list_.end());
  }
  int number_of(const Gaussian& gaussian) const {
    for (std::size_t i = 0; i < list_.size(); ++i)
      if (key(list_[i]) == key(gaussian)) return static_cast<int>(i);
    return -1;
  }
  const std::vector<Gaussian>& list() const { return list_; }

 private:
  std::vector<Gaussian> list_;
};

/// Everything of one center.
class CenterGroups {
 public:
  CenterGroups(SymmetryFunctionsGroups<double>& all, const std::vector<SymmetryFunction>& functions, int center,
               const std::vector<int>& atomic_numbers)
      : all_(all), atomic_numbers_(atomic_numbers), n_elements_(static_cast<int>(atomic_numbers.size())) {
    for (const SymmetryFunction& function : functions)
      if (function.center == center) functions_.push_back(function);
    all_.n_values.push_back(static_cast<int>(functions_.size()));
    const std::size_t first_radial = all_.radial_terms.size(), first_angular = all_.angular_terms.size();
    for (int element = 0; element < n_elements_; ++element) add_radial(element);
    for (int first = 0; first < n_elements_; ++first)
      for (int second = first; second < n_elements_; ++second) add_angular(first, second);
    all_.pair_begin.push_back(static_cast<int>(all_.element_pairs.size()));
    all_.angular_begin.push_back(static_cast<int>(all_.angular_terms.size()));
    const std::size_t n_terms =
        all_.radial_terms.size() - first_radial + all_.angular_terms.size() - first_angular;
    all_.max_terms = std::max(all_.max_terms, static_cast<int>(n_terms));
  }

 private:
  /// Whether neighbors of these elements count in a function: one if it is radial, both if it is angular.
  static bool counts(const SymmetryFunction& function, int first, int second) {
    const std::vector<int>& n = function.neighbors;
    if (n.empty()) return true;
    if (!function.angular()) return n[0] == first;
    return (n[0] == first && n[1] == second) || (n[0] == second && n[1] == first);
  }
  bool counts(const SymmetryFunction& function, int element) const {
    for (int other = 0; other < n_elements_; ++other)
      if (counts(function, element, other)) return true;
    return false;
  }
  double weight(const SymmetryFunction& function, int element) const {
    return function.neighbors.empty() ? atomic_numbers_[element] : 1.0;
  }
  Gaussian gaussian_of(const SymmetryFunction& function) const {
    const auto found =
        std::find_if(all_.cutoffs.begin(), all_.cutoffs.end(),
                     [&](const SymmetryCutoff<double>& cutoff) { return cutoff.outer == function.cutoff; });
    return {function.eta, function.rs, static_cast<int>(found - all_.cutoffs.begin())};
  }

  void add_radial(int element) {
    Gaussians& own = gaussians_.emplace_back();
    for (const SymmetryFunction& function : functions_)
      if (counts(function, element)) own.add(gaussian_of(function));
    own.finish();
    all_.gaussians.insert(all_.gaussians.end(), own.list().begin(), own.list().end());
    all_.gaussian_begin.push_back(static_cast<int>(all_.gaussians.size()));
    all_.max_gaussians = std::max(all_.max_gaussians, static_cast<int>(own.list().size()));
    for (std::size_t value = 0; value < functions_.size(); ++value) {
      const SymmetryFunction& function = functions_[value];
      if (!function.angular() && counts(function, element))
        all_.radial_terms.push_back(
            {own.number_of(gaussian_of(function)), static_cast<int>(value), weight(function, element)});
    }
    all_.radial_begin.push_back(static_cast<int>(all_.radial_terms.size()));
  }

  void add_angular(int first, int second) {
    struct Member {
      const SymmetryFunction* function;
      int value;
      Gaussian gaussian;
      bool narrow;
    };
    std::vector<Member> members;
    for (std::size_t value = 0; value < functions_.size(); ++value) {
      const SymmetryFunction& function = functions_[value];
      if (function.angular() && counts(function, first, second))
        members.push_back({&function, static_cast<int>(value), gaussian_of(function),
                           function.type != SymmetryFunctionType::angular_wide});
    }
    if (members.empty()) return;
    auto order = [](const Member& m) { return std::tuple(!m.narrow, key(m.gaussian)); };
    std::stable_sort(members.begin(), members.end(),
                     [&](const Member& a, const Member& b) { return order(a) < order(b); });
    const int begin = static_cast<int>(all_.groups.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto& [function, value, gaussian, narrow] = members[i];
      const int term = static_cast<int>(all_.angular_terms.size());
      if (i == 0 || order(members[i - 1]) != order(members[i]))
        all_.groups.push_back({gaussians_[first].number_of(gaussian), gaussians_[second].number_of(gaussian),
                               gaussian, narrow, term, term});
      // 2^(1 - zeta) (1 + lambda cos)^zeta = 2 u^zeta
      const bool whole = function->zeta == std::floor(function->zeta);
      all_.angular_terms.push_back({value, 2.0 * weight(*function, first) * weight(*function, second),
                                    0.5 * function->lambda, function->zeta,
                                    whole ? static_cast<int>(function->zeta) : 0});
      all_.groups.back().end = term + 1;
    }
    all_.element_pairs.push_back({first, second, members.front().narrow, begin,
                                  static_cast<int>(all_.groups.size())});
  }

  SymmetryFunctionsGroups<double>& all_;
  const std::vector<int>& atomic_numbers_;
  int n_elements_;
  std::vector<SymmetryFunction> functions_;
  std::vector<Gaussians> gaussians_;  // [element of the neighbor]
};

/// Padding, which sits at the outer cutoff, must not end up inside.
template <class Real>
SymmetryCutoff<Real> make_cutoff(Real outer, Real inner) {
  Real inverse = 1 / (outer - inner);
  while ((outer - inner) * inverse < 1) inverse = std::nextafter(inverse, 2 * inverse);
  return {outer, inner, inverse};
}

}  // namespace

SymmetryFunctionsGroups<double> make_symmetry_functions_groups(const std::vector<SymmetryFunction>& functions,
                                                               double inner_fraction,
                                                               const std::vector<int>& atomic_numbers) {
  SymmetryFunctionsGroups<double> all;
  all.gaussian_begin = all.radial_begin = all.pair_begin = all.angular_begin = {0};
  for (const SymmetryFunction& function : functions) {
    const double outer = function.cutoff, inner = inner_fraction * outer;
    const bool known = std::any_of(all.cutoffs.begin(), all.cutoffs.end(),
                                   [&](const SymmetryCutoff<double>& cutoff) { return cutoff.outer == outer; });
    if (!known) all.cutoffs.push_back(make_cutoff(outer, inner));
  }
  for (int center = 0; center < static_cast<int>(atomic_numbers.size()); ++center)
    CenterGroups(all, functions, center, atomic_numbers);
  return all;
}

SymmetryFunctionsGroups<float> rounded(const SymmetryFunctionsGroups<double>& groups) {
  auto number = [](double x) { return static_cast<float>(x); };
  auto gaussian = [&](const Gaussian& g) {
    return SymmetryGaussian<float>{number(g.eta), number(g.rs), g.cutoff};
  };
  SymmetryFunctionsGroups<float> all;
  all.n_values = groups.n_values;
  all.gaussian_begin = groups.gaussian_begin;
  all.radial_begin = groups.radial_begin;
  all.pair_begin = groups.pair_begin;
  all.angular_begin = groups.angular_begin;
  all.element_pairs = groups.element_pairs;
  all.max_gaussians = groups.max_gaussians;
  all.max_terms = groups.max_terms;
  for (const auto& cutoff : groups.cutoffs) all.cutoffs.push_back(make_cutoff(number(cutoff.outer), number(cutoff.inner)));
  for (const auto& g : groups.gaussians) all.gaussians.push_back(gaussian(g));
  for (const auto& term : groups.radial_terms)
    all.radial_terms.push_back({term.gaussian, term.value, number(term.factor)});
  for (const auto& group : groups.groups)
    all.groups.push_back({group.first_gaussian, group.second_gaussian, gaussian(group.opposite), group.narrow,
                          group.begin, group.end});
  for (const auto& term : groups.angular_terms)
    all.angular_terms.push_back({term.value, number(term.factor), number(term.half_lambda), number(term.zeta),
                                 term.whole_zeta});
  return all;
}

}  // namespace forcesmith
