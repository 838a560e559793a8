#include "descriptors/symmetry_functions/groups.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/table_arrays.hpp"

namespace forcesmith::symmetry_functions {

using forcesmith::rounded;

namespace {

auto key(const Gaussian<double>& g) { return std::tuple(g.cutoff, g.eta, g.rs); }
auto key(const CompactFunction<double>& c) { return std::tuple(c.core, c.asymmetric, c.outer, c.center); }

/// Radial parts of one kind of the neighbors of one element, without repetition; Gaussians by cutoff.
template <class Part>
class RadialParts {
 public:
  void add(const Part& part) { list_.push_back(part); }
  void finish() {
    auto less = [](const Part& a, const Part& b) { return key(a) < key(b); };
    auto equal = [](const Part& a, const Part& b) { return key(a) == key(b); };
    std::sort(list_.begin(), list_.end(), less);
    list_.erase(std::unique(list_.begin(), list_.end(), equal), list_.end());
  }
  int number_of(const Part& part) const {
    for (std::size_t i = 0; i < list_.size(); ++i)
      if (key(list_[i]) == key(part)) return static_cast<int>(i);
    return -1;
  }
  int size() const { return static_cast<int>(list_.size()); }
  const std::vector<Part>& list() const { return list_; }

 private:
  std::vector<Part> list_;
};

/// The inverse of outer - inner, not smaller by rounding: padding, which sits at the outer cutoff, must not end
/// up inside.
template <class Real>
Real inverse_width(Real outer, Real inner) {
  Real inverse = 1 / (outer - inner);
  while ((outer - inner) * inverse < 1) inverse = std::nextafter(inverse, 2 * inverse);
  return inverse;
}

template <class Real>
Cutoff<Real> make_cutoff(Real outer, Real inner) {
  return {outer, inner, inverse_width(outer, inner)};
}

template <class Real>
CompactFunction<Real> make_compact(Real center, Real outer, CutoffFunction core, bool asymmetric) {
  return {center, outer, inverse_width(outer, center), core, asymmetric};
}

/// Of distances.
CompactFunction<double> compact_of(const Function& function) {
  return make_compact((function.rl + function.cutoff) / 2, function.cutoff, function.core, function.asymmetric);
}

/// Of angles: only distances have asymmetric ones.
CompactFunction<double> compact_angle_of(const Function& function) {
  const double degree = std::acos(-1.0) / 180;
  return make_compact((function.angle_left + function.angle_right) / 2 * degree, function.angle_right * degree,
                      function.core, false);
}

/// Everything of one center.
class CenterGroups {
 public:
  CenterGroups(Groups& all, const std::vector<Function>& functions, int center, const std::vector<int>& atomic_numbers)
      : all_(all), atomic_numbers_(atomic_numbers), n_elements_(static_cast<int>(atomic_numbers.size())) {
    for (const Function& function : functions)
      if (function.center == center) functions_.push_back(function);
    all_.n_values.push_back(static_cast<int>(functions_.size()));
    const std::size_t first_radial = all_.radial_terms.size(), first_angular = all_.angular_terms.size();
    for (int element = 0; element < n_elements_; ++element) add_radial(element);
    for (int first = 0; first < n_elements_; ++first)
      for (int second = first; second < n_elements_; ++second) add_angular(first, second);
    all_.pair_begin.push_back(static_cast<int>(all_.element_pairs.size()));
    all_.angular_begin.push_back(static_cast<int>(all_.angular_terms.size()));
    const std::size_t n_terms = all_.radial_terms.size() - first_radial + all_.angular_terms.size() - first_angular;
    all_.max_terms = std::max(all_.max_terms, static_cast<int>(n_terms));
  }

