#include "potentials/formats/pod.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "descriptors/pod/pod.hpp"
#include "models/environment_model.hpp"
#include "models/linear_model.hpp"
#include "potentials/formats/word_reader.hpp"

namespace forcesmith {

namespace {

constexpr std::array bodies{"two", "three", "four", "five", "six", "seven"};
std::string functions_keyword(std::size_t i) { return std::string(bodies[i]) + "body_number_radial_basis_functions"; }
std::string degree_keyword(std::size_t i) { return std::string(bodies[i]) + "body_angular_degree"; }

WordReader reader(const std::string& text, const std::string& path) { return {text, "POD file", path, "#", "\"'"}; }

/// What a text holds, by its first lines.
enum class Content { parameters, coefficients, old_coefficients, other };

Content content_of(const std::string& text) {
  WordReader in = reader(text.substr(0, 65536), "");
  std::vector<std::string> words = in.next();
  if (words.size() == 4 && words[0] == "model_coefficients:") return Content::coefficients;
  if (words.size() == 2 && words[0] == "POD_coefficients:") return Content::old_coefficients;
  bool has_species = false, has_functions = false;
  for (int line = 0; line < 100 && !words.empty(); ++line, words = in.next()) {
    has_species = has_species || words[0] == "species";
    has_functions = has_functions || words[0].ends_with("body_number_radial_basis_functions");
  }
  return has_species && has_functions ? Content::parameters : Content::other;
}

bool are_parameters(const std::string& text, const std::string& path) {
  const Content content = content_of(text);
  return content == Content::parameters || (content == Content::other && path.ends_with("_param.pod"));
}

/// The path with the last `word` in the name of its file replaced; empty if there is none.
std::string renamed(const std::filesystem::path& path, const std::string& word, const std::string& other) {
  std::string name = path.filename().string();
  const std::size_t at = name.rfind(word);
  if (at == std::string::npos) return "";
  return (path.parent_path() / name.replace(at, word.size(), other)).string();
}

struct PodParameters {
  std::vector<std::string> elements;
  pod::Parameters settings;
  int clusters = 1, components = 1;  // of environments; 1 cluster: a linear model
};

/// Settings that are not in the file are those of pair_style pod.
PodParameters read_parameters(WordReader& in) {
  pod::Parameters start;
  std::map<std::string, double> found{{"rin", start.inner_cutoff},
                                      {"rcut", 5.0},
                                      {"bessel_polynomial_degree", start.bessel_degree},
                                      {"inverse_polynomial_degree", start.inverse_degree},
                                      {"number_of_environment_clusters", 1},
                                      {"number_of_principal_components", 1},
                                      {"onebody", 1}};
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    found[functions_keyword(i)] = i < start.nmax.size() ? start.nmax[i] : 0;
    if (i > 0) found[degree_keyword(i)] = i < start.lmax.size() ? start.lmax[i] : 0;
  }
  std::vector<std::string> known{"species", "pbc"};
  for (const auto& [keyword, value] : found) known.push_back(keyword);
  PodParameters file;
  std::set<std::string> seen;
  for (std::vector<std::string> words = in.next(); !words.empty(); words = in.next()) {
    const std::string& keyword = words[0];
    if (!seen.insert(keyword).second) in.fail(keyword + " is there twice");
    if (std::find(known.begin(), known.end(), keyword) == known.end())
      in.fail(unknown_name_message("POD parameter", keyword, known));
    if (keyword == "pbc") continue;  // of the data of a fit
    if (keyword == "species") {
      file.elements.assign(words.begin() + 1, words.end());
      continue;
    }
    if (words.size() != 2) in.fail(keyword + " needs one value, but has " + std::to_string(words.size() - 1));
    const bool is_length = keyword == "rin" || keyword == "rcut";
    found[keyword] = is_length ? in.number(words[1], keyword) : in.integer(words[1], keyword);
    if (keyword == "onebody" && found[keyword] != 1)
      in.fail("onebody " + words[1] + " is not supported, only 1: an energy per element");
    if (keyword.starts_with("number_of_") && found[keyword] < 1)
      in.fail(keyword + " must be at least 1, not " + words[1]);
  }
  if (file.elements.empty()) throw FormatError("The POD file \"" + in.path() + "\" has no species, which is required.");
  file.clusters = static_cast<int>(found["number_of_environment_clusters"]);
  file.components = static_cast<int>(found["number_of_principal_components"]);
  pod::Parameters& p = file.settings;
  p.inner_cutoff = found["rin"];
  p.cutoff = found["rcut"];
  p.bessel_degree = static_cast<int>(found["bessel_polynomial_degree"]);
  p.inverse_degree = static_cast<int>(found["inverse_polynomial_degree"]);
  p.nmax.clear();
  p.lmax.clear();
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    p.nmax.push_back(static_cast<int>(found[functions_keyword(i)]));
    p.lmax.push_back(i > 0 && p.nmax[i] != 0 ? static_cast<int>(found[degree_keyword(i)]) : 0);
  }
  while (p.nmax.size() > 1 && p.nmax.back() == 0) {
    p.nmax.pop_back();
    p.lmax.pop_back();
  }
  return file;
}

