#include "potentials/formats/snap.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "descriptors/bispectrum/bispectrum.hpp"
#include "models/quadratic_model.hpp"
#include "potentials/formats/word_reader.hpp"
#include "potentials/terms/zbl/zbl.hpp"

namespace forcesmith {

namespace {

/// What the files of the two pair styles are called, and how they name what belongs to elements.
struct Dialect {
  std::string kind, parameter_extension, coefficient_extension, parameter_word, coefficient_word;
};
const Dialect snap{"SNAP", ".snapparam", ".snapcoeff", "param", "coeff"};
const Dialect mliap{"ML-IAP", ".mliap.descriptor", ".mliap.model", "descriptor", "model"};

WordReader reader(const std::string& text, const std::string& path, const Dialect& dialect = snap) {
  return {text, dialect.kind + " file", path, "#", "\"'"};
}

/// Names LAMMPS gives to what a computation needs, not to the potential.
bool is_ignored(const std::string& keyword) { return keyword == "chunksize" || keyword == "parallelthresh"; }

/// What the numbers per element are called in ML-IAP, and here.
const std::map<std::string, std::string>& element_lists() {
  static const std::map<std::string, std::string> names{
      {"radelems", "radii"}, {"welems", "weights"}, {"sinnerelems", "sinner"}, {"dinnerelems", "dinner"}};
  return names;
}

struct SnapParameters {
  Json parameters = Json::object();  // for Bispectrum::create
  bool quadratic = false;
  std::vector<std::string> elements;  // of ML-IAP
};

/// `keyword value`, as both dialects have it.
void read_parameter(WordReader& in, const std::vector<std::string>& words, SnapParameters& found) {
  const std::string& keyword = words[0];
  if (words.size() > 2) in.fail(keyword + " has more than one value");
  if (keyword == "twojmax") {
    found.parameters[keyword] = in.integer(words[1], keyword);
  } else if (keyword.ends_with("flag")) {
    const int flag = in.integer(words[1], keyword);
    if (flag != 0 && flag != 1) in.fail(keyword + " must be 0 or 1, not " + words[1]);
    if (keyword == "quadraticflag") found.quadratic = flag == 1;
    else found.parameters[keyword] = flag == 1;
  } else if (keyword == "diagonalstyle") {
    if (in.integer(words[1], keyword) != 3)
      in.fail("diagonalstyle " + words[1] +
              " is not supported: since 2019, LAMMPS has only diagonalstyle 3, and so has forcesmith");
  } else {
    found.parameters[keyword] = in.number(words[1], keyword);
  }
}

Json numbers_of(WordReader& in, const std::vector<std::string>& words) {
  Json list = Json::array();
  for (std::size_t i = 1; i < words.size(); ++i) list.push_back(in.number(words[i], words[0]));
  return list;
}

SnapParameters read_parameters(WordReader& in, const Dialect& dialect) {
  const bool has_elements = dialect.kind == mliap.kind;
  std::vector<std::string> known{"diagonalstyle"};
  for (const ParameterField& field : bispectrum::Bispectrum::schema())
    if (field.type != "array") known.push_back(field.name);
  if (has_elements) {
    known.insert(known.end(), {"nelems", "elems"});
    for (const auto& [name, own] : element_lists()) known.push_back(name);
  } else {
    known.insert(known.end(), {"quadraticflag", "sinner", "dinner"});
  }
  SnapParameters found;
  int n_elements = 0;  // of ML-IAP
  std::set<std::string> seen;
  for (std::vector<std::string> words = in.next(); !words.empty(); words = in.next()) {
    const std::string& keyword = words[0];
    if (is_ignored(keyword)) continue;
    if (has_elements && (keyword == "nmax" || keyword == "lmax" || keyword == "alpha"))
      in.fail("this is ML-IAP's descriptor so3 (" + keyword + "), but only descriptor sna is supported");
    if (std::find(known.begin(), known.end(), keyword) == known.end())
      in.fail(unknown_name_message(dialect.kind + " parameter", keyword, known));
    if (words.size() < 2) in.fail(keyword + " has no value");
    seen.insert(keyword);
    if (keyword == "elems") found.elements.assign(words.begin() + 1, words.end());
    else if (keyword == "nelems") n_elements = in.integer(words[1], keyword);
    else if (keyword == "sinner" || keyword == "dinner") found.parameters[keyword] = numbers_of(in, words);
    else if (const auto own = element_lists().find(keyword); own != element_lists().end())
      found.parameters[own->second] = numbers_of(in, words);
    else read_parameter(in, words, found);
  }
  std::vector<std::string> needed{"rcutfac", "twojmax"};
  if (has_elements) needed.insert(needed.end(), {"nelems", "elems", "radelems", "welems"});
  for (const std::string& name : needed)
    if (!seen.contains(name))
      throw FormatError("The " + dialect.kind + " file \"" + in.path() + "\" has no " + name + ", which is required.");
  if (n_elements != static_cast<int>(found.elements.size()))
    in.fail("nelems is " + std::to_string(n_elements) + ", but elems names " + std::to_string(found.elements.size()));
  return found;
}

struct SnapCoefficients {
  std::vector<std::string> elements;
  std::vector<double> radii, weights;
  std::vector<std::vector<double>> coefficients;  // [element][1 + values, or more if quadratic]
};

/// The first line: numbers of elements and of coefficients of each.
std::pair<int, int> read_header(WordReader& in) {
  const std::vector<std::string> header = in.next();
  if (header.size() != 2) in.fail("expected the numbers of elements and of coefficients per element");
  const int n_elements = in.integer(header[0], "the number of elements");
  const int n_coefficients = in.integer(header[1], "the number of coefficients");
  if (n_elements < 1 || n_coefficients < 1) in.fail("the number of elements and of coefficients must be positive");
  return {n_elements, n_coefficients};
}

std::vector<double> read_list(WordReader& in, int n_coefficients, const std::string& element) {
  std::vector<double> list;
  for (int k = 0; k < n_coefficients; ++k) {
    const std::vector<std::string> line = in.next();
    if (line.empty())
      in.fail("the file ends after " + std::to_string(k) + " of the " + std::to_string(n_coefficients) +
              " coefficients of " + element);
    if (line.size() != 1)
      in.fail("expected coefficient " + std::to_string(k + 1) + " of " + element + ", found " +
              std::to_string(line.size()) + " words");
    list.push_back(in.number(line[0], "a coefficient of " + element));
  }
  return list;
}

void check_end(WordReader& in, int n_coefficients, const std::string& last_element) {
  if (!in.next().empty())
    in.fail("there is more after the " + std::to_string(n_coefficients) + " coefficients of " + last_element +
            "; the numbers in the first line may be wrong");
}

SnapCoefficients read_coefficients(WordReader& in) {
  SnapCoefficients found;
  const auto [n_elements, n_coefficients] = read_header(in);
  for (int element = 0; element < n_elements; ++element) {
    const std::vector<std::string> words = in.next();
    if (words.empty())
      in.fail("the file ends after " + std::to_string(element) + " of " + std::to_string(n_elements) + " elements");
    if (words.size() != 3)
      in.fail("expected element " + std::to_string(element + 1) + ", its radius and its weight, found \"" + words[0] +
              "\" and " + std::to_string(words.size() - 1) + " more; the number of coefficients above may be wrong");
    if (words[0].find('?') != std::string::npos)
      in.fail("the name of an element must be ASCII text, not \"" + words[0] + "\"");
    if (std::find(found.elements.begin(), found.elements.end(), words[0]) != found.elements.end())
      in.fail("the element " + words[0] + " is there twice");
    found.elements.push_back(words[0]);
    found.radii.push_back(in.number(words[1], "the radius of " + words[0]));
    found.weights.push_back(in.number(words[2], "the weight of " + words[0]));
    found.coefficients.push_back(read_list(in, n_coefficients, words[0]));
  }
  check_end(in, n_coefficients, found.elements.back());
  return found;
}

std::string with_extension(const std::string& path, const std::string& extension) {
  return std::filesystem::path(path).replace_extension(extension).string();
}

/// What a text holds, by its first lines.
enum class Content { snap_parameters, snap_coefficients, mliap_parameters, mliap_coefficients, other };

Content content_of(const std::string& text) {
  WordReader in = reader(text, "");
  std::vector<std::string> words = in.next();
  const auto is_number = [](const std::string& word) { return number_of(word).has_value(); };
  if (words.size() == 2 && is_number(words[0]) && is_number(words[1])) {
    words = in.next();
    if (words.size() == 3 && !is_number(words[0]) && is_number(words[1]) && is_number(words[2]))
      return Content::snap_coefficients;
    const bool is_list = words.size() == 1 && is_number(words[0]);
    const bool is_network = !words.empty() && words[0] == "NET";
    return is_list || is_network ? Content::mliap_coefficients : Content::other;
  }
  bool has_cutoff = false, has_elements = false;
  for (; !words.empty() && !(has_cutoff && has_elements); words = in.next()) {
    has_cutoff = has_cutoff || words[0] == "rcutfac";
    has_elements = has_elements || words[0] == "elems";
  }
  if (!has_cutoff) return Content::other;
  return has_elements ? Content::mliap_parameters : Content::snap_parameters;
}

struct NamedText {
  std::string path, text;
};

/// Both files that make a potential.
struct FilePair {
  NamedText parameters, coefficients;
};

/// Whether the file is that of parameters, by its text, or else by its name.
bool are_parameters(const std::string& text, const std::string& path, const Dialect& dialect) {
  const Content content = content_of(text);
  const bool snap_like = dialect.kind == snap.kind;
  if (content == (snap_like ? Content::snap_parameters : Content::mliap_parameters)) return true;
  if (content == (snap_like ? Content::snap_coefficients : Content::mliap_coefficients)) return false;
  return path.ends_with(dialect.parameter_extension);
}

/// What the file that belongs to `path` may be called: one word in place of another, or another extension.
std::vector<std::string> companions(const std::string& text, const std::string& path, const Dialect& dialect) {
  std::string word = dialect.parameter_word, other_word = dialect.coefficient_word;
  std::string other_extension = dialect.coefficient_extension;
  if (!are_parameters(text, path, dialect)) {
    std::swap(word, other_word);
    other_extension = dialect.parameter_extension;
  }
  const std::filesystem::path own(path);
  std::vector<std::string> names{own.stem().string() + other_extension};
  if (const std::size_t at = own.filename().string().rfind(word); at != std::string::npos) {
    std::string name = own.filename().string();
    name.replace(at, word.size(), other_word);
    if (name != names.front()) names.insert(names.begin(), name);
  }
  for (std::string& name : names) name = (own.parent_path() / name).string();
  return names;
}

FilePair pair_of(const FileBundle& files, const Dialect& dialect) {
  const std::vector<std::string> names = companions(files.text(), files.path, dialect);
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& name) { return files.find(name); });
  const std::string& partner = found == names.end() ? names.front() : *found;
  NamedText given{files.path, files.text()};
  NamedText other{partner,
                  files.text_of(partner, "put the " + dialect.coefficient_extension + " and the " +
                                             dialect.parameter_extension + " file side by side, with the same name")};
  if (are_parameters(given.text, given.path, dialect)) return {std::move(given), std::move(other)};
  return {std::move(other), std::move(given)};
}

