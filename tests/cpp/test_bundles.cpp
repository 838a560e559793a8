// Potentials of one file or several: what is printed is parsed again without a file on the disk, and what lies on the
// disk is found from any path that stands for it.
#include <algorithm>
#include <filesystem>
#include <random>

#include "check.hpp"
#include "core/error.hpp"
#include "potentials/registry.hpp"

namespace {

using namespace forcesmith;
namespace fs = std::filesystem;

ReadOptions untrained() {
  ReadOptions options;
  options.trained = false;
  return options;
}

Potential potential_of(const std::string& descriptor, const std::string& model) {
  const std::string text =
      R"({"format": "forcesmith potential", "version": 2, "elements": ["O", "Mg"], "descriptors": [)" + descriptor +
      R"(], "model": )" + model + "}";
  return parse_potential(bundle_of("a.json", text), untrained());
}

const char bispectrum[] = R"({"type": "bispectrum", "twojmax": 2, "rcutfac": 4.0})";
const char functions[] = R"({"type": "symmetry_functions", "cutoff": 4.0, "functions": [
  {"type": "radial", "center": "Mg", "neighbors": ["O"], "eta": 1.0, "rs": 0.0},
  {"type": "radial", "center": "O", "neighbors": ["Mg"], "eta": 1.0, "rs": 0.0}]})";
const char network[] = R"({"type": "neural_network", "hidden_layers": [3], "activation": "tanh",
  "input_shift": [[0.1], [0.2]], "input_factor": [[2.0], [3.0]]})";

struct Case {
  std::string path;  // there is no such folder
  Potential potential;
  std::vector<std::string> names;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back({"no/a.json", potential_of(bispectrum, R"({"type": "linear"})"), {"a.json"}});
  all.push_back({"no/a.mtp", read_potential(FORCESMITH_TEST_DATA "/mgo_small.json"), {"a.mtp"}});
  for (const char* path : {"no/a.snapcoeff", "no/a.snapparam"})
    all.push_back(
        {path, potential_of(bispectrum, R"({"type": "quadratic", "shared": false})"), {"a.snapcoeff", "a.snapparam"}});
  all.push_back({"no/input.nn",
                 potential_of(functions, network),
                 {"input.nn", "scaling.data", "weights.008.data", "weights.012.data"}});
  return all;
}

ReadOptions options_for(const Case& own) {
  ReadOptions options;
  if (own.path.ends_with(".mtp")) options.elements = own.potential.elements();
  return options;
}

std::vector<std::string> names_of(const FileBundle& bundle) {
  std::vector<std::string> names;
  for (const TextFile& file : bundle.files) names.push_back(fs::path(file.path).filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<double> numbers_of(const Potential& potential) {
  std::vector<double> numbers = potential.descriptor_parameters();
  const std::vector<double> model = potential.model_parameters();
  numbers.insert(numbers.end(), model.begin(), model.end());
  return numbers;
}

void test_parsing_touches_no_disk() {
  for (const Case& own : cases()) {
    const FileBundle bundle = print_potential(own.potential, own.path);
    CHECK(bundle.path == own.path && names_of(bundle) == own.names);
    const Potential again = parse_potential(bundle, options_for(own));
    CHECK(again.elements() == own.potential.elements());
    CHECK_CLOSE(numbers_of(again), numbers_of(own.potential), 1e-14);
    for (const TextFile& file : bundle.files) {
      if (file.path == bundle.path) continue;
      FileBundle incomplete = bundle;
      std::erase_if(incomplete.files, [&](const TextFile& other) { return other.path == file.path; });
      const std::string message =
          "Cannot read \"" + file.path + "\", which belongs to \"" + own.path + "\": it does not exist";
      CHECK_THROWS(FormatError, parse_potential(incomplete, options_for(own)), message);
      for (TextFile& other : incomplete.files) CHECK(other.text.has_value());
      incomplete.files.push_back({file.path, std::nullopt, "it may not be read"});
      CHECK_THROWS(FormatError, parse_potential(incomplete, options_for(own)), "\": it may not be read; ");
    }
  }
}

const char mliap_descriptor[] = "rcutfac 4.0\ntwojmax 2\nnelems 1\nelems Ta\nradelems 0.5\nwelems 1.0\n";
const char mliap_model[] = "1 6\n0.0\n0.1\n0.2\n0.3\n0.4\n0.5\n";

void test_mliap() {
  for (const char* path : {"no/a.mliap.model", "no/a.mliap.descriptor"}) {
    const FileBundle bundle{path, {{"no/a.mliap.model", mliap_model}, {"no/a.mliap.descriptor", mliap_descriptor}}};
    CHECK(parse_potential(bundle).model_parameters().size() == 6);
    const FileBundle alone = bundle_of(path, bundle.text());
    CHECK_THROWS(FormatError, parse_potential(alone), "which belongs to");
  }
}

void test_reading() {
  const fs::path folder = fs::temp_directory_path() / ("forcesmith_bundles_" + std::to_string(std::random_device()()));
  for (Case& own : cases()) {
    fs::create_directory(folder);
    own.path = (folder / fs::path(own.path).filename()).string();
    const FileBundle printed = print_potential(own.potential, own.path);
    write_files(printed.files);
    const FileBundle found = read_bundle(own.path);
    CHECK(found.path == own.path && names_of(found) == own.names);
    for (const TextFile& file : printed.files) CHECK(found.find(file.path)->text == file.text);
    if (own.path.ends_with(".nn")) CHECK(read_bundle(folder.string()).path == own.path);
    fs::remove_all(folder);
    CHECK_THROWS(FormatError, read_bundle(own.path), "it does not exist");
    CHECK_CLOSE(numbers_of(parse_potential(found, options_for(own))), numbers_of(own.potential), 1e-14);
  }
}

}  // namespace

int main() {
  test_parsing_touches_no_disk();
  test_mliap();
  test_reading();
  return failures != 0;
}
