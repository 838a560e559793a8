// Kernels of the neural network model, written once for all processors (see simd/simd.hpp).
//
// One multilayer perceptron per element; for each layer z = W a + b, next a = f(z), starting from
// a = x = (B - shift) factor; the single output is the energy. Lanes run over the neurons of a layer, and
// several atoms of one element share every load of a weight. Arrays of neurons are [layer][atom][padded
// neurons], inputs first; that of layer `l` begins at n_atoms * l.begin.
#pragma once

#include "models/neural_network/activations.hpp"
#include "models/neural_network/tables.hpp"
#include "simd/constants.hpp"

namespace forcesmith::neural_network::FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

/// What a product does with the numbers that are there.
enum class Product { replaces, multiplies };

/// The part of `multiply` that fits into registers.
template <class V, Product product, int rows, int registers>
FORCESMITH_FUNCTION void multiply_tile(const double* matrix, const double* start, int n_inputs, const double* x,
                                       int x_length, double* y, int y_length) {
  V sums[rows][registers];
  for (int row = 0; row < rows; ++row)
    for (int r = 0; r < registers; ++r) sums[row][r] = start != nullptr ? simd_load<V>(start + r * V::width) : V(0.0);
  for (int k = 0; k < n_inputs; ++k) {
    V weights[registers];
    for (int r = 0; r < registers; ++r)
      weights[r] = simd_load<V>(matrix + static_cast<std::ptrdiff_t>(k) * y_length + r * V::width);
    for (int row = 0; row < rows; ++row) {
      const V input(x[(row * x_length + k) * V::threads]);
      for (int r = 0; r < registers; ++r) sums[row][r] += input * weights[r];
    }
  }
  for (int row = 0; row < rows; ++row)
    for (int r = 0; r < registers; ++r) {
      double* own = y + row * y_length * V::threads + r * V::stride;
      if constexpr (product == Product::multiplies) sums[row][r] *= simd_load<V>(own);
      simd_store(own, sums[row][r]);
    }
}

/// Row by row, the product start + x . matrix; x [n_rows][x_length], matrix [n_inputs][y_length], start
/// [y_length] or null, y [n_rows][y_length]; x and y alternate with those of other threads. The order of every sum is the same however rows are grouped.
template <class V, Product product>
FORCESMITH_FUNCTION void multiply(const double* matrix, const double* start, int n_inputs, const double* x,
                                  int x_length, int n_rows, double* y, int y_length) {
  // 4 x 3 sums, 3 weights and an input fill the 16 registers of AVX2. Threads of devices have more, and one atom each.
  constexpr int most_rows = V::threads > 1 ? 1 : 4, most_registers = V::threads > 1 ? 8 : 3;
  for (int row = 0; row < n_rows; row += most_rows)
    with_constant<most_rows>(n_rows - row, [&](auto rows) {
      int left = y_length / V::width;
      for (int column = 0; left > 0;) {
        // As equal as can be: 4 registers are 2 + 2.
        const int tiles = (left + most_registers - 1) / most_registers;
        const int count = (left + tiles - 1) / tiles;
        with_constant<most_registers>(count, [&](auto registers) {
          multiply_tile<V, product, decltype(rows)::value, decltype(registers)::value>(
              matrix + column, start != nullptr ? start + column : nullptr, n_inputs, x + row * x_length * V::threads,
              x_length, y + (row * y_length + column) * V::threads, y_length);
        });
        left -= count;
        column += count * V::width;
      }
    });
}

/// x = (B - shift) factor of every atom.
template <class V>
FORCESMITH_FUNCTION void standardise(const Tables& t, const Atoms& atoms, const double* B, int stride, double* x) {
  const ElementNetwork& element = t.elements[atoms.element];
  const Layer& first = t.layers[element.first_layer];
  const double *shift = t.numbers + element.shift, *factor = t.numbers + element.factor;
  for (int atom = 0; atom < atoms.n; ++atom) {
    const double* own = B + static_cast<std::ptrdiff_t>(atoms.rows[atom]) * stride;
    for (int k = 0; k < first.n_inputs; ++k)
      x[(atom * first.padded_inputs + k) * V::threads] = (own[k * V::threads] - shift[k]) * factor[k];
  }
}

