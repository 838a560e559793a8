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
    : offsets_(std::move(offsets)), coefficients_(std::move(coefficients)), sizes_(std::move(sizes)), shared_(shared) {
  int column = static_cast<int>(offsets_.size());
  for (const auto& set : coefficients_) {
    first_column_.push_back(column);
    column += static_cast<int>(set.size());
  }
}

Json LinearModel::to_json() const {
  return {{"type", type()}, {"shared", shared_}, {"energy_offsets", offsets_}, {"coefficients", coefficients_}};
}

void LinearModel::energies_and_gradients(Workspace&, int n_atoms, const int* types, const double* B, int stride,
                                         double* energies, double* beta) const {
  for (int atom = 0; atom < n_atoms; ++atom) {
    const double* theta = coefficients(types[atom]).data();
    const double* row = B + static_cast<std::ptrdiff_t>(atom) * stride;
    double* gradient = beta + static_cast<std::ptrdiff_t>(atom) * stride;
    // Several sums, or each addition would wait for the one before it; in registers.
    const int n = sizes_[types[atom]];
    double sum_0 = offsets_[types[atom]], sum_1 = 0.0, sum_2 = 0.0, sum_3 = 0.0;
    int k = 0;
    for (; k + 4 <= n; k += 4) {
      sum_0 += theta[k] * row[k];
      sum_1 += theta[k + 1] * row[k + 1];
      sum_2 += theta[k + 2] * row[k + 2];
      sum_3 += theta[k + 3] * row[k + 3];
    }
    for (; k < n; ++k) sum_0 += theta[k] * row[k];
    energies[atom] = (sum_0 + sum_1) + (sum_2 + sum_3);
    for (k = 0; k < n; ++k) gradient[k] = theta[k];
  }
}

void LinearModel::parameter_adjoint(Workspace&, int n_atoms, const int* types, const double* B, const double* B_dot,
                                    int stride, const double* energy_bar, double* B_bar, double* B_dot_bar,
                                    double* gradient) const {
  for (int atom = 0; atom < n_atoms; ++atom) {
    const std::vector<double>& theta = coefficients(types[atom]);
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    double* columns = gradient + first_column(types[atom]);
    gradient[types[atom]] += energy_bar[atom];
    for (std::size_t k = 0; k < theta.size(); ++k) {
      B_bar[row + k] = energy_bar[atom] * theta[k];
      B_dot_bar[row + k] = theta[k];
      columns[k] += energy_bar[atom] * B[row + k] + B_dot[row + k];
    }
  }
}

std::vector<double> LinearModel::parameters() const {
  std::vector<double> all = offsets_;
  for (const auto& set : coefficients_) all.insert(all.end(), set.begin(), set.end());
  return all;
}

void LinearModel::set_parameters(std::span<const double> values) {
  if (values.size() != parameters().size())
    throw ParameterError("The linear model has " + std::to_string(parameters().size()) + " parameters, but " +
                         std::to_string(values.size()) + " were given.");
  auto next = values.begin();
  for (double& offset : offsets_) offset = *next++;
  for (auto& set : coefficients_)
    for (double& coefficient : set) coefficient = *next++;
}

std::vector<ParameterBlock> LinearModel::parameter_blocks() const {
  std::vector<ParameterBlock> blocks{{"energy_offsets", ParameterRole::offset, 0, offsets_.size()}};
  add_blocks("coefficients", coefficients_, blocks);
  return blocks;
}

void LinearModel::add_blocks(const std::string& name, const std::vector<std::vector<double>>& sets,
                             std::vector<ParameterBlock>& blocks) const {
  for (std::size_t set = 0; set < sets.size(); ++set) {
    ParameterBlock block{name, ParameterRole::weight, blocks.back().begin + blocks.back().size, sets[set].size()};
    if (!shared_) {
      block.name += "[" + std::to_string(set) + "]";
      block.element = static_cast<int>(set);
    }
    blocks.push_back(std::move(block));
  }
}

void LinearModel::add_design_row(int element, const double* B, double* row) const {
  row[element] += 1.0;
  double* columns = row + first_column(element);
  for (int k = 0; k < sizes_[element]; ++k) columns[k] += B[k];
}

void LinearModel::add_design_gradient(int element, const double*, const double* dB, double factor, double* row) const {
  double* columns = row + first_column(element);
  for (int k = 0; k < sizes_[element]; ++k) columns[k] += factor * dB[k];
}

}  // namespace forcesmith
