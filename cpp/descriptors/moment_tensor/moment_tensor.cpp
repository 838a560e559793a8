#include "descriptors/moment_tensor/moment_tensor.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "neighbors/packed_neighbors.hpp"

namespace forcesmith {

namespace {

struct MomentTensorWorkspace : Descriptor::Workspace {
  PackedNeighbors neighbors;
  PackedView view{};
  MomentTensorScratch scratch{};
  AlignedBuffer radial, monomials, moments, gradients;
};

template <std::size_t N>
Json array_of_tuples(const std::vector<std::array<int, N>>& tuples) {
  Json list = Json::array();
  for (const auto& tuple : tuples) list.push_back(tuple);
  return list;
}

bool is_integer(const Json& value) {
  return value.is_number_integer() && value == value.get<int>();
}

bool are_quadruples(const Json& list) {
  return std::all_of(list.begin(), list.end(), [](const Json& item) {
    return item.is_array() && item.size() == 4 && std::all_of(item.begin(), item.end(), is_integer);
  });
}

ContractionProgram program_from_json(const Json& given, const std::string& where) {
  const ParameterSchema schema{
      {"basic", "array", "", {}, "basic moments [mu, a, b, c]"},
      {"mapping", "array", "", {}, "moment of every basis function"},
      {"moments", "integer", "", {}, "number of moments"},
      {"products", "array", "", {}, "products [left, right, factor, target]"}};
  const Json checked = checked_parameters(schema, given, "\"contractions\" of " + where);
  const Json& mapping = checked.at("mapping");
  if (!are_quadruples(checked.at("basic")) || !are_quadruples(checked.at("products")) ||
      !std::all_of(mapping.begin(), mapping.end(), is_integer))
    throw FormatError("The \"contractions\" of " + where +
                      " must hold lists of integers: basic and products of four each, mapping of one each.");
  ContractionProgram program;
  program.basic = checked.at("basic").get<std::vector<std::array<int, 4>>>();
  program.products = checked.at("products").get<std::vector<std::array<int, 4>>>();
  program.mapping = mapping.get<std::vector<int>>();
  program.n_moments = checked.at("moments").get<int>();
  return program;
}

/// Flattens nested lists of numbers.
void append_numbers(const Json& value, std::vector<double>& numbers, const std::string& where) {
  if (value.is_array())
    for (const Json& item : value) append_numbers(item, numbers, where);
  else if (value.is_number())
    numbers.push_back(value.get<double>());
  else
    throw FormatError("\"radial_coefficients\" of " + where + " must hold numbers only, but holds " +
                      value.dump().substr(0, 40) + ".");
}

}  // namespace

ParameterSchema MomentTensor::schema() {
  return {
      {"level", "integer", "", {}, "largest level of a basis function, even, 2 to 28", true},
      {"cutoff", "number", "angstrom", {}, "distance beyond which neighbors do not count"},
      {"min_distance", "number", "angstrom", {}, "lower end of the radial interval, about the smallest distance in the data"},
      {"radial_basis_size", "integer", "", 8, "Chebyshev polynomials per radial function"},
      {"max_factors", "integer", "", 4, "most moments multiplied in one basis function"},
      {"scaling", "number", "", {}, "factor of the radial polynomials; default 1 / (cutoff - min_distance)^2", true},
      {"contractions", "object", "", {}, "contraction program; generated from the level if absent", true},
      {"radial_coefficients", "array", "", {}, "[center element][neighbor element][radial function][polynomial]", true}};
}

std::unique_ptr<Descriptor> MomentTensor::create(const Json& given,
                                                 const std::vector<std::string>& elements,
                                                 const std::string& where) {
  const Json checked = checked_parameters(schema(), given, where);
  MomentTensorParameters parameters;
  parameters.level = checked.value("level", 0);
  parameters.max_factors = checked.at("max_factors");
  parameters.cutoff = checked.at("cutoff");
  parameters.min_distance = checked.at("min_distance");
  parameters.radial_basis_size = checked.at("radial_basis_size");
  const double interval = parameters.cutoff - parameters.min_distance;
  parameters.scaling = checked.value("scaling", 1.0 / (interval * interval));
  ContractionProgram program;
  if (checked.contains("contractions")) program = program_from_json(checked.at("contractions"), where);
  else if (checked.contains("level"))
    program = generate_contractions(parameters.level, parameters.max_factors);
  else
    throw ParameterError("The parameter \"level\" of " + where +
                         " is missing: an even number from 2 to 28 that sets the number of basis functions.");
  std::vector<double> coefficients;
  if (checked.contains("radial_coefficients"))
    append_numbers(checked.at("radial_coefficients"), coefficients, where);
  return std::make_unique<MomentTensor>(parameters, std::move(program), std::move(coefficients),
                                        static_cast<int>(elements.size()), where);
}

MomentTensor::MomentTensor(const MomentTensorParameters& parameters, ContractionProgram program,
                           std::vector<double> radial_coefficients, int n_elements,
                           const std::string& where)
    : parameters_(parameters),
      program_(std::move(program)),
      radial_coefficients_(std::move(radial_coefficients)),
      n_elements_(n_elements),
      cutoffs_(static_cast<std::size_t>(n_elements) * n_elements, parameters.cutoff),
      variant_(FORCESMITH_VARIANT_IN_USE(moment_tensor_variant)) {
  if (!(parameters_.min_distance >= 0.0) || !(parameters_.cutoff > parameters_.min_distance) ||
      !std::isfinite(parameters_.cutoff))
    throw ParameterError(where + ": the cutoff (" + std::to_string(parameters_.cutoff) +
                         " angstrom) must be larger than min_distance (" +
                         std::to_string(parameters_.min_distance) +
                         " angstrom), and that not negative.");
  if (parameters_.radial_basis_size < 1 ||
      parameters_.radial_basis_size > MomentTensorTables::max_radial_basis)
    throw ParameterError(where + ": radial_basis_size must be 1 to " +
                         std::to_string(MomentTensorTables::max_radial_basis) + ", not " +
                         std::to_string(parameters_.radial_basis_size) + ".");
  program_.check(where);
  const int n_radial = program_.n_radial();
  if (n_radial > MomentTensorTables::max_radial_functions)
    throw ParameterError(where + ": " + std::to_string(n_radial) +
                         " radial functions are more than the supported " +
                         std::to_string(MomentTensorTables::max_radial_functions) + ".");
  const std::size_t expected = static_cast<std::size_t>(n_elements) * n_elements * n_radial *
                               parameters_.radial_basis_size;
  if (radial_coefficients_.empty()) {
    radial_coefficients_.assign(expected, 0.0);
    for (std::size_t row = 0; row < expected / parameters_.radial_basis_size; ++row) {
      const int polynomial = std::min<int>(row % n_radial, parameters_.radial_basis_size - 1);
      radial_coefficients_[row * parameters_.radial_basis_size + polynomial] = 1.0;
    }
  }
  if (radial_coefficients_.size() != expected)
    throw FormatError(where + ": expected " + std::to_string(expected) + " radial coefficients (" +
                      std::to_string(n_elements) + " x " + std::to_string(n_elements) +
                      " elements x " + std::to_string(n_radial) + " radial functions x " +
                      std::to_string(parameters_.radial_basis_size) + " polynomials), found " +
                      std::to_string(radial_coefficients_.size()) + ".");
  sort_program(where);
  reachable_ = find_reachable(tables(), variant_.width);
}

/// Renumbers moments for the kernels: basic ones by monomial, the others in an order in which every
/// factor of a product comes before it. program_ keeps the numbering of the file.
void MomentTensor::sort_program(const std::string& where) {
  // Monomials (a, b, c) with all their parents: c is lowered first, then b, then a.
  using Power = std::array<int, 3>;
  auto axis_of = [](const Power& p) { return p[2] > 0 ? 2 : p[1] > 0 ? 1 : 0; };
  auto before = [&](const Power& p, const Power& q) {
    const bool p_constant = p == Power{}, q_constant = q == Power{};
    if (p_constant != q_constant) return p_constant;
    if (axis_of(p) != axis_of(q)) return axis_of(p) < axis_of(q);
    return std::array{p[2], p[1], p[0]} < std::array{q[2], q[1], q[0]};
  };
  std::map<Power, int, decltype(before)> monomials(before);
  monomials[{}] = 0;
  for (const auto& [mu, a, b, c] : program_.basic)
    for (Power p{a, b, c}; p != Power{}; --p[axis_of(p)]) monomials[p] = 0;
  int count = 0;
  for (auto& item : monomials) item.second = count++;
  axis_begin_ = {1, 1, 1, count};
  parent_.assign(count, 0);
  for (const auto& [power, index] : monomials) {
    if (power == Power{}) continue;
    Power parent = power;
    --parent[axis_of(power)];
    parent_[index] = monomials.at(parent);
    for (int axis = axis_of(power) + 1; axis < 3; ++axis)
      axis_begin_[axis] = std::max(axis_begin_[axis], index + 1);
  }

  // Basic moments by monomial, then radial function.
  const int n_basic = static_cast<int>(program_.basic.size());
  std::vector<std::array<int, 3>> sorted;  // monomial, mu, moment in the file
  for (int i = 0; i < n_basic; ++i) {
    const auto& [mu, a, b, c] = program_.basic[i];
    sorted.push_back({monomials.at({a, b, c}), mu, i});
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> number(program_.n_moments, -1);  // [moment in the file] moment in the kernels
  basic_begin_.assign(count + 1, 0);
  for (int i = 0; i < n_basic; ++i) {
    number[sorted[i][2]] = i;
    basic_mu_.push_back(sorted[i][1]);
    ++basic_begin_[sorted[i][0] + 1];
  }
  for (int m = 0; m < count; ++m) basic_begin_[m + 1] += basic_begin_[m];

  // Products grouped by target, only for moments that some basis function needs.
  std::vector<std::vector<int>> products_of(program_.n_moments);
  for (std::size_t p = 0; p < program_.products.size(); ++p)
    products_of[program_.products[p][3]].push_back(static_cast<int>(p));
  int next = n_basic;
  product_begin_.assign(1, 0);
  std::function<void(int)> place = [&](int moment) {
    if (number[moment] >= 0) return;
    for (int p : products_of[moment]) {
      place(program_.products[p][0]);
      place(program_.products[p][1]);
    }
    number[moment] = next++;
    for (int p : products_of[moment]) {
      product_left_.push_back(number[program_.products[p][0]]);
      product_right_.push_back(number[program_.products[p][1]]);
      product_factor_.push_back(program_.products[p][2]);
    }
    product_begin_.push_back(static_cast<int>(product_left_.size()));
  };
  // File order, which check() found to be valid, keeps related moments together.
  std::vector<bool> needed(program_.n_moments, false);
  std::function<void(int)> mark = [&](int moment) {
    if (needed[moment]) return;
    needed[moment] = true;
    for (int p : products_of[moment]) {
      mark(program_.products[p][0]);
      mark(program_.products[p][1]);
    }
  };
  for (int moment : program_.mapping) {
    if (moment >= n_basic && products_of[moment].empty())
      throw FormatError(where + ": a basis function is mapped to moment " + std::to_string(moment) +
                        ", which no product gives.");
    mark(moment);
  }
  for (int moment = n_basic; moment < program_.n_moments; ++moment)
    if (needed[moment]) place(moment);
  for (int moment : program_.mapping) mapping_.push_back(number[moment]);
}

ReachableMoments find_reachable(const MomentTensorTables& t, int width) {
  ReachableMoments found{{0}, {}};
  for (int first = 0; first < t.n_values; first += width) {
    std::vector<bool> reached(t.n_moments, false);
    for (int k = first; k < std::min(t.n_values, first + width); ++k) reached[t.mapping[k]] = true;
    for (int moment = t.n_moments - 1; moment >= t.n_basic; --moment) {
      if (!reached[moment]) continue;
      found.moments.push_back(moment);
      const int end = t.product_begin[moment - t.n_basic + 1];
      for (int p = t.product_begin[moment - t.n_basic]; p < end; ++p)
        reached[t.product_left[p]] = reached[t.product_right[p]] = true;
    }
    found.begin.push_back(static_cast<int>(found.moments.size()));
  }
  return found;
}

MomentTensorTables MomentTensor::tables() const {
  MomentTensorTables t{};
  t.n_elements = n_elements_;
  t.n_radial = program_.n_radial();
  t.n_polynomials = parameters_.radial_basis_size;
  t.cutoff = parameters_.cutoff;
  t.min_distance = parameters_.min_distance;
  t.scaling = parameters_.scaling;
  t.radial = radial_coefficients_.data();
  t.n_monomials = static_cast<int>(parent_.size());
  std::copy(axis_begin_.begin(), axis_begin_.end(), t.axis_begin);
  t.parent = parent_.data();
  t.n_basic = static_cast<int>(program_.basic.size());
  t.basic_begin = basic_begin_.data();
  t.basic_mu = basic_mu_.data();
  t.n_moments = t.n_basic + static_cast<int>(product_begin_.size()) - 1;
  t.product_begin = product_begin_.data();
  t.product_left = product_left_.data();
  t.product_right = product_right_.data();
  t.product_factor = product_factor_.data();
  t.n_values = program_.n_values();
  t.mapping = mapping_.data();
  t.reachable_begin = reachable_.begin.data();
  t.reachable = reachable_.moments.data();
  return t;
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
  Json json;
  json["type"] = type();
  if (parameters_.level > 0) json["level"] = parameters_.level;
  json["max_factors"] = parameters_.max_factors;
  json["cutoff"] = parameters_.cutoff;
  json["min_distance"] = parameters_.min_distance;
  json["radial_basis_size"] = parameters_.radial_basis_size;
  json["scaling"] = parameters_.scaling;
  Json coefficients = Json::array();
  auto value = radial_coefficients_.begin();
  for (int center = 0; center < n_elements_; ++center) {
    Json of_center = Json::array();
    for (int neighbor = 0; neighbor < n_elements_; ++neighbor) {
      Json functions = Json::array();
      for (int mu = 0; mu < program_.n_radial(); ++mu, value += parameters_.radial_basis_size)
        functions.push_back(std::vector<double>(value, value + parameters_.radial_basis_size));
      of_center.push_back(functions);
    }
    coefficients.push_back(of_center);
  }
  json["radial_coefficients"] = coefficients;
  json["contractions"] = {{"moments", program_.n_moments},
                          {"basic", array_of_tuples(program_.basic)},
                          {"products", array_of_tuples(program_.products)},
                          {"mapping", program_.mapping}};
  return json;
}

void MomentTensor::set_parameters(std::span<const double> values) {
  if (values.size() != radial_coefficients_.size())
    throw ParameterError("The moment tensor descriptor has " +
                         std::to_string(radial_coefficients_.size()) +
                         " radial coefficients, but " + std::to_string(values.size()) +
                         " were given.");
  radial_coefficients_.assign(values.begin(), values.end());
}

void MomentTensor::adopt_parameters(const Descriptor& smaller) {
  const auto* other = dynamic_cast<const MomentTensor*>(&smaller);
  if (other == nullptr || other->n_elements_ != n_elements_ ||
      other->parameters_.cutoff != parameters_.cutoff ||
      other->parameters_.min_distance != parameters_.min_distance)
    throw ParameterError(
        "A moment tensor descriptor can start only from another with the same elements, cutoff and "
        "min_distance (here " + std::to_string(parameters_.cutoff) + " and " +
        std::to_string(parameters_.min_distance) + " angstrom).");
  const int old_radial = other->program_.n_radial(), new_radial = program_.n_radial();
  const int old_size = other->parameters_.radial_basis_size, new_size = parameters_.radial_basis_size;
  const double factor = other->parameters_.scaling / parameters_.scaling;
  for (int pair = 0; pair < n_elements_ * n_elements_; ++pair)
    for (int mu = 0; mu < std::min(old_radial, new_radial); ++mu)
      for (int b = 0; b < new_size; ++b)
        radial_coefficients_[(pair * new_radial + mu) * new_size + b] =
            b < old_size
                ? factor * other->radial_coefficients_[(pair * old_radial + mu) * old_size + b]
                : 0.0;
}

std::unique_ptr<Descriptor::Workspace> MomentTensor::make_workspace(Precision precision) const {
  if (precision == Precision::single)
    throw std::logic_error("Moment tensors are computed in double precision only; ask for precision double.");
  return std::make_unique<MomentTensorWorkspace>();
}

void MomentTensor::values(const NeighborView& block, Workspace& workspace, double* B,
                          int stride) const {
  auto& w = static_cast<MomentTensorWorkspace&>(workspace);
  const int width = variant_.width;
  w.neighbors.pack(block, cutoffs_, n_elements_, width);
  w.view = w.neighbors.view();

  const MomentTensorTables t = tables();
  const std::size_t radial = static_cast<std::size_t>(w.neighbors.n_packs()) * t.n_radial * width;
  w.scratch.f = w.radial.reserve(2 * radial);
  w.scratch.df = w.scratch.f + radial;
  const std::size_t monomials = 2ul * t.n_monomials * width;
  const std::size_t sums = (t.n_basic + width) * static_cast<std::size_t>(width);
  w.scratch.monomials = w.monomials.reserve(2 * monomials + sums);
  w.scratch.dmonomials = w.scratch.monomials + monomials;
  w.scratch.sums = w.scratch.dmonomials + monomials;
  const std::size_t moments = static_cast<std::size_t>(t.n_moments) * width;
  w.scratch.moments = w.moments.reserve(4 * moments);
  w.scratch.moments_dot = w.scratch.moments + moments;
  w.scratch.adjoints = w.scratch.moments_dot + moments;
  w.scratch.adjoints_dot = w.scratch.adjoints + moments;
  variant_.values(t, w.view, w.scratch, B, stride);
}

void MomentTensor::backpropagate(Workspace& workspace, const double* beta, int stride,
                                 double* pair_gradients) const {
  auto& w = static_cast<MomentTensorWorkspace&>(workspace);
  variant_.backpropagate(tables(), w.view, w.scratch, beta, stride, pair_gradients);
}

void MomentTensor::gradients(Workspace& workspace, double* gradients, int stride) const {
  auto& w = static_cast<MomentTensorWorkspace&>(workspace);
  const MomentTensorTables t = tables();
  const int width = variant_.width;
  const int values_per_tile = MomentTensorScratch::jacobian_tile * width;
  const std::size_t tiles = (t.n_values + values_per_tile - 1) / values_per_tile;
  const std::size_t jacobian = tiles * t.n_basic * values_per_tile;
  const std::size_t dbasic = 3ul * t.n_basic * w.neighbors.max_packs_per_atom() * width;
  w.scratch.jacobian = w.gradients.reserve(jacobian + dbasic);
  w.scratch.dbasic = w.scratch.jacobian + jacobian;
  // The last tile may be wider than the values that are left.
  std::fill_n(w.scratch.jacobian, jacobian, 0.0);
  variant_.gradients(t, w.view, w.scratch, gradients, stride);
}

void MomentTensor::tangent(Workspace& workspace, const double* directions, double* B_dot,
                           int stride) const {
  auto& w = static_cast<MomentTensorWorkspace&>(workspace);
  variant_.tangent(tables(), w.view, w.scratch, directions, B_dot, stride);
}

void MomentTensor::parameter_adjoint(Workspace& workspace, const double* directions,
                                     const double* B_bar, const double* B_dot_bar, int stride,
                                     double* gradient) const {
  auto& w = static_cast<MomentTensorWorkspace&>(workspace);
  variant_.parameter_adjoint(tables(), w.view, w.scratch, directions, B_bar, B_dot_bar, stride,
                             gradient);
}

}  // namespace forcesmith
