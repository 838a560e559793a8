#include "models/embedding_model.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/normal_numbers.hpp"
#include "core/text.hpp"

namespace forcesmith {

namespace {

using embedding::Function;

/// dJ/drho and dJ/drho_dot of one atom.
struct EmbeddingWorkspace : Model::Workspace {
  std::vector<double> bars;
};

const Enumeration<Function>& function_names() {
  static const Enumeration<Function> names("function of the densities",
                                           {{"FinnisSinclair", Function::FinnisSinclair},
                                            {"FinnisSinclairShiftedScaled", Function::FinnisSinclairShiftedScaled}});
  return names;
}

std::vector<Function> functions_of(const Json& given, std::size_t n_elements, const Place& place) {
  if (given.is_string()) return std::vector<Function>(n_elements, function_names().value_of(given, place.where));
  check_list(given, n_elements, "name(s), one per element (or be one name for all)", place);
  std::vector<Function> all;
  for (const Json& name : given) all.push_back(function_names().value_of(name, place.where));
  return all;
}

/// "weights" and "exponents": a list with a number per density for each element, or one list for all.
void add_numbers_of_densities(SchemaOf<EmbeddingParameters>& schema,
                              std::vector<std::vector<double>> EmbeddingParameters::* member, const std::string& name,
                              const std::string& unit, const Json& fallback, const std::string& doc) {
  schema.custom(
      {name, "array", unit, fallback, doc + "; one list for all elements, or one per element"},
      [member](EmbeddingParameters& p, const Json& value, const Place& place, int n_elements) {
        for (const Json& list : lists_per_element(value, n_elements, place))
          (p.*member).push_back(numbers_of(list, list.size(), "numbers, one per density", place));
      },
      [member](const EmbeddingParameters& p) { return merged(p.*member); });
}

/// sizes: descriptor values per element [n_elements].
SchemaOf<EmbeddingParameters> schema_for(const std::vector<int>& sizes) {
  using P = EmbeddingParameters;
  const auto of_values = lists_form(sizes, "list(s), one per element", "number(s), one per descriptor value");
  SchemaOf<P> schema;
  schema.custom(
      {"function", "string or array", "", "FinnisSinclairShiftedScaled",
       "smooth power of the densities; one name for all elements, or one per element", false, false,
       function_names().names()},
      [](P& p, const Json& value, const Place& place, int n_elements) {
        p.functions = functions_of(value, n_elements, place);
      },
      [](const P& p) {
        std::vector<std::string> names;
        for (const Function own : p.functions) names.push_back(function_names().name_of(own));
        return merged(names);
      });
  add_numbers_of_densities(schema, &P::weights, "weights", "eV", {1.0, 1.0}, "factor of the power of each density");
  add_numbers_of_densities(schema, &P::exponents, "exponents", "", {1.0, 0.5}, "power of each density");
  schema.field(&P::seed, "seed", "", "of the random coefficients that training starts from");
  schema.per_element(&P::energy_offsets, 0.0, "energy_offsets", "eV", "energy of an isolated atom of every element")
      .trained();
  schema
      .field(&P::coefficients, "coefficients", "",
             "[element][density][descriptor value] of the scaled values; default random")
      .trained();
  schema
      .field(&P::input_factor, "input_factor", "", "[element][descriptor value] scale of the values; default 1",
             of_values)
      .trained();
  schema.field(&P::input_min, "input_min", "", "[element][descriptor value] smallest value of the training set",
               of_values);
  schema.field(&P::input_max, "input_max", "", "[element][descriptor value] largest value of the training set",
               of_values);
  return schema;
}

}  // namespace

ParameterSchema EmbeddingModel::schema() { return schema_for({}).fields(); }

std::unique_ptr<Model> EmbeddingModel::create(const Json& given, const std::vector<int>& sizes,
                                              const std::string& where) {
  const int n_elements = static_cast<int>(sizes.size());
  if (given.is_object() && given.contains("coefficients") && given["coefficients"] == Json::array())
    throw FormatError(where + ": expected coefficients of " + std::to_string(n_elements) + " element(s), found none.");
  return std::make_unique<EmbeddingModel>(schema_for(sizes).read(given, {where}, n_elements), sizes, where);
}

EmbeddingModel::EmbeddingModel(EmbeddingParameters parameters, std::vector<int> sizes, const std::string& where)
    : settings_(std::move(parameters)), sizes_(std::move(sizes)), parameters_(std::move(settings_.energy_offsets)) {
  for (std::size_t element = 0; element < sizes_.size(); ++element) {
    const std::vector<double>&weights = settings_.weights[element], &exponents = settings_.exponents[element];
    if (weights.empty() || exponents.size() != weights.size())
      throw ParameterError(where + ": weights and exponents must have the same number of entries, one per density, " +
                           "but have " + std::to_string(weights.size()) + " and " + std::to_string(exponents.size()) +
                           ".");
    for (double exponent : exponents)
      if (!(exponent > 0.0) || !std::isfinite(exponent))
        throw ParameterError(where + ": exponents must be positive, not " + printed(exponent) + ".");
    first_density_.push_back(weights_.size());
    weights_.insert(weights_.end(), weights.begin(), weights.end());
    exponents_.insert(exponents_.end(), exponents.begin(), exponents.end());
  }
  first_density_.push_back(weights_.size());
  if (parameters_.size() != sizes_.size())
    throw FormatError(where + ": expected " + std::to_string(sizes_.size()) +
                      " energy offset(s), one per element, found " + std::to_string(parameters_.size()) + ".");
  NormalNumbers normal(settings_.seed);
  const auto& given = settings_.coefficients;
  if (!given.empty() && given.size() != sizes_.size())
    throw FormatError(where + ": expected coefficients of " + std::to_string(sizes_.size()) + " element(s), found " +
                      std::to_string(given.size()) + ".");
  for (std::size_t element = 0; element < sizes_.size(); ++element) {
    const std::size_t size = sizes_[element];
    first_column_.push_back(parameters_.size());
    first_input_.push_back(factors_.size());
    if (settings_.input_factor.empty()) factors_.resize(factors_.size() + size, 1.0);
    else
      factors_.insert(factors_.end(), settings_.input_factor[element].begin(), settings_.input_factor[element].end());
    const std::size_t n = n_densities(element);
    if (!given.empty() && given[element].size() != n)
      throw FormatError(where + ": expected coefficients of " + std::to_string(n) + " densities, found " +
                        std::to_string(given[element].size()) + ".");
    for (std::size_t p = 0; p < n; ++p) {
      if (given.empty()) {
        const double spread = 0.1 / std::sqrt(static_cast<double>(size) * n);
        for (std::size_t k = 0; k < size; ++k) parameters_.push_back(spread * normal.next());
        continue;
      }
      const std::vector<double>& own = given[element][p];
      if (own.size() != size)
        throw FormatError(where + ": expected " + std::to_string(size) +
                          " coefficients, one per descriptor value, found " + std::to_string(own.size()) + ".");
      parameters_.insert(parameters_.end(), own.begin(), own.end());
    }
  }
  settings_.coefficients.clear();
  settings_.input_factor.clear();
}

embedding::Tables EmbeddingModel::tables() const {
  int most_densities = 0;
  for (const auto& weights : settings_.weights)
    most_densities = std::max(most_densities, static_cast<int>(weights.size()));
  return {static_cast<int>(sizes_.size()),
          most_densities,
          parameters_.size(),
          settings_.functions.data(),
          first_density_.data(),
          weights_.size(),
          weights_.data(),
          exponents_.data(),
          sizes_.data(),
          first_column_.data(),
          parameters_.data(),
          factors_.size(),
          first_input_.data(),
          factors_.data()};
}

Json EmbeddingModel::to_json() const {
  EmbeddingParameters p = settings_;
  p.energy_offsets.assign(parameters_.begin(), parameters_.begin() + static_cast<std::ptrdiff_t>(sizes_.size()));
  for (std::size_t element = 0; element < sizes_.size(); ++element) {
    const double* own = &parameters_[first_column_[element]];
    p.coefficients.emplace_back();
    for (std::size_t density = 0; density < n_densities(element); ++density, own += sizes_[element])
      p.coefficients.back().emplace_back(own, own + sizes_[element]);
    const double* factors = &factors_[first_input_[element]];
    p.input_factor.emplace_back(factors, factors + sizes_[element]);
  }
  return schema_for(sizes_).write(p);
}

std::unique_ptr<Model::Workspace> EmbeddingModel::make_workspace() const {
  return std::make_unique<EmbeddingWorkspace>();
}

void EmbeddingModel::energies_and_gradients(Workspace&, int n_atoms, const int* types, const double* B, int stride,
                                            double* energies, double* beta) const {
  const embedding::Tables t = tables();
  for (int atom = 0; atom < n_atoms; ++atom) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    energies[atom] = embedding::FORCESMITH_ISA::compute_energy(t, types[atom], B + row, beta + row);
  }
}

