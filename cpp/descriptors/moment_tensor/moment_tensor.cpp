#include "descriptors/moment_tensor/moment_tensor.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/typed_schema.hpp"

namespace forcesmith::moment_tensor {

namespace {

/// What files hold.
struct FileParameters : Parameters {
  std::optional<ContractionProgram> contractions;
  std::vector<double> radial_coefficients;  // empty: the default
  int n_elements = 0;
};

/// A set of small numbers.
class Bits {
 public:
  explicit Bits(int largest) : words_(largest / 64 + 1) {}
  void set(int i) { words_[i / 64] |= std::uint64_t(1) << (i % 64); }
  bool has(int i) const { return words_[i / 64] >> (i % 64) & 1; }
  void add(const Bits& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
  }
  int count() const {
    int sum = 0;
    for (const std::uint64_t word : words_) sum += std::popcount(word);
    return sum;
  }
  /// How many of the other's are not in this one.
  int missing(const Bits& other) const {
    int sum = 0;
    for (std::size_t w = 0; w < words_.size(); ++w) sum += std::popcount(other.words_[w] & ~words_[w]);
    return sum;
  }

 private:
  std::vector<std::uint64_t> words_;
};

/// Flattens nested lists of numbers.
void append_numbers(const Json& value, std::vector<double>& numbers, const Place& place) {
  if (value.is_array())
    for (const Json& item : value) append_numbers(item, numbers, place);
  else if (value.is_number()) numbers.push_back(value.get<double>());
  else throw FormatError(place.text() + " must hold numbers only, but holds " + value.dump().substr(0, 40) + ".");
}

/// [center element][neighbor element][radial function][polynomial]
Json nested_coefficients(const FileParameters& p) {
  auto value = p.radial_coefficients.begin();
  Json all = Json::array();
  for (int center = 0; center < p.n_elements; ++center) {
    all.push_back(Json::array());
    for (int neighbor = 0; neighbor < p.n_elements; ++neighbor) {
      Json functions = Json::array();
      for (int mu = 0; mu < p.contractions->n_radial(); ++mu, value += p.radial_basis_size)
        functions.push_back(std::vector<double>(value, value + p.radial_basis_size));
      all.back().push_back(std::move(functions));
    }
  }
  return all;
}

const SchemaOf<FileParameters>& typed_schema() {
  using P = FileParameters;
  static const auto schema =
      SchemaOf<P>()
          .field(&P::level, "level", "", "largest level of a basis function, even, 2 to 28")
          .field(&P::cutoff, "cutoff", "angstrom", "distance beyond which neighbors do not count")
          .required()
          .field(&P::min_distance, "min_distance", "angstrom",
                 "lower end of the radial interval, about the smallest distance in the data")
          .required()
          .field(&P::radial_basis_size, "radial_basis_size", "", "Chebyshev polynomials per radial function")
          .field(&P::max_factors, "max_factors", "", "most moments multiplied in one basis function")
          .field(&P::scaling, "scaling", "", "factor of the radial polynomials; default 1 / (cutoff - min_distance)^2")
          .optional()
          .trained()
          .field(&P::contractions, "contractions", "", "contraction program; generated from the level if absent")
          .custom(
              {"radial_coefficients",
               "array",
               "",
               {},
               "[center element][neighbor element][radial function][polynomial]",
               true},
              [](P& p, const Json& value, const Place& place, int) {
                if (value.is_null()) return;
                append_numbers(value, p.radial_coefficients, place);
                if (p.radial_coefficients.empty()) throw FormatError(place.text() + " is empty.");
              },
              nested_coefficients)
          .trained();
  return schema;
}

using ProductsByTarget = std::vector<std::vector<int>>;  // [moment] products of the program

ProductsByTarget products_by_target(const ContractionProgram& program, const std::string& where) {
  ProductsByTarget products(program.n_moments);
  for (std::size_t p = 0; p < program.products.size(); ++p)
    products[program.products[p][3]].push_back(static_cast<int>(p));
  for (int moment : program.mapping)
    if (moment >= static_cast<int>(program.basic.size()) && products[moment].empty())
      throw FormatError(where + ": a basis function is mapped to moment " + std::to_string(moment) +
                        ", which no product gives.");
  return products;
}

/// The moments that basis functions are made of.
std::vector<bool> needed_moments(const ContractionProgram& program) {
  std::vector<bool> needed(program.n_moments, false);
  for (int moment : program.mapping) needed[moment] = true;
  // The file names the products of a moment before those that use it.
  for (auto product = program.products.rbegin(); product != program.products.rend(); ++product)
    if (needed[(*product)[3]]) needed[(*product)[0]] = needed[(*product)[1]] = true;
  return needed;
}

/// The needed moments that are products. Moments of equal depth do not depend on each other. Equal numbers of
/// products follow each other: the processor foresees the ends of equally long loops.
std::vector<int> order_of_products(const ContractionProgram& program, const ProductsByTarget& products) {
  const std::vector<bool> needed = needed_moments(program);
  std::vector<int> depth(program.n_moments, 0), order;
  for (const auto& [left, right, factor, target] : program.products)
    depth[target] = std::max({depth[target], 1 + depth[left], 1 + depth[right]});
  for (int moment = static_cast<int>(program.basic.size()); moment < program.n_moments; ++moment)
    if (needed[moment]) order.push_back(moment);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return std::pair(depth[a], products[a].size()) < std::pair(depth[b], products[b].size());
  });
  return order;
}

}  // namespace

