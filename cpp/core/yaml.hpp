// Reads the part of YAML in which programs write their data: mappings and sequences, indented or in brackets, with
// numbers and words. No anchors, tags, documents or texts of several lines.
#pragma once

#include <string>

#include "core/parameter_schema.hpp"

namespace forcesmith {

/// As JSON; keys that are sequences become their numbers with blanks between: [0, 1] is "0 1". Throws FormatError with
/// the line of what is not understood. kind: what messages call the file, for example "YAML file".
Json parse_yaml(const std::string& text, const std::string& kind, const std::string& path);

}  // namespace forcesmith