/// One element after the other.
struct PodCoefficients {
  std::vector<double> coefficients;  // the energy of the atom, then [cluster][value]
  std::vector<double> projections;   // [value][component]
  std::vector<double> centroids;     // [cluster][component]
};

PodCoefficients read_coefficients(WordReader& in, const std::string& text) {
  const std::vector<std::string> header = in.next();
  if (content_of(text) == Content::old_coefficients)
    in.fail("it is of a POD of LAMMPS before 2024, which has other descriptors; fit again with a newer fitpod");
  if (header.size() != 4) in.fail("expected \"model_coefficients:\" and three numbers");
  const std::array counts{in.integer(header[1], "the number of coefficients"),
                          in.integer(header[2], "the size of the projection matrix"),
                          in.integer(header[3], "the number of centroids")};
  double announced = 0.0;
  for (int count : counts) {
    if (count < 0) in.fail("a number of its first line is negative");
    announced += count;
  }
  std::vector<double> numbers;
  for (std::vector<std::string> words = in.next(); !words.empty(); words = in.next()) {
    if (words.size() != 1) in.fail("expected one number per line, found " + std::to_string(words.size()));
    numbers.push_back(in.number(words[0], "a coefficient"));
  }
  if (static_cast<double>(numbers.size()) != announced)
    in.fail("its first line announces " + printed(announced) + " coefficients, but there are " +
            std::to_string(numbers.size()));
  const auto projections = numbers.begin() + counts[0], centroids = projections + counts[1];
  return {{numbers.begin(), projections}, {projections, centroids}, {centroids, numbers.end()}};
}

/// rows x columns of the numbers of an element.
std::vector<std::vector<double>> lists_of(const std::vector<double>& numbers, std::size_t element, std::size_t rows,
                                          std::size_t columns) {
  std::vector<std::vector<double>> lists;
  auto next = numbers.begin() + static_cast<std::ptrdiff_t>(element * rows * columns);
  for (std::size_t row = 0; row < rows; ++row, next += static_cast<std::ptrdiff_t>(columns))
    lists.emplace_back(next, next + static_cast<std::ptrdiff_t>(columns));
  return lists;
}

}  // namespace

bool is_pod(const std::string& text) { return content_of(text) != Content::other; }

std::vector<std::string> pod_companions(const std::string& text, const std::string& path) {
  std::vector<std::string> names;
  if (are_parameters(text, path)) names = {renamed(path, "param", "coeff"), renamed(path, "param", "coefficients")};
  else names = {renamed(path, "coefficients", "param"), renamed(path, "coeff", "param")};
  std::erase(names, "");
  return names;
}

Potential parse_pod(const FileBundle& files, const ReadOptions& options) {
  const bool given_parameters = are_parameters(files.text(), files.path);
  const std::vector<std::string> names = pod_companions(files.text(), files.path);
  if (names.empty())
    throw FormatError("The POD file \"" + files.path + "\" has no other file beside it: name both alike, " +
                      "a_param.pod and a_coeff.pod.");
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& name) { return files.find(name); });
  const std::string& partner = found == names.end() ? names.front() : *found;
  const std::string& other = files.text_of(partner, "put a_param.pod and a_coeff.pod side by side");
  const std::string& param_path = given_parameters ? files.path : partner;
  const std::string& coeff_path = given_parameters ? partner : files.path;
  const std::string& coeff_text = given_parameters ? other : files.text();
  WordReader coefficients_in = reader(coeff_text, coeff_path);
  const PodCoefficients numbers = read_coefficients(coefficients_in, coeff_text);
  WordReader parameters_in = reader(given_parameters ? files.text() : other, param_path);
  const PodParameters file = read_parameters(parameters_in);
  const std::string where = "the POD file \"" + param_path + "\"";
  check_different(file.elements, where);
  check_elements(options, file.elements, "The POD file", param_path);
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  descriptors.push_back(std::make_unique<pod::Pod>(file.settings, file.elements, where));
  const std::size_t size = descriptors[0]->size(0), n_elements = file.elements.size();
  const std::size_t clusters = file.clusters, components = file.components;
  const auto check = [&](const std::vector<double>& found, std::size_t of_element, const std::string& what) {
    if (found.size() != n_elements * of_element)
      throw FormatError("\"" + coeff_path + "\" has " + std::to_string(found.size()) + " " + what + ", but \"" +
                        param_path + "\" asks for " + std::to_string(n_elements * of_element) +
                        "; the two files do not belong together.");
  };
  const std::size_t n_own = 1 + clusters * size;
  check(numbers.coefficients, n_own, "coefficients");
  check(numbers.projections, clusters > 1 ? size * components : 0, "numbers of a projection matrix");
  check(numbers.centroids, clusters > 1 ? clusters * components : 0, "numbers of centroids");
  EnvironmentParameters p;
  p.clusters = file.clusters;
  p.components = file.components;
  CoefficientSets sets;
  for (std::size_t element = 0; element < n_elements; ++element) {
    const auto own = numbers.coefficients.begin() + static_cast<std::ptrdiff_t>(element * n_own);
    p.energy_offsets.push_back(own[0]);
    p.coefficients.push_back(lists_of({own + 1, own + static_cast<std::ptrdiff_t>(n_own)}, 0, clusters, size));
    sets.push_back(p.coefficients.back()[0]);
    if (clusters == 1) continue;
    p.projections.push_back(lists_of(numbers.projections, element, size, components));
    p.centroids.push_back(lists_of(numbers.centroids, element, clusters, components));
  }
  const std::vector<int> sizes(n_elements, static_cast<int>(size));
  std::unique_ptr<Model> model;
  if (clusters == 1) model = std::make_unique<LinearModel>(LinearParameters{false, p.energy_offsets, sets}, sizes);
  else model = std::make_unique<EnvironmentModel>(std::move(p), sizes, where);
  return Potential(file.elements, std::move(descriptors), std::move(model), Json{{"converted_from", "POD files"}});
}

