// What an input.nn of n2p2 says, and how its folders are arranged: for n2p2.hpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "descriptors/symmetry_functions/symmetry_functions.hpp"
#include "potentials/formats/read_options.hpp"
#include "potentials/formats/word_reader.hpp"

namespace forcesmith::n2p2 {

using Words = std::vector<std::string>;

/// n2p2's letters for activation functions; "S" (1 - logistic) is understood too, "r" (not smooth) is not.
const std::map<std::string, std::string>& activation_letters();

/// Path of another file of the folder.
std::string beside(const std::string& input, const std::string& name);
std::string weights_name(const std::string& element);
WordReader reader(const std::string& text, const std::string& path, const std::string& comments = "#");

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

/// The hidden layers of an element.
struct Architecture {
  std::vector<int> nodes;
  Words activations;
};

/// How values of symmetry functions are scaled before networks see them.
struct Scaling {
  bool scale, center, sigma;  // at most one of scale and sigma
  double least, most;
};

struct Input {
  std::string path;
  double cflength, cfenergy;  // from angstrom and eV to the units of the folder
  std::vector<std::string> elements;
  /// Networks work in units of their own: lengths are multiplied by conv_length, energies of atoms are
  /// (energy - mean_energy - atom_energy) conv_energy.
  double conv_energy = 1.0, conv_length = 1.0;
  std::vector<double> energy_offsets;  // [element] eV
  symmetry_functions::Parameters functions;
  std::vector<std::size_t> n_functions;  // [element]
  /// [element] those that input.nn may mean, the likeliest first. Before version 2.2, element_nodes_short gave one
  /// layer and its nodes; since then all layers, but the last is passed over.
  std::vector<std::vector<Architecture>> architectures;
  bool normalize_nodes = false;  // sums are divided by the number of what is summed
  Scaling scaling{};
};

/// Throws FormatError.
Input read_input(const std::string& text, const std::string& path, const ReadOptions& options);

}  // namespace forcesmith::n2p2
