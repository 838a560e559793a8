#include "potentials/n2p2_format.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <iomanip>
#include <map>
#include <set>
#include <tuple>

#include "core/chemical_elements.hpp"
#include "core/units.hpp"
#include "descriptors/symmetry_functions/symmetry_functions.hpp"
#include "models/neural_network/neural_network.hpp"
#include "potentials/word_reader.hpp"

namespace forcesmith {

namespace {

/// Stands for the range of symmetry functions where it is not known: nothing lies outside.
constexpr double unlimited = 1e30;

using Words = std::vector<std::string>;

/// n2p2's letters for activation functions; "S" (1 - logistic) is understood too, "r" (not smooth) is not.
const std::map<std::string, std::string>& activation_letters() {
  static const std::map<std::string, std::string> names{{"c", "cosine"},   {"e", "exponential"}, {"g", "gaussian"},
                                                        {"h", "square"},   {"l", "identity"},    {"p", "softplus"},
                                                        {"s", "logistic"}, {"t", "tanh"}};
  return names;
}

std::string beside(const std::string& path, const std::string& name) {
  return (std::filesystem::path(path).parent_path() / name).string();
}

std::string weights_name(const std::string& element) {
  char name[32];
  std::snprintf(name, sizeof name, "weights.%03d.data", atomic_number(element));
  return name;
}

std::string companion(const std::string& path, const std::string& input) {
  FileText file = read_text_file(path);
  if (file.problem.empty()) return std::move(file.text);
  throw FormatError("Cannot read \"" + path + "\", which belongs to \"" + input + "\": " + file.problem +
                    "; a potential of n2p2 is a folder with input.nn, scaling.data and, for every element, "
                    "weights.001.data and so on by atomic number.");
}

WordReader reader(const std::string& text, const std::string& path, const std::string& comments = "#") {
  return {text, "n2p2 file", path, comments};
}

/// What n2p2 sorts the functions of an element by: type, then cutoff, eta, rs, zeta, lambda as numbers, and
/// neighbors; of compact ones type, subtype, neighbors, then cutoff, rl, angles as numbers. All in its own units,
/// the neighbors as indices of its elements, which it sorts by atomic number.
struct Order {
  int type;
  std::string subtype;
  std::vector<int> neighbors_of_compact;
  std::vector<double> numbers;
  std::vector<int> neighbors;

  auto operator<=>(const Order&) const = default;
};

/// The lines of input.nn by their keys. What a message is about is the line that was asked for last.
class Settings {
 public:
  Settings(const std::string& text, const std::string& path) : in(reader(text, path, "#!")) {
    for (Words words = in.next(); !words.empty(); words = in.next())
      lines_.emplace(words[0], Line{in.line(), {words.begin() + 1, words.end()}});
  }

  bool has(const std::string& key) const { return lines_.contains(key); }
  /// Calls read(words) for every line with this key; at_least: the number of words it must have.
  template <class Read>
  void for_each(const std::string& key, std::size_t at_least, const Read& read) {
    const auto [begin, end] = lines_.equal_range(key);
    for (auto line = begin; line != end; ++line) {
      in.go_to(line->second.number);
      if (line->second.words.size() < at_least)
        in.fail(key + " needs " + std::to_string(at_least) + " value(s), found " +
                std::to_string(line->second.words.size()));
      read(line->second.words);
    }
  }
  /// The words of a key that may be there once; none if it is absent.
  Words find(const std::string& key) {
    Words found;
    int times = 0;
    for_each(key, 1, [&](const Words& words) {
      if (++times > 1) in.fail(key + " is there a second time; remove one of them");
      found = words;
    });
    return found;
  }
  /// The same for a key that may stand alone.
  Words find_any(const std::string& key) {
    Words found;
    for_each(key, 0, [&](const Words& words) { found = words; });
    return found;
  }
  Words get(const std::string& key) {
    if (!has(key)) throw FormatError("The n2p2 file \"" + in.path() + "\" has no " + key + ", which is required.");
    return find(key);
  }
  double number(const std::string& key, double fallback) {
    const Words words = find(key);
    return words.empty() ? fallback : in.number(words[0], key);
  }

  WordReader in;