namespace {

/// LAMMPS makes the radial functions from the settings. Throws FormatError if those of the potential are others.
void check_radial_functions(const pod::Parameters& p, const std::string& path) {
  const std::vector<double> made = pod::radial_coefficients(p.radial(), p.sizes().n_radial(), "\"" + path + "\"");
  const std::size_t n = p.radial().n_snapshots();
  for (std::size_t first = 0; first < made.size(); first += n) {
    double largest = 0.0, difference = 0.0;
    for (std::size_t k = first; k < first + n; ++k) {
      largest = std::max(largest, std::abs(made[k]));
      difference = std::max(difference, std::abs(made[k] - p.radial_coefficients[k]));
    }
    if (difference > 1e-6 * largest)
      throw FormatError("The potential cannot be written as the POD file \"" + path +
                        "\": its radial_coefficients are not those that LAMMPS makes; write a .json file.");
  }
}

/// A linear model as one kind of environment, without projections and centroids.
EnvironmentParameters environments_of(const Model& model, int n_elements) {
  if (const auto* own = dynamic_cast<const EnvironmentModel*>(&model)) {
    EnvironmentParameters p = own->settings();
    if (p.clusters > 1) return p;
    p.components = 1;
    p.projections.clear();
    p.centroids.clear();
    return p;
  }
  const auto& linear = dynamic_cast<const LinearModel&>(model);
  EnvironmentParameters p;
  p.clusters = p.components = 1;
  p.energy_offsets.assign(linear.offsets().begin(), linear.offsets().end());
  for (int element = 0; element < n_elements; ++element) {
    const std::span<const double> own = linear.coefficients(element);
    p.coefficients.push_back({{own.begin(), own.end()}});
  }
  return p;
}

}  // namespace

FileBundle print_pod(const Potential& potential, const std::string& path) {
  const auto& descriptor = dynamic_cast<const pod::Pod&>(*potential.descriptors().front());
  const pod::Parameters& p = descriptor.settings();
  const pod::Sizes sizes = p.sizes();
  check_radial_functions(p, path);
  const std::string stem = path.substr(0, path.rfind('_'));
  std::ostringstream param, coeff;
  param << "# POD parameters, written by forcesmith\nspecies";
  for (const std::string& element : potential.elements()) param << " " << element;
  const EnvironmentParameters model = environments_of(potential.model(), static_cast<int>(potential.elements().size()));
  param << "\npbc 1 1 1\nrin " << printed(p.inner_cutoff) << "\nrcut " << printed(p.cutoff)
        << "\nnumber_of_environment_clusters " << model.clusters << "\nnumber_of_principal_components "
        << model.components << "\nbessel_polynomial_degree " << p.bessel_degree << "\ninverse_polynomial_degree "
        << p.inverse_degree << "\nonebody 1\n";
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    param << functions_keyword(i) << " " << sizes.nmax[i] << "\n";
    if (i > 0) param << degree_keyword(i) << " " << sizes.lmax[i] << "\n";
  }
  const std::size_t n_elements = potential.elements().size(), size = descriptor.size(0);
  const std::size_t clusters = model.clusters, components = clusters > 1 ? model.components : 0;
  coeff << "# POD coefficients, written by forcesmith\nmodel_coefficients: " << n_elements * (1 + clusters * size)
        << " " << n_elements * size * components << " " << n_elements * clusters * components << "\n";
  const auto print = [&](const std::vector<std::vector<double>>& lists) {
    for (const auto& list : lists)
      for (double number : list) coeff << printed(number) << "\n";
  };
  for (std::size_t element = 0; element < n_elements; ++element) {
    coeff << printed(model.energy_offsets[element]) << "\n";
    print(model.coefficients[element]);
  }
  for (const auto& lists : model.projections) print(lists);
  for (const auto& lists : model.centroids) print(lists);
  return {path, {{stem + "_coeff.pod", coeff.str()}, {stem + "_param.pod", param.str()}}};
}

}  // namespace forcesmith
