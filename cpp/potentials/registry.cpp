#include "potentials/registry.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <new>

#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "potentials/check_potential.hpp"
#include "potentials/formats/forcesmith.hpp"
#include "potentials/formats/mlip.hpp"
#include "potentials/formats/n2p2.hpp"
#include "potentials/formats/pace.hpp"
#include "potentials/formats/pod.hpp"
#include "potentials/formats/snap.hpp"

namespace forcesmith {

namespace {

template <class Entry>
std::vector<std::string> names_of(const std::vector<Entry>& registry) {
  std::vector<std::string> names;
  for (const Entry& entry : registry) names.push_back(entry.name);
  return names;
}

FormatContents everything() {
  return {names_of(descriptor_registry()),
          names_of(model_registry()),
          names_of(term_registry()),
          true,
          true,
          [](const ActiveSet&, const std::string&) { return true; }};
}

}  // namespace

// One line each, alphabetical.

const std::vector<FormatEntry>& format_registry() {
  static const FormatContents cluster_expansion{{"ace"}, {"linear", "embedding"}, {"core_repulsion"}};
  static const FormatContents moments{{"moment_tensor"}, {"linear"}, {}, false, false, mlip_holds};
  static const FormatContents networks{{"symmetry_functions"}, {"neural_network"}, {}};
  static const FormatContents pod{{"pod"}, {"environments", "linear"}, {}};
  static const FormatContents snap{{"bispectrum"}, {"linear", "quadratic"}, {"zbl"}};
  static const std::vector<FormatEntry> entries{
      {"ace", {".ace"}, {}, is_ace, parse_ace, nullptr, nullptr, "", false, ".yace"},
      {"forcesmith",
       {".json"},
       everything(),
       is_json,
       parse_potential_file,
       print_potential_file,
       forcesmith_companions},
      {"mlip", {".almtp", ".mtp"}, moments, is_mlip, parse_mlip, print_mlip},
      {"n2p2", {".nn"}, networks, is_n2p2, parse_n2p2, print_n2p2, n2p2_companions, "input.nn", true},
      {"pod", {"_coeff.pod", "_param.pod"}, pod, is_pod, parse_pod, print_pod, pod_companions},
      {"snap", {".snapcoeff", ".snapparam"}, snap, is_snap, parse_snap, print_snap, snap_companions},
      {"snap_mliap",
       {".mliap.descriptor", ".mliap.model"},
       {},
       is_mliap,
       parse_mliap,
       nullptr,
       mliap_companions,
       "",
       false,
       ".snapcoeff"},
      {"yace", {".yace"}, cluster_expansion, is_yace, parse_yace, print_yace},
  };
  return entries;
}

namespace {

const FormatEntry* known_format(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  for (const FormatEntry& format : format_registry())
    for (const std::string& own : format.extensions)
      if (name != own && name.ends_with(own)) return &format;
  return nullptr;
}

/// What a text is whose format is none of ours, as the end of a sentence; empty if that is not known.
std::string other_program(const std::string& text) {
  const std::string_view start = std::string_view(text).substr(0, 4096);
  const std::vector<std::string> words = words_of(std::string(start.substr(0, start.find('\n'))));
  const std::string first = words.empty() ? "" : words[0];
  const auto has_line = [&](std::string_view with) {
    return start.starts_with(with) || start.find("\n" + std::string(with)) != std::string_view::npos;
  };
  if (first.starts_with("nep") && first.size() > 3 && std::isdigit(static_cast<unsigned char>(first[3])))
    return "a NEP potential of GPUMD";
  if (start.find('\0') != std::string_view::npos) return "a binary file";
  if (first.starts_with("<")) return "an XML file, perhaps a GAP of QUIP";
  if (has_line("deltaSplineBins") || has_line("functions:") || has_line("embeddings:"))
    return "a file of the atomic cluster expansion (pacemaker)";
  if (has_line("pair_style") || has_line("pair_coeff") || has_line("variable "))
    return "a file of LAMMPS commands; convert the potential file that it names";
  return "";
}

/// The own one first; one of those whose files belong together.
std::string known_extensions() {
  std::vector<std::string> extensions{".json"};
  for (const FormatEntry& format : format_registry())
    for (const std::string& extension : format.extensions)
      if (extension != ".json" && (format.companions == nullptr || extension == format.extensions.front()))
        extensions.push_back(extension);
  return joined(extensions);
}

const FormatEntry& format_of(const std::string& path) {
  if (const FormatEntry* format = known_format(path)) return *format;
  throw FormatError("The file name \"" + path + "\" does not tell the format of the potential: its extension is \"" +
                    std::filesystem::path(path).extension().string() + "\", known are " + known_extensions() + ".");
}

/// The file to read or write where `path` is a folder; else `path`.
std::string file_of(const std::string& path, bool to_write) {
  if (!is_folder(path)) return path;
  for (const FormatEntry& format : format_registry()) {
    if (format.in_folder.empty()) continue;
    const std::filesystem::path file = std::filesystem::path(path) / format.in_folder;
    if (to_write ? known_format(path) == nullptr : exists(file.string())) return file.string();
  }
  return path;
}

}  // namespace

const FormatEntry& format_to_read(const std::string& text, const std::string& path) {
  for (const FormatEntry& format : format_registry())
    if (format.recognises(text)) return format;
  if (const std::string other = other_program(text); !other.empty())
    throw FormatError("The file \"" + path + "\" is no potential that can be read: it is " + other + ".");
  if (const FormatEntry* format = known_format(path)) return *format;
  throw FormatError("Neither the content of the file \"" + path +
                    "\" nor its name tells a format of potentials; known are " + known_extensions() + ".");
}

Potential parse_potential(const FileBundle& files, const ReadOptions& options) {
  const std::string& path = files.path;
  const FormatEntry& format = format_to_read(files.text(), path);
  check_different(options.elements, "the list given for \"" + path + "\"");
  for (const auto& [name, factor] : {std::pair{"cflength", options.cflength}, {"cfenergy", options.cfenergy}}) {
    if (!factor) continue;
    if (!format.has_no_units)
      throw ParameterError(std::string(name) + " was given for \"" + path + "\", but the units of the format " +
                           format.name + " are known; leave it out.");
    if (!(*factor > 0.0) || !std::isfinite(*factor))
      throw ParameterError(std::string(name) + " must be positive, not " + printed(*factor) + ".");
  }
  const std::string where = "The potential \"" + path + "\"";
  try {
    Potential potential = format.parse(files, options);
    check_cutoff(potential, where);
    if (options.trained) check_soundness(potential, where);
    return potential;
  } catch (const std::bad_alloc&) {
    throw FormatError(
        where + " asks for more memory than there is; its numbers of elements, functions or neurons are too large.");
  }
}

FileBundle with_companions(const std::string& path, std::string text) {
  const FormatEntry& format = format_to_read(text, path);
  const std::vector<std::string> companions =
      format.companions ? format.companions(text, path) : std::vector<std::string>();
  FileBundle files = bundle_of(path, std::move(text));
  for (const std::string& companion : companions) {
    if (!exists(companion)) continue;
    FileText own = read_text_file(companion);
    if (own.problem.empty()) files.files.push_back({companion, std::move(own.text)});
    else files.files.push_back({companion, std::nullopt, std::move(own.problem)});
  }
  return files;
}

FileBundle read_bundle(const std::string& given) {
  const std::string path = file_of(given, false);
  FileText file = read_text_file(path);
  if (!file.problem.empty()) {
    const bool has_name = known_format(path) != nullptr;
    if (is_folder(path) && !has_name) {
      std::vector<std::string> files;
      for (const FormatEntry& format : format_registry())
        if (!format.in_folder.empty()) files.push_back(format.in_folder);
      throw FormatError("The folder \"" + path + "\" is no potential: there is no file " + joined(files) + " in it.");
    }
    throw FormatError(
        "Cannot read the potential file \"" + path + "\": " + file.problem +
        (has_name ? "."
                  : ", and its name does not tell the format of a potential; known are " + known_extensions() + "."));
  }
  return with_companions(path, std::move(file.text));
}

Potential read_potential(const std::string& path, const ReadOptions& options) {
  return parse_potential(read_bundle(path), options);
}

namespace {

/// The first part of a potential that a format has no place for, as part of a sentence; empty if there is none.
std::string part_without_place(const Potential& potential, const FormatContents& holds) {
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& descriptor : potential.descriptors())
    if (!has(holds.descriptors, descriptor->type())) return "its descriptor \"" + descriptor->type() + "\"";
  if (potential.descriptors().size() > 1 && !holds.several_descriptors) return "more than one descriptor";
  if (!has(holds.models, potential.model().type())) return "its model \"" + potential.model().type() + "\"";
  for (const auto& term : potential.terms())
    if (!has(holds.terms, term->type())) return "its term \"" + term->type() + "\"";
  return "";
}

/// Throws FormatError if more than what lies outside the training data would be lost, or is not finite.
void check_writable_as(const FormatEntry& format, const Potential& potential, const std::string& path) {
  if (!format.print)
    throw FormatError("The potential cannot be written to \"" + path + "\": that format is only read; write a " +
                      format.written_instead + " file.");
  const FormatContents& holds = format.holds;
  const auto any_of = [](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " or ") + name;
    return text;
  };
  const std::string article = any_of(holds.models).starts_with("e") ? "an " : "a ";
  if (const std::string part = part_without_place(potential, holds); !part.empty())
    throw FormatError("The potential cannot be written to \"" + path + "\": the format " + format.name +
                      " has no place for " + part + ", only for one " + any_of(holds.descriptors) +
                      " descriptor with " + article + any_of(holds.models) + " model and " +
                      (holds.terms.empty() ? "no terms" : "the term " + any_of(holds.terms)) + "; write a .json file.");
  if (!all_finite(potential.descriptor_parameters()) || !all_finite(potential.model_parameters()))
    throw FormatError("The potential is not written to \"" + path +
                      "\" because it holds coefficients that are not finite.");
}

}  // namespace

