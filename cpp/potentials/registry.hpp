// The registry of descriptors, models, terms of the energy (registered.hpp lists them) and file formats, and how
// potentials are read and written.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/files.hpp"
#include "potentials/formats/read_options.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

struct DescriptorEntry {
  std::string name;
  std::function<ParameterSchema()> schema;
  std::function<std::unique_ptr<Descriptor>(const Json& parameters, const std::vector<std::string>& elements,
                                            const std::string& where)>
      create;
};

struct ModelEntry {
  std::string name;
  std::function<ParameterSchema()> schema;
  std::function<std::unique_ptr<Model>(const Json& parameters, const std::vector<int>& sizes, const std::string& where)>
      create;
};

struct TermEntry {
  std::string name;
  std::function<ParameterSchema()> schema;
  std::function<std::unique_ptr<Term>(const Json& parameters, const std::vector<std::string>& elements,
                                      const std::string& where)>
      create;
};

/// What files of a format have a place for, by the names of the registries. Writing anything else is an error.
struct FormatContents {
  std::vector<std::string> descriptors, models, terms;
  bool several_descriptors = false;
  bool short_range = false;  // leaving it out is a warning: it lies outside the training data
  /// Likewise; null: no active set can be held.
  std::function<bool(const ActiveSet& set, const std::string& path)> active_set = nullptr;
};

struct FormatEntry {
  std::string name;
  std::vector<std::string> extensions;  // with the dot
  FormatContents holds;
  /// Whether a text is of this format; what is damaged at its beginning is told by the extension.
  std::function<bool(const std::string& text)> recognises;
  /// Touches no file.
  std::function<Potential(const FileBundle& files, const ReadOptions& options)> parse;
  /// The potential is one that the format holds, with finite coefficients. Throws FormatError if it cannot be
  /// written for other reasons.
  /// null: such files are only read.
  std::function<FileBundle(const Potential&, const std::string& path)> print;
  /// Paths of the files that belong to one with this text, those that need not be there included; null: none.
  std::function<std::vector<std::string>(const std::string& text, const std::string& path)> companions = nullptr;
  std::string in_folder = "";        // of a format of folders: the file that makes a folder a potential
  bool has_no_units = false;         // files do not tell their units, see ReadOptions
  std::string written_instead = "";  // of files that are only read: an extension
};

const std::vector<DescriptorEntry>& descriptor_registry();
const std::vector<ModelEntry>& model_registry();
const std::vector<TermEntry>& term_registry();
const std::vector<FormatEntry>& format_registry();

/// The format of a text by its content or, where that tells none, by the extension of `path`.
const FormatEntry& format_to_read(const std::string& text, const std::string& path);
/// A potential file that was read, together with the files that belong to it, which are read.
FileBundle with_companions(const std::string& path, std::string text);
/// Reads the files of a potential of any known format. path: of one of its files, or of its folder.
FileBundle read_bundle(const std::string& path);
/// Touches no file.
Potential parse_potential(const FileBundle& files, const ReadOptions& options = {});
/// Both.
Potential read_potential(const std::string& path, const ReadOptions& options = {});
/// One sentence on what a file at `path` would not hold of the potential; empty if it holds all. Where more than
/// what lies outside the training data would be lost, writing is an error.
std::string left_out_of_file(const Potential& potential, const std::string& path);
/// The file that stands for a potential written to `path`: `path`, or a file in the folder of that name.
/// Throws FormatError if its extension is not known.
std::string potential_file(const std::string& path);
/// The files that the potential is, in the format of the extension; a folder that is there gets a format of folders.
/// Throws FormatError if the format is not known or cannot hold the potential.
FileBundle print_potential(const Potential& potential, const std::string& path);
/// Writes them atomically, see `write_files`.
void write_potential(const Potential& potential, const std::string& path);

}  // namespace forcesmith