 private:
  /// Whether neighbors of these elements count in a function: one if it is radial, both if it is angular.
  static bool counts(const Function& function, int first, int second) {
    const std::vector<int>& n = function.neighbors;
    if (n.empty()) return true;
    if (!function.angular()) return n[0] == first;
    return (n[0] == first && n[1] == second) || (n[0] == second && n[1] == first);
  }
  bool counts(const Function& function, int element) const {
    for (int other = 0; other < n_elements_; ++other)
      if (counts(function, element, other)) return true;
    return false;
  }
  double weight(const Function& function, int element) const {
    return function.neighbors.empty() ? atomic_numbers_[element] : 1.0;
  }
  /// Of a function without compact ones.
  Gaussian<double> gaussian_of(const Function& function) const {
    const auto found = std::find_if(all_.cutoffs.begin(), all_.cutoffs.end(),
                                    [&](const Cutoff<double>& cutoff) { return cutoff.outer == function.cutoff; });
    return {function.eta, function.rs, static_cast<int>(found - all_.cutoffs.begin())};
  }

  void add_radial(int element) {
    RadialParts<Gaussian<double>>& gaussians = gaussians_.emplace_back();
    RadialParts<CompactFunction<double>>& compacts = compacts_.emplace_back();
    for (const Function& function : functions_)
      if (!counts(function, element)) continue;
      else if (function.compact()) compacts.add(compact_of(function));
      else gaussians.add(gaussian_of(function));
    gaussians.finish();
    compacts.finish();
    all_.gaussians.insert(all_.gaussians.end(), gaussians.list().begin(), gaussians.list().end());
    all_.gaussian_begin.push_back(static_cast<int>(all_.gaussians.size()));
    all_.compacts.insert(all_.compacts.end(), compacts.list().begin(), compacts.list().end());
    all_.compact_begin.push_back(static_cast<int>(all_.compacts.size()));
    all_.max_radial_parts = std::max(all_.max_radial_parts, gaussians.size() + compacts.size());
    for (std::size_t value = 0; value < functions_.size(); ++value) {
      const Function& function = functions_[value];
      if (!function.angular() && counts(function, element))
        all_.radial_terms.push_back({part_of(function, element), static_cast<int>(value), weight(function, element)});
    }
    all_.radial_begin.push_back(static_cast<int>(all_.radial_terms.size()));
  }

  /// Number of the radial part of a function among those of neighbors of this element.
  int part_of(const Function& function, int element) const {
    const RadialParts<Gaussian<double>>& gaussians = gaussians_[element];
    return function.compact() ? gaussians.size() + compacts_[element].number_of(compact_of(function))
                              : gaussians.number_of(gaussian_of(function));
  }

  void add_angular(int first, int second) {
    struct Member {
      const Function* function;
      int value;
      Gaussian<double> gaussian;
      CompactFunction<double> compact;  // only one of the two
    };
    std::vector<Member> members;
    for (std::size_t value = 0; value < functions_.size(); ++value) {
      const Function& function = functions_[value];
      if (function.angular() && counts(function, first, second))
        members.push_back({&function, static_cast<int>(value),
                           function.compact() ? Gaussian<double>{} : gaussian_of(function),
                           function.compact() ? compact_of(function) : CompactFunction<double>{}});
    }
    if (members.empty()) return;
    auto order = [](const Member& m) {
      return std::tuple(m.function->compact(), !m.function->narrow(), key(m.gaussian), key(m.compact));
    };
    std::stable_sort(members.begin(), members.end(),
                     [&](const Member& a, const Member& b) { return order(a) < order(b); });
    const int begin = static_cast<int>(all_.groups.size());
    ElementPair pair{first, second, false, begin, begin, begin, 0.0};
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto& [function, value, gaussian, compact] = members[i];
      const int term = static_cast<int>(all_.angular_terms.size());
      if (i == 0 || order(members[i - 1]) != order(members[i])) {
        const int place = all_.compact_begin[function->center * n_elements_ + first];
        all_.groups.push_back({part_of(*function, first), part_of(*function, second), gaussian,
                               function->compact() ? place + compacts_[first].number_of(compact) : 0,
                               function->narrow(), 0, term, term});
        if (!function->compact()) ++pair.compact_begin;
        ++pair.end;
      }
      all_.angular_terms.push_back(angular_term(*function, value, first, second));
      all_.groups.back().end = term + 1;
      pair.narrow = pair.narrow || function->narrow();
    }
    find_common_eta(pair);
    all_.element_pairs.push_back(pair);
  }