void EmbeddingModel::parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B,
                                       const double* B_dot, int stride, const double* energy_bar, double* B_bar,
                                       double* B_dot_bar, double* gradient) const {
  const embedding::Tables t = tables();
  std::vector<double>& bars = static_cast<EmbeddingWorkspace&>(workspace).bars;
  bars.resize(2ul * t.most_densities);
  for (int atom = 0; atom < n_atoms; ++atom) {
    const int element = types[atom], size = sizes_[element];
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    embedding::FORCESMITH_ISA::reverse_energy(t, element, B + row, B_dot + row, energy_bar[atom], bars.data(),
                                              B_bar + row, B_dot_bar + row);
    gradient[element] += energy_bar[atom];
    double* columns = gradient + first_column_[element];
    const double* factors = &factors_[first_input_[element]];
    for (std::size_t p = 0; p < n_densities(element); ++p, columns += size)
      for (int k = 0; k < size; ++k)
        columns[k] += factors[k] * (bars[2 * p] * B[row + k] + bars[2 * p + 1] * B_dot[row + k]);
  }
}

void EmbeddingModel::features(Workspace&, int n_atoms, const int* types, const double* B, int stride, double* features,
                              int feature_stride) const {
  const embedding::Tables t = tables();
  for (int atom = 0; atom < n_atoms; ++atom)
    embedding::FORCESMITH_ISA::compute_features(t, types[atom], B + static_cast<std::ptrdiff_t>(atom) * stride,
                                                features + static_cast<std::ptrdiff_t>(atom) * feature_stride);
}

