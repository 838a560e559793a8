#include "potentials/registry.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "descriptors/bispectrum/bispectrum.hpp"
#include "descriptors/moment_tensor/moment_tensor.hpp"
#include "descriptors/symmetry_functions/symmetry_functions.hpp"
#include "models/linear_model.hpp"
#include "models/neural_network.hpp"
#include "models/quadratic_model.hpp"
#include "potentials/mlip_format.hpp"
#include "potentials/n2p2_format.hpp"
#include "potentials/potential_file.hpp"
#include "potentials/snap_format.hpp"

namespace forcesmith {

namespace {

template <class Print>
auto one_file(Print print) {
  return [print](const Potential& potential, const std::string& path) {
    return std::vector<TextFile>{{path, print(potential, path)}};
  };
}

}  // namespace

// One line each, alphabetical.

const std::vector<DescriptorEntry>& descriptor_registry() {
  static const std::vector<DescriptorEntry> entries{
      {"bispectrum", Bispectrum::schema, Bispectrum::create},
      {"moment_tensor", MomentTensor::schema, MomentTensor::create},
      {"symmetry_functions", SymmetryFunctions::schema, SymmetryFunctions::create},
  };
  return entries;
}

const std::vector<ModelEntry>& model_registry() {
  static const std::vector<ModelEntry> entries{
      {"linear", LinearModel::schema, LinearModel::create},
      {"neural_network", NeuralNetwork::schema, NeuralNetwork::create},
      {"quadratic", QuadraticModel::schema, QuadraticModel::create},
  };
  return entries;
}

const std::vector<FormatEntry>& format_registry() {
  static const std::vector<FormatEntry> entries{
      {"forcesmith", {".json"}, parse_potential_file, one_file(print_potential_file), "", false, true},
      {"mlip", {".almtp", ".mtp"}, parse_mlip, one_file(print_mlip)},
      {"n2p2", {".nn"}, parse_n2p2, print_n2p2, "input.nn", true},
      {"snap", {".snapcoeff", ".snapparam"}, parse_snap, print_snap},
  };
  return entries;
}

namespace {

const FormatEntry* known_format(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const FormatEntry& format : format_registry())
    for (const std::string& own : format.extensions)
      if (own == extension) return &format;
  return nullptr;
}

const FormatEntry& format_of(const std::string& path) {
  if (const FormatEntry* format = known_format(path)) return *format;
  std::vector<std::string> extensions, folders;
  for (const FormatEntry& format : format_registry()) {
    extensions.insert(extensions.end(), format.extensions.begin(), format.extensions.end());
    if (!format.in_folder.empty()) folders.push_back(format.in_folder);
  }
  if (std::filesystem::is_directory(path))
    throw FormatError("The folder \"" + path + "\" is no potential: there is no file " + joined(folders) +
                      " in it.");
  throw FormatError("The file name \"" + path + "\" does not tell the format of the potential: its extension is \"" +
                    std::filesystem::path(path).extension().string() + "\", known are " + joined(extensions) + ".");
}

/// The file to read or write where `path` is a folder; else `path`.
std::string file_of(const std::string& path, bool to_write) {
  if (!std::filesystem::is_directory(path)) return path;
  for (const FormatEntry& format : format_registry()) {
    if (format.in_folder.empty()) continue;
    const std::filesystem::path file = std::filesystem::path(path) / format.in_folder;
    if (to_write ? known_format(path) == nullptr : std::filesystem::exists(file)) return file.string();
  }
  return path;
}

}  // namespace

Potential parse_potential(const std::string& text, const std::string& path, const ReadOptions& options) {
  const FormatEntry& format = format_of(path);
  for (const auto& [name, factor] : {std::pair{"cflength", options.cflength}, {"cfenergy", options.cfenergy}}) {
    if (!factor) continue;
    if (!format.has_no_units)
      throw ParameterError(std::string(name) + " was given for \"" + path + "\", but the units of the format " +
                           format.name + " are known; leave it out.");
    if (!(*factor > 0.0) || !std::isfinite(*factor))
      throw ParameterError(std::string(name) + " must be positive, not " + printed(*factor) + ".");
  }
  return format.parse(text, path, options);
}

Potential read_potential(const std::string& given, const ReadOptions& options) {
  const std::string path = file_of(given, false);
  format_of(path);  // if it is not known, that is what to say
  const auto text = text_of_file(path);
  if (!text)
    throw FormatError("Cannot read the potential file \"" + path +
                      "\": it does not exist, is empty, or may not be read.");
  return parse_potential(*text, path, options);
}

std::string left_out_of_file(const Potential& potential, const std::string& given) {
  const std::string path = file_of(given, true);
  const FormatEntry& format = format_of(path);
  if (!potential.short_range() || format.holds_short_range) return "";
  return "\"" + path + "\" does not hold where the training data end at short range" +
         (potential.short_range()->has_wall()
              ? ", nor the repulsive wall there: atoms closer than in the training data may attract each other."
              : ".") +
         " The format " + format.name + " has no place for it.";
}

void write_potential(const Potential& potential, const std::string& given) {
  const std::string path = file_of(given, true);
  const std::vector<TextFile> files = format_of(path).print(potential, path);
  auto temporary = [](const TextFile& file) { return file.path + "." + std::to_string(getpid()) + ".tmp"; };
  auto give_up = [&](const std::string& at, const std::string& reason) {
    for (const TextFile& file : files) std::remove(temporary(file).c_str());
    throw FormatError("Cannot write the potential file \"" + at + "\": " + reason + ".");
  };
  for (const TextFile& file : files) {
    if (!file.text) continue;
    std::ofstream stream(temporary(file), std::ios::binary);
    stream << *file.text;
    stream.flush();
    if (!stream) give_up(file.path, "the folder does not exist, may not be written, or the disk is full");
  }
  for (const TextFile& file : files) {
    std::error_code error;
    if (file.text)
      std::filesystem::rename(temporary(file), file.path, error);
    else
      std::filesystem::remove(file.path, error);
    if (error) give_up(file.path, error.message());
  }
}

}  // namespace forcesmith
