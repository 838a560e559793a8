#include "potentials/formats/mlip.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <sstream>

#include "core/error.hpp"
#include "core/text.hpp"
#include "descriptors/moment_tensor/moment_tensor.hpp"
#include "models/linear_model.hpp"
#include "potentials/information_vectors.hpp"

namespace forcesmith {

namespace {

/// Reads "key = value" pairs, where a value may be a braced list, in the order of the file.
class MlipReader {
 public:
  MlipReader(const std::string& text, const std::string& path) : text_(text), path_(path) {}

  [[noreturn]] void fail(const std::string& what) const {
    int line = 1;
    for (std::size_t i = 0; i < position_ && i < text_.size(); ++i) line += text_[i] == '\n';
    throw FormatError("The MLIP file \"" + path_ + "\" is broken or cut off at line " + std::to_string(line) + ": " +
                      what + ".");
  }

  std::string word() {
    skip(" \t\r\n=,{}");
    return until(" \t\r\n=,{}");
  }
  void expect(const std::string& wanted) {
    const std::string found = word();
    if (found != wanted) fail("expected \"" + wanted + "\", found \"" + found + "\"");
  }
  bool next_is(const std::string& wanted) {
    const std::size_t start = position_;
    const bool same = word() == wanted;
    position_ = start;
    return same;
  }
  std::string rest_of_line() {
    skip(" \t=");
    std::string value = printable(until("\n"));
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) value.pop_back();
    return value;
  }
  double number(const std::string& name) {
    const std::string found = word();
    if (const auto value = number_of(found)) return *value;
    fail("expected a number for " + name + ", found \"" + found + "\"");
  }
  int integer(const std::string& name) {
    const double value = number(name);
    if (value != std::floor(value) || std::abs(value) > 1e9) fail(name + " must be an integer");
    return static_cast<int>(value);
  }
  int count(const std::string& name, int least, int most) {
    expect(name);
    const int value = integer(name);
    if (value < least || value > most)
      fail(name + " must be " + std::to_string(least) + " to " + std::to_string(most) + ", not " +
           std::to_string(value));
    return value;
  }
  /// The length of a list in the file, which cannot be longer than the file.
  int length(const std::string& name, int least) {
    return count(name, least, static_cast<int>(std::min<std::size_t>(text_.size(), 10'000'000)));
  }
  /// The factor of the radial polynomials, where MLIP takes it; 1 if it is not there.
  double scaling() { return next_is("scaling") ? value_of("scaling") : 1.0; }
  /// What this file is, and cannot be held.
  [[noreturn]] void refuse(const std::string& what) const {
    throw FormatError("The MLIP file \"" + path_ + "\" " + what + ".");
  }
  /// The end of a list: without it, its last number may be cut off.
  void end_of_list(const std::string& name) {
    skip(" \t\r\n");
    if (position_ == text_.size() || text_[position_] != '}') fail("the list " + name + " does not end");
  }
  double value_of(const std::string& name) {
    expect(name);
    return number(name);
  }

 private:
  void skip(const char* characters) {
    position_ = std::min(text_.find_first_not_of(characters, position_), text_.size());
  }
  std::string until(const char* characters) {
    const std::size_t end = std::min(text_.find_first_of(characters, position_), text_.size());
    std::string value = text_.substr(position_, end - position_);
    position_ = end;
    return value;
  }