ParameterSchema MomentTensor::schema() { return typed_schema().fields(); }

std::unique_ptr<Descriptor> MomentTensor::create(const Json& given, const std::vector<std::string>& elements,
                                                 const std::string& where) {
  FileParameters start;
  start.scaling = std::numeric_limits<double>::quiet_NaN();  // no file can hold it
  FileParameters p = typed_schema().read(given, {where}, 0, start);
  const double interval = p.cutoff - p.min_distance;
  if (std::isnan(p.scaling)) p.scaling = 1.0 / (interval * interval);
  if (p.level) check_level(*p.level, "\"level\" of " + where);
  else if (!p.contractions)
    throw ParameterError("The parameter \"level\" of " + where +
                         " is missing: an even number from 2 to 28 that sets the number of basis functions.");
  if (!p.contractions) p.contractions = generate_contractions(*p.level, p.max_factors);
  return std::make_unique<MomentTensor>(p, std::move(*p.contractions), std::move(p.radial_coefficients),
                                        static_cast<int>(elements.size()), where);
}

MomentTensor::MomentTensor(const Parameters& parameters, ContractionProgram program,
                           std::vector<double> radial_coefficients, int n_elements, const std::string& where)
    : KernelDescriptor(FORCESMITH_VARIANT_IN_USE(variants)),
      parameters_(parameters),
      program_(std::move(program)),
      radial_coefficients_(std::move(radial_coefficients)),
      n_elements_(n_elements),
      n_radial_(program_.n_radial()) {
  cutoffs_.assign(static_cast<std::size_t>(n_elements) * n_elements, parameters.cutoff);
  if (!(parameters_.min_distance >= 0.0) || !(parameters_.cutoff > parameters_.min_distance) ||
      !std::isfinite(parameters_.cutoff))
    throw ParameterError(where + ": the cutoff (" + std::to_string(parameters_.cutoff) +
                         " angstrom) must be larger than min_distance (" + std::to_string(parameters_.min_distance) +
                         " angstrom), and that not negative.");
  if (parameters_.radial_basis_size < 1 || parameters_.radial_basis_size > max_radial_basis)
    throw ParameterError(where + ": radial_basis_size must be 1 to " + std::to_string(max_radial_basis) + ", not " +
                         std::to_string(parameters_.radial_basis_size) + ".");
  program_.check(where);
  if (n_radial_ > max_radial_functions)
    throw ParameterError(where + ": " + std::to_string(n_radial_) + " radial functions are more than the supported " +
                         std::to_string(max_radial_functions) + ".");
  const std::size_t expected =
      static_cast<std::size_t>(n_elements) * n_elements * n_radial_ * parameters_.radial_basis_size;
  if (radial_coefficients_.empty()) {
    radial_coefficients_.assign(expected, 0.0);
    for (std::size_t row = 0; row < expected / parameters_.radial_basis_size; ++row) {
      const int polynomial = std::min<int>(row % n_radial_, parameters_.radial_basis_size - 1);
      radial_coefficients_[row * parameters_.radial_basis_size + polynomial] = 1.0;
    }
  }
  if (radial_coefficients_.size() != expected)
    throw FormatError(where + ": expected " + std::to_string(expected) + " radial coefficients (" +
                      std::to_string(n_elements) + " x " + std::to_string(n_elements) + " elements x " +
                      std::to_string(n_radial_) + " radial functions x " +
                      std::to_string(parameters_.radial_basis_size) + " polynomials), found " +
                      std::to_string(radial_coefficients_.size()) + ".");
  sort_program(where);
  order_values();
  find_reachable();
  set_tables();
}