  /// The smallest eta of its narrow groups, if others are whole multiples of it.
  void find_common_eta(ElementPair& pair) {
    const auto begin = all_.groups.begin() + pair.begin, end = all_.groups.begin() + pair.compact_begin;
    const auto counts = [](const AngularGroup<double>& g) {
      return g.narrow && g.opposite.rs == 0.0 && g.opposite.eta > 0.0;
    };
    double smallest = 0.0;
    for (auto g = begin; g != end; ++g)
      if (counts(*g) && (smallest == 0.0 || g->opposite.eta < smallest)) smallest = g->opposite.eta;
    const auto multiple = [&](const AngularGroup<double>& g) {
      if (!counts(g)) return 0;
      const double ratio = g.opposite.eta / smallest, whole = std::round(ratio);
      return whole <= largest_power && std::abs(ratio - whole) < 1e-14 * whole ? static_cast<int>(whole) : 0;
    };
    if (std::none_of(begin, end, [&](const AngularGroup<double>& g) { return multiple(g) > 1; })) return;
    pair.common_eta = smallest;
    for (auto g = begin; g != end; ++g) g->power = multiple(*g);
  }

  AngularTerm<double> angular_term(const Function& function, int value, int first, int second) const {
    const double factor = weight(function, first) * weight(function, second);
    if (function.compact()) return {value, factor, 0.0, 0.0, 0, compact_angle_of(function)};
    // 2^(1 - zeta) (1 + lambda cos)^zeta = 2 u^zeta
    const bool whole = function.zeta == std::floor(function.zeta);
    return {value, 2.0 * factor, 0.5 * function.lambda, function.zeta, whole ? static_cast<int>(function.zeta) : 0, {}};
  }

  static constexpr double largest_power = 64.0;  // of an exponential

  Groups& all_;
  const std::vector<int>& atomic_numbers_;
  int n_elements_;
  std::vector<Function> functions_;
  std::vector<RadialParts<Gaussian<double>>> gaussians_;  // [element of the neighbor]
  std::vector<RadialParts<CompactFunction<double>>> compacts_;
};

}  // namespace

Groups make_groups(const std::vector<Function>& functions, double inner_fraction,
                   const std::vector<int>& atomic_numbers) {
  Groups all;
  all.gaussian_begin = all.compact_begin = all.radial_begin = all.pair_begin = all.angular_begin = {0};
  for (const Function& function : functions) {
    if (function.compact()) continue;
    const double outer = function.cutoff, inner = inner_fraction * outer;
    const bool known = std::any_of(all.cutoffs.begin(), all.cutoffs.end(),
                                   [&](const Cutoff<double>& cutoff) { return cutoff.outer == outer; });
    if (!known) all.cutoffs.push_back(make_cutoff(outer, inner));
  }
  for (int center = 0; center < static_cast<int>(atomic_numbers.size()); ++center)
    CenterGroups(all, functions, center, atomic_numbers);
  return all;
}

Cutoff<float> rounded(const Cutoff<double>& cutoff) {
  return make_cutoff(rounded(cutoff.outer), rounded(cutoff.inner));
}
Gaussian<float> rounded(const Gaussian<double>& gaussian) {
  return {rounded(gaussian.eta), rounded(gaussian.rs), gaussian.cutoff};
}
CompactFunction<float> rounded(const CompactFunction<double>& compact) {
  return make_compact(rounded(compact.center), rounded(compact.outer), compact.core, compact.asymmetric);
}
RadialTerm<float> rounded(const RadialTerm<double>& term) { return {term.part, term.value, rounded(term.factor)}; }
AngularGroup<float> rounded(const AngularGroup<double>& group) {
  return {group.first_part, group.second_part, rounded(group.opposite), group.compact, group.narrow, group.power,
          group.begin,      group.end};
}
AngularTerm<float> rounded(const AngularTerm<double>& term) {
  return {term.value,         rounded(term.factor), rounded(term.half_lambda),
          rounded(term.zeta), term.whole_zeta,      term.zeta > 0.0 ? CompactFunction<float>{} : rounded(term.angle)};
}

}  // namespace forcesmith::symmetry_functions