std::optional<InputRange> EmbeddingModel::input_range(int element) const {
  if (settings_.input_min.empty() || settings_.input_max.empty()) return {};
  return InputRange{settings_.input_min[element], settings_.input_max[element]};
}

void EmbeddingModel::set_parameters(std::span<const double> values) {
  if (values.size() != parameters_.size())
    throw ParameterError("The embedding model has " + std::to_string(parameters_.size()) + " parameters, but " +
                         std::to_string(values.size()) + " were given.");
  parameters_.assign(values.begin(), values.end());
}

std::vector<ParameterBlock> EmbeddingModel::parameter_blocks() const {
  std::vector<ParameterBlock> blocks{{"energy_offsets", ParameterRole::offset, 0, sizes_.size()}};
  for (std::size_t element = 0; element < sizes_.size(); ++element)
    for (std::size_t p = 0; p < n_densities(element); ++p) {
      const std::size_t size = sizes_[element];
      blocks.push_back({"coefficients[" + std::to_string(element) + "][" + std::to_string(p) + "]",
                        ParameterRole::weight, first_column_[element] + p * size, size, static_cast<int>(element)});
    }
  return blocks;
}

std::optional<std::size_t> EmbeddingModel::linear_density(std::size_t element) const {
  for (std::size_t p = 0; p < n_densities(element); ++p)
    if (settings_.exponents[element][p] == 1.0 && settings_.weights[element][p] != 0.0) return p;
  return {};
}

bool EmbeddingModel::has_linear_part() const {
  for (std::size_t element = 0; element < sizes_.size(); ++element)
    if (!linear_density(element)) return false;
  return true;
}

void EmbeddingModel::set_linear_part(const std::vector<std::vector<double>>& coefficients) {
  if (!has_linear_part()) return Model::set_linear_part(coefficients);
  bool fit = coefficients.size() == sizes_.size();
  for (std::size_t element = 0; fit && element < sizes_.size(); ++element)
    fit = coefficients[element].size() == static_cast<std::size_t>(sizes_[element]);
  if (!fit) throw ParameterError("The linear part must have a coefficient per element and descriptor value.");
  for (std::size_t element = 0; element < sizes_.size(); ++element) {
    const std::size_t density = *linear_density(element);
    double* own = &parameters_[first_column_[element] + density * sizes_[element]];
    const double* factors = &factors_[first_input_[element]];
    for (int k = 0; k < sizes_[element]; ++k)
      own[k] = factors[k] == 0.0 ? 0.0 : coefficients[element][k] / (settings_.weights[element][density] * factors[k]);
  }
}

void EmbeddingModel::standardize_inputs(InputStatistics statistics) {
  for (const auto* lists : {&statistics.factor, &statistics.min, &statistics.max}) {
    bool fit = lists->size() == sizes_.size();
    for (std::size_t element = 0; fit && element < sizes_.size(); ++element)
      fit = (*lists)[element].size() == static_cast<std::size_t>(sizes_[element]);
    if (!fit) throw ParameterError("The statistics of the inputs must have a number per element and descriptor value.");
  }
  factors_.clear();
  for (const auto& own : statistics.factor) factors_.insert(factors_.end(), own.begin(), own.end());
  settings_.input_min = std::move(statistics.min);
  settings_.input_max = std::move(statistics.max);
}

}  // namespace forcesmith
