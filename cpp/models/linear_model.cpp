#include "models/linear_model.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace forcesmith {

ParameterSchema LinearModel::schema() {
  return {{"shared", "boolean", "", true, "one set of coefficients for all elements"},
          {"energy_offsets", "array", "eV", {}, "energy of an isolated atom of every element", true, true},
          {"coefficients", "array", "eV", {}, "[one set, or one per element][descriptor value]", true, true}};
}

std::unique_ptr<Model> LinearModel::create(const Json& given, const std::vector<int>& sizes, const std::string& where) {
  return std::make_unique<LinearModel>(from_json(given, sizes, where));
}

LinearModel LinearModel::from_json(const Json& given, const std::vector<int>& sizes, const std::string& where) {
  const Json checked = checked_parameters(schema(), given, where);
  const bool shared = checked.at("shared");
  if (shared && std::adjacent_find(sizes.begin(), sizes.end(), std::not_equal_to<>()) != sizes.end())
    throw ParameterError(where +
                         ": the elements have different numbers of descriptor values, so their "
                         "coefficients cannot be shared; set \"shared\" to false.");
  std::vector<double> offsets(sizes.size(), 0.0);
  std::vector<std::vector<double>> coefficients;
  for (std::size_t set = 0; set < (shared ? 1 : sizes.size()); ++set) coefficients.emplace_back(sizes[set], 0.0);
  try {
    if (checked.contains("energy_offsets")) offsets = checked.at("energy_offsets").get<std::vector<double>>();
    if (checked.contains("coefficients"))
      coefficients = checked.at("coefficients").get<std::vector<std::vector<double>>>();
  } catch (const Json::exception&) {
    throw FormatError(where +
                      ": \"energy_offsets\" must be a list of numbers and \"coefficients\" a list of "
                      "lists of numbers.");
  }
  if (offsets.size() != sizes.size())
    throw FormatError(where + ": expected " + std::to_string(sizes.size()) +
                      " energy offsets, one per element, found " + std::to_string(offsets.size()) + ".");
  const std::size_t sets = shared ? 1 : sizes.size();
  if (coefficients.size() != sets)
    throw FormatError(where + ": expected " + std::to_string(sets) + " set(s) of coefficients, found " +
                      std::to_string(coefficients.size()) + ".");
  for (std::size_t set = 0; set < sets; ++set)
    if (coefficients[set].size() != static_cast<std::size_t>(sizes[set]))
      throw FormatError(where + ": expected " + std::to_string(sizes[set]) +
                        " coefficients, as many as descriptor values, found " +
                        std::to_string(coefficients[set].size()) + ".");
  return LinearModel(std::move(offsets), std::move(coefficients), sizes, shared);
}

LinearModel::LinearModel(std::vector<double> offsets, std::vector<std::vector<double>> coefficients,
                         std::vector<int> sizes, bool shared)
    : sizes_(std::move(sizes)), parameters_(std::move(offsets)), shared_(shared) {
  for (const auto& set : coefficients) {
    first_column_.push_back(parameters_.size());
    parameters_.insert(parameters_.end(), set.begin(), set.end());
  }
  first_column_.resize(sizes_.size(), first_column_.front());
}

Json LinearModel::to_json() const {
  Json sets = Json::array();
  for (std::size_t set = 0; set < (shared_ ? 1 : sizes_.size()); ++set) sets.push_back(coefficients(set));
  return {{"type", type()}, {"shared", shared_}, {"energy_offsets", offsets()}, {"coefficients", sets}};
}

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
  for (int atom = 0; atom < n_atoms; ++atom) {
    const std::span<const double> theta = coefficients(types[atom]);
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    double* columns = gradient + first_column_[types[atom]];
    gradient[types[atom]] += energy_bar[atom];
    for (std::size_t k = 0; k < theta.size(); ++k) {
      B_bar[row + k] = energy_bar[atom] * theta[k];
      B_dot_bar[row + k] = theta[k];
      columns[k] += energy_bar[atom] * B[row + k] + B_dot[row + k];
    }
  }
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
  for (std::size_t set = 0; set < (shared_ ? 1 : sizes_.size()); ++set) {
    ParameterBlock block{name, ParameterRole::weight, blocks.back().begin + blocks.back().size, set_size(sizes_[set])};
    if (!shared_) {
      block.name += "[" + std::to_string(set) + "]";
      block.element = static_cast<int>(set);
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
