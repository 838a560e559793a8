#include "potentials/formats/n2p2_input.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <set>

#include "core/chemical_elements.hpp"
#include "core/units.hpp"

namespace forcesmith::n2p2 {

/// n2p2's letters for activation functions; "S" (1 - logistic) is understood too, "r" (not smooth) is not.
const std::map<std::string, std::string>& activation_letters() {
  static const std::map<std::string, std::string> names{{"c", "cosine"},   {"e", "exponential"}, {"g", "gaussian"},
                                                        {"h", "square"},   {"l", "identity"},    {"p", "softplus"},
                                                        {"s", "logistic"}, {"t", "tanh"}};
  return names;
}

std::string beside(const std::string& input, const std::string& name) {
  return (std::filesystem::path(input).parent_path() / name).string();
}

std::string weights_name(const std::string& element) {
  char name[32];
  std::snprintf(name, sizeof name, "weights.%03d.data", atomic_number(element));
  return name;
}

WordReader reader(const std::string& text, const std::string& path, const std::string& comments) {
  return {text, "n2p2 file", path, comments};
}

namespace {

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

/// Members of the input are filled in the order in which they stand there.
class InputReader {
 public:
  InputReader(const std::string& text, const std::string& path, const ReadOptions& options) : settings_(text, path) {
    input_.path = path;
    input_.cflength = options.cflength.value_or(1.0 / bohr);
    input_.cfenergy = options.cfenergy.value_or(1.0 / hartree);
    check_kind();
    read_elements();
    check_elements(options, input_.elements, "The n2p2 file", path);
    read_normalization();
    read_functions();
    read_architectures();
    read_scaling();
  }

  Input&& input() && { return std::move(input_); }

 private:
  WordReader& in() { return settings_.in; }
  std::size_t n_elements() const { return input_.elements.size(); }

  std::size_t element_of(const std::string& name) {
    const auto found = std::find(input_.elements.begin(), input_.elements.end(), name);
    if (found == input_.elements.end())
      in().fail("\"" + name + "\" is not one of the elements (" + joined(input_.elements) + ")");
    return static_cast<std::size_t>(found - input_.elements.begin());
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
    input_.elements = settings_.get("elements");
    for (const std::string& element : input_.elements) {
      if (atomic_number(element) == 0) in().fail("\"" + element + "\" is no chemical element");
      if (std::count(input_.elements.begin(), input_.elements.end(), element) > 1)
        in().fail("elements names " + element + " twice");
    }
    const int number = in().integer(settings_.get("number_of_elements")[0], "number_of_elements");
    if (number != static_cast<int>(n_elements()))
      in().fail("number_of_elements is " + std::to_string(number) + ", but elements names " +
                std::to_string(n_elements()) + ": " + joined(input_.elements));
    std::sort(input_.elements.begin(), input_.elements.end(),
              [](const std::string& a, const std::string& b) { return atomic_number(a) < atomic_number(b); });
  }

  void read_normalization() {
    const std::array<std::string, 3> keys{"mean_energy", "conv_energy", "conv_length"};
    std::string missing;
    int present = 0;
    for (const std::string& key : keys)
      if (settings_.has(key)) ++present;
      else missing = key;
    if (present != 0 && present != 3)
      throw FormatError("The n2p2 file \"" + input_.path + "\" has no " + missing +
                        ": mean_energy, conv_energy and conv_length belong together.");
    const double mean = settings_.number("mean_energy", 0.0);
    input_.conv_energy = settings_.number("conv_energy", 1.0);
    if (!(input_.conv_energy > 0.0)) in().fail("conv_energy must be positive");
    input_.conv_length = settings_.number("conv_length", 1.0);
    if (!(input_.conv_length > 0.0)) in().fail("conv_length must be positive");
    std::vector<double> offsets(n_elements(), mean / input_.cfenergy);
    std::set<std::size_t> seen;
    settings_.for_each("atom_energy", 2, [&](const Words& words) {
      const std::size_t element = element_of(words[0]);
      if (!seen.insert(element).second) in().fail("atom_energy of " + words[0] + " is there twice");
      offsets[element] += in().number(words[1], "atom_energy") / input_.cfenergy;
    });
    input_.energy_offsets = std::move(offsets);
  }

