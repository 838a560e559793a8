#include "potentials/snap_format.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include "core/error.hpp"
#include "descriptors/bispectrum/bispectrum.hpp"
#include "models/quadratic_model.hpp"
#include "potentials/word_reader.hpp"

namespace forcesmith {

namespace {

WordReader reader(const std::string& text, const std::string& path) {
  return {text, "SNAP file", path, "#", "\"'"};
}

/// Names LAMMPS gives to what a computation needs, not to the potential.
bool is_ignored(const std::string& keyword) { return keyword == "chunksize" || keyword == "parallelthresh"; }

/// Parameters for Bispectrum::create, and the quadraticflag.
Json read_parameters(WordReader& in, bool& quadratic) {
  const ParameterSchema schema = Bispectrum::schema();
  std::vector<std::string> known{"quadraticflag"};
  for (const ParameterField& field : schema)
    if (field.name != "radii" && field.name != "weights") known.push_back(field.name);
  Json parameters = Json::object();
  quadratic = false;
  for (std::vector<std::string> words = in.next(); !words.empty(); words = in.next()) {
    const std::string& keyword = words[0];
    if (is_ignored(keyword)) continue;
    if (std::find(known.begin(), known.end(), keyword) == known.end())
      in.fail(unknown_name_message("SNAP parameter", keyword, known));
    if (words.size() < 2) in.fail(keyword + " has no value");
    if (keyword == "sinner" || keyword == "dinner") {
      Json list = Json::array();
      for (std::size_t i = 1; i < words.size(); ++i) list.push_back(in.number(words[i], keyword));
      parameters[keyword] = list;
      continue;
    }
    if (words.size() > 2) in.fail(keyword + " has more than one value");
    if (keyword == "twojmax") parameters[keyword] = in.integer(words[1], keyword);
    else if (keyword.ends_with("flag")) {
      const int flag = in.integer(words[1], keyword);
      if (flag != 0 && flag != 1) in.fail(keyword + " must be 0 or 1, not " + words[1]);
      if (keyword == "quadraticflag") quadratic = flag == 1;
      else parameters[keyword] = flag == 1;
    } else parameters[keyword] = in.number(words[1], keyword);
  }
  for (const char* needed : {"rcutfac", "twojmax"})
    if (!parameters.contains(needed))
      throw FormatError("The SNAP file \"" + in.path() + "\" has no " + needed + ", which is required.");
  return parameters;
}

struct SnapCoefficients {
  std::vector<std::string> elements;
  std::vector<double> radii, weights;
  std::vector<std::vector<double>> coefficients;  // [element][1 + values, or more if quadratic]
};

SnapCoefficients read_coefficients(WordReader& in) {
  SnapCoefficients found;
  const std::vector<std::string> header = in.next();
  if (header.size() != 2) in.fail("expected the numbers of elements and of coefficients per element");
  const int n_elements = in.integer(header[0], "the number of elements");
  const int n_coefficients = in.integer(header[1], "the number of coefficients");
  if (n_elements < 1 || n_coefficients < 1) in.fail("the number of elements and of coefficients must be positive");
  for (int element = 0; element < n_elements; ++element) {
    const std::vector<std::string> words = in.next();
    if (words.empty())
      in.fail("the file ends after " + std::to_string(element) + " of " + std::to_string(n_elements) +
              " elements");
    if (words.size() != 3)
      in.fail("expected element " + std::to_string(element + 1) +
              ", its radius and its weight, found \"" + words[0] + "\" and " +
              std::to_string(words.size() - 1) + " more; the number of coefficients above may be wrong");
    if (words[0].find('?') != std::string::npos)
      in.fail("the name of an element must be ASCII text, not \"" + words[0] + "\"");
    if (std::find(found.elements.begin(), found.elements.end(), words[0]) != found.elements.end())
      in.fail("the element " + words[0] + " is there twice");
    found.elements.push_back(words[0]);
    found.radii.push_back(in.number(words[1], "the radius of " + words[0]));
    found.weights.push_back(in.number(words[2], "the weight of " + words[0]));
    found.coefficients.emplace_back();
    for (int k = 0; k < n_coefficients; ++k) {
      const std::vector<std::string> line = in.next();
      if (line.empty())
        in.fail("the file ends after " + std::to_string(k) + " of the " + std::to_string(n_coefficients) +
                " coefficients of " + words[0]);
      if (line.size() != 1)
        in.fail("expected coefficient " + std::to_string(k + 1) + " of " + words[0] + ", found " +
                std::to_string(line.size()) + " words");
      found.coefficients.back().push_back(in.number(line[0], "a coefficient of " + words[0]));
    }
  }
  if (!in.next().empty())
    in.fail("there is more after the " + std::to_string(n_coefficients) + " coefficients of " +
            found.elements.back() + "; the numbers in the first line may be wrong");
  return found;
}

std::string with_extension(const std::string& path, const std::string& extension) {
  return std::filesystem::path(path).replace_extension(extension).string();
}

std::string read_companion(const std::string& path, const std::string& of) {
  if (auto text = text_of_file(path)) return std::move(*text);
  throw FormatError("Cannot read \"" + path + "\", which belongs to \"" + of +
                    "\": put the .snapcoeff and the .snapparam file side by side, with the same name.");
}

}  // namespace

Potential parse_snap(const std::string& text, const std::string& path, const ReadOptions& options) {
  const bool given_parameters = path.ends_with(".snapparam");
  const std::string coeff_path = given_parameters ? with_extension(path, ".snapcoeff") : path;
  const std::string param_path = given_parameters ? path : with_extension(path, ".snapparam");
  const std::string companion = read_companion(given_parameters ? coeff_path : param_path, path);
  WordReader coefficients_in = reader(given_parameters ? companion : text, coeff_path);
  WordReader parameters_in = reader(given_parameters ? text : companion, param_path);
  bool quadratic = false;
  Json parameters = read_parameters(parameters_in, quadratic);
  SnapCoefficients found = read_coefficients(coefficients_in);
  check_elements(options, found.elements, "The SNAP file", coeff_path);
  const int n_elements = static_cast<int>(found.elements.size());
  parameters["radii"] = found.radii;
  parameters["weights"] = found.weights;
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  descriptors.push_back(Bispectrum::create(parameters, found.elements, "the SNAP file \"" + param_path + "\""));

  const std::size_t size = descriptors[0]->size(0), triangle = size * (size + 1) / 2;
  const std::size_t expected = 1 + size + (quadratic ? triangle : 0);
  if (found.coefficients[0].size() != expected)
    throw FormatError("\"" + coeff_path + "\" has " + std::to_string(found.coefficients[0].size()) +
                      " coefficients per element, but \"" + param_path + "\" asks for " +
                      std::to_string(expected) + " (twojmax " + parameters.at("twojmax").dump() +
                      (quadratic ? ", quadratic" : "") +
                      (parameters.value("chemflag", false) ? ", chemflag" : "") +
                      "); the two files do not belong together.");
  std::vector<double> offsets;
  std::vector<std::vector<double>> linear, triangles;
  for (const std::vector<double>& all : found.coefficients) {
    offsets.push_back(all[0]);
    linear.emplace_back(all.begin() + 1, all.begin() + 1 + size);
    triangles.emplace_back(all.begin() + 1 + size, all.end());
  }
  const std::vector<int> sizes(n_elements, static_cast<int>(size));
  LinearModel model(offsets, linear, sizes, false);
  Json provenance{{"converted_from", "SNAP files"}};
  if (quadratic)
    return Potential(found.elements, std::move(descriptors),
                     std::make_unique<QuadraticModel>(std::move(model), triangles, sizes),
                     std::move(provenance));
  return Potential(found.elements, std::move(descriptors), std::make_unique<LinearModel>(std::move(model)),
                   std::move(provenance));
}

namespace {

/// With chemflag, components that differ only in the order of factors with equal j are equal, and LAMMPS'
/// forces take for granted that their coefficients are, too. The energy depends on their sum alone.
void average_equal_components(const BispectrumCoupling& coupling, std::vector<double>& coefficients) {
  using Factors = std::array<std::array<int, 2>, 3>;
  std::map<Factors, std::vector<int>> groups;
  for (std::size_t k = 0; k < coupling.components.size(); ++k) {
    const auto& [channels, j1, j2, j] = coupling.components[k];
    Factors factors{{{j1, channels[0]}, {j2, channels[1]}, {j, channels[2]}}};
    std::sort(factors.begin(), factors.end());
    groups[factors].push_back(static_cast<int>(k));
  }
  for (const auto& [factors, members] : groups) {
    double sum = 0.0;
    for (int k : members) sum += coefficients[k];
    for (int k : members) coefficients[k] = sum / static_cast<double>(members.size());
  }
}

std::string parameter_text(const BispectrumParameters& p, bool quadratic) {
  std::ostringstream out;
  out << "# LAMMPS SNAP parameters, written by forcesmith\nrcutfac " << printed(p.rcutfac) << "\ntwojmax "
      << p.twojmax << "\nrfac0 " << printed(p.rfac0) << "\nrmin0 " << printed(p.rmin0) << "\nswitchflag "
      << p.switchflag << "\nbzeroflag " << p.bzeroflag << "\nquadraticflag " << quadratic << "\nchemflag "
      << p.chemflag << "\nbnormflag " << p.bnormflag << "\nwselfallflag " << p.wselfallflag
      << "\nswitchinnerflag " << p.switchinnerflag << "\n";
  if (p.switchinnerflag)
    for (const auto& [key, list] : {std::pair{"sinner", &p.sinner}, std::pair{"dinner", &p.dinner}}) {
      out << key;
      for (double value : *list) out << " " << printed(value);
      out << "\n";
    }
  return out.str();
}

constexpr std::string_view command_title = "# LAMMPS commands, written by forcesmith";

std::string command_text(const Potential& potential, const Zbl& zbl, const std::string& coeff_path,
                         const std::string& param_path) {
  const auto& elements = potential.elements();
  std::ostringstream out;
  out << command_title << ": one atom type for each of " << joined(elements)
      << "\npair_style hybrid/overlay zbl " << printed(zbl.inner()) << " " << printed(zbl.outer())
      << " snap\n";
  for (std::size_t i = 0; i < elements.size(); ++i)
    for (std::size_t j = i; j < elements.size(); ++j)
      out << "pair_coeff " << i + 1 << " " << j + 1 << " zbl " << zbl.atomic_numbers()[i] << " "
          << zbl.atomic_numbers()[j] << "\n";
  out << "pair_coeff * * snap " << std::filesystem::path(coeff_path).filename().string() << " "
      << std::filesystem::path(param_path).filename().string();
  for (const std::string& element : elements) out << " " << element;
  out << "\n";
  return out.str();
}

}  // namespace

std::vector<TextFile> print_snap(const Potential& potential, const std::string& path) {
  const auto* descriptor = dynamic_cast<const Bispectrum*>(potential.descriptors().front().get());
  const auto* quadratic = dynamic_cast<const QuadraticModel*>(&potential.model());
  const auto* linear = quadratic ? &quadratic->linear()
                                 : dynamic_cast<const LinearModel*>(&potential.model());
  if (potential.descriptors().size() != 1 || descriptor == nullptr || linear == nullptr)
    throw FormatError("The potential cannot be written as the SNAP file \"" + path +
                      "\": that format holds one bispectrum descriptor with a linear or quadratic model.");
  const bool chem = descriptor->settings().chemflag;
  if (chem && quadratic)
    throw FormatError("The potential cannot be written as the SNAP file \"" + path +
                      "\": LAMMPS' forces are wrong for a quadratic model with chemflag, whose equal components it does not sum.");
  const BispectrumParameters& p = descriptor->settings();
  const auto& elements = potential.elements();
  const std::string coeff_path = with_extension(path, ".snapcoeff");
  const std::string param_path = with_extension(path, ".snapparam");
  std::ostringstream out;
  const std::size_t size = descriptor->size(0);
  out << "# SNAP coefficients, written by forcesmith\n" << elements.size() << " "
      << 1 + size + (quadratic ? size * (size + 1) / 2 : 0) << "\n";
  for (std::size_t element = 0; element < elements.size(); ++element) {
    const int index = static_cast<int>(element);
    std::vector<double> coefficients = linear->coefficients(index);
    if (chem) average_equal_components(descriptor->coupling(), coefficients);
    coefficients.insert(coefficients.begin(), linear->offsets()[element]);
    if (quadratic) {
      const std::vector<double>& triangle = quadratic->triangle(index);
      coefficients.insert(coefficients.end(), triangle.begin(), triangle.end());
    }
    if (!all_finite(coefficients))
      throw FormatError("The potential is not written to \"" + path +
                        "\" because it holds coefficients that are not finite.");
    out << elements[element] << " " << printed(p.radii[element]) << " " << printed(p.weights[element])
        << "\n";
    for (double coefficient : coefficients) out << printed(coefficient) << "\n";
  }
  std::vector<TextFile> files{{coeff_path, out.str()}, {param_path, parameter_text(p, quadratic != nullptr)}};
  const std::string command_path = with_extension(path, ".mod");
  if (potential.zbl())
    files.push_back({command_path, command_text(potential, *potential.zbl(), coeff_path, param_path)});
  else if (text_of_file(command_path).value_or("").starts_with(command_title))
    files.push_back({command_path, std::nullopt});  // it would add the repulsion of an earlier potential
  return files;
}

}  // namespace forcesmith
