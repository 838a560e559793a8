// Writes folders of n2p2.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <sstream>

#include "core/chemical_elements.hpp"
#include "core/units.hpp"
#include "descriptors/symmetry_functions/symmetry_functions.hpp"
#include "models/neural_network/neural_network.hpp"
#include "potentials/formats/n2p2.hpp"
#include "potentials/formats/n2p2_input.hpp"

namespace forcesmith {

using namespace n2p2;

namespace {

/// Stands for the range of symmetry functions where it is not known: nothing lies outside.
constexpr double unlimited = 1e30;

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
    check();
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

  FileBundle files() const {
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
    return {path_, std::move(files)};
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    throw FormatError("The potential cannot be written as the n2p2 file \"" + path_ + "\": " + reason + ".");
  }

  void check() const {
    if (std::filesystem::path(path_).filename() != "input.nn")
      refuse("n2p2 wants it to be called input.nn, in a folder of its own");
    const neural_network::Settings& settings = model_->settings();
    for (std::size_t element = 0; element < elements_.size(); ++element) {
      if (atomic_number(elements_[element]) == 0)
        refuse("it is for chemical elements, and \"" + elements_[element] + "\" is none");
      if (settings.hidden_layers[element].size() != settings.hidden_layers[0].size() ||
          settings.activations[element] != settings.activations[0])
        refuse("n2p2 wants networks with the same number of hidden layers and the same activations for all elements");
    }
    if (settings.hidden_layers[0].empty()) refuse("n2p2 wants a hidden layer");
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

FileBundle print_n2p2(const Potential& potential, const std::string& path) {
  return FolderPrinter(potential, path).files();
}

}  // namespace forcesmith
