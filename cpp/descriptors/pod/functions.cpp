#include "descriptors/pod/functions.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace forcesmith::pod {

namespace {

/// (a, b, c) with a + b + c = degree.
std::vector<std::array<int, 3>> monomials(int degree) {
  std::vector<std::array<int, 3>> list;
  for (int a = degree; a >= 0; --a)
    for (int b = degree - a; b >= 0; --b) list.push_back({a, b, degree - a - b});
  return list;
}

/// (a + b + c)! / (a! b! c!)
double multinomial(const std::array<int, 3>& powers) {
  double count = 1.0;
  int n = 0;
  for (int power : powers)
    for (int i = 1; i <= power; ++i) count = count * ++n / i;
  return count;
}

/// Exponents of the cosines of four bodies, (u_j . u_k)^a (u_j . u_l)^b (u_k . u_l)^c with a >= b >= c.
std::vector<std::array<int, 3>> four_body_angles(int lmax) {
  std::vector<std::array<int, 3>> list;
  for (int degree = 0; degree <= lmax; ++degree)
    for (const auto& [a, b, c] : monomials(degree))
      if (a >= b && b >= c) list.push_back({a, b, c});
  return list;
}

std::array<int, 2> in_order(int left, int right) { return {std::min(left, right), std::max(left, right)}; }

std::array<int, 3> sum(const std::array<int, 3>& left, const std::array<int, 3>& right) {
  return {left[0] + right[0], left[1] + right[1], left[2] + right[2]};
}

}  // namespace

ValueProgram::ValueProgram(const Sizes& sizes, const std::vector<std::string>& elements, const std::string& where)
    : sizes_(sizes), elements_(elements), where_(where), n_elements_(static_cast<int>(elements.size())) {
  const double n = n_elements_, n_angles = static_cast<double>(four_body_angles(sizes_.lmax[2]).size());
  check_number(sizes_.nmax[0] * n + sizes_.nmax[1] * (sizes_.lmax[1] + 1) * n * (n + 1) / 2 +
               sizes_.nmax[2] * n_angles * n * (n + 1) * (n + 2) / 6);
  number_moments();
  products_ = ProductProgram(static_cast<int>(numbers_.size()));
  for (int element = 0; element < n_elements_; ++element)
    for (int m = 0; m < sizes_.nmax[0]; ++m)
      add(moment_of(element, m, {0, 0, 0}), "R" + std::to_string(m + 1) + " " + elements_[element]);
  const std::vector<Value> three = three_bodies(), four = four_bodies(three);
  for (const auto* values : {&three, &four})
    for (const Value& value : *values) add(value.moment, value.name);
  multiply(three, three, sizes_.nmax[3], sizes_.lmax[3]);
  multiply(three, four, sizes_.nmax[4], sizes_.lmax[4]);
  multiply(four, four, sizes_.nmax[5], sizes_.lmax[5]);
  products_.finish();
}

void ValueProgram::number_moments() {
  const int n_shared = sizes_.n_shared(), degree = sizes_.degree();
  for (int element = 0; element < n_elements_; ++element) {
    for (int c = 0; c < 2; ++c)
      for (int b = 0; b + c <= degree; ++b)
        for (int a = 0; a + b + c <= degree; ++a)
          for (int m = 0; m < n_shared; ++m) numbers_[{element, m, {a, b, c}}] = n_basic_++;
    for (int m = n_shared; m < sizes_.n_radial(); ++m) numbers_[{element, m, {0, 0, 0}}] = n_basic_++;
    if (element == 0) n_of_element_ = n_basic_;
  }
  for (int element = 0; element < n_elements_; ++element)
    for (int m = 0; m < n_shared; ++m)
      for (int l = 0; l <= degree; ++l)
        for (const Powers& powers : monomials(l)) expand(element, m, powers);
}

/// The number of a moment; one that has none yet becomes a difference of three others: z^2 = 1 - x^2 - y^2.
int ValueProgram::expand(int element, int m, const Powers& powers) {
  const Moment moment{element, m, powers};
  if (const auto found = numbers_.find(moment); found != numbers_.end()) return found->second;
  const auto [a, b, c] = powers;
  const std::array<int, 3> parts{expand(element, m, {a, b, c - 2}), expand(element, m, {a + 2, b, c - 2}),
                                 expand(element, m, {a, b + 2, c - 2})};
  expansion_.insert(expansion_.end(), parts.begin(), parts.end());
  const int number = static_cast<int>(numbers_.size());
  return numbers_[moment] = number;
}