  const std::string& text_;
  const std::string& path_;
  std::size_t position_ = 0;
};

template <class List, class Print>
std::string braced(const List& list, const Print& print) {
  std::string text = "{";
  for (std::size_t i = 0; i < list.size(); ++i) text += (i > 0 ? ", " : "") + print(list[i]);
  return text + "}";
}

std::string tuples(const std::vector<std::array<int, 4>>& list) {
  auto print_int = [](int value) { return std::to_string(value); };
  return braced(list, [&](const std::array<int, 4>& tuple) { return braced(tuple, print_int); });
}

const char other_bases[] =
    "RBChebyshev_repuls (with a repulsion), BChebyshev, BChebyshev_repuls, RBShapeev and RBTaylor of MLIP are not";

/// The first lines, which say whether the file can be held.
void read_kind(MlipReader& in, const std::string& text) {
  in.expect("MTP");
  in.expect("version");
  const std::string version = in.word();
  if (version != "1.1.0")
    in.refuse("has version " + version + ", but only version 1.1.0 is supported" +
              (version.starts_with("1.0") ? "; train it again with MLIP-2 or MLIP-3" : ""));
  if (text.find("\nmagnetic_basis_type") != std::string::npos)
    in.refuse("is a magnetic moment tensor potential (magnetic_basis_type), and magnetic moments are not supported");
}

/// The number of species, for each of which an element must be given.
int read_species_count(MlipReader& in, const std::string& path, const std::vector<std::string>& elements) {
  const int species = in.length("species_count", 1);
  if (elements.empty())
    throw FormatError("The MLIP file \"" + path + "\" has " + std::to_string(species) +
                      " species but no element names; give them in the order of the species, for example "
                      "elements=[\"Cu\"] or --elements Cu.");
  if (static_cast<int>(elements.size()) != species)
    throw FormatError("The MLIP file \"" + path + "\" has " + std::to_string(species) + " species, but " +
                      std::to_string(elements.size()) + " element names were given: " + joined(elements) + ".");
  return species;
}

/// Type, scaling, distances and size of the radial basis. Returns the number of radial functions.
int read_radial_basis(MlipReader& in, moment_tensor::Parameters& parameters) {
  in.expect("radial_basis_type");
  const std::string basis = in.word();
  if (basis != "RBChebyshev")
    in.refuse("has the radial basis " + basis + ", but only RBChebyshev is supported; " + other_bases);
  parameters.scaling *= in.scaling();  // MLIP takes the product, too
  parameters.min_distance = in.value_of("min_dist");
  parameters.cutoff = in.value_of("max_dist");
  parameters.radial_basis_size = in.count("radial_basis_size", 1, moment_tensor::max_radial_basis);
  return in.count("radial_funcs_count", 1, moment_tensor::max_radial_functions);
}

/// "0-1" as center and neighbor.
std::pair<int, int> read_pair(MlipReader& in, const std::string& pair, int species) {
  const std::size_t dash = pair.find('-');
  int center = -1, neighbor = -1;
  if (dash != std::string::npos) {
    try {
      center = std::stoi(pair.substr(0, dash));
      neighbor = std::stoi(pair.substr(dash + 1));
    } catch (const std::exception&) {
    }
  }
  if (center < 0 || neighbor < 0 || center >= species || neighbor >= species)
    in.fail("expected a pair of species such as 0-0, found \"" + pair + "\"");
  return {center, neighbor};
}

/// [center][neighbor][radial function][polynomial]; in the file, the pairs are in any order.
std::vector<double> read_radial_coefficients(MlipReader& in, int species, int n_radial, int basis_size) {
  if (!in.next_is("radial_coeffs"))
    in.refuse("is an untrained template without radial_coeffs; train it first, or fit a new potential of that level");
  in.expect("radial_coeffs");
  const int n_pairs = species * species, size = n_radial * basis_size;
  std::vector<double> radial(static_cast<std::size_t>(n_pairs) * size);
  std::vector<bool> seen(n_pairs, false);
  for (int block = 0; block < n_pairs; ++block) {
    const std::string pair = in.word();
    const auto [center, neighbor] = read_pair(in, pair, species);
    const std::size_t index = center * species + neighbor;
    if (seen[index])
      in.fail("the radial_coeffs of the species " + pair + " are there twice, and those of another pair are missing");
    seen[index] = true;
    for (int i = 0; i < size; ++i) radial[index * size + i] = in.number("radial_coeffs " + pair);
  }
  return radial;
}

/// n_radial: how many radial functions there are, all of which it must use.
moment_tensor::ContractionProgram read_program(MlipReader& in, int n_radial) {
  moment_tensor::ContractionProgram program;
  program.n_moments = in.length("alpha_moments_count", 1);
  program.basic.resize(in.length("alpha_index_basic_count", 1));
  in.expect("alpha_index_basic");
  for (auto& moment : program.basic)
    for (int& index : moment) index = in.integer("alpha_index_basic");
  program.products.resize(in.length("alpha_index_times_count", 0));
  in.expect("alpha_index_times");
  for (auto& product : program.products)
    for (int& index : product) index = in.integer("alpha_index_times");
  program.mapping.resize(in.length("alpha_scalar_moments", 1));
  in.expect("alpha_moment_mapping");
  for (int& moment : program.mapping) moment = in.integer("alpha_moment_mapping");
  if (program.n_radial() > n_radial)
    in.fail("alpha_index_basic uses " + std::to_string(program.n_radial()) +
            " radial functions, but radial_funcs_count is " + std::to_string(n_radial));
  if (program.n_radial() < n_radial)
    in.fail("radial_funcs_count is " + std::to_string(n_radial) + ", but alpha_index_basic uses only " +
            std::to_string(program.n_radial()));
  return program;
}

/// A list of this many numbers.
std::vector<double> read_coefficients(MlipReader& in, const std::string& name, std::size_t n) {
  in.expect(name);
  std::vector<double> coefficients(n);
  for (double& coefficient : coefficients) coefficient = in.number(name);
  return coefficients;
}

}  // namespace