/// energies and beta = dE/dB of the given atoms. memory: energy_memory() doubles.
template <class V>
FORCESMITH_FUNCTION void compute_energies(const Tables& t, const Atoms& atoms, const double* B, int stride,
                                          double* memory, double* energies, double* beta) {
  const ElementNetwork& element = t.elements[atoms.element];
  const Layer* layers = t.layers + element.first_layer;
  const Layer& first = layers[0];
  const int n = atoms.n;
  double *a = memory, *slopes = memory + n * element.n_neurons * V::threads;

  standardise<V>(t, atoms, B, stride, a);
  // The slope of the inputs is dx/dB.
  for (int atom = 0; atom < n; ++atom)
    for (int k = 0; k < first.padded_inputs; k += V::width)
      simd_store(slopes + (atom * first.padded_inputs + k) * V::threads, simd_load<V>(t.numbers + element.factor + k));
  for (int l = 0; l < element.n_layers; ++l) {
    const Layer& layer = layers[l];
    const int outputs = n * (layer.begin + layer.padded_inputs);
    multiply<V, Product::replaces>(t.numbers + layer.forward, t.numbers + layer.biases, layer.n_inputs,
                                   a + n * layer.begin * V::threads, layer.padded_inputs, n, a + outputs * V::threads,
                                   layer.padded_outputs);
    with_activation(layer.activation, [&](auto name) {
      for (int i = outputs; i < outputs + n * layer.padded_outputs; i += V::width) {
        V slope, curvature;
        double* own = a + i * V::threads;
        simd_store(own, activation<decltype(name)::value>(simd_load<V>(own), slope, curvature));
        simd_store(slopes + i * V::threads, slope);
      }
    });
  }
  // Slopes become dE/dz: those of the output layer are, each other is multiplied by dE/da.
  for (int l = element.n_layers - 1; l >= 0; --l) {
    const Layer& layer = layers[l];
    multiply<V, Product::multiplies>(t.numbers + layer.reverse, nullptr, layer.n_outputs,
                                     slopes + n * (layer.begin + layer.padded_inputs) * V::threads,
                                     layer.padded_outputs, n, slopes + n * layer.begin * V::threads,
                                     layer.padded_inputs);
  }
  const Layer& last = layers[element.n_layers - 1];
  const double* output = a + n * (last.begin + last.padded_inputs) * V::threads;
  for (int atom = 0; atom < n; ++atom) {
    energies[atoms.rows[atom]] = element.energy_offset + output[atom * last.padded_outputs * V::threads];
    double* own = beta + static_cast<std::ptrdiff_t>(atoms.rows[atom]) * stride;
    for (int k = 0; k < first.n_inputs; ++k)
      own[k * V::threads] = slopes[(atom * first.padded_inputs + k) * V::threads];
  }
}

/// See Model::features: 1, what the output layer multiplies, and x, out of the memory that compute_energies left behind
/// for n atoms. Without hidden layers x is what the output layer multiplies.
template <int threads>
FORCESMITH_FUNCTION void copy_features(const Tables& t, int element, int n, int atom, const double* memory,
                                       double* features) {
  const ElementNetwork& network = t.elements[element];
  features[0] = 1.0;
  double* next = features + threads;
  const auto copy_inputs = [&](const Layer& layer) {
    const double* inputs = memory + (n * layer.begin + atom * layer.padded_inputs) * threads;
    for (int k = 0; k < layer.n_inputs; ++k, next += threads) *next = inputs[k * threads];
  };
  copy_inputs(t.layers[network.first_layer + network.n_layers - 1]);
  if (network.n_layers > 1) copy_inputs(t.layers[network.first_layer]);
}

