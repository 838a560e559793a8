// What the neural networks of all elements look like, and their weights arranged for the kernels.
#pragma once

#include <span>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "models/neural_network/tables.hpp"

namespace forcesmith::neural_network {

struct Settings {
  std::vector<int> sizes;                                 // [element] descriptor values
  std::vector<std::vector<int>> hidden_layers;            // [element][hidden layer] neurons
  std::vector<std::vector<Activation>> activations;       // [element][hidden layer]
  std::vector<std::vector<double>> input_shift;           // [element][descriptor value]
  std::vector<std::vector<double>> input_factor;          // [element][descriptor value]
  std::vector<std::vector<double>> input_min, input_max;  // the same, of the training set; or empty
  int seed = 1;

  int n_elements() const { return static_cast<int>(sizes.size()); }
};

/// The tables of the kernels whose registers hold `width` doubles. Parameters: the energy offsets of all
/// elements; then for each element, layer by layer, the weights row by row (a row per output) and the biases.
class PackedNetworks {
 public:
  PackedNetworks(const Settings& settings, int width);

  std::size_t n_parameters() const { return n_parameters_; }
  void set_parameters(std::span<const double> parameters);
  /// [element][descriptor value]
  void set_input_scale(const std::vector<std::vector<double>>& shift, const std::vector<std::vector<double>>& factor);

  const std::vector<ElementNetwork>& elements() const { return elements_; }
  const std::vector<Layer>& layers() const { return layers_; }
  /// The layers of one element, the output layer last.
  std::span<const Layer> layers(int element) const {
    return {&layers_[elements_[element].first_layer], static_cast<std::size_t>(elements_[element].n_layers)};
  }
  Tables tables() const {
    return {static_cast<int>(elements_.size()),
            static_cast<int>(layers_.size()),
            n_numbers_,
            elements_.data(),
            layers_.data(),
            numbers_.data()};
  }

 private:
  std::vector<ElementNetwork> elements_;
  std::vector<Layer> layers_;
  AlignedBuffer numbers_;
  std::size_t n_numbers_ = 0, n_parameters_ = 0;
};

}  // namespace forcesmith::neural_network
