// Linear model: E_i = offset[z_i] + sum_k theta[z_i][k] B_ik. With `shared` coefficients theta is the
// same for all elements, as in moment tensor potentials (A. V. Shapeev, Multiscale Model. Simul. 14,
// 1153 (2016)), where the elements differ through their radial functions.
#pragma once

#include <memory>

#include "models/model.hpp"

namespace forcesmith {

class LinearModel : public Model, public LinearInParameters {
 public:
  static ParameterSchema schema();
  /// sizes: descriptor values per element [n_elements].
  static std::unique_ptr<Model> create(const Json& parameters, const std::vector<int>& sizes, const std::string& where);
  static LinearModel from_json(const Json& parameters, const std::vector<int>& sizes, const std::string& where);

  /// offsets [n_elements] eV, coefficients [one set, or one per element][size] eV.
  LinearModel(std::vector<double> offsets, std::vector<std::vector<double>> coefficients, std::vector<int> sizes,
              bool shared);

  std::string type() const override { return "linear"; }
  Json to_json() const override;
  void energies_and_gradients(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride,
                              double* energies, double* beta) const override;
  void parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B, const double* B_dot,
                         int stride, const double* energy_bar, double* B_bar, double* B_dot_bar,
                         double* gradient) const override;
  /// offsets first, then the coefficient sets.
  std::vector<double> parameters() const override;
  void set_parameters(std::span<const double> values) override;
  std::vector<ParameterBlock> parameter_blocks() const override;
  const LinearInParameters* linear_in_parameters() const override { return this; }
  void add_design_row(int element, const double* B, double* row) const override;
  void add_design_gradient(int element, const double* B, const double* dB, double factor, double* row) const override;

  bool shared() const { return shared_; }
  const std::vector<double>& offsets() const { return offsets_; }
  const std::vector<double>& coefficients(int element) const { return coefficients_[shared_ ? 0 : element]; }
  /// Adds a block for each set, which is shared or that of an element, after the last of `blocks`.
  void add_blocks(const std::string& name, const std::vector<std::vector<double>>& sets,
                  std::vector<ParameterBlock>& blocks) const;

 private:
  int first_column(int element) const { return first_column_[shared_ ? 0 : element]; }

  std::vector<double> offsets_;
  std::vector<std::vector<double>> coefficients_;
  std::vector<int> sizes_, first_column_;
  bool shared_;
};

}  // namespace forcesmith