std::string left_out_of_file(const Potential& potential, const std::string& given) {
  const std::string path = file_of(given, true);
  const FormatEntry& format = format_of(path);
  std::string text;
  const std::shared_ptr<const ActiveSet>& set = potential.active_set();
  if (set && !(format.holds.active_set && format.holds.active_set(*set, path)))
    text = "\"" + path +
           "\" does not hold the active set of the potential, so there are no extrapolation grades with it" +
           (format.holds.active_set ? "; an .almtp file holds one of all parameters." : ".");
  if (!potential.short_range() || format.holds.short_range) return text;
  text += (text.empty() ? "\"" + path + "\" does not hold" : " Nor does it hold") +
          " where the training data end at short range" +
          (potential.short_range()->has_wall()
               ? ", nor the repulsive wall there: atoms closer than in the training data may attract each other."
               : ".");
  return text + " The format " + format.name + " has no place for it.";
}

std::string potential_file(const std::string& given) {
  const std::string path = file_of(given, true);
  format_of(path);
  return path;
}

FileBundle print_potential(const Potential& potential, const std::string& given) {
  const std::string path = potential_file(given);
  const FormatEntry& format = format_of(path);
  check_writable_as(format, potential, path);
  return format.print(potential, path);
}

void write_potential(const Potential& potential, const std::string& path) {
  try {
    write_files(print_potential(potential, path).files);
  } catch (const FileError& error) {
    throw FormatError("Cannot write the potential file \"" + error.path + "\": " + error.reason + ".");
  }
}

}  // namespace forcesmith
