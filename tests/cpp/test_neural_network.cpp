// The neural network model with the kernels of every instruction set that this processor has, and with
// the device launch (run on the default host space), against a plain perceptron written with the
// mathematical library: energies, gradients, and the reverse pass over the forward mode.
#include <cmath>
#include <cstdlib>

#include "check.hpp"
#include "core/instruction_set.hpp"
#include "core/kokkos_scope.hpp"
#include "device_slices.hpp"
#include "models/device_model.hpp"
#include "models/neural_network/neural_network.hpp"
#include "random_numbers.hpp"

namespace {

using namespace forcesmith;
using namespace forcesmith::neural_network;

/// A number with its derivative along one direction: forward mode.
struct Dual {
  double v = 0.0, d = 0.0;
};
Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }

/// f(z) of every activation, and f'(z).
Dual plain_activation(Activation which, Dual z) {
  const double x = z.v, e = std::exp(-x), logistic = 1 / (1 + e);
  switch (which) {
    case Activation::cosine: return {std::cos(x), -std::sin(x) * z.d};
    case Activation::exponential: return {e, -e * z.d};
    case Activation::gaussian: return {std::exp(-x * x / 2), -x * std::exp(-x * x / 2) * z.d};
    case Activation::identity: return z;
    case Activation::logistic: return {logistic, logistic * (1 - logistic) * z.d};
    case Activation::silu: return {x * logistic, (logistic + x * logistic * (1 - logistic)) * z.d};
    case Activation::softplus: return {std::log1p(std::exp(x)), logistic * z.d};
    case Activation::square: return {x * x, 2 * x * z.d};
    default: return {std::tanh(x), (1 - std::tanh(x) * std::tanh(x)) * z.d};
  }
}

constexpr Activation all_activations[] = {Activation::cosine,   Activation::exponential, Activation::gaussian,
                                          Activation::identity, Activation::logistic,    Activation::silu,
                                          Activation::softplus, Activation::square,      Activation::tanh};

/// Energy of one atom of `element`, with its derivative along (B_dot, parameters_dot).
Dual plain_energy(const Settings& s, int element, const double* B, const double* B_dot, const Numbers& parameters,
                  const Numbers& parameters_dot) {
  std::size_t next = s.sizes.size();
  const auto parameter = [&](std::size_t i) { return Dual{parameters[i], parameters_dot[i]}; };
  const auto run = [&](int own) {
    std::vector<Dual> a;
    for (int k = 0; k < s.sizes[own]; ++k) {
      const double factor = s.input_factor[own][k];
      if (own == element) a.push_back({(B[k] - s.input_shift[own][k]) * factor, B_dot[k] * factor});
      else a.push_back({});
    }
    for (std::size_t l = 0; l <= s.hidden_layers[own].size(); ++l) {
      const bool hidden = l < s.hidden_layers[own].size();
      const std::size_t n_outputs = hidden ? s.hidden_layers[own][l] : 1;
      std::vector<Dual> outputs(n_outputs);
      for (Dual& output : outputs)
        for (const Dual& input : a) output = output + parameter(next++) * input;
      for (Dual& output : outputs) output = output + parameter(next++);
      if (hidden)
        for (Dual& output : outputs) output = plain_activation(s.activations[own][l], output);
      a = outputs;
    }
    return a[0];
  };
  // The parameters of the elements before have to be walked over.
  for (int before = 0; before < element; ++before) run(before);
  return parameter(element) + run(element);
}

/// Two elements with layers that fill registers and layers that do not.
Settings make_settings(std::mt19937& random, std::vector<int> sizes, std::vector<std::vector<int>> hidden_layers,
                       Activation activation) {
  Settings s;
  s.sizes = sizes;
  s.hidden_layers = hidden_layers;
  for (std::size_t element = 0; element < sizes.size(); ++element) {
    s.activations.emplace_back(hidden_layers[element].size(), activation);
    s.input_shift.push_back(random_numbers(random, sizes[element]));
    s.input_factor.push_back(random_numbers(random, sizes[element]));
  }
  return s;
}