/// Renumbers moments for the kernels: basic ones by rows of monomials, then their expansions, then products in
/// an order in which every factor of a product comes before it. program_ keeps the numbering of the file.
void MomentTensor::sort_program(const std::string& where) {
  // With a level it is of this program's making.
  const ContractionProgram program = parameters_.level ? program_ : with_fewest_products(program_);
  MomentNumbers numbers = number_rows(program);
  n_basic_ = static_cast<int>(numbers.size());
  std::vector<int> number(program.n_moments, -1);  // [moment in the file] moment in the kernels
  for (std::size_t i = 0; i < program.basic.size(); ++i) number[i] = expand(program.basic[i], numbers);

  products_ = ProductProgram(static_cast<int>(numbers.size()));
  const ProductsByTarget products = products_by_target(program, where);
  for (int moment : order_of_products(program, products)) {
    for (int p : products[moment]) {
      const auto& [left, right, factor, target] = program.products[p];
      products_.multiply(number[left], number[right], factor);
    }
    number[moment] = products_.finish_moment();
  }
  products_.finish();
  for (int moment : program.mapping) mapping_.push_back(number[moment]);
}

/// Numbers the monomials that are summed over neighbors, which have z to the power 0 or 1.
MomentTensor::MomentNumbers MomentTensor::number_rows(const ContractionProgram& program) {
  // Largest degree of the monomials summed with a radial function; a later one has no larger degree.
  const int radial_stride = radial_stride_of(n_radial_);
  std::vector<int> degree(radial_stride, -1);
  for (const auto& [mu, a, b, c] : program.basic) degree[mu] = std::max(degree[mu], a + b + c);
  for (int mu = n_radial_ - 2; mu >= 0; --mu) degree[mu] = std::max(degree[mu], degree[mu + 1]);

  MomentNumbers numbers;
  row_begin_.assign(1, 0);
  for (int c = 0; c < 2; ++c) {
    n_rows_[c] = std::max(0, degree[0] + 1 - c);
    for (int b = 0; b < n_rows_[c]; ++b) {
      for (int mu = 0; mu < radial_stride; ++mu) row_ends_.push_back(std::max(0, degree[mu] + 1 - b - c));
      int next = row_begin_.back();
      for (int a = 0; a <= degree[0] - b - c; ++a)
        for (int mu = 0; mu < n_radial_ && degree[mu] >= a + b + c; ++mu) numbers[{mu, a, b, c}] = next++;
      row_begin_.push_back(next);
    }
  }
  for (int mu = 0; mu < n_radial_; ++mu)
    for (int c = 1; c >= 0; --c)
      for (int b = degree[mu] - c; b >= 0; --b)
        for (int a = degree[mu] - b - c; a >= 0; --a) nested_.push_back(numbers.at({mu, a, b, c}));
  return numbers;
}

/// The number of a moment; one that has none yet becomes a difference of three others: z^2 = 1 - x^2 - y^2.
int MomentTensor::expand(const Moment& moment, MomentNumbers& numbers) {
  if (const auto found = numbers.find(moment); found != numbers.end()) return found->second;
  const auto [mu, a, b, c] = moment;
  const std::array<Moment, 3> parts{{{mu, a, b, c - 2}, {mu, a + 2, b, c - 2}, {mu, a, b + 2, c - 2}}};
  for (const Moment& part : parts) expand(part, numbers);
  for (const Moment& part : parts) expansion_.push_back(numbers.at(part));
  const int number = static_cast<int>(numbers.size());
  return numbers[moment] = number;
}

