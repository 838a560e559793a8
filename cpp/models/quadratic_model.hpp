// Quadratic model: E_i = offset[z_i] + theta . B_i + 1/2 B_i . alpha . B_i with a symmetric matrix alpha (M.
// A. Wood, A. P. Thompson, J. Chem. Phys. 148, 241721 (2018)). Linear in its parameters, which are those of
// the linear model and then, for each set, the upper triangle of alpha row by row (LAMMPS' order).
#pragma once

#include "models/linear_model.hpp"
#include "models/quadratic_kernels.hpp"

namespace forcesmith {

struct QuadraticParameters : LinearParameters {
  /// Upper triangles of alpha, [set][size (size + 1) / 2] eV; none: zero.
  std::optional<CoefficientSets> quadratic_coefficients;

  static const SchemaOf<QuadraticParameters>& schema();
};

class QuadraticModel : public Model, public LinearInParameters {
 public:
  static constexpr const char* name = "quadratic";
  using Kernels = quadratic::FORCESMITH_ISA::Kernels;

  static ParameterSchema schema() { return QuadraticParameters::schema().fields(); }
  /// sizes: descriptor values per element [n_elements].
  static std::unique_ptr<Model> create(const Json& parameters, const std::vector<int>& sizes, const std::string& where);

  QuadraticModel(QuadraticParameters parameters, std::vector<int> sizes,
                 const std::string& where = "the quadratic model");

  std::string type() const override { return name; }
  Json to_json() const override;
  std::unique_ptr<Workspace> make_workspace() const override;
  void energies_and_gradients(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride,
                              double* energies, double* beta) const override;
  void parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B, const double* B_dot,
                         int stride, const double* energy_bar, double* B_bar, double* B_dot_bar,
                         double* gradient) const override;
  int n_features(int element) const override { return Kernels::n_features(tables(), element); }
  void features(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride, double* features,
                int feature_stride) const override;
  std::vector<double> parameters() const override;
  void set_parameters(std::span<const double> values) override;
  std::vector<ParameterBlock> parameter_blocks() const override;
  const LinearInParameters* linear_in_parameters() const override { return this; }
  void add_design_row(int element, const double* B, double* row) const override;
  void add_design_gradient(int element, const double* B, const double* dB, double factor, double* row) const override;

  const LinearModel& linear() const { return linear_; }
  std::span<const double> triangle(int element) const {
    return {&triangles_[triangle_begin_[element]], triangle_size(sizes_[element])};
  }
  quadratic::Tables tables() const {
    return {linear_.tables(), triangles_.size(), triangle_begin_.data(), triangles_.data()};
  }
  static std::size_t triangle_size(int size) { return static_cast<std::size_t>(size) * (size + 1) / 2; }

 private:
  std::size_t first_column(int element) const { return linear_.tables().n_parameters + triangle_begin_[element]; }

  LinearModel linear_;
  std::vector<int> sizes_;                   // [element]
  std::vector<std::size_t> triangle_begin_;  // [element]
  std::vector<double> triangles_;            // one after the other
};

}  // namespace forcesmith