namespace {

// The active set follows the potential: a marker, five weights by name, "#", A and the transposed A^-1 in binary, "#",
// two numbers per row, which tell its configuration and equation, or -1, "#", then these configurations.
const char active_set_marker[] = "\n#MVS_v1.1";
const char* const weight_names[] = {"energy_weight", "force_weight", "stress_weight", "site_en_weight",
                                    "weight_scaling"};

/// Null: the file has none.
std::shared_ptr<const ActiveSet> read_active_set(const std::string& text, const std::string& path,
                                                 const Potential& potential) {
  const std::size_t marker = text.find(active_set_marker);
  if (marker == std::string::npos) return nullptr;
  const std::string where = "The active set in the MLIP file \"" + path + "\"";
  const auto damaged = [&] {
    return FormatError(where + " is damaged or cut off; copy the file again in binary mode, or remove what follows " +
                       std::string(active_set_marker + 1) + ".");
  };
  const std::size_t first = marker + sizeof active_set_marker - 1, hash = text.find('#', first);
  if (hash == std::string::npos) throw damaged();
  const std::vector<std::string> words = words_of(text.substr(first, hash - first));
  double weights[5];
  if (words.size() != 10) throw damaged();
  for (int i = 0; i < 5; ++i) {
    const auto value = number_of(words[2 * i + 1]);
    if (words[2 * i] != weight_names[i] || !value) throw damaged();
    weights[i] = *value;
  }
  const auto& [energy, force, stress, site, scaling] = weights;
  if (force != 0.0 || stress != 0.0 || (energy != 0.0) == (site != 0.0))
    throw FormatError(where +
                      " mixes equations of energies, forces, stresses or sites, and only those of site energies "
                      "or of configurations are supported: make it with --al_mode=nbh or cfg, or remove it.");
  ActiveSet::Settings settings{ActiveSet::Parameters::all,
                               energy != 0.0 ? ActiveSet::Mode::configurations : ActiveSet::Mode::neighborhoods,
                               static_cast<int>(scaling),
                               {{"source", "MLIP file"}}};
  ActiveSet::Matrix matrix;
  matrix.size = information_sum_size(potential, settings.parameters);
  const std::size_t n = matrix.size, bytes = n * n * sizeof(double);
  if (text.size() < hash + 1 + 2 * bytes + 2 || text.compare(hash + 1 + 2 * bytes, 2, "\n#") != 0) throw damaged();
  std::vector<double> transposed(n * n);
  matrix.rows.resize(n * n);
  matrix.inverse.resize(n * n);
  std::memcpy(matrix.rows.data(), text.data() + hash + 1, bytes);
  std::memcpy(transposed.data(), text.data() + hash + 1 + bytes, bytes);
  for (std::size_t row = 0; row < n; ++row)
    for (std::size_t column = 0; column < n; ++column) matrix.inverse[row * n + column] = transposed[column * n + row];
  return std::make_shared<const ActiveSet>(std::move(settings), std::vector<ActiveSet::Matrix>{std::move(matrix)},
                                           where);
}

std::string print_mlip_active_set(const ActiveSet& set) {
  const bool sites = set.settings().mode == ActiveSet::Mode::neighborhoods;
  const double weights[] = {sites ? 0.0 : 1.0, 0.0, 0.0, sites ? 1.0 : 0.0};
  std::string text = std::string(active_set_marker) + "\n";
  for (int i = 0; i < 4; ++i) text += std::string(weight_names[i]) + " " + printed(weights[i]) + "\n";
  text += std::string(weight_names[4]) + " " + std::to_string(set.settings().weight_scaling) + "\n#";
  const extrapolation::InverseMatrix inverse = set.inverse(0);
  const auto add = [&](double number) { text.append(reinterpret_cast<const char*>(&number), sizeof number); };
  for (const double number : set.rows(0)) add(number);
  for (int column = 0; column < inverse.size; ++column)
    for (int row = 0; row < inverse.size; ++row)
      add(inverse.numbers[static_cast<std::size_t>(row) * inverse.stride + column]);
  text += "\n#\n";
  for (int row = 0; row < inverse.size; ++row) text += "-1 -1\n";
  return text + "#\n";
}

}  // namespace

bool mlip_holds(const ActiveSet& set, const std::string& path) {
  return path.ends_with(".almtp") && set.settings().parameters == ActiveSet::Parameters::all;
}

