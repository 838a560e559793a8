#include "models/quadratic_model.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

namespace forcesmith {

namespace {

constexpr double largest_number_of_coefficients = 1e8;

/// alpha B and alpha B_dot of one atom.
struct QuadraticWorkspace : Model::Workspace {
  std::vector<double> product, product_dot;
};

}  // namespace

const SchemaOf<QuadraticParameters>& QuadraticParameters::schema() {
  static const auto schema = SchemaOf<QuadraticParameters>(LinearParameters::schema())
                                 .field(&QuadraticParameters::quadratic_coefficients, "quadratic_coefficients", "eV",
                                        "[one set, or one per element] upper triangle of alpha, row by row")
                                 .trained();
  return schema;
}

std::unique_ptr<Model> QuadraticModel::create(const Json& given, const std::vector<int>& sizes,
                                              const std::string& where) {
  const int n_elements = static_cast<int>(sizes.size());
  return std::make_unique<QuadraticModel>(QuadraticParameters::schema().read(given, {where}, n_elements), sizes, where);
}

QuadraticModel::QuadraticModel(QuadraticParameters parameters, std::vector<int> sizes, const std::string& where)
    : linear_(parameters, sizes, where), sizes_(std::move(sizes)) {
  double n_coefficients = 0.0;
  for (int set = 0; set < linear_.n_sets(); ++set) n_coefficients += static_cast<double>(triangle_size(sizes_[set]));
  if (n_coefficients > largest_number_of_coefficients)
    throw ParameterError(where + ": the descriptor values ask for " + printed(n_coefficients) +
                         " quadratic coefficients, more than the supported " + printed(largest_number_of_coefficients) +
                         "; choose fewer values.");
  const CoefficientSets triangles = linear_.complete(std::move(parameters.quadratic_coefficients), triangle_size,
                                                     "quadratic coefficients", "the upper triangle for", where);
  for (const auto& triangle : triangles) {
    triangle_begin_.push_back(triangles_.size());
    triangles_.insert(triangles_.end(), triangle.begin(), triangle.end());
  }
  triangle_begin_.resize(sizes_.size(), 0);  // shared: the same for all
}

Json QuadraticModel::to_json() const {
  CoefficientSets triangles;
  for (int set = 0; set < linear_.n_sets(); ++set) triangles.emplace_back(triangle(set).begin(), triangle(set).end());
  return QuadraticParameters::schema().write({linear_.settings(), std::move(triangles)});
}

std::unique_ptr<Model::Workspace> QuadraticModel::make_workspace() const {
  return std::make_unique<QuadraticWorkspace>();
}

void QuadraticModel::energies_and_gradients(Workspace& workspace, int n_atoms, const int* types, const double* B,
                                            int stride, double* energies, double* beta) const {
  const quadratic::Tables t = tables();
  std::vector<double>& product = static_cast<QuadraticWorkspace&>(workspace).product;
  for (int atom = 0; atom < n_atoms; ++atom) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    product.resize(sizes_[types[atom]]);
    energies[atom] = quadratic::FORCESMITH_ISA::compute_energy(t, types[atom], B + row, product.data(), beta + row);
  }
}

void QuadraticModel::parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B,
                                       const double* B_dot, int stride, const double* energy_bar, double* B_bar,
                                       double* B_dot_bar, double* gradient) const {
  linear_.parameter_adjoint(workspace, n_atoms, types, B, B_dot, stride, energy_bar, B_bar, B_dot_bar, gradient);
  const quadratic::Tables t = tables();
  auto& [product, product_dot] = static_cast<QuadraticWorkspace&>(workspace);
  for (int atom = 0; atom < n_atoms; ++atom) {
    const int n = sizes_[types[atom]];
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
    const double *b = B + row, *b_dot = B_dot + row;
    const double e_bar = energy_bar[atom];
    product.resize(n);
    product_dot.resize(n);
    quadratic::FORCESMITH_ISA::reverse_energy(t, types[atom], b, b_dot, e_bar, product.data(), product_dot.data(),
                                              B_bar + row, B_dot_bar + row);
    double* columns = gradient + first_column(types[atom]);
    for (int k = 0; k < n; ++k) {
      *columns++ += quadratic::FORCESMITH_ISA::diagonal_bar(e_bar, b[k], b_dot[k]);
      for (int l = k + 1; l < n; ++l)
        *columns++ += quadratic::FORCESMITH_ISA::triangle_bar(e_bar, b[k], b_dot[k], b[l], b_dot[l]);
    }
  }
}

void QuadraticModel::features(Workspace&, int n_atoms, const int* types, const double* B, int stride, double* features,
                              int feature_stride) const {
  const quadratic::Tables t = tables();
  for (int atom = 0; atom < n_atoms; ++atom)
    quadratic::FORCESMITH_ISA::compute_features(t, types[atom], B + static_cast<std::ptrdiff_t>(atom) * stride,
                                                features + static_cast<std::ptrdiff_t>(atom) * feature_stride);
}

std::vector<double> QuadraticModel::parameters() const {
  std::vector<double> all = linear_.parameters();
  all.insert(all.end(), triangles_.begin(), triangles_.end());
  return all;
}

void QuadraticModel::set_parameters(std::span<const double> values) {
  const std::size_t n_linear = linear_.tables().n_parameters, n_parameters = n_linear + triangles_.size();
  if (values.size() != n_parameters)
    throw ParameterError("The quadratic model has " + std::to_string(n_parameters) + " parameters, but " +
                         std::to_string(values.size()) + " were given.");
  linear_.set_parameters(values.first(n_linear));
  triangles_.assign(values.begin() + n_linear, values.end());
}

std::vector<ParameterBlock> QuadraticModel::parameter_blocks() const {
  std::vector<ParameterBlock> blocks = linear_.parameter_blocks();
  linear_.add_blocks("quadratic_coefficients", triangle_size, blocks);
  return blocks;
}

void QuadraticModel::add_design_row(int element, const double* B, double* row) const {
  linear_.add_design_row(element, B, row);
  const int n = sizes_[element];
  double* columns = row + first_column(element);
  for (int k = 0; k < n; ++k) {
    *columns++ += 0.5 * B[k] * B[k];
    for (int l = k + 1; l < n; ++l) *columns++ += B[k] * B[l];
  }
}

void QuadraticModel::add_design_gradient(int element, const double* B, const double* dB, double factor,
                                         double* row) const {
  linear_.add_design_gradient(element, B, dB, factor, row);
  const int n = sizes_[element];
  double* columns = row + first_column(element);
  for (int k = 0; k < n; ++k) {
    const double b = factor * B[k], db = factor * dB[k];
    *columns++ += b * dB[k];
    for (int l = k + 1; l < n; ++l) *columns++ += db * B[l] + b * dB[l];
  }
}

}  // namespace forcesmith
