#include "potentials/registry.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.hpp"
#include "descriptors/bispectrum/bispectrum.hpp"
#include "descriptors/moment_tensor/moment_tensor.hpp"
#include "descriptors/symmetry_functions/symmetry_functions.hpp"
#include "models/linear_model.hpp"
#include "models/neural_network.hpp"
#include "models/quadratic_model.hpp"
#include "potentials/mlip_format.hpp"
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
      {"forcesmith", {".json"}, parse_potential_file, one_file(print_potential_file)},
      {"mlip", {".almtp", ".mtp"}, parse_mlip, one_file(print_mlip)},
      {"snap", {".snapcoeff", ".snapparam"}, parse_snap, print_snap},
  };
  return entries;
}

namespace {

const FormatEntry& format_of(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  std::vector<std::string> known;
  for (const FormatEntry& format : format_registry())
    for (const std::string& own : format.extensions) {
      if (own == extension) return format;
      known.push_back(own);
    }
  throw FormatError("The file name \"" + path + "\" does not tell the format of the potential: its extension is \"" +
                    extension + "\", known are " + joined(known) + ".");
}

}  // namespace

Potential parse_potential(const std::string& text, const std::string& path,
                          const std::vector<std::string>& elements) {
  return format_of(path).parse(text, path, elements);
}

Potential read_potential(const std::string& path, const std::vector<std::string>& elements) {
  const FormatEntry& format = format_of(path);
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || std::filesystem::is_directory(path) || !(text << file.rdbuf()))
    throw FormatError("Cannot read the potential file \"" + path +
                      "\": it does not exist, is empty, or may not be read.");
  return format.parse(text.str(), path, elements);
}

void write_potential(const Potential& potential, const std::string& path) {
  const std::vector<TextFile> files = format_of(path).print(potential, path);
  auto temporary = [](const TextFile& file) { return file.path + "." + std::to_string(getpid()) + ".tmp"; };
  auto give_up = [&](const std::string& at, const std::string& reason) {
    for (const TextFile& file : files) std::remove(temporary(file).c_str());
    throw FormatError("Cannot write the potential file \"" + at + "\": " + reason + ".");
  };
  for (const TextFile& file : files) {
    std::ofstream stream(temporary(file), std::ios::binary);
    stream << file.text;
    stream.flush();
    if (!stream) give_up(file.path, "the folder does not exist, may not be written, or the disk is full");
  }
  for (const TextFile& file : files) {
    std::error_code error;
    std::filesystem::rename(temporary(file), file.path, error);
    if (error) give_up(file.path, error.message());
  }
}

}  // namespace forcesmith