/// Adds to the gradient of one layer's parameters: dJ/dW = z_bar a^T + z_dot_bar a_dot^T, dJ/db = z_bar.
/// z_bar, and behind it z_dot_bar: [n][padded_outputs]; a, a_dot: [n][padded_inputs].
template <class V>
FORCESMITH_FUNCTION void add_layer_gradient(const Layer& layer, int n, const double* z_bar, const double* a,
                                            const double* a_dot, double* gradient) {
  const double* z_dot_bar = z_bar + n * layer.padded_outputs;
  double* weights = gradient + layer.parameter;
  double* biases = weights + static_cast<std::ptrdiff_t>(layer.n_outputs) * layer.n_inputs;
  constexpr int most_outputs = 4;  // that share the loads of a and a_dot
  for (int output = 0; output < layer.n_outputs; output += most_outputs)
    with_constant<most_outputs>(layer.n_outputs - output, [&](auto count) {
      constexpr int outputs = decltype(count)::value;
      for (int k = 0; k < layer.n_inputs; k += V::width) {
        V sums[outputs];
        for (int o = 0; o < outputs; ++o) sums[o] = V(0.0);
        for (int atom = 0; atom < n; ++atom) {
          const int bar = atom * layer.padded_outputs + output, input = atom * layer.padded_inputs + k;
          const V own = simd_load<V>(a + input), own_dot = simd_load<V>(a_dot + input);
          for (int o = 0; o < outputs; ++o) {
            sums[o] += V(z_bar[bar + o]) * own;
            sums[o] += V(z_dot_bar[bar + o]) * own_dot;
          }
        }
        for (int o = 0; o < outputs; ++o) {
          double* row = weights + static_cast<std::ptrdiff_t>(output + o) * layer.n_inputs + k;
          if (k + V::width <= layer.n_inputs) simd_store_unaligned(row, simd_load_unaligned<V>(row) + sums[o]);
          else
            for (int i = 0; k + i < layer.n_inputs; ++i) row[i] += sums[o][i];
        }
      }
    });
  for (int atom = 0; atom < n; ++atom)
    for (int output = 0; output < layer.n_outputs; ++output)
      biases[output] += z_bar[atom * layer.padded_outputs + output];
}

/// Where the reverse pass keeps its numbers of n atoms; the arrays alternate with those of other threads.
struct AdjointMemory {
  double *a, *a_dot, *slopes;
  double* bends;  // f''(z) z_dot
  double* bars;   // of every layer: a_bar, then a_dot_bar; later z_bar, z_dot_bar

  FORCESMITH_FUNCTION AdjointMemory(const ElementNetwork& element, int n, int threads, double* memory) {
    const int section = n * element.n_neurons * threads;
    a = memory;
    a_dot = a + section;
    slopes = a_dot + section;
    bends = slopes + section;
    bars = bends + section;
  }
};

