#include "models/neural_network/packed_networks.hpp"

#include <algorithm>

namespace forcesmith::neural_network {

PackedNetworks::PackedNetworks(const Settings& settings, int width) : n_parameters_(settings.sizes.size()) {
  const auto padded = [width](int n) { return (n + width - 1) / width * width; };
  const auto take = [this](std::size_t count) {
    const std::size_t first = n_numbers_;
    n_numbers_ += count;
    return first;
  };
  for (int element = 0; element < settings.n_elements(); ++element) {
    ElementNetwork own{};
    own.first_layer = static_cast<int>(layers_.size());
    own.shift = take(padded(settings.sizes[element]));
    own.factor = take(padded(settings.sizes[element]));
    int n_inputs = settings.sizes[element];
    const auto add_layer = [&](int n_outputs, Activation activation) {
      Layer layer{};
      layer.n_inputs = n_inputs;
      layer.n_outputs = n_outputs;
      layer.padded_inputs = padded(n_inputs);
      layer.padded_outputs = padded(n_outputs);
      layer.activation = activation;
      layer.begin = own.n_neurons;
      layer.forward = take(static_cast<std::size_t>(n_inputs) * layer.padded_outputs);
      layer.reverse = take(static_cast<std::size_t>(n_outputs) * layer.padded_inputs);
      layer.biases = take(layer.padded_outputs);
      layer.parameter = n_parameters_;
      n_parameters_ += static_cast<std::size_t>(n_outputs) * n_inputs + n_outputs;
      own.n_neurons += layer.padded_inputs;
      ++own.n_layers;
      n_inputs = n_outputs;
      layers_.push_back(layer);
    };
    for (std::size_t l = 0; l < settings.hidden_layers[element].size(); ++l)
      add_layer(settings.hidden_layers[element][l], settings.activations[element][l]);
    add_layer(1, Activation::identity);
    own.n_neurons += padded(1);
    elements_.push_back(own);
  }
  std::fill_n(numbers_.reserve(n_numbers_), n_numbers_, 0.0);
  set_input_scale(settings.input_shift, settings.input_factor);
}

void PackedNetworks::set_input_scale(const std::vector<std::vector<double>>& shift,
                                     const std::vector<std::vector<double>>& factor) {
  for (std::size_t element = 0; element < elements_.size(); ++element) {
    std::copy(shift[element].begin(), shift[element].end(), numbers_.data() + elements_[element].shift);
    std::copy(factor[element].begin(), factor[element].end(), numbers_.data() + elements_[element].factor);
  }
}

void PackedNetworks::set_parameters(std::span<const double> parameters) {
  for (std::size_t element = 0; element < elements_.size(); ++element)
    elements_[element].energy_offset = parameters[element];
  for (const Layer& layer : layers_) {
    const double* next = &parameters[layer.parameter];
    double* numbers = numbers_.data();
    for (int output = 0; output < layer.n_outputs; ++output)
      for (int input = 0; input < layer.n_inputs; ++input, ++next) {
        numbers[layer.forward + static_cast<std::size_t>(input) * layer.padded_outputs + output] = *next;
        numbers[layer.reverse + static_cast<std::size_t>(output) * layer.padded_inputs + input] = *next;
      }
    std::copy_n(next, layer.n_outputs, numbers + layer.biases);
  }
}

}  // namespace forcesmith::neural_network
