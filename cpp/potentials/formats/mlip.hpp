// MLIP's .mtp and .almtp files (MLIP-2 and MLIP-3): a moment tensor descriptor with a linear model.
// The active set that an .almtp file carries after the coefficients is not read.
#pragma once

#include <string>

#include "core/files.hpp"
#include "potentials/formats/read_options.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// Whether a text begins as MLIP's files do.
bool is_mlip(const std::string& text);
/// options.elements: one name per species of the file, which has none; required.
Potential parse_mlip(const FileBundle& files, const ReadOptions& options);
/// Throws FormatError unless the coefficients are shared by all elements.
FileBundle print_mlip(const Potential& potential, const std::string& path);

}  // namespace forcesmith
