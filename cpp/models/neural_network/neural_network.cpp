#include "models/neural_network/neural_network.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/normal_numbers.hpp"
#include "core/text.hpp"
#include "core/typed_schema.hpp"

namespace forcesmith::neural_network {

namespace {

constexpr int largest_layer = 4096;
constexpr double largest_number_of_weights = 3e7;  // of all elements
constexpr int largest_group = 8;                   // atoms per call of a kernel

const Enumeration<Activation>& activation_names() {
  static const Enumeration<Activation> names("activation", {{"cosine", Activation::cosine},
                                                            {"exponential", Activation::exponential},
                                                            {"gaussian", Activation::gaussian},
                                                            {"identity", Activation::identity},
                                                            {"logistic", Activation::logistic},
                                                            {"silu", Activation::silu},
                                                            {"softplus", Activation::softplus},
                                                            {"square", Activation::square},
                                                            {"tanh", Activation::tanh}});
  return names;
}

struct NeuralNetworkWorkspace : Model::Workspace {
  AlignedBuffer memory;
  std::vector<double> energies, beta;  // that nobody asks for
};

/// Calls compute(atoms) for groups of atoms of one element that together are all atoms.
template <class Compute>
void for_each_group(int n_atoms, const int* types, const Compute& compute) {
  int rows[largest_group];
  for (int begin = 0; begin < n_atoms; begin += largest_group) {
    const int end = std::min(n_atoms, begin + largest_group);
    bool done[largest_group] = {false};
    for (int first = begin; first < end; ++first) {
      if (done[first - begin]) continue;
      Atoms atoms{types[first], 0, rows};
      for (int atom = first; atom < end; ++atom)
        if (types[atom] == atoms.element) {
          rows[atoms.n++] = atom;
          done[atom - begin] = true;
        }
      compute(atoms);
    }
  }
}

// ---- what files hold ----

struct LayerParameters {
  std::vector<std::vector<double>> weights;  // [output][input]
  std::vector<double> biases;                // [output]
};

struct Parameters : Settings {
  std::vector<double> energy_offsets;                  // [element] eV
  std::vector<std::vector<LayerParameters>> networks;  // [element][layer], the output layer last; or empty
};

std::vector<std::vector<int>> hidden_layers_of(const Json& list, std::size_t n_elements, const Place& place) {
  std::vector<std::vector<int>> all;
  for (const Json& layers : lists_per_element(list, n_elements, place)) {
    all.emplace_back();
    for (const Json& size : layers) {
      if (!size.is_number_integer() || size < 1 || size > largest_layer)
        throw ParameterError(place.text() + " must hold numbers of neurons, 1 to " + std::to_string(largest_layer) +
                             ", but one is " + size.dump().substr(0, 60) + ".");
      all.back().push_back(size);
    }
  }
  return all;
}

std::vector<std::vector<Activation>> activations_of(const Json& given,
                                                    const std::vector<std::vector<int>>& hidden_layers,
                                                    const Place& place) {
  std::vector<std::vector<Activation>> all;
  if (given.is_string()) {
    for (const auto& layers : hidden_layers)
      all.emplace_back(layers.size(), activation_names().value_of(given, place.where));
    return all;
  }
  for (const Json& names : lists_per_element(given, hidden_layers.size(), place)) {
    check_list(names, hidden_layers[all.size()].size(), "name(s), one per hidden layer (or be one name for all)",
               place);
    all.emplace_back();
    for (const Json& name : names) all.back().push_back(activation_names().value_of(name, place.where));
  }
  return all;
}

SchemaOf<LayerParameters> layer_schema(int n_inputs, int n_outputs) {
  const std::string of_outputs = "one per output of the layer", of_inputs = "number(s), one per input of the layer";
  return SchemaOf<LayerParameters>()
      .field(&LayerParameters::weights, "weights", "", "a list per output of the layer, with a number per input",
             lists_form(std::vector<int>(n_outputs, n_inputs), "list(s), " + of_outputs, of_inputs))
      .required()
      .field(&LayerParameters::biases, "biases", "", "a number per output of the layer",
             numbers_form(n_outputs, "number(s), " + of_outputs))
      .required();
}

/// Numbers of values between the layers of an element's network: inputs, neurons, output.
std::vector<int> widths(const Settings& settings, std::size_t element) {
  std::vector<int> all{settings.sizes[element]};
  all.insert(all.end(), settings.hidden_layers[element].begin(), settings.hidden_layers[element].end());
  all.push_back(1);
  return all;
}

std::vector<std::vector<LayerParameters>> networks_of(const Json& given, const Settings& settings, const Place& place) {
  check_list(given, settings.sizes.size(), "network(s), one per element", place);
  std::vector<std::vector<LayerParameters>> all(given.size());
  for (std::size_t element = 0; element < given.size(); ++element) {
    const std::vector<int> n = widths(settings, element);
    check_list(given[element], n.size() - 1, "layer(s), the hidden ones and the output", place[element]);
    for (std::size_t l = 0; l + 1 < n.size(); ++l)
      all[element].push_back(layer_schema(n[l], n[l + 1]).read(given[element][l], place[element][l]));
  }
  return all;
}

Json written_networks(const Parameters& p) {
  Json all = Json::array();
  for (std::size_t element = 0; element < p.networks.size(); ++element) {
    all.push_back(Json::array());
    for (const LayerParameters& layer : p.networks[element]) all.back().push_back(layer_schema(0, 0).write(layer));
  }
  return all;
}

/// sizes: descriptor values per element [n_elements].
SchemaOf<Parameters> schema_for(const std::vector<int>& sizes) {
  using P = Parameters;
  const auto of_values = lists_form(sizes, "list(s), one per element", "number(s), one per descriptor value");
  SchemaOf<P> schema;
  schema.custom(
      {"hidden_layers", "array", "", Json{24, 24},
       "neurons of each hidden layer; one list for all elements, or one per element"},
      [](P& p, const Json& value, const Place& place, int n_elements) {
        p.hidden_layers = hidden_layers_of(value, n_elements, place);
      },
      [](const P& p) { return merged(p.hidden_layers); });
  schema.custom(
      {"activation", "string or array", "", "tanh",
       "activation of the hidden layers: one name, or a list with a name per layer, or such a list per element", false,
       false, activation_names().names()},
      [](P& p, const Json& value, const Place& place, int) {
        p.activations = activations_of(value, p.hidden_layers, place);
      },
      [](const P& p) {
        std::vector<std::vector<std::string>> names;
        for (const auto& layers : p.activations) {
          names.emplace_back();
          for (const Activation own : layers) names.back().push_back(activation_names().name_of(own));
        }
        return merged(names);
      });
  schema
      .per_element(&P::energy_offsets, 0.0, "energy_offsets", "eV",
                   "energy of every element that is added to its network's output")
      .trained();
  schema
      .field(&P::input_shift, "input_shift", "",
             "[element][descriptor value] the networks see (value - shift) factor; default 0", of_values)
      .trained();
  schema.field(&P::input_factor, "input_factor", "", "[element][descriptor value]; default 1", of_values).trained();
  schema.field(&P::input_min, "input_min", "", "[element][descriptor value] smallest value of the training set",
               of_values);
  schema.field(&P::input_max, "input_max", "", "[element][descriptor value] largest value of the training set",
               of_values);
  schema.field(&P::seed, "seed", "", "of the random weights, where \"networks\" is absent");
  schema
      .custom(
          {"networks", "array", "", {}, "[element][layer] weights and biases, the output layer last", true},
          [](P& p, const Json& value, const Place& place, int) {
            if (!value.is_null()) p.networks = networks_of(value, p, place);
          },
          written_networks)
      .trained();
  return schema;
}

}  // namespace

ParameterSchema NeuralNetwork::schema() { return schema_for({}).fields(); }

std::unique_ptr<Model> NeuralNetwork::create(const Json& given, const std::vector<int>& sizes,
                                             const std::string& where) {
  Parameters start;
  start.sizes = sizes;
  for (int size : sizes) {
    start.input_shift.emplace_back(size, 0.0);
    start.input_factor.emplace_back(size, 1.0);
  }
  Parameters p = schema_for(sizes).read(given, {where}, static_cast<int>(sizes.size()), std::move(start));
  if (p.input_min.empty() != p.input_max.empty())
    throw ParameterError(where + ": \"input_min\" and \"input_max\" belong together, but only one is given.");
  double n_weights = 0.0;
  for (std::size_t element = 0; element < sizes.size(); ++element) {
    const std::vector<int> n = widths(p, element);
    for (std::size_t l = 0; l + 2 < n.size(); ++l) n_weights += static_cast<double>(n[l]) * n[l + 1];
  }
  if (n_weights > largest_number_of_weights)
    throw ParameterError(where + ": \"hidden_layers\" asks for " + printed(n_weights) +
                         " weights, more than the supported " + printed(largest_number_of_weights) +
                         "; choose smaller layers.");

  auto model = std::make_unique<NeuralNetwork>(static_cast<const Settings&>(p));
  std::vector<double> parameters = p.energy_offsets;
  for (const auto& network : p.networks)
    for (const LayerParameters& layer : network) {
      for (const auto& row : layer.weights) parameters.insert(parameters.end(), row.begin(), row.end());
      parameters.insert(parameters.end(), layer.biases.begin(), layer.biases.end());
    }
  if (p.networks.empty()) model->set_energy_offsets(parameters);
  else model->set_parameters(parameters);
  return model;
}

NeuralNetwork::NeuralNetwork(Settings settings)
    : settings_(std::move(settings)),
      variant_(FORCESMITH_VARIANT_IN_USE(variant)),
      packed_(settings_, variant_.width),
      parameters_(packed_.n_parameters(), 0.0) {
  NormalNumbers normal(settings_.seed);
  for (const Layer& layer : packed_.layers()) {
    const double width = std::sqrt(2.0 / (layer.n_inputs + layer.n_outputs));
    const std::size_t n_weights = static_cast<std::size_t>(layer.n_outputs) * layer.n_inputs;
    for (std::size_t i = 0; i < n_weights; ++i) parameters_[layer.parameter + i] = width * normal.next();
  }
  packed_.set_parameters(parameters_);
}

Json NeuralNetwork::to_json() const {
  Parameters p{settings_, {parameters_.begin(), parameters_.begin() + settings_.n_elements()}, {}};
  for (int element = 0; element < settings_.n_elements(); ++element) {
    p.networks.emplace_back();
    for (const Layer& layer : packed_.layers(element)) {
      LayerParameters& own = p.networks.back().emplace_back();
      auto next = parameters_.begin() + static_cast<std::ptrdiff_t>(layer.parameter);
      for (int output = 0; output < layer.n_outputs; ++output, next += layer.n_inputs)
        own.weights.emplace_back(next, next + layer.n_inputs);
      own.biases.assign(next, next + layer.n_outputs);
    }
  }
  return schema_for(settings_.sizes).write(p);
}

std::unique_ptr<Model::Workspace> NeuralNetwork::make_workspace() const {
  return std::make_unique<NeuralNetworkWorkspace>();
}

void NeuralNetwork::energies_and_gradients(Workspace& workspace, int n_atoms, const int* types, const double* B,
                                           int stride, double* energies, double* beta) const {
  AlignedBuffer& memory = static_cast<NeuralNetworkWorkspace&>(workspace).memory;
  for_each_group(n_atoms, types, [&](const Atoms& atoms) {
    const std::size_t size = energy_memory(packed_.elements()[atoms.element], atoms.n);
    variant_.energies_and_gradients(packed_.tables(), atoms, B, stride, memory.reserve(size), energies, beta);
  });
}

void NeuralNetwork::features(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride,
                             double* features, int feature_stride) const {
  auto& [memory, energies, beta] = static_cast<NeuralNetworkWorkspace&>(workspace);
  energies.resize(n_atoms);
  beta.resize(static_cast<std::size_t>(n_atoms) * stride);
  for_each_group(n_atoms, types, [&](const Atoms& atoms) {
    double* numbers = memory.reserve(energy_memory(packed_.elements()[atoms.element], atoms.n));
    variant_.energies_and_gradients(packed_.tables(), atoms, B, stride, numbers, energies.data(), beta.data());
    for (int atom = 0; atom < atoms.n; ++atom)
      FORCESMITH_ISA::copy_features<1>(packed_.tables(), atoms.element, atoms.n, atom, numbers,
                                       features + static_cast<std::ptrdiff_t>(atoms.rows[atom]) * feature_stride);
  });
}

void NeuralNetwork::parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B,
                                      const double* B_dot, int stride, const double* energy_bar, double* B_bar,
                                      double* B_dot_bar, double* gradient) const {
  AlignedBuffer& memory = static_cast<NeuralNetworkWorkspace&>(workspace).memory;
  for_each_group(n_atoms, types, [&](const Atoms& atoms) {
    const std::size_t size = adjoint_memory(packed_.elements()[atoms.element], atoms.n);
    variant_.parameter_adjoint(packed_.tables(), atoms, B, B_dot, stride, energy_bar, memory.reserve(size), B_bar,
                               B_dot_bar, gradient);
  });
}

