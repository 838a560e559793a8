#include "models/neural_network/neural_network.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/text.hpp"

namespace forcesmith::neural_network {

namespace {

constexpr int largest_layer = 4096;
constexpr double largest_number_of_weights = 3e7;  // of all elements
constexpr int largest_group = 8;                   // atoms per call of a kernel

const std::map<std::string, Activation>& activation_names() {
  static const std::map<std::string, Activation> names{
      {"cosine", Activation::cosine},     {"exponential", Activation::exponential}, {"gaussian", Activation::gaussian},
      {"identity", Activation::identity}, {"logistic", Activation::logistic},       {"silu", Activation::silu},
      {"softplus", Activation::softplus}, {"square", Activation::square},           {"tanh", Activation::tanh}};
  return names;
}

struct NeuralNetworkWorkspace : Model::Workspace {
  AlignedBuffer memory;
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

/// A place in the JSON text of a model, for messages.
struct Place {
  std::string path, where;

  Place operator[](std::size_t index) const { return {path + "[" + std::to_string(index) + "]", where}; }
  std::string text() const { return path + " of " + where; }
};

/// Refuses anything but a list of `count` `things`.
void check_list(const Json& list, std::size_t count, const std::string& things, const Place& place) {
  if (!list.is_array())
    throw FormatError(place.text() + " must be a list of " + std::to_string(count) + " " + things + ", but is " +
                      list.dump().substr(0, 60) + ".");
  if (list.size() != count)
    throw FormatError(place.text() + " must hold " + std::to_string(count) + " " + things + ", found " +
                      std::to_string(list.size()) + ".");
}

std::vector<double> numbers_of(const Json& list, std::size_t count, const std::string& things, const Place& place) {
  check_list(list, count, things, place);
  for (const Json& item : list)
    if (!item.is_number())
      throw FormatError(place.text() + " must hold " + things + ", but one is " + item.dump().substr(0, 60) + ".");
  return list.get<std::vector<double>>();
}

/// "hidden_layers" and "activation": a list for each element, or one for all.
std::vector<Json> lists_per_element(const Json& list, std::size_t n_elements, const Place& place) {
  if (list.empty() || !list.front().is_array()) return std::vector<Json>(n_elements, list);
  check_list(list, n_elements, "lists, one per element (or be one list for all)", place);
  for (std::size_t element = 0; element < n_elements; ++element)
    if (!list[element].is_array())
      throw FormatError(place[element].text() + " must be a list, as the others are, but is " +
                        list[element].dump().substr(0, 60) + ".");
  return list.get<std::vector<Json>>();
}

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
  std::vector<std::string> known;
  for (const auto& [name, activation] : activation_names()) known.push_back(name);
  const auto activation_of = [&](const Json& name) {
    if (!name.is_string() || !activation_names().contains(name))
      throw ParameterError(
          place.where + ": " +
          unknown_name_message("activation", name.is_string() ? name.get<std::string>() : name.dump(), known));
    return activation_names().at(name);
  };
  std::vector<std::vector<Activation>> all;
  if (given.is_string()) {
    for (const auto& layers : hidden_layers) all.emplace_back(layers.size(), activation_of(given));
    return all;
  }
  for (const Json& names : lists_per_element(given, hidden_layers.size(), place)) {
    check_list(names, hidden_layers[all.size()].size(), "name(s), one per hidden layer (or be one name for all)",
               place);
    all.emplace_back();
    for (const Json& name : names) all.back().push_back(activation_of(name));
  }
  return all;
}

/// One number per element and descriptor value, `fallback` if the key is absent.
std::vector<std::vector<double>> inputs_of(const Json& checked, const std::string& key, const std::vector<int>& sizes,
                                           std::vector<std::vector<double>> fallback, const std::string& where) {
  if (!checked.contains(key)) return fallback;
  const Place place{"\"" + key + "\"", where};
  const Json& lists = checked.at(key);
  check_list(lists, sizes.size(), "list(s), one per element", place);
  std::vector<std::vector<double>> all;
  for (std::size_t element = 0; element < sizes.size(); ++element)
    all.push_back(numbers_of(lists[element], sizes[element], "number(s), one per descriptor value", place[element]));
  return all;
}

ParameterSchema layer_schema() {
  return {{"weights", "array", "", {}, "a list per output of the layer, with a number per input"},
          {"biases", "array", "", {}, "a number per output of the layer"}};
}

/// Reads "networks" into `parameters`.
void read_networks(const Json& networks, const PackedNetworks& packed, const std::string& where,
                   std::vector<double>& parameters) {
  const Place place{"\"networks\"", where};
  const std::size_t n_elements = packed.elements().size();
  check_list(networks, n_elements, "network(s), one per element", place);
  for (std::size_t element = 0; element < n_elements; ++element) {
    const auto layers = packed.layers(static_cast<int>(element));
    check_list(networks[element], layers.size(), "layer(s), the hidden ones and the output", place[element]);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const Place at = place[element][l];
      const Json layer = checked_parameters(layer_schema(), networks[element][l], at.text());
      auto next = parameters.begin() + static_cast<std::ptrdiff_t>(layers[l].parameter);
      const Place weights{at.path + "[\"weights\"]", where}, biases{at.path + "[\"biases\"]", where};
      check_list(layer.at("weights"), layers[l].n_outputs, "list(s), one per output of the layer", weights);
      for (int output = 0; output < layers[l].n_outputs; ++output) {
        const auto row = numbers_of(layer.at("weights")[output], layers[l].n_inputs,
                                    "number(s), one per input of the layer", weights[output]);
        next = std::copy(row.begin(), row.end(), next);
      }
      const auto row =
          numbers_of(layer.at("biases"), layers[l].n_outputs, "number(s), one per output of the layer", biases);
      std::copy(row.begin(), row.end(), next);
    }
  }
}

/// Numbers of the normal distribution that do not depend on the standard library (Box and Muller).
class NormalNumbers {
 public:
  explicit NormalNumbers(int seed) : bits_(static_cast<std::uint64_t>(seed)) {}
  double next() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * 3.14159265358979323846 * uniform());
  }

 private:
  double uniform() { return static_cast<double>(bits_() >> 11) * 0x1p-53; }  // below 1
  std::mt19937_64 bits_;
};

