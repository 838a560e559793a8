#include "descriptors/ace/ace.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/pair_settings.hpp"
#include "core/text.hpp"

namespace forcesmith::ace {

namespace {

const Enumeration<RadialBasis>& radial_bases() {
  static const Enumeration<RadialBasis> names(
      "radial basis",
      {{"ChebExpCos", RadialBasis::ChebExpCos}, {"ChebPow", RadialBasis::ChebPow}, {"SBessel", RadialBasis::SBessel}});
  return names;
}

/// What files hold.
struct FileParameters : BondParameters, FunctionChoice {
  std::optional<int> radial_basis_size;
  bool train_radial_coefficients = false;
  std::vector<std::vector<BondParameters>> bonds;
  std::vector<std::vector<Function>> functions;
  std::vector<double> radial_coefficients;
  bool lacks_radial_coefficients = false;  // their list is empty
  std::vector<int> shape{};                // of the radial coefficients
};

/// Flattens nested lists of numbers.
void append_numbers(const Json& value, std::vector<double>& numbers, const Place& place) {
  if (value.is_array())
    for (const Json& item : value) append_numbers(item, numbers, place);
  else if (value.is_number()) numbers.push_back(value.get<double>());
  else throw FormatError(place.text() + " must hold numbers only, but holds " + value.dump().substr(0, 40) + ".");
}
/// And back.
Json nested(const std::vector<int>& shape, std::size_t depth, const double*& next) {
  Json list = Json::array();
  for (int i = 0; i < shape[depth]; ++i) {
    if (depth + 1 == shape.size()) list.push_back(*next++);
    else list.push_back(nested(shape, depth + 1, next));
  }
  return list;
}

const SchemaOf<FileParameters>& typed_schema() {
  using P = FileParameters;
  static const auto schema = [] {
    SchemaOf<P> own(BondParameters::schema());
    own.field(&P::total_degree, "total_degree", "",
              "largest sum of n - 1 + l over the factors of functions of one factor, of two, ..: at most six numbers; "
              "default [11, 8, 6, 4] without nmax and lmax")
        .not_written()
        .field(&P::nmax, "nmax", "", "largest n of functions of one factor, of two, ..")
        .not_written()
        .field(&P::lmax, "lmax", "", "largest l of functions of one factor, which is 0, of two, ..")
        .not_written()
        .field(&P::radial_basis_size, "radial_basis_size", "",
               "functions of the radial basis; default: as many as the largest n")
        .field(&P::train_radial_coefficients, "train_radial_coefficients", "",
               "whether fits change the radial functions R_nl, too");
    add_pairs_field(own, &P::bonds, "bonds");
    own.custom(
        {"functions",
         "array",
         "",
         {},
         "[center element] functions; made from total_degree, nmax and lmax if absent",
         true},
        [](P& p, const Json& value, const Place& place, int n_elements) {
          if (!value.is_null()) p.functions = read_lists<Function>(value, n_elements, "functions", place);
        },
        [](const P& p) { return write_lists(p.functions); });
    own.custom(
           {"radial_coefficients",
            "array",
            "",
            {},
            "[center element][neighbor element][n][l][radial basis], default R_nl = g_n",
            true},
           [](P& p, const Json& value, const Place& place, int) {
             if (value.is_null()) return;
             append_numbers(value, p.radial_coefficients, place);
             p.lacks_radial_coefficients = p.radial_coefficients.empty();
           },
           [](const P& p) {
             const double* next = p.radial_coefficients.data();
             return p.radial_coefficients.empty() ? Json::array() : nested(p.shape, 0, next);
           })
        .trained();
    return own;
  }();
  return schema;
}

std::vector<double> bessel_rows(int n_basis) {
  std::vector<double> rows;
  double d = 1.0;
  for (int n = 0; n < n_basis; ++n) {
    const double up = n + 1.0, upper = n + 2.0;
    rows.push_back(std::sqrt(2.0) * up * upper / std::hypot(up, upper));
    const double e = n * n * upper * upper / (4.0 * std::pow(up, 4) + 1.0);
    rows.push_back(std::sqrt(e / d));
    d = n == 0 ? 1.0 : 1.0 - e / d;
    rows.push_back(1.0 / std::sqrt(d));
  }
  return rows;
}

std::vector<double> harmonic_factors(int lmax) {
  // Q_lm = N_lm d^m P_l/dz^m, N_lm^2 = (2l + 1) (l - m)! / (l + m)!, twice that for m > 0.
  const auto norm = [](int l, int m) {
    double ratio = (2.0 * l + 1.0) * (m > 0 ? 2.0 : 1.0);
    for (int i = l - m + 1; i <= l + m; ++i) ratio /= i;
    return std::sqrt(ratio);
  };
  std::vector<double> factors;
  double derivative = 1.0;  // d^m P_m/dz^m = 1 3 5 .. (2m - 1)
  for (int m = 0; m <= lmax; ++m) {
    factors.push_back(derivative * norm(m, m));
    for (int l = m + 1; l <= lmax; ++l) {
      factors.push_back((2.0 * l - 1.0) / (l - m) * norm(l, m) / norm(l - 1, m));
      factors.push_back(l == m + 1 ? 0.0 : -(l + m - 1.0) / (l - m) * norm(l, m) / norm(l - 2, m));
    }
    derivative *= 2.0 * m + 1.0;
  }
  return factors;
}

Bond<double> bond_of(const BondParameters& p) {
  const double parameter = p.radial_basis == RadialBasis::SBessel ? 1.0 / std::sqrt(p.cutoff) : p.radial_parameter;
  return {p.radial_basis, parameter, p.cutoff, p.cutoff_width, p.inner_cutoff, p.inner_width};
}

void check_bond(const BondParameters& p, const std::string& where) {
  const std::string lengths = " angstrom";
  if (!(p.cutoff > 0.0) || !std::isfinite(p.cutoff))
    throw ParameterError(where + ": the cutoff must be positive, not " + printed(p.cutoff) + lengths + ".");
  const bool power = p.radial_basis == RadialBasis::ChebPow;
  if (p.radial_basis != RadialBasis::SBessel &&
      (!(p.radial_parameter > (power ? 1.0 : 0.0)) || !std::isfinite(p.radial_parameter)))
    throw ParameterError(where + ": the radial_parameter of " + radial_bases().name_of(p.radial_basis) + " must be " +
                         (power ? "larger than 1, or forces jump at the cutoff" : "positive") + ", not " +
                         printed(p.radial_parameter) + ".");
  if (!(p.cutoff_width >= 0.0 && p.cutoff_width <= p.cutoff))
    throw ParameterError(where + ": cutoff_width (" + printed(p.cutoff_width) + lengths +
                         ") must lie between 0 and the cutoff (" + printed(p.cutoff) + lengths + ").");
  if (!(p.inner_width >= 0.0 && p.inner_cutoff >= 0.0 && p.inner_cutoff < p.cutoff))
    throw ParameterError(where + ": inner_cutoff (" + printed(p.inner_cutoff) + lengths +
                         ") must lie between 0 and the cutoff (" + printed(p.cutoff) + lengths +
                         "), and inner_width must not be negative (" + printed(p.inner_width) + ").");
}

/// Fills up what is not given. Throws ParameterError for what generate_functions cannot make.
FunctionChoice completed(FunctionChoice choice, const std::string& where) {
  auto& [nmax, lmax, total_degree] = choice;
  if (nmax.empty() && lmax.empty() && total_degree.empty()) total_degree = {11, 8, 6, 4};
  const std::size_t orders = std::max({nmax.size(), lmax.size(), total_degree.size()});
  for (const auto* list : {&nmax, &lmax, &total_degree})
    if (orders > max_factors || (!list->empty() && list->size() != orders))
      throw ParameterError(where + ": nmax, lmax and total_degree must have the same number of entries, 1 to " +
                           std::to_string(max_factors) + ", but have " + std::to_string(nmax.size()) + ", " +
                           std::to_string(lmax.size()) + " and " + std::to_string(total_degree.size()) + ".");
  const bool any_n = nmax.empty(), any_l = lmax.empty(), any_degree = total_degree.empty();
  if (any_degree && (any_n || any_l))
    throw ParameterError(where + ": nmax and lmax must be given together, or with total_degree.");
  for (int degree : total_degree)
    if (degree < 0)
      throw ParameterError(where + ": total_degree must not be negative, but is " + std::to_string(degree) + ".");
  if (any_degree) total_degree.assign(orders, max_factors * (max_radial_basis + max_degree));
  // No l is larger than all others of a function together.
  for (std::size_t i = 0; i < orders; ++i) {
    if (any_l) lmax.push_back(i == 0 ? 0 : std::min(total_degree[i] / 2, max_degree));
    if (any_n) nmax.push_back(std::min(total_degree[i] + 1, max_radial_basis));
  }
  if (lmax[0] != 0) throw ParameterError(where + ": the first lmax must be 0, not " + std::to_string(lmax[0]) + ".");
  const auto check = [&](const char* name, const std::vector<int>& numbers, int least, int most) {
    for (std::size_t i = 0; i < orders; ++i)
      if (numbers[i] < least || numbers[i] > most)
        throw ParameterError(where + ": " + name + " must be " + std::to_string(least) + " to " + std::to_string(most) +
                             ", but is " + std::to_string(numbers[i]) + " for " + std::to_string(i + 1) +
                             " factor(s).");
  };
  check("nmax", nmax, 1, max_radial_basis);
  check("lmax", lmax, 0, max_degree);
  return choice;
}

}  // namespace

const SchemaOf<BondParameters>& BondParameters::schema() {
  using P = BondParameters;
  static const auto schema =
      SchemaOf<P>()
          .field(&P::cutoff, "cutoff", "angstrom", "distance beyond which neighbors do not count")
          .required()
          .field(&P::radial_basis, "radial_basis", "", "radial basis", form_of(radial_bases()))
          .field(&P::radial_parameter, "radial_parameter", "",
                 "lambda of ChebExpCos, which narrows functions near the atom, or power of ChebPow")
          .field(&P::cutoff_width, "cutoff_width", "angstrom", "of a further step of ChebExpCos to 0 at the cutoff")
          .field(&P::inner_cutoff, "inner_cutoff", "angstrom", "distance from which neighbors count fully")
          .field(&P::inner_width, "inner_width", "angstrom", "of the step at the inner cutoff; 0: none");
  return schema;
}

ParameterSchema Ace::schema() { return typed_schema().fields(); }

std::unique_ptr<Descriptor> Ace::create(const Json& given, const std::vector<std::string>& elements,
                                        const std::string& where) {
  const int n_elements = static_cast<int>(elements.size());
  FileParameters p = typed_schema().read(given, {where}, n_elements);
  Parameters parameters;
  parameters.train_radial_coefficients = p.train_radial_coefficients;
  parameters.bonds = settings_of_pairs(static_cast<const BondParameters&>(p), p.bonds, elements.size());
  const FunctionChoice choice = completed(p, where);
  if (p.functions.empty()) p.functions.assign(elements.size(), generate_functions(choice, n_elements, where));
  parameters.functions = std::move(p.functions);
  parameters.radial_basis_size = p.radial_basis_size.value_or(std::ranges::max(choice.nmax));
  parameters.radial_coefficients = std::move(p.radial_coefficients);
  auto ace = std::make_unique<Ace>(std::move(parameters), elements, where);
  if (p.lacks_radial_coefficients && ace->nmax_ > 0)
    throw FormatError("\"radial_coefficients\" of " + where + " is empty.");
  return ace;
}

Ace::Ace(Parameters parameters, std::vector<std::string> elements, const std::string& where)
    : KernelDescriptor(FORCESMITH_VARIANT_IN_USE(variants)),
      parameters_(std::move(parameters)),
      elements_(std::move(elements)) {
  check_parameters(where);
  set_tables(where);
}

void Ace::check_parameters(const std::string& where) {
  for (const BondParameters& bond : parameters_.bonds) {
    check_bond(bond, where);
    cutoffs_.push_back(bond.cutoff);
  }
  const int n_elements = static_cast<int>(elements_.size()), n_basis = parameters_.radial_basis_size;
  if (n_basis < 1 || n_basis > max_radial_basis)
    throw ParameterError(where + ": radial_basis_size must be 1 to " + std::to_string(max_radial_basis) + ", not " +
                         std::to_string(n_basis) + ".");
  const bool given = !parameters_.radial_coefficients.empty();
  for (const auto& list : parameters_.functions) {
    if (list.empty() || list.size() > largest_size)
      throw ParameterError(where + ": every element needs 1 to " + std::to_string(largest_size) +
                           " functions, but one has " + std::to_string(list.size()) + ".");
    for (const Function& function : list) {
      // Without coefficients, R_nl is a function of the basis.
      const bool single = function.n_factors() == 1;
      check_function(function, n_elements, single || !given ? n_basis : max_radial_basis, where);
      if (single) continue;
      for (const Factor& factor : function.factors()) {
        lmax_ = std::max(lmax_, factor.l);
        n_of_l_.resize(lmax_ + 1, 0);
        n_of_l_[factor.l] = std::max(n_of_l_[factor.l], factor.n);
        nmax_ = std::max(nmax_, factor.n);
      }
    }
  }
  n_of_l_.resize(lmax_ + 1, 0);
  const std::size_t expected = static_cast<std::size_t>(n_elements) * n_elements * nmax_ * (lmax_ + 1) * n_basis;
  if (!given)
    for (int pair = 0; pair < n_elements * n_elements; ++pair)
      for (int n = 0; n < nmax_; ++n)
        for (int l = 0; l <= lmax_; ++l)
          for (int k = 0; k < n_basis; ++k) parameters_.radial_coefficients.push_back(k == n ? 1.0 : 0.0);
  if (parameters_.radial_coefficients.size() != expected)
    throw FormatError(where + ": expected " + std::to_string(expected) + " radial coefficients (" +
                      std::to_string(n_elements) + " x " + std::to_string(n_elements) + " elements x " +
                      std::to_string(nmax_) + " n x " + std::to_string(lmax_ + 1) + " l x " + std::to_string(n_basis) +
                      " functions), found " + std::to_string(parameters_.radial_coefficients.size()) + ".");
}

void Ace::set_tables(const std::string& where) {
  const int n_elements = static_cast<int>(elements_.size()), n_basis = parameters_.radial_basis_size;
  FunctionProgram program(n_elements, n_basis, n_of_l_);
  int largest = 0;
  std::vector<int> sizes;
  for (int center = 0; center < n_elements; ++center) {
    sizes.push_back(size(center));
    largest = std::max(largest, size(center));
  }
  std::vector<int> mapping(static_cast<std::size_t>(n_elements) * largest, 0);
  for (int center = 0; center < n_elements; ++center)
    for (int k = 0; k < size(center); ++k) {
      const int moment = program.add(parameters_.functions[center][k]);
      if (moment < 0)
        throw FormatError(where + ": function " + std::to_string(k) + " of " + elements_[center] +
                          " vanishes: it couples the same factors to an odd degree.");
      mapping[static_cast<std::size_t>(center) * largest + k] = moment;
    }
  const int n_of_element = program.n_of_element();
  products_ = program.finish();

  std::vector<int> dependence_begin, dependences, reachable_begin, reachable;
  std::size_t largest_dependence = 0;
  for (int center = 0; center < n_elements; ++center) {
    const std::size_t before = dependences.size();
    for (int k = 0; k < largest; ++k) {
      reachable_begin.push_back(static_cast<int>(reachable.size()));
      std::set<int> reached;
      if (k < size(center)) reached = {mapping[static_cast<std::size_t>(center) * largest + k]};
      while (!reached.empty() && *reached.rbegin() >= products_.first_product()) {  // the last one
        const int moment = *reached.rbegin();
        reached.erase(moment);
        reachable.push_back(moment);
        products_.for_each_product(moment, [&](int left, int right) { reached.insert({left, right}); });
      }
      auto next = reached.begin();
      for (int neighbor = 0; neighbor < n_elements; ++neighbor) {
        dependence_begin.push_back(static_cast<int>(dependences.size()));
        for (; next != reached.end() && *next < (neighbor + 1) * n_of_element; ++next) dependences.push_back(*next);
      }
    }
    largest_dependence = std::max(largest_dependence, dependences.size() - before);
  }
  dependence_begin.push_back(static_cast<int>(dependences.size()));
  reachable_begin.push_back(static_cast<int>(reachable.size()));

  std::vector<Bond<double>> bonds;
  for (const BondParameters& bond : parameters_.bonds) bonds.push_back(bond_of(bond));
  const auto set_numbers = [&](auto& t) {
    t.n_elements = n_elements;
    t.n_basis = n_basis;
    t.trains_coefficients = parameters_.train_radial_coefficients;
    t.lmax = lmax_;
    t.n_combined = 0;
    for (int n : n_of_l_) t.n_combined += n;
    t.n_basic = n_elements * n_of_element;
    t.n_of_element = n_of_element;
    t.largest_size = largest;
    t.largest_dependence = static_cast<int>(largest_dependence);
    products_.set_sizes(t);
  };
  auto& t = mutable_tables<double>() = Tables<double>{};
  set_numbers(t);
  products_.set_arrays(t);
  t.bonds = arrays_.keep(std::move(bonds));
  t.bessel = arrays_.keep(bessel_rows(n_basis));
  t.n_of_l = n_of_l_.data();
  t.harmonics = arrays_.keep(harmonic_factors(lmax_));
  t.sizes = arrays_.keep(std::move(sizes));
  t.mapping = arrays_.keep(std::move(mapping));
  t.dependence_begin = arrays_.keep(std::move(dependence_begin));
  t.dependences = arrays_.keep(std::move(dependences));
  t.reachable_begin = arrays_.keep(std::move(reachable_begin));
  t.reachable = arrays_.keep(std::move(reachable));
  mutable_tables<float>() = Tables<float>{};
  set_numbers(mutable_tables<float>());
  arrays_.round(t, mutable_tables<float>());
  set_coefficients();
}

template <class Visit>
void Ace::for_each_radial_function(const Visit& visit) const {
  for (int pair = 0; pair < static_cast<int>(parameters_.bonds.size()); ++pair)
    for (int l = 0; l <= lmax_; ++l)
      for (int n = 0; n < n_of_l_[l]; ++n) visit(place_of(pair, n, l));
}

void Ace::set_coefficients() {
  coefficients_.clear();
  for_each_radial_function([&](std::size_t place) {
    const double* own = &parameters_.radial_coefficients[place];
    coefficients_.insert(coefficients_.end(), own, own + parameters_.radial_basis_size);
  });
  single_coefficients_.assign(coefficients_.begin(), coefficients_.end());
  mutable_tables<double>().coefficients = coefficients_.data();
  mutable_tables<float>().coefficients = single_coefficients_.data();
}

std::vector<double> Ace::parameters() const {
  return parameters_.train_radial_coefficients ? coefficients_ : std::vector<double>();
}

void Ace::set_parameters(std::span<const double> values) {
  if (values.size() != parameters().size())
    throw ParameterError("The atomic cluster expansion has " + std::to_string(parameters().size()) +
                         " radial coefficients that are trained, but " + std::to_string(values.size()) +
                         " were given.");
  if (values.empty()) return;
  auto value = values.begin();
  for_each_radial_function([&](std::size_t place) {
    for (int k = 0; k < parameters_.radial_basis_size; ++k) parameters_.radial_coefficients[place + k] = *value++;
  });
  set_coefficients();
}

void Ace::adopt_parameters(const Descriptor& smaller) {
  const auto* other = dynamic_cast<const Ace*>(&smaller);
  if (other == nullptr || other->elements_ != elements_ || other->parameters_.bonds != parameters_.bonds)
    throw ParameterError(
        "An atomic cluster expansion can start only from another with the same elements, cutoffs and kinds of radial "
        "functions.");
  const int n_basis = parameters_.radial_basis_size, known = other->parameters_.radial_basis_size;
  for (int pair = 0; pair < static_cast<int>(parameters_.bonds.size()); ++pair)
    for (int n = 0; n < std::min(nmax_, other->nmax_); ++n)
      for (int l = 0; l <= std::min(lmax_, other->lmax_); ++l) {
        const double* own = &other->parameters_.radial_coefficients[other->place_of(pair, n, l)];
        for (int k = 0; k < n_basis; ++k)
          parameters_.radial_coefficients[place_of(pair, n, l) + k] = k < known ? own[k] : 0.0;
      }
  set_coefficients();
}

std::vector<std::string> Ace::names(int element) const {
  std::vector<std::string> list;
  for (const Function& function : parameters_.functions[element]) {
    std::string text;
    for (const auto& [of, n, l] : function.factors())
      text += "A(" + elements_[of] + "," + std::to_string(n) + "," + std::to_string(l) + ")";
    for (int L : function.L) text += " L" + std::to_string(L);
    list.push_back(text);
  }
  return list;
}

std::string Ace::citation() const {
  return "atomic cluster expansion: doi:10.1103/PhysRevB.99.014104\n\n"
         "@Article{Drautz2019,\n"
         "  author = {Drautz, Ralf},\n"
         "  title = {Atomic cluster expansion for accurate and transferable interatomic potentials},\n"
         "  journal = {Physical Review B},\n"
         "  volume = {99},\n"
         "  pages = {014104},\n"
         "  year = {2019},\n"
         "  doi = {10.1103/PhysRevB.99.014104}\n"
         "}\n";
}

Json Ace::to_json() const {
  FileParameters p;
  static_cast<BondParameters&>(p) = parameters_.bonds.front();
  const int n_elements = static_cast<int>(elements_.size());
  p.bonds = differing_pairs(parameters_.bonds, elements_.size());
  p.train_radial_coefficients = parameters_.train_radial_coefficients;
  p.radial_basis_size = parameters_.radial_basis_size;
  p.functions = parameters_.functions;
  p.radial_coefficients = parameters_.radial_coefficients;
  p.shape = {n_elements, n_elements, nmax_, lmax_ + 1, parameters_.radial_basis_size};
  return typed_schema().write(p);
}

}  // namespace forcesmith::ace