struct Input {
  std::vector<int> types;
  int stride;  // larger than any size: what lies between is not touched
  Numbers B, B_dot, energy_bar;
};

struct Output {
  Numbers energies, beta, B_bar, B_dot_bar, gradient;
};

Output run(const NeuralNetwork& model, const Input& in) {
  Output out;
  out.energies.assign(in.types.size(), -1.0);
  out.beta.assign(in.B.size(), -1.0);
  out.B_bar = out.B_dot_bar = out.beta;
  out.gradient.assign(model.parameters().size(), 0.0);
  const auto workspace = model.make_workspace();
  const int n_atoms = static_cast<int>(in.types.size());
  model.energies_and_gradients(*workspace, n_atoms, in.types.data(), in.B.data(), in.stride, out.energies.data(),
                               out.beta.data());
  model.parameter_adjoint(*workspace, n_atoms, in.types.data(), in.B.data(), in.B_dot.data(), in.stride,
                          in.energy_bar.data(), out.B_bar.data(), out.B_dot_bar.data(), out.gradient.data());
  return out;
}

/// J = sum (energy_bar E + dE/dB . B_dot) of all atoms, at parameters and B moved along a line.
double objective(const Settings& s, const Input& in, const Numbers& parameters, const Numbers& B) {
  const Numbers still(parameters.size(), 0.0);
  double sum = 0.0;
  for (std::size_t atom = 0; atom < in.types.size(); ++atom) {
    const Dual energy =
        plain_energy(s, in.types[atom], &B[atom * in.stride], &in.B_dot[atom * in.stride], parameters, still);
    sum += in.energy_bar[atom] * energy.v + energy.d;
  }
  return sum;
}

Numbers moved(const Numbers& start, const Numbers& line, double step) {
  Numbers values = start;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += step * line[i];
  return values;
}

