// Embedding model: E_i = offset[z_i] + sum_p w_p f(rho_ip; m_p), with w, f and m of the element z_i, densities rho_ip = sum_k c[z_i][p][k] B_ik and
// smooth powers f(rho; m) ~ sign(rho) |rho|^m (M. W. Finnis, J. E. Sinclair, Philos. Mag. A 50, 45 (1984); as of the
// atomic cluster expansion: Y. Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021)):
//   FinnisSinclair               sign(rho) ((1 - s) a^m + s a w^(1-m)), s = exp(-(w a)^3), a = |rho|, w = 1e6
//   FinnisSinclairShiftedScaled  sign(rho) ((a + b e^-a)^m - b' e^-a), b = n^(n/(1-n)), b' = n^(1/(1-n)), n = 1/m
// and f(rho; 1) = rho. The model sees B on a scale of its own; the zero of B, an isolated atom, stays where it is.
#pragma once

#include <memory>

#include "core/typed_schema.hpp"
#include "models/embedding_kernels.hpp"
#include "models/model.hpp"

namespace forcesmith {

struct EmbeddingParameters {
  std::vector<embedding::Function> functions;           // [element]
  std::vector<std::vector<double>> weights, exponents;  // [element][density], weights in eV
  int seed = 1;
  std::vector<double> energy_offsets;  // [element] eV
  /// [element][density][value]; empty: random
  std::vector<std::vector<std::vector<double>>> coefficients;
  std::vector<std::vector<double>> input_factor, input_min, input_max;  // [element][value]
};

class EmbeddingModel : public Model {
 public:
  static constexpr const char* name = "embedding";
  using Kernels = embedding::FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  /// sizes: descriptor values per element [n_elements].
  static std::unique_ptr<Model> create(const Json& parameters, const std::vector<int>& sizes, const std::string& where);

  EmbeddingModel(EmbeddingParameters parameters, std::vector<int> sizes,
                 const std::string& where = "the embedding model");

  std::string type() const override { return name; }
  Json to_json() const override;
  std::unique_ptr<Workspace> make_workspace() const override;
  void energies_and_gradients(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride,
                              double* energies, double* beta) const override;
  void parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B, const double* B_dot,
                         int stride, const double* energy_bar, double* B_bar, double* B_dot_bar,
                         double* gradient) const override;
  /// 1 and the values, as those of the linear model: what multiplies coefficients before the powers.
  int n_features(int element) const override { return Kernels::n_features(tables(), element); }
  void features(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride, double* features,
                int feature_stride) const override;
  std::optional<InputRange> input_range(int element) const override;
  /// offsets first, then coefficients [element][density][value].
  std::vector<double> parameters() const override { return parameters_; }
  void set_parameters(std::span<const double> values) override;
  std::vector<ParameterBlock> parameter_blocks() const override;
  bool has_linear_part() const override;
  /// Values that the scale of the inputs leaves out keep none.
  void set_linear_part(const std::vector<std::vector<double>>& coefficients) override;
  bool has_own_input_scale() const override { return true; }
  /// The mean is not subtracted.
  void standardize_inputs(InputStatistics statistics) override;

  const EmbeddingParameters& settings() const { return settings_; }
  embedding::Tables tables() const;

 private:
  std::size_t n_densities(std::size_t element) const { return settings_.weights[element].size(); }
  /// The element's first whose power is the density itself.
  std::optional<std::size_t> linear_density(std::size_t element) const;

  EmbeddingParameters settings_;  // without offsets, coefficients and factors
  std::vector<int> sizes_;
  std::vector<double> weights_, exponents_;                              // of all densities, see Tables
  std::vector<std::size_t> first_density_, first_column_, first_input_;  // [element]
  std::vector<double> parameters_, factors_;
};

}  // namespace forcesmith