Potential make_potential(const SnapParameters& parameters, const SnapCoefficients& found, const FilePair& files,
                         const Dialect& dialect) {
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  descriptors.push_back(bispectrum::Bispectrum::create(
      parameters.parameters, found.elements, "the " + dialect.kind + " file \"" + files.parameters.path + "\""));
  const std::size_t size = descriptors[0]->size(0), triangle = size * (size + 1) / 2;
  // The files of ML-IAP do not tell the model: the command of LAMMPS does.
  const bool quadratic =
      parameters.quadratic || (dialect.kind == mliap.kind && found.coefficients[0].size() == 1 + size + triangle);
  const std::size_t expected = 1 + size + (quadratic ? triangle : 0);
  if (found.coefficients[0].size() != expected)
    throw FormatError("\"" + files.coefficients.path + "\" has " + std::to_string(found.coefficients[0].size()) +
                      " coefficients per element, but \"" + files.parameters.path + "\" asks for " +
                      std::to_string(expected) + " (twojmax " + parameters.parameters.at("twojmax").dump() +
                      (quadratic ? ", quadratic" : "") +
                      (parameters.parameters.value("chemflag", false) ? ", chemflag" : "") +
                      "); the two files do not belong together.");
  std::vector<double> offsets;
  std::vector<std::vector<double>> linear, triangles;
  for (const std::vector<double>& all : found.coefficients) {
    offsets.push_back(all[0]);
    linear.emplace_back(all.begin() + 1, all.begin() + 1 + size);
    triangles.emplace_back(all.begin() + 1 + size, all.end());
  }
  const std::vector<int> sizes(found.elements.size(), static_cast<int>(size));
  LinearParameters model{false, offsets, linear};
  Json provenance{{"converted_from", dialect.kind + " files"}};
  if (quadratic)
    return Potential(found.elements, std::move(descriptors),
                     std::make_unique<QuadraticModel>(QuadraticParameters{model, triangles}, sizes),
                     std::move(provenance));
  return Potential(found.elements, std::move(descriptors), std::make_unique<LinearModel>(model, sizes),
                   std::move(provenance));
}