/// Values that depend on much the same basic moments next to each other, in tiles: beginning with the one that depends
/// on the fewest, each takes, of the next few, that which adds the fewest.
void MomentTensor::order_values() {
  constexpr std::size_t choice = 64;
  const int n_values = program_.n_values(), first_product = products_.first_product();
  std::vector<Bits> of_moment(products_.n_moments(), Bits(n_basic_));
  for (int moment = 0; moment < n_basic_; ++moment) of_moment[moment].set(moment);
  for (int e = 0; n_basic_ + e < first_product; ++e)
    for (int part = 0; part < 3; ++part) of_moment[n_basic_ + e].add(of_moment[expansion_[3 * e + part]]);
  for (int moment = first_product; moment < products_.n_moments(); ++moment)
    products_.for_each_product(moment, [&](int left, int right) {
      of_moment[moment].add(of_moment[left]);
      of_moment[moment].add(of_moment[right]);
    });

  std::vector<int> left(n_values);
  std::iota(left.begin(), left.end(), 0);
  const auto bits_of = [&](int value) -> const Bits& { return of_moment[mapping_[value]]; };
  std::ranges::stable_sort(left, {}, [&](int value) { return bits_of(value).count(); });
  const std::size_t tile = static_cast<std::size_t>(Tables<double>::jacobian_tile) * block_size();
  dependence_begin_.assign(1, 0);
  while (!left.empty()) {
    Bits all(n_basic_);
    for (std::size_t i = 0; i < tile && !left.empty(); ++i) {
      const auto last = left.begin() + std::min(choice, left.size());
      const auto best =
          std::ranges::min_element(left.begin(), last, {}, [&](int value) { return all.missing(bits_of(value)); });
      all.add(bits_of(*best));
      value_order_.push_back(*best);
      left.erase(best);
    }
    for (int basic = 0; basic < n_basic_; ++basic)
      if (all.has(basic)) dependences_.push_back(basic);
    dependence_begin_.push_back(static_cast<int>(dependences_.size()));
  }
}

void MomentTensor::find_reachable() {
  const int n_values = program_.n_values(), width = block_size();
  const int first_product = products_.first_product(), n_moments = products_.n_moments();
  reachable_begin_.assign(1, 0);
  for (int first = 0; first < n_values; first += width) {
    std::vector<bool> reached(n_moments, false);
    for (int k = first; k < std::min(n_values, first + width); ++k) reached[mapping_[value_order_[k]]] = true;
    for (int moment = n_moments - 1; moment >= first_product; --moment) {
      if (!reached[moment]) continue;
      reachable_.push_back(moment);
      products_.for_each_product(moment, [&](int left, int right) { reached[left] = reached[right] = true; });
    }
    reachable_begin_.push_back(static_cast<int>(reachable_.size()));
  }
}

void MomentTensor::set_tables() {
  auto& t = mutable_tables<double>() = tables_without_arrays<double>();
  t.row_ends = row_ends_.data();
  t.row_begin = row_begin_.data();
  t.nested = nested_.data();
  t.expansion = expansion_.data();
  products_.set_arrays(t);
  t.mapping = mapping_.data();
  t.value_order = value_order_.data();
  t.reachable_begin = reachable_begin_.data();
  t.reachable = reachable_.data();
  t.dependence_begin = dependence_begin_.data();
  t.dependences = dependences_.data();
  mutable_tables<float>() = tables_without_arrays<float>();
  arrays_.round(t, mutable_tables<float>());
  set_radial();
}

template <class Real>
Tables<Real> MomentTensor::tables_without_arrays() const {
  const int width = block_size(precision_of<Real>);
  Tables<Real> t{};
  t.n_elements = n_elements_;
  t.n_radial = n_radial_;
  t.n_polynomials = parameters_.radial_basis_size;
  t.cutoff = static_cast<Real>(parameters_.cutoff);
  t.min_distance = static_cast<Real>(parameters_.min_distance);
  t.scaling = static_cast<Real>(parameters_.scaling);
  t.neighbor_stride = n_elements_ == 1 ? 1 : (n_elements_ + width - 1) / width * width;
  t.radial_stride = radial_stride_of(t.n_radial);
  std::copy(n_rows_.begin(), n_rows_.end(), t.n_rows);
  t.n_basic = n_basic_;
  t.n_expanded = static_cast<int>(expansion_.size()) / 3;
  products_.set_sizes(t);
  t.n_values = program_.n_values();
  t.reachable_width = block_size();
  t.n_dependences = static_cast<int>(dependences_.size());
  return t;
}