/// Lists of all elements, or the one list if they are equal.
template <class List>
Json merged(const std::vector<List>& lists) {
  for (const List& list : lists)
    if (list != lists.front()) return lists;
  return lists.front();
}

}  // namespace

ParameterSchema NeuralNetwork::schema() {
  return {{"hidden_layers", "array", "", Json{24, 24},
           "neurons of each hidden layer; one list for all elements, or one per element"},
          {"activation", "string or array", "", "tanh",
           "activation of the hidden layers: one name, or a list with a name per layer, or such a list per element"},
          {"energy_offsets",
           "array",
           "eV",
           {},
           "energy of every element that is added to its network's output; default 0",
           true,
           true},
          {"input_shift",
           "array",
           "",
           {},
           "[element][descriptor value] the networks see (value - shift) factor; default 0",
           true,
           true},
          {"input_factor", "array", "", {}, "[element][descriptor value]; default 1", true, true},
          {"input_min", "array", "", {}, "[element][descriptor value] smallest value of the training set", true},
          {"input_max", "array", "", {}, "[element][descriptor value] largest value of the training set", true},
          {"seed", "integer", "", 1, "of the random weights, where \"networks\" is absent"},
          {"networks", "array", "", {}, "[element][layer] weights and biases, the output layer last", true, true}};
}

