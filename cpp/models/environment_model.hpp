// Environment model: E_i = offset[z_i] + sum_k P_ik c[z_i][k] . B_i, a linear model for every kind of environment, and
// between them their mean by closeness: with the components a_i = projection[z_i]^T B_i,
//   P_ik = D_ik / sum_l D_il,  D_ik = 1 / (1e-20 + |a_i - centroid[z_i][k]|^2)
// (N. C. Nguyen, D. Sema, arXiv:2405.00306 (2024); as pair_style pod of LAMMPS has it). Linear in its parameters; projections
// and centroids are given, or found by fits before they begin.
#pragma once

#include "core/typed_schema.hpp"
#include "models/environment_kernels.hpp"
#include "models/model.hpp"

namespace forcesmith {

struct EnvironmentParameters {
  int clusters = 4, components = 2;
  int seed = 1;
  std::vector<double> energy_offsets;                          // [element] eV
  std::vector<std::vector<std::vector<double>>> coefficients;  // [element][cluster][value] eV; empty: 0
  std::vector<std::vector<std::vector<double>>> projections;   // [element][value][component]; empty: random
  std::vector<std::vector<std::vector<double>>> centroids;     // [element][cluster][component]; empty: random
};

class EnvironmentModel : public Model, public LinearInParameters {
 public:
  static constexpr const char* name = "environments";
  using Kernels = environments::FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  /// sizes: descriptor values per element [n_elements].
  static std::unique_ptr<Model> create(const Json& parameters, const std::vector<int>& sizes, const std::string& where);

  EnvironmentModel(EnvironmentParameters parameters, std::vector<int> sizes,
                   const std::string& where = "the environment model");

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
  std::vector<double> parameters() const override { return parameters_; }
  void set_parameters(std::span<const double> values) override;
  std::vector<ParameterBlock> parameter_blocks() const override;
  const LinearInParameters* linear_in_parameters() const override { return this; }
  void add_design_row(int element, const double* B, double* row) const override;
  void add_design_gradient(int element, const double* B, const double* dB, double factor, double* row) const override;

  /// Complete, in the order of files.
  EnvironmentParameters settings() const;
  environments::Tables tables() const;

 private:
  int clusters_, components_, seed_;
  std::vector<int> sizes_;                                    // [element]
  std::vector<std::size_t> first_column_, first_projection_;  // [element]
  std::vector<double> parameters_, projections_, centroids_;
};

}  // namespace forcesmith
