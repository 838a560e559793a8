#include "potentials/formats/n2p2.hpp"

#include <algorithm>
#include <array>

#include "core/chemical_elements.hpp"
#include "descriptors/symmetry_functions/symmetry_functions.hpp"
#include "models/neural_network/neural_network.hpp"
#include "potentials/formats/n2p2_input.hpp"

namespace forcesmith {

using namespace n2p2;

namespace {

const char files_of_a_folder[] =
    "a potential of n2p2 is a folder with input.nn, scaling.data and, for every element, weights.001.data and so on by "
    "atomic number";

/// The networks of a folder and how their inputs are scaled, for NeuralNetwork::create.
class NetworkReader {
 public:
  NetworkReader(const Input& input, const FileBundle& files) : input_(input), files_(files) {
    model_["energy_offsets"] = input.energy_offsets;
    for (std::size_t element = 0; element < input.elements.size(); ++element) read_network(element);
    read_scaling();
  }

  const Json& model() const { return model_; }

 private:
  void read_network(std::size_t element) {
    const std::vector<Architecture>& candidates = input_.architectures[element];
    const std::string path = beside(input_.path, weights_name(input_.elements[element]));
    WordReader file = reader(files_.text_of(path, files_of_a_folder), path);
    struct Connection {
      int line;
      Words words;
      double value;
    };
    std::vector<Connection> connections;
    for (Words words = file.next(); !words.empty(); words = file.next())
      connections.push_back({file.line(), words, file.number(words[0], "a weight or bias")});

    auto sizes_of = [&](const Architecture& architecture) {
      std::vector<int> sizes{static_cast<int>(input_.n_functions[element])};
      sizes.insert(sizes.end(), architecture.nodes.begin(), architecture.nodes.end());
      sizes.push_back(1);
      return sizes;
    };
    auto count_of = [&](const Architecture& architecture) {
      const std::vector<int> sizes = sizes_of(architecture);
      std::size_t count = 0;
      for (std::size_t l = 1; l < sizes.size(); ++l) count += static_cast<std::size_t>(sizes[l]) * (sizes[l - 1] + 1);
      return count;
    };
    const auto chosen = std::find_if(candidates.begin(), candidates.end(), [&](const Architecture& architecture) {
      return count_of(architecture) == connections.size();
    });
    if (chosen == candidates.end()) {
      std::string text;
      for (int size : sizes_of(candidates.front())) text += (text.empty() ? "" : "-") + std::to_string(size);
      throw FormatError("The n2p2 file \"" + path + "\" holds " + std::to_string(connections.size()) +
                        " weights and biases, but \"" + input_.path + "\" asks for " +
                        std::to_string(count_of(candidates.front())) + " (a network " + text + " for " +
                        input_.elements[element] + "); the two files do not belong together.");
    }

    const std::vector<int> sizes = sizes_of(*chosen);
    const double energy = input_.conv_energy * input_.cfenergy;
    Json layers = Json::array(), names = Json::array();
    std::size_t index = 0;
    auto next = [&](const std::string& type, const std::vector<int>& place) {
      const Connection& connection = connections[index++];
      Words expected{type, std::to_string(index)};
      for (int number : place) expected.push_back(std::to_string(number));
      const Words found(connection.words.begin() + 1, connection.words.end());
      if (!found.empty() && found != expected) {
        std::string text;
        for (const std::string& word : expected) text += (text.empty() ? "" : " ") + word;
        file.go_to(connection.line);
        file.fail("after the value, either nothing or \"" + text + "\" was expected; the file is not in n2p2's order");
      }
      return connection.value;
    };
    for (int l = 1; l < static_cast<int>(sizes.size()); ++l) {
      const bool output = l + 1 == static_cast<int>(sizes.size());
      const std::string activation = output ? "l" : chosen->activations[l - 1];
      // 1 - logistic(x) = logistic(-x)
      const double sign = activation == "S" ? -1.0 : 1.0;
      const double divisor = sign * (input_.normalize_nodes ? sizes[l - 1] : 1) * (output ? energy : 1.0);
      std::vector<std::vector<double>> weights(sizes[l], std::vector<double>(sizes[l - 1]));
      for (int j = 0; j < sizes[l - 1]; ++j)
        for (int k = 0; k < sizes[l]; ++k) weights[k][j] = next("a", {l - 1, j + 1, l, k + 1}) / divisor;
      std::vector<double> biases(sizes[l]);
      for (int k = 0; k < sizes[l]; ++k) biases[k] = next("b", {l, k + 1}) / divisor;
      layers.push_back({{"weights", weights}, {"biases", biases}});
      if (!output) names.push_back(activation == "S" ? "logistic" : activation_letters().at(activation));
    }
    model_["hidden_layers"].push_back(chosen->nodes);
    model_["activation"].push_back(names);
    model_["networks"].push_back(layers);
  }