/// The moment that is their sum.
int ValueProgram::finish(const Products& products) {
  const auto [found, is_new] = known_.try_emplace(products, -1);
  if (is_new) {
    for (const auto& [pair, factor] : products) products_.multiply(pair[0], pair[1], factor);
    found->second = products_.finish_moment();
  }
  return found->second;
}

void ValueProgram::check_number(double n_values) const {
  if (n_values > largest_number)
    throw ParameterError(where_ + ": nmax and lmax ask for more than the supported " + std::to_string(largest_number) +
                         " values; choose smaller ones.");
}

void ValueProgram::add(int moment, const std::string& name) {
  mapping_.push_back(moment);
  names_.push_back(name);
  check_number(static_cast<double>(names_.size()));
}

std::vector<ValueProgram::Value> ValueProgram::three_bodies() {
  std::vector<Value> list;
  int elements = 0;
  for (int mu = 0; mu < n_elements_; ++mu)
    for (int nu = mu; nu < n_elements_; ++nu, ++elements)
      for (int m = 0; m < sizes_.nmax[1]; ++m)
        for (int p = 0; p <= sizes_.lmax[1]; ++p) {
          Products products;
          for (const Powers& powers : monomials(p)) {
            products[in_order(moment_of(mu, m, powers), moment_of(nu, m, powers))] += multinomial(powers);
          }
          list.push_back(
              {elements, m, m * (sizes_.lmax[1] + 1) + p, p, finish(products),
               "R" + std::to_string(m + 1) + " " + elements_[mu] + " " + elements_[nu] + " cos^" + std::to_string(p)});
        }
  return list;
}

std::vector<ValueProgram::Value> ValueProgram::four_bodies(const std::vector<Value>& three) {
  std::vector<Value> list;
  const std::vector<Powers> angles = four_body_angles(sizes_.lmax[2]);
  const auto number_of = [this](int mu, int nu) {  // of a pair of elements
    return mu * n_elements_ - mu * (mu - 1) / 2 + nu - mu;
  };
  int elements = 0;
  for (int mu = 0; mu < n_elements_; ++mu)
    for (int nu = mu; nu < n_elements_; ++nu)
      for (int xi = nu; xi < n_elements_; ++xi, ++elements)
        for (int m = 0; m < sizes_.nmax[2]; ++m)
          for (int angle = 0; angle < static_cast<int>(angles.size()); ++angle) {
            // With j, k and l of these elements: powers of u_j . u_k, u_j . u_l and u_k . u_l.
            const auto [a, b, c] = angles[angle];
            Products products;
            if (b == 0) {
              const int pair = (number_of(mu, nu) * sizes_.nmax[1] + m) * (sizes_.lmax[1] + 1) + a;
              products[in_order(three[pair].moment, moment_of(xi, m, {0, 0, 0}))] = 1.0;
            } else {
              // What each moment of l is multiplied with is a sum of products of those of j and k.
              std::map<Powers, Products> by_last;
              for (const Powers& jk : monomials(a))
                for (const Powers& jl : monomials(b))
                  for (const Powers& kl : monomials(c)) {
                    const auto pair = in_order(moment_of(mu, m, sum(jk, jl)), moment_of(nu, m, sum(jk, kl)));
                    by_last[sum(jl, kl)][pair] += multinomial(jk) * multinomial(jl) * multinomial(kl);
                  }
              for (const auto& [powers, others] : by_last) {
                products[in_order(moment_of(xi, m, powers), finish(others))] += 1.0;
              }
            }
            const std::string powers = std::to_string(a) + "," + std::to_string(b) + "," + std::to_string(c);
            list.push_back({elements, m, m * static_cast<int>(angles.size()) + angle, a + b + c, finish(products),
                            "R" + std::to_string(m + 1) + " " + elements_[mu] + " " + elements_[nu] + " " +
                                elements_[xi] + " cos^" + powers});
          }
  return list;
}

/// Products of values whose radial functions and degrees do not add up to more than n and degree, as pair_style pod
/// chooses them.
void ValueProgram::multiply(const std::vector<Value>& left, const std::vector<Value>& right, int n, int degree) {
  for (const Value& l : left)
    for (const Value& r : right)
      if (r.rank >= l.rank && r.elements >= l.elements && l.degree + r.degree <= degree && l.radial + r.radial < n)
        add(finish({{in_order(l.moment, r.moment), 1.0}}), "(" + l.name + ") (" + r.name + ")");
}

}  // namespace forcesmith::pod
