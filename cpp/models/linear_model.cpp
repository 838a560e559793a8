#include "models/linear_model.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace forcesmith {

const SchemaOf<LinearParameters>& LinearParameters::schema() {
  using P = LinearParameters;
  static const auto schema =
      SchemaOf<P>()
          .field(&P::shared, "shared", "", "one set of coefficients for all elements")
          .per_element(&P::energy_offsets, 0.0, "energy_offsets", "eV", "energy of an isolated atom of every element")
          .trained()
          .field(&P::coefficients, "coefficients", "eV", "[one set, or one per element][descriptor value]")
          .trained();
  return schema;
}

std::unique_ptr<Model> LinearModel::create(const Json& given, const std::vector<int>& sizes, const std::string& where) {
  const int n_elements = static_cast<int>(sizes.size());
  return std::make_unique<LinearModel>(LinearParameters::schema().read(given, {where}, n_elements), sizes, where);
}

LinearModel::LinearModel(LinearParameters parameters, std::vector<int> sizes, const std::string& where)
    : sizes_(std::move(sizes)), parameters_(std::move(parameters.energy_offsets)), shared_(parameters.shared) {
  if (shared_ && std::adjacent_find(sizes_.begin(), sizes_.end(), std::not_equal_to<>()) != sizes_.end())
    throw ParameterError(where +
                         ": the elements have different numbers of descriptor values, so their "
                         "coefficients cannot be shared; set \"shared\" to false.");
  if (parameters_.size() != sizes_.size())
    throw FormatError(where + ": expected " + std::to_string(sizes_.size()) +
                      " energy offset(s), one per element, found " + std::to_string(parameters_.size()) + ".");
  const CoefficientSets coefficients = complete(
      std::move(parameters.coefficients), [](int n) { return static_cast<std::size_t>(n); }, "coefficients",
      "as many as the", where);
  for (const auto& set : coefficients) {
    first_column_.push_back(parameters_.size());
    parameters_.insert(parameters_.end(), set.begin(), set.end());
  }
  first_column_.resize(sizes_.size(), first_column_.front());
}

CoefficientSets LinearModel::complete(std::optional<CoefficientSets> given,
                                      const std::function<std::size_t(int)>& set_size, const std::string& what,
                                      const std::string& explanation, const std::string& where) const {
  CoefficientSets sets;
  if (given) sets = std::move(*given);
  else
    for (int set = 0; set < n_sets(); ++set) sets.emplace_back(set_size(sizes_[set]), 0.0);
  if (static_cast<int>(sets.size()) != n_sets())
    throw FormatError(where + ": expected " + std::to_string(n_sets()) + " set(s) of " + what + ", found " +
                      std::to_string(sets.size()) + ".");
  for (int set = 0; set < n_sets(); ++set)
    if (sets[set].size() != set_size(sizes_[set]))
      throw FormatError(where + ": expected " + std::to_string(set_size(sizes_[set])) + " " + what + ", " +
                        explanation + " " + std::to_string(sizes_[set]) + " descriptor values, found " +
                        std::to_string(sets[set].size()) + ".");
  return sets;
}

LinearParameters LinearModel::settings() const {
  CoefficientSets sets;
  for (int set = 0; set < n_sets(); ++set) sets.emplace_back(coefficients(set).begin(), coefficients(set).end());
  return {shared_, {offsets().begin(), offsets().end()}, std::move(sets)};
}

Json LinearModel::to_json() const { return LinearParameters::schema().write(settings()); }

void LinearModel::energies_and_gradients(Workspace&, int n_atoms, const int* types, const double* B, int stride,
                                         double* energies, double* beta) const {
  const linear::Tables t = tables();
  for (int atom = 0; atom < n_atoms; ++atom) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    energies[atom] = linear::FORCESMITH_ISA::compute_energy(t, types[atom], B + row, beta + row);
  }
}

void LinearModel::parameter_adjoint(Workspace&, int n_atoms, const int* types, const double* B, const double* B_dot,
                                    int stride, const double* energy_bar, double* B_bar, double* B_dot_bar,
                                    double* gradient) const {
  const linear::Tables t = tables();
  for (int atom = 0; atom < n_atoms; ++atom) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    linear::FORCESMITH_ISA::reverse_energy(t, types[atom], energy_bar[atom], B_bar + row, B_dot_bar + row);
    gradient[types[atom]] += energy_bar[atom];
    double* columns = gradient + first_column_[types[atom]];
    for (int k = 0; k < sizes_[types[atom]]; ++k) columns[k] += energy_bar[atom] * B[row + k] + B_dot[row + k];
  }
}

void LinearModel::features(Workspace&, int n_atoms, const int* types, const double* B, int stride, double* features,
                           int feature_stride) const {
  const linear::Tables t = tables();
  for (int atom = 0; atom < n_atoms; ++atom)
    linear::FORCESMITH_ISA::compute_features(t, types[atom], B + static_cast<std::ptrdiff_t>(atom) * stride,
                                             features + static_cast<std::ptrdiff_t>(atom) * feature_stride);
}

void LinearModel::set_parameters(std::span<const double> values) {
  if (values.size() != parameters_.size())
    throw ParameterError("The linear model has " + std::to_string(parameters_.size()) + " parameters, but " +
                         std::to_string(values.size()) + " were given.");
  parameters_.assign(values.begin(), values.end());
}

std::vector<ParameterBlock> LinearModel::parameter_blocks() const {
  std::vector<ParameterBlock> blocks{{"energy_offsets", ParameterRole::offset, 0, sizes_.size()}};
  add_blocks("coefficients", [](int size) { return size; }, blocks);
  return blocks;
}

void LinearModel::add_blocks(const std::string& name, const std::function<std::size_t(int)>& set_size,
                             std::vector<ParameterBlock>& blocks) const {
  for (int set = 0; set < n_sets(); ++set) {
    ParameterBlock block{name, ParameterRole::weight, blocks.back().begin + blocks.back().size, set_size(sizes_[set])};
    if (!shared_) {
      block.name += "[" + std::to_string(set) + "]";
      block.element = set;
    }
    blocks.push_back(std::move(block));
  }
}

void LinearModel::add_design_row(int element, const double* B, double* row) const {
  row[element] += 1.0;
  double* columns = row + first_column_[element];
  for (int k = 0; k < sizes_[element]; ++k) columns[k] += B[k];
}

void LinearModel::add_design_gradient(int element, const double*, const double* dB, double factor, double* row) const {
  double* columns = row + first_column_[element];
  for (int k = 0; k < sizes_[element]; ++k) columns[k] += factor * dB[k];
}

}  // namespace forcesmith