/// Reverse pass of J = sum (energy_bar E + E_dot), where a dot is the derivative along B_dot:
///   z_dot = W a_dot,  a_dot' = f'(z) z_dot
///   z_dot_bar = f'(z) a_dot_bar,  z_bar = f'(z) a_bar + f''(z) z_dot a_dot_bar
/// Sets B_bar and B_dot_bar. memory: adjoint_memory() doubles. take(layer, z_bar, a, a_dot): what is there for the
/// gradient of a layer's parameters, see add_layer_gradient; it stays in the memory.
template <class V, class Take>
FORCESMITH_FUNCTION void reverse_layers(const Tables& t, const Atoms& atoms, const double* B, const double* B_dot,
                                        int stride, const double* energy_bar, double* memory, double* B_bar,
                                        double* B_dot_bar, const Take& take) {
  constexpr int threads = V::threads;
  const ElementNetwork& element = t.elements[atoms.element];
  const Layer* layers = t.layers + element.first_layer;
  const Layer& first = layers[0];
  const int n = atoms.n;
  const AdjointMemory m(element, n, threads, memory);

  standardise<V>(t, atoms, B, stride, m.a);
  const double* factor = t.numbers + element.factor;
  for (int atom = 0; atom < n; ++atom) {
    const double* own = B_dot + static_cast<std::ptrdiff_t>(atoms.rows[atom]) * stride;
    for (int k = 0; k < first.n_inputs; ++k)
      m.a_dot[(atom * first.padded_inputs + k) * threads] = factor[k] * own[k * threads];
  }
  for (int l = 0; l < element.n_layers; ++l) {
    const Layer& layer = layers[l];
    const int inputs = n * layer.begin, outputs = inputs + n * layer.padded_inputs;
    const double* W = t.numbers + layer.forward;
    multiply<V, Product::replaces>(W, t.numbers + layer.biases, layer.n_inputs, m.a + inputs * threads,
                                   layer.padded_inputs, n, m.a + outputs * threads, layer.padded_outputs);
    multiply<V, Product::replaces>(W, nullptr, layer.n_inputs, m.a_dot + inputs * threads, layer.padded_inputs, n,
                                   m.a_dot + outputs * threads, layer.padded_outputs);
    with_activation(layer.activation, [&](auto name) {
      for (int i = outputs; i < outputs + n * layer.padded_outputs; i += V::width) {
        V slope, curvature;
        const int at = i * threads;
        const V z_dot = simd_load<V>(m.a_dot + at);
        simd_store(m.a + at, activation<decltype(name)::value>(simd_load<V>(m.a + at), slope, curvature));
        simd_store(m.a_dot + at, slope * z_dot);
        simd_store(m.slopes + at, slope);
        simd_store(m.bends + at, curvature * z_dot);
      }
    });
  }

  const Layer& last = layers[element.n_layers - 1];
  double* seeds = m.bars + 2 * n * (last.begin + last.padded_inputs) * threads;
  for (int atom = 0; atom < n; ++atom) {
    double* own = seeds + atom * last.padded_outputs * threads;
    double* own_dot = own + n * last.padded_outputs * threads;
    for (int k = 0; k < last.padded_outputs; ++k) own[k * threads] = own_dot[k * threads] = 0.0;
    own[0] = energy_bar[atoms.rows[atom]];
    own_dot[0] = 1.0;
  }
  for (int l = element.n_layers - 1; l >= 0; --l) {
    const Layer& layer = layers[l];
    const int inputs = n * layer.begin, outputs = inputs + n * layer.padded_inputs;
    double *z_bar = m.bars + 2 * outputs * threads, *z_dot_bar = z_bar + n * layer.padded_outputs * threads;
    const double *slopes = m.slopes + outputs * threads, *bends = m.bends + outputs * threads;
    for (int i = 0; i < n * layer.padded_outputs * threads; i += V::width * threads) {
      const V a_dot_bar = simd_load<V>(z_dot_bar + i), slope = simd_load<V>(slopes + i);
      simd_store(z_dot_bar + i, slope * a_dot_bar);
      simd_store(z_bar + i, slope * simd_load<V>(z_bar + i) + simd_load<V>(bends + i) * a_dot_bar);
    }
    take(layer, z_bar, m.a + inputs * threads, m.a_dot + inputs * threads);
    multiply<V, Product::replaces>(t.numbers + layer.reverse, nullptr, layer.n_outputs, z_bar, layer.padded_outputs,
                                   2 * n, m.bars + 2 * inputs * threads, layer.padded_inputs);
  }
  for (int atom = 0; atom < n; ++atom) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atoms.rows[atom]) * stride;
    const double* own = m.bars + atom * first.padded_inputs * threads;
    const double* own_dot = own + n * first.padded_inputs * threads;
    for (int k = 0; k < first.n_inputs; ++k) {
      B_bar[row + k * threads] = factor[k] * own[k * threads];
      B_dot_bar[row + k * threads] = factor[k] * own_dot[k * threads];
    }
  }
}

/// The same; adds dJ/dparameters to gradient.
template <class V>
void reverse_energies(const Tables& t, const Atoms& atoms, const double* B, const double* B_dot, int stride,
                      const double* energy_bar, double* memory, double* B_bar, double* B_dot_bar, double* gradient) {
  for (int atom = 0; atom < atoms.n; ++atom) gradient[atoms.element] += energy_bar[atoms.rows[atom]];
  reverse_layers<V>(t, atoms, B, B_dot, stride, energy_bar, memory, B_bar, B_dot_bar,
                    [&](const Layer& layer, const double* z_bar, const double* a, const double* a_dot) {
                      add_layer_gradient<V>(layer, atoms.n, z_bar, a, a_dot, gradient);
                    });
}

