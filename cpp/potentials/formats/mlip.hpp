// MLIP's .mtp and .almtp files (MLIP-2 and MLIP-3): a moment tensor descriptor with a linear model.
// An .almtp file carries an active set after the coefficients; the configurations that it comes from are not read.
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
/// An .almtp file holds the active set of all parameters, a .mtp file none.
bool mlip_holds(const ActiveSet& set, const std::string& path);
/// Throws FormatError unless the coefficients are shared by all elements.
FileBundle print_mlip(const Potential& potential, const std::string& path);

}  // namespace forcesmith