std::optional<InputRange> NeuralNetwork::input_range(int element) const {
  if (settings_.input_min.empty()) return {};
  return InputRange{settings_.input_min[element], settings_.input_max[element]};
}

std::vector<ParameterBlock> NeuralNetwork::parameter_blocks() const {
  std::vector<ParameterBlock> blocks{{"energy_offsets", ParameterRole::offset, 0, settings_.sizes.size()}};
  for (int element = 0; element < settings_.n_elements(); ++element) {
    const auto layers = packed_.layers(element);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const std::string name = "networks[" + std::to_string(element) + "][" + std::to_string(l) + "].";
      const std::size_t begin = layers[l].parameter, n_outputs = layers[l].n_outputs;
      const std::size_t n_weights = n_outputs * layers[l].n_inputs;
      blocks.push_back({name + "weights", ParameterRole::weight, begin, n_weights, element});
      blocks.push_back({name + "biases", ParameterRole::bias, begin + n_weights, n_outputs, element});
    }
  }
  return blocks;
}

void NeuralNetwork::standardize_inputs(InputStatistics statistics) {
  for (const auto* lists : {&statistics.mean, &statistics.factor, &statistics.min, &statistics.max}) {
    bool fits = lists->size() == settings_.sizes.size();
    for (std::size_t element = 0; fits && element < lists->size(); ++element)
      fits = (*lists)[element].size() == static_cast<std::size_t>(settings_.sizes[element]);
    if (!fits)
      throw ParameterError("The statistics of the inputs must have a number per element and descriptor value.");
  }
  settings_.input_shift = std::move(statistics.mean);
  settings_.input_factor = std::move(statistics.factor);
  settings_.input_min = std::move(statistics.min);
  settings_.input_max = std::move(statistics.max);
  packed_.set_input_scale(settings_.input_shift, settings_.input_factor);
}

void NeuralNetwork::set_parameters(std::span<const double> values) {
  if (values.size() != parameters_.size())
    throw ParameterError("The neural network model has " + std::to_string(parameters_.size()) + " parameters, but " +
                         std::to_string(values.size()) + " were given.");
  parameters_.assign(values.begin(), values.end());
  packed_.set_parameters(parameters_);
}

}  // namespace forcesmith::neural_network