/// The radial coefficients, for the registers of both precisions.
void MomentTensor::set_radial() {
  // T_b' = 2 b (T_{b-1} + T_{b-3} + ..), where T_0 counts half.
  const std::size_t n = parameters_.radial_basis_size;
  const double slope = 2.0 / (parameters_.cutoff - parameters_.min_distance);
  std::vector<double> slopes(radial_coefficients_.size(), 0.0);
  for (std::size_t row = 0; row < slopes.size(); row += n) {
    for (std::size_t b = n - 1; b > 0; --b)
      slopes[row + b - 1] = 2.0 * b * slope * radial_coefficients_[row + b] + (b + 1 < n ? slopes[row + b + 1] : 0.0);
    slopes[row] *= 0.5;
  }
  set_radial<double>(slopes);
  set_radial<float>(slopes);
}

template <class Real>
void MomentTensor::set_radial(const std::vector<double>& slopes) {
  Tables<Real>& t = mutable_tables<Real>();
  const int stride = t.neighbor_stride, n_polynomials = t.n_polynomials;
  auto& radial = std::get<RadialNumbers<Real>>(radial_);
  radial.assign(static_cast<std::size_t>(n_elements_) * n_polynomials * t.radial_stride * 2 * stride, Real(0));
  std::size_t from = 0;
  for (int center = 0; center < n_elements_; ++center)
    for (int neighbor = 0; neighbor < n_elements_; ++neighbor)
      for (int mu = 0; mu < n_radial_; ++mu)
        for (int b = 0; b < n_polynomials; ++b, ++from) {
          Real* to = &radial[((center * n_polynomials + b) * t.radial_stride + mu) * 2 * stride + neighbor];
          to[0] = static_cast<Real>(radial_coefficients_[from]);
          to[stride] = static_cast<Real>(slopes[from]);
        }
  t.radial = radial.data();
}

std::vector<std::string> MomentTensor::names(int) const {
  std::vector<std::string> list;
  for (int k = 0; k < program_.n_values(); ++k) list.push_back("B" + std::to_string(k));
  return list;
}

std::string MomentTensor::citation() const {
  return "moment tensor potentials: doi:10.1137/15M1054183\n\n"
         "@Article{Shapeev2016,\n"
         "  author = {Shapeev, Alexander V.},\n"
         "  title = {Moment Tensor Potentials: A Class of Systematically Improvable Interatomic Potentials},\n"
         "  journal = {Multiscale Modeling \\& Simulation},\n"
         "  volume = {14},\n"
         "  pages = {1153--1173},\n"
         "  year = {2016},\n"
         "  doi = {10.1137/15M1054183}\n"
         "}\n";
}

Json MomentTensor::to_json() const {
  return typed_schema().write({parameters_, program_, radial_coefficients_, n_elements_});
}

void MomentTensor::set_parameters(std::span<const double> values) {
  if (values.size() != radial_coefficients_.size())
    throw ParameterError("The moment tensor descriptor has " + std::to_string(radial_coefficients_.size()) +
                         " radial coefficients, but " + std::to_string(values.size()) + " were given.");
  radial_coefficients_.assign(values.begin(), values.end());
  set_radial();
}

void MomentTensor::adopt_parameters(const Descriptor& smaller) {
  const auto* other = dynamic_cast<const MomentTensor*>(&smaller);
  if (other == nullptr || other->n_elements_ != n_elements_ || other->parameters_.cutoff != parameters_.cutoff ||
      other->parameters_.min_distance != parameters_.min_distance)
    throw ParameterError(
        "A moment tensor descriptor can start only from another with the same elements, cutoff and "
        "min_distance (here " +
        std::to_string(parameters_.cutoff) + " and " + std::to_string(parameters_.min_distance) + " angstrom).");
  const int old_radial = other->n_radial_, new_radial = n_radial_;
  const int old_size = other->parameters_.radial_basis_size, new_size = parameters_.radial_basis_size;
  const double factor = other->parameters_.scaling / parameters_.scaling;
  for (int pair = 0; pair < n_elements_ * n_elements_; ++pair)
    for (int mu = 0; mu < std::min(old_radial, new_radial); ++mu)
      for (int b = 0; b < new_size; ++b)
        radial_coefficients_[(pair * new_radial + mu) * new_size + b] =
            b < old_size ? factor * other->radial_coefficients_[(pair * old_radial + mu) * old_size + b] : 0.0;
  set_radial();
}

}  // namespace forcesmith::moment_tensor
