#include "models/environment_model.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/normal_numbers.hpp"

namespace forcesmith {

namespace {

using Kernels = environments::FORCESMITH_ISA::Kernels;
using Shares = environments::FORCESMITH_ISA::Shares<1>;
using Lists = std::vector<std::vector<std::vector<double>>>;

constexpr int largest_number = 1000;

struct EnvironmentWorkspace : Model::Workspace {
  std::vector<double> memory;
};

const SchemaOf<EnvironmentParameters>& typed_schema() {
  using P = EnvironmentParameters;
  static const auto schema =
      SchemaOf<P>()
          .field(&P::clusters, "clusters", "", "kinds of environments of every element")
          .field(&P::components, "components", "", "principal components of the values by which they are told apart")
          .field(&P::seed, "seed", "", "of the search for the centroids")
          .per_element(&P::energy_offsets, 0.0, "energy_offsets", "eV", "energy of an isolated atom of every element")
          .trained()
          .field(&P::coefficients, "coefficients", "eV", "[element][cluster][descriptor value]")
          .trained()
          .field(&P::projections, "projections", "", "[element][descriptor value][component] of the values")
          .trained()
          .field(&P::centroids, "centroids", "", "[element][cluster][component] of the middle of each kind")
          .trained();
  return schema;
}

/// Appends lists, which must be rows x columns.
void append(const std::vector<std::vector<double>>& lists, std::size_t rows, std::size_t columns,
            const std::string& what, const std::string& where, std::vector<double>& all) {
  bool fits = lists.size() == rows;
  for (const auto& list : lists) fits = fits && list.size() == columns;
  if (!fits)
    throw FormatError(where + ": the " + what + " of an element must be " + std::to_string(rows) + " list(s) of " +
                      std::to_string(columns) + " number(s).");
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
}

std::vector<std::vector<double>> lists_of(const double* numbers, std::size_t rows, std::size_t columns) {
  std::vector<std::vector<double>> lists;
  for (std::size_t row = 0; row < rows; ++row, numbers += columns) lists.emplace_back(numbers, numbers + columns);
  return lists;
}

}  // namespace

ParameterSchema EnvironmentModel::schema() { return typed_schema().fields(); }

std::unique_ptr<Model> EnvironmentModel::create(const Json& given, const std::vector<int>& sizes,
                                                const std::string& where) {
  const int n_elements = static_cast<int>(sizes.size());
  for (const char* key : {"coefficients", "projections", "centroids"})
    if (given.is_object() && given.contains(key) && given[key] == Json::array())
      throw FormatError(where + ": expected " + key + " of " + std::to_string(n_elements) + " element(s), found none.");
  return std::make_unique<EnvironmentModel>(typed_schema().read(given, {where}, n_elements), sizes, where);
}

EnvironmentModel::EnvironmentModel(EnvironmentParameters p, std::vector<int> sizes, const std::string& where)
    : clusters_(p.clusters),
      components_(p.components),
      seed_(p.seed),
      sizes_(std::move(sizes)),
      parameters_(std::move(p.energy_offsets)) {
  const std::size_t n_elements = sizes_.size();
  for (const auto& [what, number] : {std::pair{"clusters", clusters_}, std::pair{"components", components_}})
    if (number < 1 || number > largest_number)
      throw ParameterError(where + ": " + what + " must be 1 to " + std::to_string(largest_number) + ", not " +
                           std::to_string(number) + ".");
  if (parameters_.size() != n_elements)
    throw FormatError(where + ": expected " + std::to_string(n_elements) +
                      " energy offset(s), one per element, found " + std::to_string(parameters_.size()) + ".");
  for (const auto& [what, lists] : {std::pair<const char*, const Lists&>{"coefficients", p.coefficients},
                                    {"projections", p.projections},
                                    {"centroids", p.centroids}})
    if (!lists.empty() && lists.size() != n_elements)
      throw FormatError(where + ": expected " + what + " of " + std::to_string(n_elements) + " element(s), found " +
                        std::to_string(lists.size()) + ".");
  NormalNumbers normal(p.seed);
  for (std::size_t element = 0; element < n_elements; ++element) {
    const std::size_t n = sizes_[element];
    first_column_.push_back(parameters_.size());
    first_projection_.push_back(projections_.size());
    if (p.coefficients.empty()) parameters_.resize(parameters_.size() + clusters_ * n, 0.0);
    else append(p.coefficients[element], clusters_, n, "coefficients", where, parameters_);
    if (p.projections.empty()) {
      for (std::size_t i = 0; i < n * components_; ++i)
        projections_.push_back(normal.next() / std::sqrt(static_cast<double>(n)));
    } else append(p.projections[element], n, components_, "projections", where, projections_);
    if (p.centroids.empty())
      for (int i = 0; i < clusters_ * components_; ++i) centroids_.push_back(normal.next());
    else append(p.centroids[element], clusters_, components_, "centroids", where, centroids_);
  }
}

environments::Tables EnvironmentModel::tables() const {
  return {static_cast<int>(sizes_.size()),
          clusters_,
          components_,
          parameters_.size(),
          sizes_.data(),
          first_column_.data(),
          parameters_.data(),
          first_projection_.data(),
          projections_.size(),
          projections_.data(),
          centroids_.data()};
}

EnvironmentParameters EnvironmentModel::settings() const {
  EnvironmentParameters p;
  p.clusters = clusters_;
  p.components = components_;
  p.seed = seed_;
  p.energy_offsets.assign(parameters_.begin(), parameters_.begin() + static_cast<std::ptrdiff_t>(sizes_.size()));
  for (std::size_t element = 0; element < sizes_.size(); ++element) {
    const std::size_t n = sizes_[element];
    p.coefficients.push_back(lists_of(&parameters_[first_column_[element]], clusters_, n));
    p.projections.push_back(lists_of(&projections_[first_projection_[element]], n, components_));
    p.centroids.push_back(lists_of(&centroids_[element * clusters_ * components_], clusters_, components_));
  }
  return p;
}

Json EnvironmentModel::to_json() const { return typed_schema().write(settings()); }

std::unique_ptr<Model::Workspace> EnvironmentModel::make_workspace() const {
  return std::make_unique<EnvironmentWorkspace>();
}

void EnvironmentModel::energies_and_gradients(Workspace& workspace, int n_atoms, const int* types, const double* B,
                                              int stride, double* energies, double* beta) const {
  const environments::Tables t = tables();
  std::vector<double>& memory = static_cast<EnvironmentWorkspace&>(workspace).memory;
  memory.resize(Kernels::memory_size(t));
  for (int atom = 0; atom < n_atoms; ++atom) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    energies[atom] = environments::FORCESMITH_ISA::compute_energy(t, types[atom], B + row, memory.data(), beta + row);
  }
}

