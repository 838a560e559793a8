// LAMMPS' .snapcoeff and .snapparam files (pair_style snap, FitSNAP): a bispectrum descriptor with a linear
// or quadratic model. The two belong together; each is found beside the other by its name.
#pragma once

#include <string>
#include <vector>

#include "core/text.hpp"
#include "potentials/potential.hpp"
#include "potentials/read_options.hpp"

namespace forcesmith {

/// path: of either file; its text is `text`, that of the other is read.
Potential parse_snap(const std::string& text, const std::string& path, const ReadOptions& options);
/// Both files; with a repulsion also a .mod file of LAMMPS commands, as FitSNAP writes, without one such a file
/// of ours is to be removed. Throws FormatError unless the potential is one bispectrum descriptor with a linear
/// or quadratic model.
std::vector<TextFile> print_snap(const Potential& potential, const std::string& path);

}  // namespace forcesmith