void refuse_network(const std::string& text, const std::string& path) {
  WordReader in = reader(text, path, mliap);
  in.next();
  if (const std::vector<std::string> words = in.next(); !words.empty() && words[0] == "NET")
    in.fail("this is ML-IAP's model nn, but only its models linear and quadratic are supported");
}

/// The coefficients of ML-IAP, a list of them per element; the elements come from the other file.
SnapCoefficients read_model(WordReader& in, const std::vector<std::string>& elements) {
  SnapCoefficients found;
  found.elements = elements;
  const auto [n_elements, n_coefficients] = read_header(in);
  if (n_elements != static_cast<int>(elements.size()))
    in.fail("the model is for " + std::to_string(n_elements) + " element(s), but the descriptor is for " +
            std::to_string(elements.size()) + ": " + joined(elements));
  for (const std::string& element : elements) found.coefficients.push_back(read_list(in, n_coefficients, element));
  check_end(in, n_coefficients, elements.back());
  return found;
}

}  // namespace

bool is_snap(const std::string& text) {
  const Content content = content_of(text);
  return content == Content::snap_parameters || content == Content::snap_coefficients;
}

bool is_mliap(const std::string& text) {
  const Content content = content_of(text);
  return content == Content::mliap_parameters || content == Content::mliap_coefficients;
}