void EnvironmentModel::parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B,
                                         const double* B_dot, int stride, const double* energy_bar, double* B_bar,
                                         double* B_dot_bar, double* gradient) const {
  const environments::Tables t = tables();
  std::vector<double>& memory = static_cast<EnvironmentWorkspace&>(workspace).memory;
  memory.resize(Kernels::adjoint_size(t));
  const Shares own(t, memory.data()), dots(t, memory.data() + Shares::size(t));
  for (int atom = 0; atom < n_atoms; ++atom) {
    const int element = types[atom], n = sizes_[element];
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    const double *b = B + row, *b_dot = B_dot + row, e_bar = energy_bar[atom];
    environments::FORCESMITH_ISA::reverse_energy(t, element, b, b_dot, e_bar, memory.data(), B_bar + row,
                                                 B_dot_bar + row);
    gradient[element] += e_bar;
    double* columns = gradient + first_column_[element];
    for (int k = 0; k < clusters_; ++k)
      for (int m = 0; m < n; ++m) *columns++ += own.shares[k] * (e_bar * b[m] + b_dot[m]) + dots.shares[k] * b[m];
  }
}

void EnvironmentModel::features(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride,
                                double* features, int feature_stride) const {
  const environments::Tables t = tables();
  std::vector<double>& memory = static_cast<EnvironmentWorkspace&>(workspace).memory;
  memory.resize(Kernels::memory_size(t));
  const Shares own(t, memory.data());
  for (int atom = 0; atom < n_atoms; ++atom) {
    const double* b = B + static_cast<std::ptrdiff_t>(atom) * stride;
    environments::FORCESMITH_ISA::compute_shares(t, types[atom], b, own);
    environments::FORCESMITH_ISA::compute_features(t, types[atom], b, own.shares,
                                                   features + static_cast<std::ptrdiff_t>(atom) * feature_stride);
  }
}

void EnvironmentModel::set_parameters(std::span<const double> values) {
  if (values.size() != parameters_.size())
    throw ParameterError("The environment model has " + std::to_string(parameters_.size()) + " parameters, but " +
                         std::to_string(values.size()) + " were given.");
  parameters_.assign(values.begin(), values.end());
}

std::vector<ParameterBlock> EnvironmentModel::parameter_blocks() const {
  std::vector<ParameterBlock> blocks{{"energy_offsets", ParameterRole::offset, 0, sizes_.size()}};
  for (std::size_t element = 0; element < sizes_.size(); ++element)
    blocks.push_back({"coefficients[" + std::to_string(element) + "]", ParameterRole::weight, first_column_[element],
                      static_cast<std::size_t>(clusters_) * sizes_[element], static_cast<int>(element)});
  return blocks;
}

void EnvironmentModel::add_design_row(int element, const double* B, double* row) const {
  const environments::Tables t = tables();
  std::vector<double> memory(Kernels::memory_size(t));
  const Shares own(t, memory.data());
  environments::FORCESMITH_ISA::compute_shares(t, element, B, own);
  row[element] += 1.0;
  double* columns = row + first_column_[element];
  for (int k = 0; k < clusters_; ++k)
    for (int m = 0; m < sizes_[element]; ++m) *columns++ += own.shares[k] * B[m];
}

void EnvironmentModel::add_design_gradient(int element, const double* B, const double* dB, double factor,
                                           double* row) const {
  const environments::Tables t = tables();
  std::vector<double> memory(Kernels::adjoint_size(t));
  const Shares own(t, memory.data()), dots(t, memory.data() + Shares::size(t));
  environments::FORCESMITH_ISA::compute_shares(t, element, B, own);
  environments::FORCESMITH_ISA::compute_changes(t, element, dB, own, dots);
  double* columns = row + first_column_[element];
  for (int k = 0; k < clusters_; ++k)
    for (int m = 0; m < sizes_[element]; ++m) *columns++ += factor * (own.shares[k] * dB[m] + dots.shares[k] * B[m]);
}

}  // namespace forcesmith
