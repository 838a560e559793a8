// The neural networks of all elements as plain arrays, ready for the kernels of any instruction set or
// device. "Padded" lists are filled up to whole registers of `width` doubles; the filling of weights and
// biases is zero.
#pragma once

#include <cstddef>

#include "simd/simd.hpp"

namespace forcesmith::neural_network {

/// f(z) of the neurons of a layer.
enum class Activation { cosine, exponential, gaussian, identity, logistic, silu, softplus, square, tanh };

/// y = f(W x + b). The output layer is the one with a single output and the identity.
struct Layer {
  int n_inputs, n_outputs;
  int padded_inputs, padded_outputs;
  Activation activation;
  int begin;              // neurons of the layers before its inputs, padded
  std::size_t forward;    // in `numbers`: W^T [n_inputs][padded_outputs]
  std::size_t reverse;    // in `numbers`: W [n_outputs][padded_inputs]
  std::size_t biases;     // in `numbers`: b [padded_outputs]
  std::size_t parameter;  // the model's first parameter of this layer: W [n_outputs][n_inputs], then b
};

struct ElementNetwork {
  int first_layer, n_layers;  // the output layer included
  int n_neurons;              // inputs and output included, padded
  double energy_offset;       // eV
  std::size_t shift, factor;  // in `numbers`: x = (B - shift) factor, [padded inputs]
};

struct Tables {
  int n_elements, n_layers;
  std::size_t n_numbers;
  const ElementNetwork* elements;
  const Layer* layers;
  const double* numbers;
};

/// The list of arrays, see core/table_arrays.hpp.
template <class Visit>
void for_each_array(const Tables& from, Tables& to, const Visit& visit) {
  visit("elements", from.elements, to.elements, static_cast<std::size_t>(from.n_elements));
  visit("layers", from.layers, to.layers, static_cast<std::size_t>(from.n_layers));
  visit("numbers", from.numbers, to.numbers, from.n_numbers);
}

/// Atoms of one element, the rows of the matrices that a kernel works on.
struct Atoms {
  int element;
  int n;
  const int* rows;  // [n] which rows of the arrays of values, and which energies, are theirs
};

/// Doubles of working memory for n atoms of an element; aligned for a register.
FORCESMITH_FUNCTION std::size_t energy_memory(const ElementNetwork& element, int n) {
  return 2ul * n * element.n_neurons;
}
FORCESMITH_FUNCTION std::size_t adjoint_memory(const ElementNetwork& element, int n) {
  return 6ul * n * element.n_neurons;
}

}  // namespace forcesmith::neural_network
