// forcesmith's own potential file: one JSON document, described in docs/development/potential_file.md, and beside it, if
// there is one, a binary file with the active set.
#pragma once

#include <string>
#include <vector>

#include "core/files.hpp"
#include "potentials/formats/read_options.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// What is written. Files of version 1 are read, too: they had the term zbl under a key of its own.
inline constexpr int potential_file_version = 2;

/// Whether a text is JSON, ours or not.
bool is_json(const std::string& text);
/// Throws FormatError or ParameterError; options.trained: also where something is missing that training makes.
Potential parse_potential_file(const FileBundle& files, const ReadOptions& options = {});
/// The file with the active set.
std::vector<std::string> forcesmith_companions(const std::string& text, const std::string& path);
/// The JSON document alone, without the active set.
std::string print_document(const Potential& potential);
FileBundle print_potential_file(const Potential& potential, const std::string& path);

}  // namespace forcesmith