 private:
  struct Line {
    int number;
    Words words;
  };
  std::multimap<std::string, Line> lines_;
};

/// The reader of a folder. Members are filled in the order in which they stand here.
class Folder {
 public:
  Folder(const std::string& text, const std::string& path, const ReadOptions& options)
      : settings_(text, path),
        path_(path),
        cflength_(options.cflength.value_or(1.0 / bohr)),
        cfenergy_(options.cfenergy.value_or(1.0 / hartree)) {
    check_kind();
    read_elements();
    check_elements(options, elements_, "The n2p2 file", path);
    read_normalization();
    read_functions();
    read_networks();
    read_scaling();
  }

  Potential potential() const {
    const std::string where = "the n2p2 file \"" + path_ + "\"";
    auto descriptor = std::make_unique<symmetry_functions::SymmetryFunctions>(functions_, elements_, where);
    std::vector<int> sizes;
    for (std::size_t element = 0; element < elements_.size(); ++element)
      sizes.push_back(descriptor->size(static_cast<int>(element)));
    std::vector<std::unique_ptr<Descriptor>> descriptors;
    descriptors.push_back(std::move(descriptor));
    return Potential(elements_, std::move(descriptors), neural_network::NeuralNetwork::create(model_, sizes, where),
                     {{"converted_from", "n2p2 folder"}, {"cflength", cflength_}, {"cfenergy", cfenergy_}});
  }

 private:
  WordReader& in() { return settings_.in; }
  std::size_t n_elements() const { return elements_.size(); }

  std::size_t element_of(const std::string& name) {
    const auto found = std::find(elements_.begin(), elements_.end(), name);
    if (found == elements_.end()) in().fail("\"" + name + "\" is not one of the elements (" + joined(elements_) + ")");
    return static_cast<std::size_t>(found - elements_.begin());
  }

  void check_kind() {
    for (const char* key : {"nnp_type", "nnp_generation", "nnp_type_gen", "nnp_gen", "nn_type"}) {
      const Words kind = settings_.find(key);
      // 0: how it was called by versions before 2.2
      if (!kind.empty() && kind[0] != "2G-HDNNP" && kind[0] != "2" && kind[0] != "0")
        in().fail(std::string(key) + " is " + kind[0] +
                  ", but only short-range networks (2G-HDNNP) are supported: there are no charges");
    }
    for (const char* key : {"use_electrostatics", "use_electrostatic_nn", "electrostatic_type", "nn_type_elec",
                            "global_hidden_layers_electrostatic", "use_fixed_charges", "use_ewald"}) {
      const Words words = settings_.find_any(key);
      if (settings_.has(key) && !(words.size() == 1 && (words[0] == "0" || words[0] == "false")))
        in().fail(std::string("this potential has electrostatics (") + key +
                  "), but only short-range networks are supported: there are no charges");
    }
    for (const char* key : {"use_vdw", "vdw_type"})
      if (settings_.has(key)) {
        settings_.find_any(key);
        in().fail(std::string("this potential has a dispersion term (") + key + "), which is not supported");
      }
    const Words type = settings_.find("nn_type_short");
    if (!type.empty() && type[0] != "1")
      in().fail("nn_type_short is " + type[0] + ", but only networks of atoms (1) are supported, not those of pairs");
  }

  void read_elements() {
    elements_ = settings_.get("elements");
    for (const std::string& element : elements_) {
      if (atomic_number(element) == 0) in().fail("\"" + element + "\" is no chemical element");
      if (std::count(elements_.begin(), elements_.end(), element) > 1)
        in().fail("elements names " + element + " twice");
    }
    const int number = in().integer(settings_.get("number_of_elements")[0], "number_of_elements");
    if (number != static_cast<int>(n_elements()))
      in().fail("number_of_elements is " + std::to_string(number) + ", but elements names " +
                std::to_string(n_elements()) + ": " + joined(elements_));
    std::sort(elements_.begin(), elements_.end(),
              [](const std::string& a, const std::string& b) { return atomic_number(a) < atomic_number(b); });
  }

