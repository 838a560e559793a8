// What a caller says about a potential file that the file itself does not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/parameter_schema.hpp"

namespace forcesmith {

struct ReadOptions {
  /// Names for formats that hold none (MLIP); for others empty, or those of the file.
  std::vector<std::string> elements;
  /// Factors from angstrom and eV to the units of formats that do not tell theirs (n2p2), with the names they
  /// have in LAMMPS' pair_style hdnnp; nothing: the units that the program usually has. Not for other formats.
  std::optional<double> cflength, cfenergy;
  /// Whether everything that training makes must be there; false: what is missing starts at its default.
  bool trained = true;
  /// Whether the active set is read, if there is one; false: its file need not be there.
  bool active_set = true;
};

/// For formats that name their elements. file: for example "The SNAP file".
inline void check_elements(const ReadOptions& options, const std::vector<std::string>& of_file, const std::string& file,
                           const std::string& path) {
  if (!options.elements.empty() && options.elements != of_file)
    throw FormatError(file + " \"" + path + "\" is for the elements " + joined(of_file) + ", but " +
                      joined(options.elements) + " were asked for.");
}

}  // namespace forcesmith
