// Files of the atomic cluster expansion as pacemaker, FitSNAP and LAMMPS' pair_style pace have them: .yace, in YAML, and
// the older .ace, which is only read. Their functions are products with generalised Clebsch-Gordan coefficients; those of
// the descriptor `ace` are coupled pair by pair.
#pragma once

#include <string>

#include "core/files.hpp"
#include "potentials/formats/read_options.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

bool is_yace(const std::string& text);
bool is_ace(const std::string& text);
/// Throws FormatError that names the file, and what of it is not supported.
Potential parse_yace(const FileBundle& files, const ReadOptions& options);
Potential parse_ace(const FileBundle& files, const ReadOptions& options);
/// A .yace file. Throws FormatError for a core repulsion that has other cutoffs than the descriptor.
FileBundle print_yace(const Potential& potential, const std::string& path);

}  // namespace forcesmith
