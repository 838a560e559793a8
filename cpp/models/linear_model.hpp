// Linear model: E_i = offset[z_i] + sum_k theta[z_i][k] B_ik. With `shared` coefficients theta is the
// same for all elements, as in moment tensor potentials (A. V. Shapeev, Multiscale Model. Simul. 14,
// 1153 (2016)), where the elements differ through their radial functions.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "core/typed_schema.hpp"
#include "models/linear_kernels.hpp"
#include "models/model.hpp"

namespace forcesmith {

/// Of a model: one set for all elements, or one per element.
using CoefficientSets = std::vector<std::vector<double>>;

struct LinearParameters {
  bool shared = true;
  std::vector<double> energy_offsets;           // [n_elements] eV
  std::optional<CoefficientSets> coefficients;  // [set][size] eV; none: zero

  static const SchemaOf<LinearParameters>& schema();
};

class LinearModel : public Model, public LinearInParameters {
 public:
  static constexpr const char* name = "linear";
  using Kernels = linear::FORCESMITH_ISA::Kernels;

  static ParameterSchema schema() { return LinearParameters::schema().fields(); }
  /// sizes: descriptor values per element [n_elements].
  static std::unique_ptr<Model> create(const Json& parameters, const std::vector<int>& sizes, const std::string& where);

  LinearModel(LinearParameters parameters, std::vector<int> sizes, const std::string& where = "the linear model");

  std::string type() const override { return name; }
  Json to_json() const override;
  void energies_and_gradients(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride,
                              double* energies, double* beta) const override;
  void parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B, const double* B_dot,
                         int stride, const double* energy_bar, double* B_bar, double* B_dot_bar,
                         double* gradient) const override;
  int n_features(int element) const override { return Kernels::n_features(tables(), element); }
  void features(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride, double* features,
                int feature_stride) const override;
  /// offsets first, then the coefficient sets.
  std::vector<double> parameters() const override { return parameters_; }
  void set_parameters(std::span<const double> values) override;
  std::vector<ParameterBlock> parameter_blocks() const override;
  const LinearInParameters* linear_in_parameters() const override { return this; }
  void add_design_row(int element, const double* B, double* row) const override;
  void add_design_gradient(int element, const double* B, const double* dB, double factor, double* row) const override;

  LinearParameters settings() const;
  bool shared() const { return shared_; }
  std::span<const double> offsets() const { return {parameters_.data(), sizes_.size()}; }
  std::span<const double> coefficients(int element) const {
    return {&parameters_[first_column_[element]], static_cast<std::size_t>(sizes_[element])};
  }
  linear::Tables tables() const {
    return {static_cast<int>(sizes_.size()), parameters_.size(), sizes_.data(), first_column_.data(),
            parameters_.data()};
  }
  int n_sets() const { return shared_ ? 1 : static_cast<int>(sizes_.size()); }
  /// The given sets, or zeros. Throws FormatError naming `where` unless there are n_sets() of them, with
  /// set_size(descriptor values) numbers. what, explanation: of these numbers, for messages.
  CoefficientSets complete(std::optional<CoefficientSets> given, const std::function<std::size_t(int)>& set_size,
                           const std::string& what, const std::string& explanation, const std::string& where) const;
  /// Adds a block for each set, which is shared or that of an element, after the last of `blocks`. set_size: of the
  /// set of an element with this number of descriptor values.
  void add_blocks(const std::string& name, const std::function<std::size_t(int)>& set_size,
                  std::vector<ParameterBlock>& blocks) const;

 private:
  std::vector<int> sizes_;                 // [element]
  std::vector<std::size_t> first_column_;  // [element] the first of its coefficients in parameters_
  std::vector<double> parameters_;
  bool shared_;
};

}  // namespace forcesmith