  /// Networks work in units of their own: lengths are multiplied by conv_length, energies of atoms
  /// are (energy - mean_energy - atom_energy) conv_energy.
  void read_normalization() {
    const std::array<std::string, 3> keys{"mean_energy", "conv_energy", "conv_length"};
    std::string missing;
    int present = 0;
    for (const std::string& key : keys)
      if (settings_.has(key)) ++present;
      else missing = key;
    if (present != 0 && present != 3)
      throw FormatError("The n2p2 file \"" + path_ + "\" has no " + missing +
                        ": mean_energy, conv_energy and conv_length belong together.");
    const double mean = settings_.number("mean_energy", 0.0);
    conv_energy_ = settings_.number("conv_energy", 1.0);
    if (!(conv_energy_ > 0.0)) in().fail("conv_energy must be positive");
    conv_length_ = settings_.number("conv_length", 1.0);
    if (!(conv_length_ > 0.0)) in().fail("conv_length must be positive");
    std::vector<double> offsets(n_elements(), mean / cfenergy_);
    std::set<std::size_t> seen;
    settings_.for_each("atom_energy", 2, [&](const Words& words) {
      const std::size_t element = element_of(words[0]);
      if (!seen.insert(element).second) in().fail("atom_energy of " + words[0] + " is there twice");
      offsets[element] += in().number(words[1], "atom_energy") / cfenergy_;
    });
    model_["energy_offsets"] = offsets;
  }

  void read_functions() {
    const Words words = settings_.get("cutoff_type");
    const int type = in().integer(words[0], "cutoff_type");
    if (type < 1 || type > 8)
      in().fail("cutoff_type " + words[0] + " is not supported, only 1 (cos) to 8 (poly4) are" +
                (type == 0 ? "; 0, a hard cutoff, is not continuous" : ""));
    functions_.cutoff_function = static_cast<CutoffFunction>(type);
    double alpha = words.size() > 1 ? in().number(words[1], "cutoff_type's inner radius") : 0.0;
    if (!(alpha >= 0.0 && alpha < 1.0))
      in().fail("the second value of cutoff_type must be at least 0 and below 1, not " + words[1]);
    if (const double of_runner = settings_.number("cutoff_alpha", 0.0); of_runner != 0.0) {
      if (type == 2 || type == 3)
        in().fail(
            "RuNNer's cutoff_alpha is supported for all cutoff types but 2 and 3, whose functions it changes otherwise "
            "than here");
      if (!(of_runner > 0.0 && of_runner < 1.0))
        in().fail("cutoff_alpha must be at least 0 and below 1, not " + printed(of_runner));
      alpha = of_runner;
    }
    // n2p2 passes it over, too
    if (type != 2 && type != 3) functions_.cutoff_alpha = alpha;

    std::vector<std::vector<std::pair<Order, symmetry_functions::Function>>> functions(n_elements());
    for (const char* key : {"symfunction_short", "symfunction"})
      settings_.for_each(key, 2,
                         [&](const Words& line) { functions[element_of(line[0])].push_back(read_function(line)); });
    settings_.for_each("element_symfunction_short", 2, [&](const Words& line) {
      for (const Words& own : for_all_neighbors(line)) functions[element_of(line[0])].push_back(read_function(own));
    });
    settings_.for_each("global_symfunction_short", 1, [&](Words line) {
      line.insert(line.begin(), "");
      for (std::size_t element = 0; element < n_elements(); ++element) {
        line[0] = elements_[element];
        for (const Words& own : for_all_neighbors(line)) functions[element].push_back(read_function(own));
      }
    });
    for (std::size_t element = 0; element < n_elements(); ++element) {
      auto& own = functions[element];
      if (own.empty())
        throw FormatError("The n2p2 file \"" + path_ + "\" has no symfunction_short for " + elements_[element] + ".");
      std::stable_sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      n_functions_.push_back(own.size());
      for (const auto& [order, function] : own) {
        functions_.functions.push_back(function);
        functions_.cutoff = std::max(functions_.cutoff, function.cutoff);
      }
    }
  }

  /// The lines of symfunction_short that a line of RuNNer without neighbors stands for: element, type, rest.
  std::vector<Words> for_all_neighbors(const Words& line) {
    const bool angular = line[1] == "3" || line[1] == "9";
    if (line[1] != "2" && !angular)
      in().fail("symmetry functions of type " + line[1] + " for all neighbors are not supported, only 2, 3 and 9 are");
    std::vector<Words> lines;
    for (std::size_t first = 0; first < n_elements(); ++first)
      for (std::size_t second = first; second < (angular ? n_elements() : first + 1); ++second) {
        Words own = line;
        if (angular) own.insert(own.begin() + 2, elements_[second]);
        own.insert(own.begin() + 2, elements_[first]);
        lines.push_back(std::move(own));
      }
    return lines;
  }