/// As launches call it.
struct Kernels {
  using Tables = neural_network::Tables;
  /// memory(element): energy_memory or adjoint_memory of one atom.
  template <class Memory>
  static std::size_t largest(const Tables& t, const Memory& memory) {
    std::size_t largest = 0;
    for (int element = 0; element < t.n_elements; ++element) {
      const std::size_t own = memory(t.elements[element]);
      if (own > largest) largest = own;
    }
    return largest;
  }
  static std::size_t memory_size(const Tables& t) {
    return largest(t, [](const ElementNetwork& own) { return energy_memory(own, 1); });
  }
  template <int threads>
  FORCESMITH_FUNCTION static double compute_energy(const Tables& t, int element, const double* B, double* memory,
                                                   double* beta) {
    const int row = 0;
    double energy;
    compute_energies<Simd<double, 1, threads>>(t, Atoms{element, 1, &row}, B, 0, memory, &energy, beta);
    return energy;
  }

  FORCESMITH_FUNCTION static int n_features(const Tables& t, int element) {
    const ElementNetwork& network = t.elements[element];
    const int of_output_layer = 1 + t.layers[network.first_layer + network.n_layers - 1].n_inputs;
    return of_output_layer + (network.n_layers > 1 ? t.layers[network.first_layer].n_inputs : 0);
  }
  /// memory: as compute_energy left it.
  template <int threads>
  FORCESMITH_FUNCTION static void compute_features(const Tables& t, int element, const double*, const double* memory,
                                                   double* features) {
    copy_features<threads>(t, element, 1, 0, memory, features);
  }

  static std::size_t adjoint_size(const Tables& t) {
    return largest(t, [](const ElementNetwork& own) { return adjoint_memory(own, 1); });
  }
  template <int threads>
  FORCESMITH_FUNCTION static void reverse_energy(const Tables& t, int element, const double* B, const double* B_dot,
                                                 double energy_bar, double* memory, double* B_bar, double* B_dot_bar) {
    const int row = 0;
    reverse_layers<Simd<double, 1, threads>>(t, Atoms{element, 1, &row}, B, B_dot, 0, &energy_bar, memory, B_bar,
                                             B_dot_bar, [](auto&&...) {});
  }
  /// dJ/dparameter of an atom is energy_bar, m[z_bar], or m[z_bar] m[a] + m[z_dot_bar] m[a_dot], m: the memory.
  struct Parameter {
    int element;
    int z_bar = -1, z_dot_bar = -1, a = -1, a_dot = -1;  // -1: not in it
  };
  FORCESMITH_FUNCTION static Parameter parameter(const Tables& t, std::size_t number) {
    if (number < static_cast<std::size_t>(t.n_elements)) return {static_cast<int>(number)};
    Parameter found{0};
    int l = t.n_layers - 1;
    while (t.layers[l].parameter > number) --l;
    while (found.element + 1 < t.n_elements && t.elements[found.element + 1].first_layer <= l) ++found.element;
    const Layer& layer = t.layers[l];
    const int section = t.elements[found.element].n_neurons, index = static_cast<int>(number - layer.parameter);
    const int n_weights = layer.n_outputs * layer.n_inputs;
    const int output = index < n_weights ? index / layer.n_inputs : index - n_weights;
    found.z_bar = 4 * section + 2 * (layer.begin + layer.padded_inputs) + output;
    if (index >= n_weights) return found;
    found.z_dot_bar = found.z_bar + layer.padded_outputs;
    found.a = layer.begin + index % layer.n_inputs;
    found.a_dot = section + found.a;
    return found;
  }
  template <int threads>
  FORCESMITH_FUNCTION static double parameter_bar(const Tables&, const Parameter& p, int element, const double*,
                                                  const double*, double energy_bar, const double* memory) {
    if (element != p.element) return 0.0;
    if (p.z_bar < 0) return energy_bar;
    if (p.a < 0) return memory[p.z_bar * threads];
    return memory[p.z_bar * threads] * memory[p.a * threads] +
           memory[p.z_dot_bar * threads] * memory[p.a_dot * threads];
  }
};

}  // namespace forcesmith::neural_network::FORCESMITH_ISA