void test_settings(std::mt19937& random, const Settings& settings) {
  Input in;
  for (int atom = 0; atom < 13; ++atom) in.types.push_back(atom < 6 ? 0 : atom % 2);
  in.stride = std::max(settings.sizes[0], settings.sizes[1]) + 3;
  const std::size_t n_atoms = in.types.size(), n_values = n_atoms * in.stride;
  in.B = random_numbers(random, n_values);
  in.B_dot = random_numbers(random, n_values);
  in.energy_bar = random_numbers(random, n_atoms);

  const std::size_t n_parameters = NeuralNetwork(settings).parameters().size();
  const Numbers still(n_parameters, 0.0);
  Numbers parameters = random_numbers(random, n_parameters);
  for (double& parameter : parameters) parameter *= 0.5;  // exponentials of exponentials stay finite
  Numbers energies, B_dot_bar_along, line_B = random_numbers(random, n_values);
  for (std::size_t atom = 0; atom < n_atoms; ++atom) {
    const Dual energy =
        plain_energy(settings, in.types[atom], &in.B[atom * in.stride], &line_B[atom * in.stride], parameters, still);
    energies.push_back(energy.v);
    B_dot_bar_along.push_back(energy.d);
    for (int k = settings.sizes[in.types[atom]]; k < in.stride; ++k) line_B[atom * in.stride + k] = 0.0;
  }
  const Numbers line = random_numbers(random, n_parameters);
  const auto difference = [&](double of_parameters, double of_B) {
    const auto at = [&](double step) {
      return objective(settings, in, moved(parameters, line, step * of_parameters), moved(in.B, line_B, step * of_B));
    };
    const double h = 1e-3;
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  };
  const double expected_parameters = difference(1, 0), expected_B = difference(0, 1);

  Output portable;
  for (InstructionSet set : available_instruction_sets()) {
    setenv("FORCESMITH_ISA", to_string(set).c_str(), 1);
    NeuralNetwork model(settings);
    model.set_parameters(parameters);
    const Output out = run(model, in);
    CHECK_CLOSE(out.energies, energies, 1e-14);
    CHECK_CLOSE(out.beta, out.B_dot_bar, 1e-14);
    Numbers along;
    for (std::size_t atom = 0; atom < n_atoms; ++atom) {
      along.push_back(0.0);
      for (int k = 0; k < in.stride; ++k) {
        const std::size_t i = atom * in.stride + k;
        if (k < settings.sizes[in.types[atom]]) along.back() += out.beta[i] * line_B[i];
        else CHECK(out.beta[i] == -1.0 && out.B_bar[i] == -1.0 && out.B_dot_bar[i] == -1.0);
      }
    }
    CHECK_CLOSE(along, B_dot_bar_along, 1e-13);
    CHECK_CLOSE(dot(out.gradient, line), expected_parameters, 1e-8);
    CHECK_CLOSE(dot(out.B_bar, line_B), expected_B, 1e-8);
    if (set == InstructionSet::portable) portable = out;
    CHECK_CLOSE(out.beta, portable.beta, 1e-13);
    CHECK_CLOSE(out.B_bar, portable.B_bar, 1e-13);
    CHECK_CLOSE(out.gradient, portable.gradient, 1e-13);

    // How atoms are grouped changes no bit.
    const auto workspace = model.make_workspace();
    for (std::size_t atom = 0; atom < n_atoms; ++atom) {
      double energy;
      Numbers beta(in.stride);
      model.energies_and_gradients(*workspace, 1, &in.types[atom], &in.B[atom * in.stride], in.stride, &energy,
                                   beta.data());
      CHECK(energy == out.energies[atom] && beta[0] == out.beta[atom * in.stride]);
    }
  }

  NeuralNetwork model(settings);
  model.set_parameters(parameters);
  DeviceModelKernels<Kokkos::DefaultHostExecutionSpace, NeuralNetwork> device(model);
  const int count = static_cast<int>(n_atoms);
  const Numbers B = to_slices(in.B, in.stride, 0, count);
  Numbers device_energies(n_atoms), device_beta(n_values, -1.0);
  Numbers beta = to_slices(device_beta, in.stride, 0, count);
  device.energies_and_gradients(count, in.types.data(), B.data(), in.stride, device_energies.data(), beta.data());
  from_slices(beta, in.stride, 0, count, device_beta);
  Kokkos::fence();
  CHECK_CLOSE(device_energies, energies, 1e-14);
  CHECK_CLOSE(device_beta, portable.beta, 1e-13);
}

void test_initial_weights() {
  std::mt19937 random(2);
  Settings settings = make_settings(random, {40}, {{60, 60}}, Activation::tanh);
  const Numbers first = NeuralNetwork(settings).parameters();
  CHECK(first == NeuralNetwork(settings).parameters());
  settings.seed = 2;
  CHECK(first != NeuralNetwork(settings).parameters());
  // Offset and biases are zero, weights have the variance 2 / (inputs + outputs).
  CHECK(first[0] == 0.0 && first.back() == 0.0);
  const auto spread = [&](std::size_t begin, std::size_t end) {
    double sum = 0.0, squares = 0.0;
    for (std::size_t i = begin; i < end; ++i) {
      sum += first[i];
      squares += first[i] * first[i];
    }
    CHECK(std::abs(sum / std::sqrt(squares)) < 3.0);
    return squares / static_cast<double>(end - begin);
  };
  CHECK_CLOSE(spread(1, 2401), 2.0 / 100, 0.1);
  CHECK_CLOSE(spread(2461, 6061), 2.0 / 120, 0.1);
  for (int bias = 0; bias < 60; ++bias) CHECK(first[2401 + bias] == 0.0);
}

}  // namespace

int main() {
  ensure_kokkos(2);
  std::mt19937 random(1);
  for (Activation activation : all_activations)
    test_settings(random, make_settings(random, {5, 11}, {{7, 3}, {16, 9, 2}}, activation));
  // All remainders of tiles: 1 to 8 registers of AVX-512, and no hidden layer at all.
  for (int size : {1, 8, 9, 16, 24, 25, 33, 64})
    test_settings(random, make_settings(random, {size, 3}, {{size}, {}}, Activation::tanh));
  test_initial_weights();
  finalize_kokkos();
  return failures != 0;
}