  std::pair<Order, symmetry_functions::Function> read_function(const Words& words) {
    const int type = in().integer(words[1], "the type of the symmetry function");
    const std::map<int, std::string> forms{{2, "neighbor eta rs cutoff"},
                                           {3, "neighbor neighbor eta lambda zeta cutoff (rs)"},
                                           {9, "neighbor neighbor eta lambda zeta cutoff (rs)"},
                                           {12, "eta rs cutoff"},
                                           {13, "eta rs lambda zeta cutoff"},
                                           {20, "neighbor rl cutoff subtype"},
                                           {21, "neighbor neighbor rl cutoff left right subtype"},
                                           {22, "neighbor neighbor rl cutoff left right subtype"},
                                           {23, "rl cutoff subtype"},
                                           {24, "rl cutoff left right subtype"},
                                           {25, "rl cutoff left right subtype"}};
    if (!forms.contains(type))
      in().fail("symmetry functions of type " + words[1] + " are not supported, only 2, 3, 9, 12, 13 and 20 to 25 are");
    const bool compact = type >= 20, angular = type != 2 && type != 12 && type != 20 && type != 23;
    const std::size_t n_neighbors = type == 2 || type == 20 ? 1 : type == 13 || type > 22 || !angular ? 0 : 2;
    const std::size_t first = 2 + n_neighbors, n = words.size() - std::min(first, words.size());
    const std::size_t least = !angular ? 3 : compact || n_neighbors == 0 ? 5 : 4;
    const std::size_t most = angular ? 5 : 3;
    if (n < least || n > most)
      in().fail("a symmetry function of type " + words[1] + " needs: element, type, " + forms.at(type));
    std::vector<int> neighbors;
    Json json{{"type", type}, {"center", words[0]}};
    for (std::size_t i = 2; i < first; ++i) {
      neighbors.push_back(static_cast<int>(element_of(words[i])));
      json["neighbors"].push_back(words[i]);
    }
    std::sort(neighbors.begin(), neighbors.end());
    auto number = [&](std::size_t i, const char* name) { return in().number(words[first + i], name); };
    const std::string where = "line " + std::to_string(in().line()) + " of the n2p2 file \"" + path_ + "\"";
    // Sorted as in n2p2, after the change of units.
    if (compact) {
      const double rl = number(0, "rl"), cutoff = number(1, "the cutoff");
      std::vector<double> numbers{cutoff * conv_length_, rl * conv_length_};
      if (angular) {
        for (const auto& [i, name] : {std::pair{2, "angle_left"}, {3, "angle_right"}}) {
          numbers.push_back(number(i, name));
          json[name] = numbers.back();
        }
      }
      json["rl"] = rl / cflength_;
      json["cutoff"] = cutoff / cflength_;
      json["subtype"] = words.back();
      return {{type, words.back(), neighbors, numbers, {}},
              symmetry_functions::parse_function(json, 0.0, elements_, where)};
    }
    const double eta = number(0, "eta");
    const double rs = n_neighbors < 2 ? number(1, "rs") : n > 4 ? number(4, "rs") : 0.0;
    const double cutoff = number(least - 1, "the cutoff");
    const double lambda = angular ? number(least - 3, "lambda") : 0.0;
    const double zeta = angular ? number(least - 2, "zeta") : 0.0;
    json["eta"] = eta * cflength_ * cflength_;
    json["rs"] = rs / cflength_;
    json["cutoff"] = cutoff / cflength_;
    if (angular) {
      json["lambda"] = lambda;
      json["zeta"] = zeta;
    }
    return {{type,
             "",
             {},
             {cutoff * conv_length_, eta / (conv_length_ * conv_length_), rs * conv_length_, zeta, lambda},
             neighbors},
            symmetry_functions::parse_function(json, 0.0, elements_, where)};
  }

  /// The hidden layers of an element.
  struct Architecture {
    std::vector<int> nodes;
    Words activations;
  };

  int positive(const std::string& word, const std::string& key) {
    const int value = in().integer(word, key);
    if (value < 1 || value > 4096) in().fail(key + " must be 1 to 4096, not " + word);
    return value;
  }

  std::vector<int> all_positive(const Words& words, const std::string& key) {
    std::vector<int> values;
    for (const std::string& word : words) values.push_back(positive(word, key));
    return values;
  }

  /// The activations of the hidden layers, from words of which one more may be for the output.
  Words activations(Words words, std::size_t n_layers, const std::string& key) {
    if (words.size() != n_layers && words.size() != n_layers + 1)
      in().fail(key + " must be a letter for each of the " + std::to_string(n_layers) +
                " hidden layers and for the output, found " + std::to_string(words.size()));
    if (words.size() > n_layers && words.back() != "l")
      in().fail("the activation of the output must be l (linear), not " + words.back());
    words.resize(n_layers);
    for (const std::string& letter : words) {
      Words known;
      for (const auto& [own, name] : activation_letters()) known.push_back(own);
      known.push_back("S");
      if (letter == "r") in().fail("the activation r (rectifier) is not supported: forces would not be continuous");
      if (std::find(known.begin(), known.end(), letter) == known.end())
        in().fail(unknown_name_message("activation", letter, known));
    }
    return words;
  }