bool is_mlip(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text.compare(first, 3, "MTP") == 0 &&
         (first + 3 == text.size() || std::isspace(static_cast<unsigned char>(text[first + 3])));
}

Potential parse_mlip(const FileBundle& files, const ReadOptions& options) {
  const std::string &path = files.path, &text = files.text();
  const std::vector<std::string>& elements = options.elements;
  MlipReader in(text, path);
  read_kind(in, text);
  in.expect("potential_name");
  const std::string name = in.rest_of_line();
  moment_tensor::Parameters parameters;
  parameters.scaling = in.scaling();
  const int species = read_species_count(in, path, elements);
  in.expect("potential_tag");
  const std::string tag = in.rest_of_line();
  const int n_radial = read_radial_basis(in, parameters);
  std::vector<double> radial = read_radial_coefficients(in, species, n_radial, parameters.radial_basis_size);
  moment_tensor::ContractionProgram program = read_program(in, n_radial);
  const std::vector<double> offsets = read_coefficients(in, "species_coeffs", species);
  const std::vector<double> coefficients = read_coefficients(in, "moment_coeffs", program.mapping.size());
  in.end_of_list("moment_coeffs");

  const std::vector<int> sizes(species, program.n_values());
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  descriptors.push_back(std::make_unique<moment_tensor::MomentTensor>(parameters, std::move(program), std::move(radial),
                                                                      species, "\"" + path + "\""));
  Json provenance{{"converted_from", "MLIP file"}, {"potential_name", name}};
  if (!tag.empty()) provenance["potential_tag"] = tag;
  Potential potential(
      elements, std::move(descriptors),
      std::make_unique<LinearModel>(LinearParameters{true, offsets, CoefficientSets{coefficients}}, sizes),
      std::move(provenance));
  potential.set_active_set(read_active_set(text, path, potential));
  return potential;
}

FileBundle print_mlip(const Potential& potential, const std::string& path) {
  const auto* descriptor = dynamic_cast<const moment_tensor::MomentTensor*>(potential.descriptors().front().get());
  const auto* model = dynamic_cast<const LinearModel*>(&potential.model());
  if (!model->shared() && potential.elements().size() > 1)
    throw FormatError("The potential cannot be written as the MLIP file \"" + path +
                      "\": that format has coefficients shared by all elements, and those of this model differ.");
  const moment_tensor::Parameters& parameters = descriptor->settings();
  const moment_tensor::ContractionProgram& program = descriptor->program();
  const int species = static_cast<int>(potential.elements().size());
  std::ostringstream out;
  out << "MTP\nversion = 1.1.0\npotential_name = forcesmith\nscaling = " << printed(parameters.scaling)
      << "\nspecies_count = " << species << "\npotential_tag = " << joined(potential.elements())
      << "\nradial_basis_type = RBChebyshev\n\tmin_dist = " << printed(parameters.min_distance)
      << "\n\tmax_dist = " << printed(parameters.cutoff) << "\n\tradial_basis_size = " << parameters.radial_basis_size
      << "\n\tradial_funcs_count = " << program.n_radial() << "\n\tradial_coeffs\n";
  const std::vector<double> radial = descriptor->parameters();
  auto next = radial.begin();
  for (int center = 0; center < species; ++center)
    for (int neighbor = 0; neighbor < species; ++neighbor) {
      out << "\t\t" << center << "-" << neighbor << "\n";
      for (int mu = 0; mu < program.n_radial(); ++mu, next += parameters.radial_basis_size)
        out << "\t\t\t" << braced(std::vector<double>(next, next + parameters.radial_basis_size), printed) << "\n";
    }
  auto print_int = [](int value) { return std::to_string(value); };
  out << "alpha_moments_count = " << program.n_moments << "\nalpha_index_basic_count = " << program.basic.size()
      << "\nalpha_index_basic = " << tuples(program.basic) << "\nalpha_index_times_count = " << program.products.size()
      << "\nalpha_index_times = " << tuples(program.products) << "\nalpha_scalar_moments = " << program.mapping.size()
      << "\nalpha_moment_mapping = " << braced(program.mapping, print_int)
      << "\nspecies_coeffs = " << braced(model->offsets(), printed)
      << "\nmoment_coeffs = " << braced(model->coefficients(0), printed) << "\n";
  if (potential.active_set() && mlip_holds(*potential.active_set(), path))
    out << print_mlip_active_set(*potential.active_set());
  return bundle_of(path, out.str());
}

}  // namespace forcesmith