  void read_functions() {
    const Words words = settings_.get("cutoff_type");
    const int type = in().integer(words[0], "cutoff_type");
    if (type < 1 || type > 8)
      in().fail("cutoff_type " + words[0] + " is not supported, only 1 (cos) to 8 (poly4) are" +
                (type == 0 ? "; 0, a hard cutoff, is not continuous" : ""));
    input_.functions.cutoff_function = static_cast<CutoffFunction>(type);
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
    if (type != 2 && type != 3) input_.functions.cutoff_alpha = alpha;

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
        line[0] = input_.elements[element];
        for (const Words& own : for_all_neighbors(line)) functions[element].push_back(read_function(own));
      }
    });
    for (std::size_t element = 0; element < n_elements(); ++element) {
      auto& own = functions[element];
      if (own.empty())
        throw FormatError("The n2p2 file \"" + input_.path + "\" has no symfunction_short for " +
                          input_.elements[element] + ".");
      std::stable_sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      input_.n_functions.push_back(own.size());
      for (const auto& [order, function] : own) {
        input_.functions.functions.push_back(function);
        input_.functions.cutoff = std::max(input_.functions.cutoff, function.cutoff);
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
        if (angular) own.insert(own.begin() + 2, input_.elements[second]);
        own.insert(own.begin() + 2, input_.elements[first]);
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
    const std::string where = "line " + std::to_string(in().line()) + " of the n2p2 file \"" + input_.path + "\"";
    // Sorted as in n2p2, after the change of units.
    if (compact) {
      const double rl = number(0, "rl"), cutoff = number(1, "the cutoff");
      std::vector<double> numbers{cutoff * input_.conv_length, rl * input_.conv_length};
      if (angular) {
        for (const auto& [i, name] : {std::pair{2, "angle_left"}, {3, "angle_right"}}) {
          numbers.push_back(number(i, name));
          json[name] = numbers.back();
        }
      }
      json["rl"] = rl / input_.cflength;
      json["cutoff"] = cutoff / input_.cflength;
      json["subtype"] = words.back();
      return {{type, words.back(), neighbors, numbers, {}},
              symmetry_functions::parse_function(json, 0.0, input_.elements, where)};
    }
    const double eta = number(0, "eta");
    const double rs = n_neighbors < 2 ? number(1, "rs") : n > 4 ? number(4, "rs") : 0.0;
    const double cutoff = number(least - 1, "the cutoff");
    const double lambda = angular ? number(least - 3, "lambda") : 0.0;
    const double zeta = angular ? number(least - 2, "zeta") : 0.0;
    json["eta"] = eta * input_.cflength * input_.cflength;
    json["rs"] = rs / input_.cflength;
    json["cutoff"] = cutoff / input_.cflength;
    if (angular) {
      json["lambda"] = lambda;
      json["zeta"] = zeta;
    }
    return {{type,
             "",
             {},
             {cutoff * input_.conv_length, eta / (input_.conv_length * input_.conv_length), rs * input_.conv_length,
              zeta, lambda},
             neighbors},
            symmetry_functions::parse_function(json, 0.0, input_.elements, where)};
  }

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

  void read_architectures() {
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
          throw FormatError("The n2p2 file \"" + input_.path + "\" gives " + input_.elements[element] +
                            " other hidden layers than the other elements, but no " + key + ".");
    }
    input_.architectures = std::move(all);
    input_.normalize_nodes = settings_.has("normalize_nodes");
  }

  void read_scaling() {
    Scaling& s = input_.scaling;
    s.scale = settings_.has("scale_symmetry_functions");
    s.center = settings_.has("center_symmetry_functions");
    s.sigma = !s.scale && !s.center && settings_.has("scale_symmetry_functions_sigma");
    s.least = settings_.number("scale_min_short", 0.0);
    s.most = settings_.number("scale_max_short", 1.0);
    if ((s.scale || s.sigma) && !(s.most > s.least))
      throw FormatError("scale_max_short must be larger than scale_min_short in the n2p2 file \"" + input_.path +
                        "\", but they are " + printed(s.most) + " and " + printed(s.least) + ".");
  }

  Settings settings_;
  Input input_;
};

}  // namespace

Input read_input(const std::string& text, const std::string& path, const ReadOptions& options) {
  return InputReader(text, path, options).input();
}

}  // namespace forcesmith::n2p2