  /// Per element the architectures that input.nn may mean, the likeliest first. Before version 2.2,
  /// element_nodes_short gave one layer and its nodes; since then all layers, but the last is passed over.
  std::vector<std::vector<Architecture>> read_architectures() {
    const int n_global = positive(settings_.get("global_hidden_layers_short")[0], "global_hidden_layers_short");
    std::vector<int> n_layers(n_elements(), n_global);
    settings_.for_each("element_hidden_layers_short", 2, [&](const Words& words) {
      n_layers[element_of(words[0])] = positive(words[1], "element_hidden_layers_short");
    });
    const Words node_words = settings_.get("global_nodes_short");
    const std::vector<int> nodes = all_positive(node_words, "global_nodes_short");
    if (static_cast<int>(nodes.size()) != n_global)
      in().fail("global_nodes_short must be a number for each of the " + std::to_string(n_global) +
                " hidden layers, found " + std::to_string(nodes.size()));
    const Words activation_words = settings_.get("global_activation_short");
    const Architecture global{nodes, activations(activation_words, nodes.size(), "global_activation_short")};

    std::vector<std::vector<Architecture>> all;
    for (int layers : n_layers)
      if (layers == n_global) all.push_back({global});
      else all.push_back({{std::vector<int>(layers, 0), Words(layers)}});

    settings_.for_each("element_nodes_short", 3, [&](const Words& words) {
      std::vector<Architecture>& own = all[element_of(words[0])];
      const std::size_t n = own.front().nodes.size();
      const std::vector<int> given = all_positive({words.begin() + 1, words.end()}, "element_nodes_short");
      std::vector<Architecture> found;
      for (const Architecture& before : own) {
        if (given.size() == n) {
          found.push_back({given, before.activations});
          found.push_back(found.back());
          found.back().nodes.back() = before.nodes.back();
        }
        if (given.size() == 2 && static_cast<std::size_t>(given[0]) <= n) {
          found.push_back(before);
          found.back().nodes[given[0] - 1] = given[1];
        }
      }
      if (found.empty())
        in().fail("element_nodes_short must give the numbers of nodes of the " + std::to_string(n) +
                  " hidden layers of " + words[0] + ", found " + std::to_string(given.size()));
      own = found;
    });
    settings_.for_each("element_activation_short", 2, [&](const Words& words) {
      for (Architecture& architecture : all[element_of(words[0])])
        architecture.activations =
            activations({words.begin() + 1, words.end()}, architecture.nodes.size(), "element_activation_short");
    });
    for (std::size_t element = 0; element < n_elements(); ++element) {
      const Architecture& first = all[element].front();
      for (const auto& [key, known] :
           {std::pair{"element_nodes_short", std::count(first.nodes.begin(), first.nodes.end(), 0) == 0},
            std::pair{"element_activation_short",
                      std::count(first.activations.begin(), first.activations.end(), "") == 0}})
        if (!known)
          throw FormatError("The n2p2 file \"" + path_ + "\" gives " + elements_[element] +
                            " other hidden layers than the other elements, but no " + key + ".");
    }
    return all;
  }

  void read_networks() {
    const auto architectures = read_architectures();
    const bool divide = settings_.has("normalize_nodes");
    for (std::size_t element = 0; element < n_elements(); ++element)
      read_network(element, architectures[element], divide);
  }

  /// divide: whether sums are divided by the number of what is summed.
  void read_network(std::size_t element, const std::vector<Architecture>& candidates, bool divide) {
    const std::string path = beside(path_, weights_name(elements_[element]));
    WordReader file = reader(companion(path, path_), path);
    struct Connection {
      int line;
      Words words;
      double value;
    };
    std::vector<Connection> connections;
    for (Words words = file.next(); !words.empty(); words = file.next())
      connections.push_back({file.line(), words, file.number(words[0], "a weight or bias")});

    auto sizes_of = [&](const Architecture& architecture) {
      std::vector<int> sizes{static_cast<int>(n_functions_[element])};
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
                        " weights and biases, but \"" + path_ + "\" asks for " +
                        std::to_string(count_of(candidates.front())) + " (a network " + text + " for " +
                        elements_[element] + "); the two files do not belong together.");
    }