std::unique_ptr<Model> NeuralNetwork::create(const Json& given, const std::vector<int>& sizes,
                                             const std::string& where) {
  const Json checked = checked_parameters(schema(), given, where);
  Settings settings;
  settings.sizes = sizes;
  settings.hidden_layers = hidden_layers_of(checked.at("hidden_layers"), sizes.size(), {"\"hidden_layers\"", where});
  settings.activations = activations_of(checked.at("activation"), settings.hidden_layers, {"\"activation\"", where});
  double n_weights = 0.0;
  for (std::size_t element = 0; element < sizes.size(); ++element) {
    double n_inputs = sizes[element];
    for (const int n_neurons : settings.hidden_layers[element]) {
      n_weights += n_inputs * n_neurons;
      n_inputs = n_neurons;
    }
  }
  if (n_weights > largest_number_of_weights)
    throw ParameterError(where + ": \"hidden_layers\" asks for " + printed(n_weights) +
                         " weights, more than the supported " + printed(largest_number_of_weights) +
                         "; choose smaller layers.");
  std::vector<std::vector<double>> zeros, ones;
  for (int size : sizes) {
    zeros.emplace_back(size, 0.0);
    ones.emplace_back(size, 1.0);
  }
  settings.input_shift = inputs_of(checked, "input_shift", sizes, std::move(zeros), where);
  settings.input_factor = inputs_of(checked, "input_factor", sizes, std::move(ones), where);
  if (checked.contains("input_min") != checked.contains("input_max"))
    throw ParameterError(where + ": \"input_min\" and \"input_max\" belong together, but only one is given.");
  settings.input_min = inputs_of(checked, "input_min", sizes, {}, where);
  settings.input_max = inputs_of(checked, "input_max", sizes, {}, where);
  settings.seed = checked.at("seed");

  auto model = std::make_unique<NeuralNetwork>(std::move(settings));
  std::vector<double> parameters = model->parameters();
  if (checked.contains("energy_offsets")) {
    const auto offsets = numbers_of(checked.at("energy_offsets"), sizes.size(), "number(s), one per element",
                                    {"\"energy_offsets\"", where});
    std::copy(offsets.begin(), offsets.end(), parameters.begin());
  }
  if (checked.contains("networks")) read_networks(checked.at("networks"), model->packed(), where, parameters);
  model->set_parameters(parameters);
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
  std::vector<std::vector<std::string>> activations;
  for (const auto& layers : settings_.activations) {
    activations.emplace_back();
    for (const Activation own : layers)
      for (const auto& [name, activation] : activation_names())
        if (activation == own) activations.back().push_back(name);
  }
  Json networks = Json::array();
  for (int element = 0; element < settings_.n_elements(); ++element) {
    networks.push_back(Json::array());
    for (const Layer& layer : packed_.layers(element)) {
      auto next = parameters_.begin() + static_cast<std::ptrdiff_t>(layer.parameter);
      Json weights = Json::array();
      for (int output = 0; output < layer.n_outputs; ++output, next += layer.n_inputs)
        weights.push_back(std::vector<double>(next, next + layer.n_inputs));
      networks.back().push_back({{"weights", weights}, {"biases", std::vector<double>(next, next + layer.n_outputs)}});
    }
  }
  Json json{{"type", type()},
            {"hidden_layers", merged(settings_.hidden_layers)},
            {"activation", merged(activations)},
            {"energy_offsets", std::vector<double>(parameters_.begin(), parameters_.begin() + settings_.n_elements())},
            {"input_shift", settings_.input_shift},
            {"input_factor", settings_.input_factor},
            {"seed", settings_.seed},
            {"networks", networks}};
  if (!settings_.input_min.empty()) {
    json["input_min"] = settings_.input_min;
    json["input_max"] = settings_.input_max;
  }
  return json;
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

int NeuralNetwork::values_outside(int element, const double* B) const {
  if (settings_.input_min.empty()) return -1;
  const std::vector<double>&low = settings_.input_min[element], &high = settings_.input_max[element];
  int count = 0;
  for (std::size_t k = 0; k < low.size(); ++k) count += B[k] < low[k] || B[k] > high[k];
  return count;
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
