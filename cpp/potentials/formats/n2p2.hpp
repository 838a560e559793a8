// n2p2's folders: symmetry functions with one neural network per element (A. Singraber, J. Behler, C.
// Dellago, J. Chem. Theory Comput. 15, 1827 (2019)). A folder holds
//   input.nn          elements, symmetry functions, sizes of the networks; training keywords are passed over
//                     (RuNNer's, too, where lines give functions to all neighbors or to all elements)
//   scaling.data      minimum, maximum, mean, standard deviation of each symmetry function in the training set
//   weights.001.data  and so on, by atomic number: the network of each element
// Units are not told: ReadOptions::cflength and cfenergy, by default those of bohr and hartree.
#pragma once

#include <string>
#include <vector>

#include "core/files.hpp"
#include "potentials/formats/read_options.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// Whether a text is an input.nn, of n2p2 or RuNNer.
bool is_n2p2(const std::string& text);
/// Paths of the other files of the folder. text: of input.nn.
std::vector<std::string> n2p2_companions(const std::string& text, const std::string& path);
/// The main file is input.nn.
Potential parse_n2p2(const FileBundle& files, const ReadOptions& options);
/// All files, in bohr and hartree. Throws FormatError unless n2p2 can have such networks and such a file name.
FileBundle print_n2p2(const Potential& potential, const std::string& path);

}  // namespace forcesmith