  void read_scaling() {
    const auto [scale, center, sigma, least, most] = input_.scaling;
    const std::string path = beside(input_.path, "scaling.data");
    if (!scale && !center && !sigma && files_.find(path) == nullptr) return;
    WordReader file = reader(files_.text_of(path, files_of_a_folder), path);
    std::size_t n_columns = 0;  // older versions wrote no standard deviation
    for (std::size_t element = 0; element < input_.elements.size(); ++element) {
      std::array<std::vector<double>, 4> own;  // shift, factor, min, max
      for (std::size_t function = 1; function <= input_.n_functions[element]; ++function) {
        const std::string name = "symmetry function " + std::to_string(function) + " of " + input_.elements[element];
        const Words words = file.next();
        if (words.empty()) file.fail("the file ends where " + name + " was expected");
        if (n_columns == 0) n_columns = words.size();
        if (words.size() < 5 || words.size() != n_columns)
          file.fail("expected indices of element and function, minimum, maximum, mean, standard deviation of " + name +
                    ", found " + std::to_string(words.size()) + " word(s)");
        if (file.integer(words[0], "the index of the element") != static_cast<int>(element) + 1 ||
            file.integer(words[1], "the index of the function") != static_cast<int>(function))
          file.fail("expected \"" + std::to_string(element + 1) + " " + std::to_string(function) + "\", " + name +
                    ", found \"" + words[0] + " " + words[1] + "\"; the file does not belong to \"" + input_.path +
                    "\"");
        const double min = file.number(words[2], "the minimum"), max = file.number(words[3], "the maximum");
        const double mean = file.number(words[4], "the mean");
        if (sigma && words.size() < 6) file.fail("the standard deviation of " + name + " is missing");
        const double width = sigma ? file.number(words[5], "sigma") : scale ? max - min : 1.0;
        if (width == 0.0) file.fail(name + " was the same for all atoms of the training set, and cannot be scaled");
        // n2p2's inputs: start + factor (value - origin)
        const double factor = scale || sigma ? (most - least) / width : 1.0;
        const double start = scale || sigma ? least : 0.0;
        const double origin = center || sigma ? mean : scale ? min : 0.0;
        own[0].push_back(origin - start / factor);
        own[1].push_back(factor);
        own[2].push_back(min);
        own[3].push_back(max);
      }
      model_["input_shift"].push_back(own[0]);
      model_["input_factor"].push_back(own[1]);
      model_["input_min"].push_back(own[2]);
      model_["input_max"].push_back(own[3]);
    }
    // RuNNer's files end with the range of energies.
    const Words rest = file.next();
    if (!rest.empty() && rest.size() != 2)
      file.fail("there is more than the symmetry functions of \"" + input_.path +
                "\"; the files do not belong together");
  }

  const Input& input_;
  const FileBundle& files_;
  Json model_;
};

}  // namespace

bool is_n2p2(const std::string& text) {
  WordReader in = reader(text, "", "#!");
  for (Words words = in.next(); !words.empty(); words = in.next())
    if (words[0] == "number_of_elements" || words[0].ends_with("symfunction_short") ||
        words[0] == "global_hidden_layers_short")
      return true;
  return false;
}

std::vector<std::string> n2p2_companions(const std::string& text, const std::string& path) {
  std::vector<std::string> files{beside(path, "scaling.data")};
  WordReader in = reader(text, path, "#!");
  for (Words words = in.next(); !words.empty(); words = in.next()) {
    if (words[0] != "elements") continue;
    for (std::size_t i = 1; i < words.size(); ++i)
      if (atomic_number(words[i]) > 0) files.push_back(beside(path, weights_name(words[i])));
  }
  return files;
}

Potential parse_n2p2(const FileBundle& files, const ReadOptions& options) {
  const Input input = read_input(files.text(), files.path, options);
  const Json model = NetworkReader(input, files).model();
  const std::string where = "the n2p2 file \"" + files.path + "\"";
  auto descriptor = std::make_unique<symmetry_functions::SymmetryFunctions>(input.functions, input.elements, where);
  std::vector<int> sizes;
  for (std::size_t element = 0; element < input.elements.size(); ++element)
    sizes.push_back(descriptor->size(static_cast<int>(element)));
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  descriptors.push_back(std::move(descriptor));
  return Potential(input.elements, std::move(descriptors), neural_network::NeuralNetwork::create(model, sizes, where),
                   {{"converted_from", "n2p2 folder"}, {"cflength", input.cflength}, {"cfenergy", input.cfenergy}});
}

}  // namespace forcesmith