std::vector<std::string> snap_companions(const std::string& text, const std::string& path) {
  return companions(text, path, snap);
}

std::vector<std::string> mliap_companions(const std::string& text, const std::string& path) {
  return companions(text, path, mliap);
}

Potential parse_snap(const FileBundle& bundle, const ReadOptions& options) {
  const FilePair files = pair_of(bundle, snap);
  WordReader parameters_in = reader(files.parameters.text, files.parameters.path);
  WordReader coefficients_in = reader(files.coefficients.text, files.coefficients.path);
  SnapParameters parameters = read_parameters(parameters_in, snap);
  const SnapCoefficients found = read_coefficients(coefficients_in);
  check_elements(options, found.elements, "The SNAP file", files.coefficients.path);
  parameters.parameters["radii"] = found.radii;
  parameters.parameters["weights"] = found.weights;
  return make_potential(parameters, found, files, snap);
}

Potential parse_mliap(const FileBundle& bundle, const ReadOptions& options) {
  if (!are_parameters(bundle.text(), bundle.path, mliap)) refuse_network(bundle.text(), bundle.path);
  const FilePair files = pair_of(bundle, mliap);
  refuse_network(files.coefficients.text, files.coefficients.path);
  WordReader parameters_in = reader(files.parameters.text, files.parameters.path, mliap);
  WordReader coefficients_in = reader(files.coefficients.text, files.coefficients.path, mliap);
  const SnapParameters parameters = read_parameters(parameters_in, mliap);
  check_different(parameters.elements, "the ML-IAP file \"" + files.parameters.path + "\"");
  check_elements(options, parameters.elements, "The ML-IAP file", files.parameters.path);
  return make_potential(parameters, read_model(coefficients_in, parameters.elements), files, mliap);
}

