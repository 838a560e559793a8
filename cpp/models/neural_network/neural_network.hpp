// Neural network model: E_i = offset[z_i] + N_{z_i}(x_i), one multilayer perceptron N per element (J.
// Behler, M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007)) of the standardised descriptor values
// x = (B - shift) factor. Hidden layers a' = f(W a + b), then one linear output, in eV. The work is done
// in kernels.hpp.
//
// Weights that are not given are drawn from normal distributions of variance 2 / (inputs + outputs) of
// the layer (X. Glorot, Y. Bengio, AISTATS 2010), the same ones for the same seed; biases start at zero.
#pragma once

#include <memory>

#include "models/model.hpp"
#include "models/neural_network/kernels.hpp"
#include "models/neural_network/packed_networks.hpp"
#include "models/neural_network/variants.hpp"

namespace forcesmith::neural_network {

class NeuralNetwork : public Model {
 public:
  static constexpr const char* name = "neural_network";
  using Kernels = FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  /// sizes: descriptor values per element [n_elements].
  static std::unique_ptr<Model> create(const Json& parameters, const std::vector<int>& sizes, const std::string& where);

  /// With energy offsets and biases of zero and weights from settings.seed.
  explicit NeuralNetwork(Settings settings);

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
  std::optional<InputRange> input_range(int element) const override;
  /// The order is told at PackedNetworks.
  std::vector<double> parameters() const override { return parameters_; }
  void set_parameters(std::span<const double> values) override;
  std::vector<ParameterBlock> parameter_blocks() const override;
  bool has_own_input_scale() const override { return true; }
  void standardize_inputs(InputStatistics statistics) override;

  const Settings& settings() const { return settings_; }
  const PackedNetworks& packed() const { return packed_; }
  Tables tables() const { return packed_.tables(); }

 private:
  Settings settings_;
  Variant variant_;
  PackedNetworks packed_;
  std::vector<double> parameters_;
};

}  // namespace forcesmith::neural_network