    const std::vector<int> sizes = sizes_of(*chosen);
    const double energy = conv_energy_ * cfenergy_;
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
      const double divisor = sign * (divide ? sizes[l - 1] : 1) * (output ? energy : 1.0);
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
    const bool scale = settings_.has("scale_symmetry_functions");
    const bool center = settings_.has("center_symmetry_functions");
    const bool sigma = !scale && !center && settings_.has("scale_symmetry_functions_sigma");
    const double least = settings_.number("scale_min_short", 0.0);
    const double most = settings_.number("scale_max_short", 1.0);
    if ((scale || sigma) && !(most > least))
      throw FormatError("scale_max_short must be larger than scale_min_short in the n2p2 file \"" + path_ +
                        "\", but they are " + printed(most) + " and " + printed(least) + ".");
    const std::string path = beside(path_, "scaling.data");
    if (!scale && !center && !sigma && !exists(path)) return;
    WordReader file = reader(companion(path, path_), path);
    std::size_t n_columns = 0;  // older versions wrote no standard deviation
    for (std::size_t element = 0; element < n_elements(); ++element) {
      std::array<std::vector<double>, 4> own;  // shift, factor, min, max
      for (std::size_t function = 1; function <= n_functions_[element]; ++function) {
        const std::string name = "symmetry function " + std::to_string(function) + " of " + elements_[element];
        const Words words = file.next();
        if (words.empty()) file.fail("the file ends where " + name + " was expected");
        if (n_columns == 0) n_columns = words.size();
        if (words.size() < 5 || words.size() != n_columns)
          file.fail("expected indices of element and function, minimum, maximum, mean, standard deviation of " + name +
                    ", found " + std::to_string(words.size()) + " word(s)");
        if (file.integer(words[0], "the index of the element") != static_cast<int>(element) + 1 ||
            file.integer(words[1], "the index of the function") != static_cast<int>(function))
          file.fail("expected \"" + std::to_string(element + 1) + " " + std::to_string(function) + "\", " + name +
                    ", found \"" + words[0] + " " + words[1] + "\"; the file does not belong to \"" + path_ + "\"");
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
      file.fail("there is more than the symmetry functions of \"" + path_ + "\"; the files do not belong together");
  }

  Settings settings_;
  std::string path_;
  double cflength_, cfenergy_;
  std::vector<std::string> elements_;
  double conv_energy_ = 1.0, conv_length_ = 1.0;
  symmetry_functions::Parameters functions_;
  std::vector<std::size_t> n_functions_;  // [element]
  Json model_;                            // what NeuralNetwork::create reads
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

Potential parse_n2p2(const std::string& text, const std::string& path, const ReadOptions& options) {
  return Folder(text, path, options).potential();
}

namespace {

/// A symmetry function in bohr, with its line in input.nn.
struct PrintedFunction {
  Order order;
  std::string line;
  int value;  // its number among the descriptor's values of the element
};

/// rank: place of every element in n2p2's order.
PrintedFunction printed_function(const symmetry_functions::Function& function, int value,
                                 const std::vector<std::string>& elements, const std::vector<int>& rank) {
  const int type = static_cast<int>(function.type);
  const double cutoff = function.cutoff / bohr;
  std::string line = "symfunction_short " + elements[function.center] + " " + std::to_string(type);
  std::vector<int> neighbors;
  for (int neighbor : function.neighbors) {
    line += " " + elements[neighbor];
    neighbors.push_back(rank[neighbor]);
  }
  std::sort(neighbors.begin(), neighbors.end());
  if (function.compact()) {
    const std::string subtype = subtype_of(function);
    std::vector<double> numbers{cutoff, function.rl / bohr};
    line += " " + printed(numbers[1]) + " " + printed(cutoff);
    if (function.angular())
      for (double angle : {function.angle_left, function.angle_right}) {
        numbers.push_back(angle);
        line += " " + printed(angle);
      }
    return {{type, subtype, neighbors, numbers, {}}, line + " " + subtype + "\n", value};
  }
  const double eta = function.eta * bohr * bohr, rs = function.rs / bohr;
  const double lambda = function.angular() ? function.lambda : 0.0;
  const double zeta = function.angular() ? function.zeta : 0.0;
  line += " " + printed(eta);
  if (neighbors.size() < 2) line += " " + printed(rs);
  if (function.angular()) line += " " + printed(lambda) + " " + printed(zeta);
  line += " " + printed(cutoff);
  if (neighbors.size() == 2 && rs != 0.0) line += " " + printed(rs);
  return {{type, "", {}, {cutoff, eta, rs, zeta, lambda}, neighbors}, line + "\n", value};
}

/// The writer of a folder.
class FolderPrinter {
 public:
  FolderPrinter(const Potential& potential, const std::string& path)
      : path_(path),
        elements_(potential.elements()),
        descriptor_(dynamic_cast<const symmetry_functions::SymmetryFunctions*>(potential.descriptors().front().get())),
        model_(dynamic_cast<const neural_network::NeuralNetwork*>(&potential.model())) {
    check(potential);
    for (std::size_t element = 0; element < elements_.size(); ++element)
      by_number_.push_back(static_cast<int>(element));
    std::sort(by_number_.begin(), by_number_.end(),
              [&](int a, int b) { return atomic_number(elements_[a]) < atomic_number(elements_[b]); });
    rank_.resize(elements_.size());
    for (std::size_t i = 0; i < elements_.size(); ++i) rank_[by_number_[i]] = static_cast<int>(i);
    // n2p2 cannot have last layers of different sizes, so that smaller networks get neurons without effect.
    nodes_.resize(model_->settings().hidden_layers[0].size());
    for (const std::vector<int>& own : model_->settings().hidden_layers)
      for (std::size_t l = 0; l < nodes_.size(); ++l) nodes_[l] = std::max(nodes_[l], own[l]);
  }

  std::vector<TextFile> files() const {
    const Json json = model_->to_json();
    std::string input = settings_text(json.at("activation"));
    std::string scaling =
        "# Symmetry functions, written by forcesmith: element, function, minimum, maximum, mean, sigma\n";
    std::vector<TextFile> files;
    for (int element : by_number_) {
      std::vector<PrintedFunction> functions;
      for (const symmetry_functions::Function& function : descriptor_->settings().functions)
        if (function.center == element)
          functions.push_back(printed_function(function, static_cast<int>(functions.size()), elements_, rank_));
      std::stable_sort(functions.begin(), functions.end(),
                       [](const auto& a, const auto& b) { return a.order < b.order; });
      std::vector<int> order;
      for (const PrintedFunction& function : functions) {
        input += function.line;
        order.push_back(function.value);
      }
      scaling += scaling_text(element, order);
      files.push_back({beside(path_, weights_name(elements_[element])),
                       weights_text(json.at("networks")[element], element, order)});
    }
    files.push_back({beside(path_, "scaling.data"), scaling});
    files.push_back({path_, input});
    return files;
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    throw FormatError("The potential cannot be written as the n2p2 file \"" + path_ + "\": " + reason + ".");
  }

  void check(const Potential& potential) const {
    if (std::filesystem::path(path_).filename() != "input.nn")
      refuse("n2p2 wants it to be called input.nn, in a folder of its own");
    if (potential.descriptors().size() != 1 || descriptor_ == nullptr || model_ == nullptr ||
        !potential.terms().empty())
      refuse("that format holds one descriptor of symmetry functions with a neural network, and no repulsion");
    const neural_network::Settings& settings = model_->settings();
    for (std::size_t element = 0; element < elements_.size(); ++element) {
      if (atomic_number(elements_[element]) == 0)
        refuse("it is for chemical elements, and \"" + elements_[element] + "\" is none");
      if (settings.hidden_layers[element].size() != settings.hidden_layers[0].size() ||
          settings.activations[element] != settings.activations[0])
        refuse("n2p2 wants networks with the same number of hidden layers and the same activations for all elements");
    }
    if (settings.hidden_layers[0].empty()) refuse("n2p2 wants a hidden layer");
    if (!all_finite(model_->parameters()))
      throw FormatError("The potential is not written to \"" + path_ +
                        "\" because it holds coefficients that are not finite.");
  }

  bool scaled() const {
    const neural_network::Settings& s = model_->settings();
    for (std::size_t element = 0; element < elements_.size(); ++element)
      for (int k = 0; k < s.sizes[element]; ++k)
        if (s.input_shift[element][k] != 0.0 || s.input_factor[element][k] != 1.0) return true;
    return false;
  }

  /// input.nn but for the symmetry functions. activations: of all elements, which are equal.
  std::string settings_text(const Json& activations) const {
    std::ostringstream out;
    out << "# Potential of n2p2, written by forcesmith; lengths in bohr, energies in hartree\n"
        << "number_of_elements " << elements_.size() << "\nelements";
    for (int element : by_number_) out << " " << elements_[element];
    const std::vector<double> parameters = model_->parameters();
    for (int element : by_number_)
      if (const double offset = parameters[element]; offset != 0.0)
        out << "\natom_energy " << elements_[element] << " " << printed(offset / hartree);
    const symmetry_functions::Parameters& functions = descriptor_->settings();
    out << "\ncutoff_type " << static_cast<int>(functions.cutoff_function) << " " << printed(functions.cutoff_alpha);
    // (B - mean) / sigma holds any shift and factor.
    if (scaled()) out << "\nscale_symmetry_functions_sigma\nscale_min_short 0\nscale_max_short 1";
    out << "\nglobal_hidden_layers_short " << nodes_.size() << "\nglobal_nodes_short";
    for (int number : nodes_) out << " " << number;
    out << "\nglobal_activation_short";
    for (const std::string name : activations) {
      const auto letter = std::find_if(activation_letters().begin(), activation_letters().end(),
                                       [&](const auto& entry) { return entry.second == name; });
      if (letter == activation_letters().end()) refuse("n2p2 has no activation " + name);
      out << " " << letter->first;
    }
    out << " l\n";
    return out.str();
  }

  /// order: the descriptor values of the element in the order of n2p2's inputs.
  std::string scaling_text(int element, const std::vector<int>& order) const {
    const neural_network::Settings& s = model_->settings();
    std::string text;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const int k = order[i];
      const bool ranges = !s.input_min.empty();
      const double factor = s.input_factor[element][k];
      text += std::to_string(rank_[element] + 1) + " " + std::to_string(i + 1);
      const double low = ranges ? s.input_min[element][k] : -unlimited;
      const double high = ranges ? s.input_max[element][k] : unlimited;
      for (double number : {low, high, s.input_shift[element][k], factor == 0.0 ? 1.0 : 1.0 / factor})
        text += " " + printed(number);
      text += "\n";
    }
    return text;
  }

  std::string weights_text(const Json& layers, int element, const std::vector<int>& order) const {
    std::ostringstream out;
    out << "# Weights (a) and biases (b) of a neural network, written by forcesmith\n";
    int index = 0;
    auto print = [&](double value, char type, const std::vector<int>& place) {
      out << std::setw(24) << printed(value) << " " << type << " " << std::setw(9) << ++index;
      for (int number : place) out << " " << std::setw(5) << number;
      out << "\n";
    };
    std::vector<int> sizes{static_cast<int>(order.size())};
    sizes.insert(sizes.end(), nodes_.begin(), nodes_.end());
    sizes.push_back(1);
    for (int l = 1; l < static_cast<int>(sizes.size()); ++l) {
      const auto weights = layers[l - 1].at("weights").get<std::vector<std::vector<double>>>();
      const auto biases = layers[l - 1].at("biases").get<std::vector<double>>();
      const double unit = l + 1 == static_cast<int>(sizes.size()) ? hartree : 1.0;
      const int n_outputs = static_cast<int>(biases.size()), n_inputs = static_cast<int>(weights[0].size());
      for (int j = 0; j < sizes[l - 1]; ++j) {
        const int input = l == 1 ? order[j] : j;
        // An input with the factor 0 is always 0, which scaling.data cannot say.
        const bool counts = input < n_inputs && (l > 1 || model_->settings().input_factor[element][input] != 0.0);
        for (int k = 0; k < sizes[l]; ++k)
          print(counts && k < n_outputs ? weights[k][input] / unit : 0.0, 'a', {l - 1, j + 1, l, k + 1});
      }
      for (int k = 0; k < sizes[l]; ++k) print(k < n_outputs ? biases[k] / unit : 0.0, 'b', {l, k + 1});
    }
    return out.str();
  }

  const std::string& path_;
  const std::vector<std::string>& elements_;
  const symmetry_functions::SymmetryFunctions* descriptor_;
  const neural_network::NeuralNetwork* model_;
  std::vector<int> by_number_, rank_;  // elements by atomic number, the place of each among them
  std::vector<int> nodes_;             // of the hidden layers
};

}  // namespace

std::vector<TextFile> print_n2p2(const Potential& potential, const std::string& path) {
  return FolderPrinter(potential, path).files();
}

}  // namespace forcesmith