namespace {

/// With chemflag, components that differ only in the order of factors with equal j are equal, and LAMMPS'
/// forces take for granted that their coefficients are, too. The energy depends on their sum alone.
void average_equal_components(const bispectrum::Coupling& coupling, std::vector<double>& coefficients) {
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

std::string parameter_text(const bispectrum::Parameters& p, bool quadratic) {
  std::ostringstream out;
  out << "# LAMMPS SNAP parameters, written by forcesmith\nrcutfac " << printed(p.rcutfac) << "\ntwojmax " << p.twojmax
      << "\nrfac0 " << printed(p.rfac0) << "\nrmin0 " << printed(p.rmin0) << "\nswitchflag " << p.switchflag
      << "\nbzeroflag " << p.bzeroflag << "\nquadraticflag " << quadratic << "\nchemflag " << p.chemflag
      << "\nbnormflag " << p.bnormflag << "\nwselfallflag " << p.wselfallflag << "\nswitchinnerflag "
      << p.switchinnerflag << "\n";
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
  out << command_title << ": one atom type for each of " << joined(elements) << "\npair_style hybrid/overlay zbl "
      << printed(zbl.inner()) << " " << printed(zbl.outer()) << " snap\n";
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

FileBundle print_snap(const Potential& potential, const std::string& path) {
  const auto* descriptor = dynamic_cast<const bispectrum::Bispectrum*>(potential.descriptors().front().get());
  const auto* quadratic = dynamic_cast<const QuadraticModel*>(&potential.model());
  const auto* linear = quadratic ? &quadratic->linear() : dynamic_cast<const LinearModel*>(&potential.model());
  if (potential.terms().size() > 1)
    throw FormatError("The potential cannot be written as the SNAP file \"" + path +
                      "\": LAMMPS has one pair_style zbl at a time, and this potential has several terms zbl.");
  const Zbl* zbl = potential.terms().empty() ? nullptr : dynamic_cast<const Zbl*>(potential.terms()[0].get());
  const bool chem = descriptor->settings().chemflag;
  if (chem && quadratic)
    throw FormatError(
        "The potential cannot be written as the SNAP file \"" + path +
        "\": LAMMPS' forces are wrong for a quadratic model with chemflag, whose equal components it does not sum.");
  const bispectrum::Parameters& p = descriptor->settings();
  const auto& elements = potential.elements();
  const std::string coeff_path = with_extension(path, ".snapcoeff");
  const std::string param_path = with_extension(path, ".snapparam");
  std::ostringstream out;
  const std::size_t size = descriptor->size(0);
  out << "# SNAP coefficients, written by forcesmith\n"
      << elements.size() << " " << 1 + size + (quadratic ? size * (size + 1) / 2 : 0) << "\n";
  for (std::size_t element = 0; element < elements.size(); ++element) {
    const int index = static_cast<int>(element);
    const std::span<const double> own = linear->coefficients(index);
    std::vector<double> coefficients(own.begin(), own.end());
    if (chem) average_equal_components(descriptor->coupling(), coefficients);
    coefficients.insert(coefficients.begin(), linear->offsets()[element]);
    if (quadratic) {
      const std::span<const double> triangle = quadratic->triangle(index);
      coefficients.insert(coefficients.end(), triangle.begin(), triangle.end());
    }
    out << elements[element] << " " << printed(p.radii[element]) << " " << printed(p.weights[element]) << "\n";
    for (double coefficient : coefficients) out << printed(coefficient) << "\n";
  }
  FileBundle bundle{path, {{coeff_path, out.str()}, {param_path, parameter_text(p, quadratic != nullptr)}}};
  const std::string command_path = with_extension(path, ".mod");
  if (zbl != nullptr) bundle.files.push_back({command_path, command_text(potential, *zbl, coeff_path, param_path)});
  else if (text_of_file(command_path).value_or("").starts_with(command_title))
    bundle.files.push_back({command_path, std::nullopt});  // it would add the repulsion of an earlier potential
  return bundle;
}

}  // namespace forcesmith
