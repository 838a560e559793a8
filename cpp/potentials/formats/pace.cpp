#include "potentials/formats/pace.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <memory>
#include <random>

#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "core/yaml.hpp"
#include "descriptors/ace/ace.hpp"
#include "models/embedding_model.hpp"
#include "models/linear_model.hpp"
#include "potentials/formats/word_reader.hpp"
#include "potentials/terms/core_repulsion/core_repulsion.hpp"

namespace forcesmith {

namespace {

using ace::BondParameters;
using ace::Factor;
using ace::Function;

/// A function of a center element: products with indices m, and a coefficient of each product in every density.
struct FileFunction {
  std::vector<int> mus, ns, ls;
  std::vector<std::vector<int>> ms;               // [product][factor]
  std::vector<std::vector<double>> coefficients;  // [product][density]
};

struct FileBond {
  BondParameters parameters;
  std::vector<std::vector<std::vector<double>>> crad;  // [n][l][k]
  double core_factor = 0.0, core_decay = 1.0;
  bool by_distance = false;  // the repulsion ends at the inner cutoff
};

struct FileEmbedding {
  std::string function;
  std::vector<double> parameters;  // weight and exponent of every density
  double largest_core_energy;      // eV, from which on the file fades out
};

struct AceFile {
  std::string path;
  std::vector<std::string> elements;
  std::vector<double> E0;
  std::vector<FileEmbedding> embeddings;             // [element]
  std::vector<FileBond> bonds;                       // [center][neighbor]
  std::vector<std::vector<FileFunction>> functions;  // [element]

  [[noreturn]] void refuse(const std::string& what) const {
    throw FormatError("The file \"" + path + "\" cannot be read: " + what + ".");
  }
};

void set_radial_basis(const AceFile& file, const std::string& name, BondParameters& p) {
  if (name == "ChebExpCos") p.radial_basis = ace::RadialBasis::ChebExpCos;
  else if (name == "ChebPow") p.radial_basis = ace::RadialBasis::ChebPow;
  else if (name == "SBessel" || name == "TEST_SBessel") p.radial_basis = ace::RadialBasis::SBessel;
  else if (name == "ChebLinear")
    file.refuse("its radial basis ChebLinear does not vanish at the cutoff, so energies would jump there");
  else file.refuse("its radial basis is \"" + name + "\", but only ChebExpCos, ChebPow and SBessel are supported");
}

// ---- files ----

/// A value of a mapping, converted; what: where, for messages.
template <class Value>
Value get(const AceFile& file, const Json& map, const std::string& key, const std::string& what) {
  if (!map.is_object() || !map.contains(key)) file.refuse(what + " has no " + key);
  try {
    return map.at(key).get<Value>();
  } catch (const Json::exception&) {
    file.refuse(key + " of " + what + " is not what it should be, but " + map.at(key).dump().substr(0, 40));
  }
}

/// Whole numbers, none of which is as large as in damaged files.
std::vector<int> get_integers(const AceFile& file, const Json& map, const std::string& key, const std::string& what) {
  constexpr int largest = 1'000'000;
  std::vector<int> numbers;
  for (const Json& value : get<std::vector<Json>>(file, map, key, what)) {
    if (!value.is_number_integer() || value < -largest || value > largest)
      file.refuse(key + " of " + what + " has " + value.dump().substr(0, 40) + " in place of a small whole number");
    numbers.push_back(value.get<int>());
  }
  return numbers;
}

/// Refuses entries with other names.
void check_names(const AceFile& file, const Json& map, const std::string& what,
                 std::initializer_list<const char*> known) {
  if (!map.is_object()) file.refuse(what + " is not what it should be, but " + map.dump().substr(0, 40));
  for (const auto& [name, value] : map.items())
    if (std::ranges::find(known, name) == known.end())
      file.refuse(what + " has \"" + name.substr(0, 40) + "\", which is not known");
}

/// Refuses a count, where there is one, that is not that of what is there.
void check_count(const AceFile& file, const Json& map, const std::string& key, std::size_t count,
                 const std::string& what) {
  if (map.contains(key) && map.at(key) != count)
    file.refuse(key + " of " + what + " is " + map.at(key).dump().substr(0, 40) + ", but should be " +
                std::to_string(count) + " by what it has");
}

/// Radial coefficients [n][l][k] of a bond, of the shape that it says.
std::vector<std::vector<std::vector<double>>> read_radial_coefficients(const AceFile& file, const Json& map,
                                                                       const std::string& what) {
  auto crad = get<std::vector<std::vector<std::vector<double>>>>(file, map, "radcoefficients", what);
  check_count(file, map, "nradmax", crad.size(), what);
  for (const auto& of_n : crad) {
    if (of_n.empty()) file.refuse("radcoefficients of " + what + " has an empty list");
    check_count(file, map, "lmax", of_n.size() - 1, what);
    for (const auto& of_l : of_n) check_count(file, map, "nradbasemax", of_l.size(), what);
  }
  return crad;
}

FileBond read_bond(const AceFile& file, const Json& map, const std::string& what) {
  FileBond bond;
  BondParameters& p = bond.parameters;
  set_radial_basis(file, get<std::string>(file, map, "radbasename", what), p);
  check_names(file, map, what,
              {"nradmax", "lmax", "nradbasemax", "radbasename", "radparameters", "radcoefficients", "prehc", "lambdahc",
               "rcut", "dcut", "rcut_in", "dcut_in", "inner_cutoff_type"});
  const auto parameters = get<std::vector<double>>(file, map, "radparameters", what);
  if (parameters.empty()) file.refuse("radparameters of " + what + " is empty");
  p.radial_parameter = parameters[0];
  p.cutoff = get<double>(file, map, "rcut", what);
  if (p.radial_basis == ace::RadialBasis::ChebExpCos) p.cutoff_width = get<double>(file, map, "dcut", what);
  bond.crad = read_radial_coefficients(file, map, what);
  bond.core_factor = get<double>(file, map, "prehc", what);
  bond.core_decay = get<double>(file, map, "lambdahc", what);
  if (map.contains("inner_cutoff_type")) {
    const auto type = get<std::string>(file, map, "inner_cutoff_type", what);
    if (type != "distance" && type != "density")
      file.refuse(what + " has the inner_cutoff_type \"" + type + "\", but only distance and density are supported");
    const auto inner = get<double>(file, map, "rcut_in", what), width = get<double>(file, map, "dcut_in", what);
    if (inner > 0.0 && (type == "density" || !(width > 0.0)))
      file.refuse(what + " has an inner cutoff without a smooth step (rcut_in, dcut_in), where energies would jump");
    bond.by_distance = type == "distance";
    if (inner > 0.0) {
      p.inner_cutoff = inner;
      p.inner_width = width;
    }
  }
  return bond;
}

FileFunction read_function(const AceFile& file, const Json& map, std::size_t center, std::size_t n_densities,
                           const std::string& what) {
  check_names(file, map, what, {"mu0", "rank", "ndensity", "num_ms_combs", "mus", "ns", "ls", "ms_combs", "ctildes"});
  FileFunction f;
  f.mus = get_integers(file, map, "mus", what);
  f.ns = get_integers(file, map, "ns", what);
  f.ls = get_integers(file, map, "ls", what);
  const auto ms = get_integers(file, map, "ms_combs", what);
  const auto coefficients = get<std::vector<double>>(file, map, "ctildes", what);
  const std::size_t rank = f.ns.size();
  if (f.mus.size() != rank || f.ls.size() != rank)
    file.refuse(what + " has " + std::to_string(f.mus.size()) + " mus, " + std::to_string(rank) + " ns and " +
                std::to_string(f.ls.size()) + " ls, but each factor has one of each");
  if (rank == 0 || ms.size() % rank != 0 || coefficients.size() != ms.size() / rank * n_densities)
    file.refuse(what + " has " + std::to_string(ms.size()) + " ms_combs and " + std::to_string(coefficients.size()) +
                " ctildes, which do not fit to " + std::to_string(rank) + " factors and " +
                std::to_string(n_densities) + " densities");
  check_count(file, map, "mu0", center, what);
  check_count(file, map, "rank", rank, what);
  check_count(file, map, "ndensity", n_densities, what);
  check_count(file, map, "num_ms_combs", ms.size() / rank, what);
  for (std::size_t i = 0; i < ms.size() / rank; ++i) {
    f.ms.emplace_back(ms.begin() + i * rank, ms.begin() + (i + 1) * rank);
    f.coefficients.emplace_back(coefficients.begin() + i * n_densities, coefficients.begin() + (i + 1) * n_densities);
  }
  return f;
}

AceFile read_yace(const std::string& text, const std::string& path) {
  const Json document = parse_yaml(text, "file of the atomic cluster expansion", path);
  AceFile file;
  file.path = path;
  file.elements = get<std::vector<std::string>>(file, document, "elements", "it");
  file.E0 = get<std::vector<double>>(file, document, "E0", "it");
  const auto n = file.elements.size();
  if (n == 0) file.refuse("it has no elements");
  for (std::size_t i = 0; i < n; ++i) {
    const std::string key = std::to_string(i), of = " of " + file.elements[i];
    const Json embedding = get<Json>(file, get<Json>(file, document, "embeddings", "it"), key, "embeddings");
    check_names(file, embedding, "the embedding" + of,
                {"ndensity", "FS_parameters", "npoti", "rho_core_cutoff", "drho_core_cutoff"});
    file.embeddings.push_back({get<std::string>(file, embedding, "npoti", "the embedding" + of),
                               get<std::vector<double>>(file, embedding, "FS_parameters", "the embedding" + of),
                               get<double>(file, embedding, "rho_core_cutoff", "the embedding" + of) -
                                   get<double>(file, embedding, "drho_core_cutoff", "the embedding" + of)});
    const auto n_densities = get<std::size_t>(file, embedding, "ndensity", "the embedding" + of);
    for (std::size_t j = 0; j < n; ++j) {
      const std::string pair = key + " " + std::to_string(j);
      file.bonds.push_back(read_bond(file, get<Json>(file, get<Json>(file, document, "bonds", "it"), pair, "bonds"),
                                     "the bond of " + file.elements[i] + " and " + file.elements[j]));
    }
    const Json functions = get<Json>(file, get<Json>(file, document, "functions", "it"), key, "functions");
    file.functions.emplace_back();
    for (const Json& function : functions)
      file.functions.back().push_back(read_function(file, function, i, n_densities,
                                                    "function " + std::to_string(file.functions.back().size()) + of));
  }
  check_names(file, document, "it",
              {"elements", "E0", "deltaSplineBins", "embeddings", "bonds", "functions", "metadata"});
  return file;
}

/// The words of an .ace file one after the other, its punctuation left out.
class AceWords {
 public:
  AceWords(const std::string& text, const std::string& path)
      : in_(text, "file of the atomic cluster expansion", path, "#", "=():<>") {}

  std::string next() {
    if (at_ == words_.size()) {
      words_ = in_.next();
      at_ = 0;
      if (words_.empty()) in_.fail("the file ends too early");
    }
    return words_[at_++];
  }
  void expect_end() {
    if (at_ < words_.size() || !in_.next().empty()) in_.fail("something follows after the last function");
  }
  void expect(const std::string& words) {
    for (const std::string& word : words_of(words))
      if (const std::string found = next(); found != word)
        in_.fail("expected \"" + words + "\", found \"" + found + "\"");
  }
  double number(const std::string& name) { return in_.number(next(), name); }
  int integer(const std::string& name) { return in_.integer(next(), name); }
  /// After its name.
  double named_number(const std::string& name) {
    expect(name);
    return number(name);
  }
  /// A count: what is larger is damaged.
  int named_count(const std::string& name) {
    expect(name);
    const int count = integer(name);
    if (count < 0 || count > 1'000'000) in_.fail(name + " is " + std::to_string(count));
    return count;
  }
  std::vector<int> integers(const std::string& name, int count) {
    expect(name);
    std::vector<int> list;
    for (int i = 0; i < count; ++i) list.push_back(integer(name));
    return list;
  }

 private:
  WordReader in_;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

FileFunction read_ace_function(AceWords& in) {
  in.expect("ctilde_basis_func");
  const int rank = in.named_count("rank"), n_densities = in.named_count("ndens");
  in.named_count("mu0");
  FileFunction f;
  f.mus = in.integers("mu", rank);
  f.ns = in.integers("n", rank);
  f.ls = in.integers("l", rank);
  const int count = in.named_count("num_ms");
  for (int i = 0; i < count; ++i) {
    f.ms.emplace_back();
    f.coefficients.emplace_back();
    for (int t = 0; t < rank; ++t) f.ms.back().push_back(in.integer("m"));
    for (int p = 0; p < n_densities; ++p) f.coefficients.back().push_back(in.number("a coefficient"));
  }
  return f;
}

AceFile read_ace(const std::string& text, const std::string& path) {
  AceWords in(text, path);
  AceFile file;
  file.path = path;
  if (in.named_count("nelements") != 1)
    file.refuse("it is an .ace file of several elements; convert it to .yace with pacemaker");
  in.expect("elements");
  file.elements = {in.next()};
  const int lmax = in.named_count("lmax");
  FileEmbedding embedding;
  in.expect("embedding-function");
  embedding.function = in.next();
  const int count = in.integer("the number of FS parameters");
  in.expect("FS parameters");
  for (int i = 0; i < count; ++i) embedding.parameters.push_back(in.number("a parameter of the embedding"));
  in.expect("core energy-cutoff parameters");
  embedding.largest_core_energy = in.number("the energy cutoff");
  embedding.largest_core_energy -= in.number("the energy cutoff");
  file.embeddings = {embedding};
  file.E0 = {in.named_number("E0")};
  FileBond bond;
  in.expect("radbasename");
  set_radial_basis(file, in.next(), bond.parameters);
  const int n_basis = in.named_count("nradbase"), nmax = in.named_count("nradmax");
  in.named_number("cutoffmax");
  in.named_number("deltaSplineBins");
  in.expect("core repulsion parameters");
  bond.core_factor = in.number("the core repulsion");
  bond.core_decay = in.number("the core repulsion");
  bond.parameters.radial_parameter = in.named_number("radparameter");
  bond.parameters.cutoff = in.named_number("cutoff");
  const double width = in.named_number("dcut");
  if (bond.parameters.radial_basis == ace::RadialBasis::ChebExpCos) bond.parameters.cutoff_width = width;
  in.expect("crad");
  if (static_cast<double>(n_basis) * nmax * (lmax + 1.0) > static_cast<double>(text.size()))
    file.refuse("it ends before its radial coefficients do");  // before memory for them is taken
  bond.crad.assign(nmax, std::vector<std::vector<double>>(lmax + 1, std::vector<double>(n_basis)));
  for (int k = 0; k < n_basis; ++k)
    for (int n = 0; n < nmax; ++n)
      for (int l = 0; l <= lmax; ++l) bond.crad[n][l][k] = in.number("crad");
  file.bonds = {bond};
  for (const char* name : {"rankmax", "ndensitymax", "num_c_tilde_max", "num_ms_combinations_max"})
    in.named_number(name);
  file.functions.emplace_back();
  for (const char* name : {"total_basis_size_rank1", "total_basis_size"})
    for (int left = in.named_count(name); left > 0; --left) file.functions[0].push_back(read_ace_function(in));
  in.expect_end();
  return file;
}

// ---- to our functions ----

/// Components of random factors: real ones, and the complex A_lm, m = -l .. l, that they are.
struct RandomFactor {
  std::vector<double> real;
  std::vector<std::complex<double>> complex;

  RandomFactor(int l, std::mt19937_64& bits) {
    for (int m = 0; m < 2 * l + 1; ++m) real.push_back(static_cast<double>(bits() >> 11) * 0x1p-52 - 1.0);
    const double root = std::sqrt(0.5);
    complex.resize(2 * l + 1);
    complex[l] = real[l];
    for (int m = 1; m <= l; ++m) {
      const std::complex<double> a(root * real[l + m], root * real[l - m]);
      complex[l + m] = m % 2 == 0 ? a : -a;
      complex[l - m] = std::conj(a);
    }
  }
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// x of |sum_k x_k columns[k] - right| as small as possible; sets right to what is left. The columns are independent.
std::vector<double> least_squares(std::vector<std::vector<double>> columns, std::vector<double>& right) {
  const std::size_t n = columns.size();
  std::vector<std::vector<double>> R(n, std::vector<double>(n, 0.0));
  std::vector<double> x(n, 0.0);
  for (std::size_t k = 0; k < n; ++k) {
    R[k][k] = std::sqrt(dot(columns[k], columns[k]));
    for (double& value : columns[k]) value /= R[k][k];
    for (std::size_t later = k + 1; later < n; ++later) {
      R[k][later] = dot(columns[k], columns[later]);
      for (std::size_t i = 0; i < right.size(); ++i) columns[later][i] -= R[k][later] * columns[k][i];
    }
    x[k] = dot(columns[k], right);
    for (std::size_t i = 0; i < right.size(); ++i) right[i] -= x[k] * columns[k][i];
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t later = k + 1; later < n; ++later) x[k] -= R[k][later] * x[later];
    x[k] /= R[k][k];
  }
  return x;
}

/// Coefficients [density] of our functions.
using Coefficients = std::map<Function, std::vector<double>>;

/// Adds a function of the file, in which products are multiplied with any coefficients, as a sum of ours. largest: of the
/// coefficients in the file, which are rounded to a number of decimals.
void add_function(const AceFile& file, const FileFunction& f, double largest, const std::string& what,
                  Coefficients& all) {
  const std::size_t rank = f.ns.size(), n_densities = f.coefficients.empty() ? 0 : f.coefficients[0].size();
  std::vector<Factor> factors;
  for (std::size_t t = 0; t < rank; ++t) {
    factors.push_back({f.mus[t], f.ns[t], f.ls[t]});
    if (f.ls[t] < 0 || f.ls[t] > ace::max_degree || f.mus[t] < 0 || f.mus[t] >= static_cast<int>(file.elements.size()))
      file.refuse(what + " has an element or a degree that is not supported");
    for (const auto& m : f.ms)
      if (m[t] < -f.ls[t] || m[t] > f.ls[t]) file.refuse(what + " has an m larger than its l");
  }
  if (rank > ace::max_factors)
    file.refuse(what + " has " + std::to_string(rank) + " factors, more than the supported " +
                std::to_string(ace::max_factors));
  std::vector<Factor> sorted = factors;
  std::sort(sorted.begin(), sorted.end());
  Function own;
  for (const auto& [element, n, l] : sorted) {
    own.elements.push_back(element);
    own.n.push_back(n);
    own.l.push_back(l);
  }
  const auto add = [&](const std::vector<double>& coefficients) {
    std::vector<double>& sum = all[own];
    sum.resize(n_densities, 0.0);
    for (std::size_t p = 0; p < n_densities; ++p) sum[p] += coefficients[p];
  };
  if (rank == 1) {
    for (const auto& coefficients : f.coefficients) add(coefficients);
    return;
  }
  // Both are polynomials in the components of the factors: equal if they are so for random ones.
  const std::vector<std::vector<int>>& couplings = ace::independent_couplings(own.l, ace::same_factors(sorted));
  std::vector<std::vector<double>> columns(couplings.size());
  std::vector<std::vector<double>> right(n_densities);
  std::mt19937_64 bits(11);
  for (std::size_t sample = 0; sample < couplings.size() + 4; ++sample) {
    std::map<Factor, RandomFactor> random;
    for (const Factor& factor : sorted)
      if (!random.contains(factor)) random.emplace(factor, RandomFactor(factor.l, bits));
    std::vector<std::vector<double>> components;
    for (const Factor& factor : sorted) components.push_back(random.at(factor).real);
    for (std::size_t k = 0; k < couplings.size(); ++k)
      columns[k].push_back(ace::coupled(own.l, couplings[k], components));
    std::vector<double> sums(n_densities, 0.0);
    for (std::size_t i = 0; i < f.ms.size(); ++i) {
      std::complex<double> product = 1.0;
      for (std::size_t t = 0; t < rank; ++t) product *= random.at(factors[t]).complex[f.ms[i][t] + f.ls[t]];
      for (std::size_t p = 0; p < n_densities; ++p) sums[p] += product.real() * f.coefficients[i][p];
    }
    for (std::size_t p = 0; p < n_densities; ++p) right[p].push_back(sums[p]);
  }
  std::vector<std::vector<double>> x;  // [density][coupling]
  for (std::vector<double>& of_density : right) {
    const double before = std::sqrt(dot(of_density, of_density));
    x.push_back(least_squares(columns, of_density));
    if (!(std::sqrt(dot(of_density, of_density)) <= 1e-9 * before + 1e-13 * largest))
      file.refuse(what + " changes when all atoms are rotated, so the file is damaged");
  }
  for (std::size_t k = 0; k < couplings.size(); ++k) {
    std::vector<double> coefficients;
    for (const auto& of_density : x) coefficients.push_back(of_density[k]);
    own.L = couplings[k];
    add(coefficients);
  }
}

/// Throws FormatError for a function whose radial functions are not in the bonds.
void check_radial_functions(const AceFile& file, int center, const Function& function) {
  const auto size = [](const auto& list) { return static_cast<int>(list.size()); };
  for (const auto& [element, n, l] : function.factors()) {
    const auto& crad = file.bonds[center * file.elements.size() + element].crad;
    const bool single = function.n_factors() == 1;
    const int most = !single ? size(crad) : crad.empty() || crad[0].empty() ? 0 : size(crad[0][0]);
    if (n < 1 || n > most || (!single && l >= size(crad[n - 1])))
      file.refuse("a function of " + file.elements[center] + " has n = " + std::to_string(n) +
                  ", l = " + std::to_string(l) + ", but the radial functions of its bond with " +
                  file.elements[element] + " do not go so far");
  }
}

/// Radial coefficients of all pairs, filled up with zeros to the same shape.
std::vector<double> radial_coefficients(const AceFile& file, int nmax, int lmax, int n_basis) {
  std::vector<double> all;
  for (const FileBond& bond : file.bonds)
    for (int n = 0; n < nmax; ++n)
      for (int l = 0; l <= lmax; ++l)
        for (int k = 0; k < n_basis; ++k) {
          const bool there = n < static_cast<int>(bond.crad.size()) && l < static_cast<int>(bond.crad[n].size()) &&
                             k < static_cast<int>(bond.crad[n][l].size());
          all.push_back(there ? bond.crad[n][l][k] : 0.0);
        }
  return all;
}

/// The core repulsion, if there is any. Beyond an energy of it, files may fade out the rest: that lies where no atoms are.
std::vector<std::unique_ptr<Term>> terms_of(const AceFile& file) {
  std::vector<std::unique_ptr<Term>> terms;
  std::vector<CoreRepulsionSettings> settings;
  bool any = false;
  for (std::size_t pair = 0; pair < file.bonds.size(); ++pair) {
    const FileBond& bond = file.bonds[pair];
    const BondParameters& p = bond.parameters;
    CoreRepulsionSettings own{std::abs(bond.core_factor), std::abs(bond.core_decay), p.cutoff, p.inner_cutoff,
                              p.inner_width};
    if (bond.by_distance && p.inner_width == 0.0) own.factor = 0.0;
    const FileEmbedding& embedding = file.embeddings[pair / file.elements.size()];
    constexpr double closest = 0.1;  // angstrom
    if (own.factor * std::exp(-own.decay * closest * closest) / closest > embedding.largest_core_energy)
      file.refuse("it fades out where the core repulsion exceeds " + printed(embedding.largest_core_energy) +
                  " eV (rho_core_cutoff, drho_core_cutoff), which atoms reach at more than 0.1 angstrom; that is not "
                  "supported");
    any = any || own.factor > 0.0;
    settings.push_back(own);
  }
  if (any)
    terms.push_back(
        std::make_unique<CoreRepulsion>(std::move(settings), file.elements.size(), "\"" + file.path + "\""));
  return terms;
}

Potential make_potential(const AceFile& file, const ReadOptions& options) {
  const std::size_t n_elements = file.elements.size();
  check_different(file.elements, "the file \"" + file.path + "\"");
  check_elements(options, file.elements, "The file", file.path);
  if (file.E0.size() != n_elements) file.refuse("E0 must have a number per element");
  for (const FileEmbedding& embedding : file.embeddings) {
    if (embedding.function != "FinnisSinclair" && embedding.function != "FinnisSinclairShiftedScaled")
      file.refuse("its embedding function is \"" + embedding.function +
                  "\", but only FinnisSinclair and FinnisSinclairShiftedScaled are supported");
    if (embedding.parameters.empty() || embedding.parameters.size() % 2 != 0)
      file.refuse("the embedding needs a weight and an exponent per density");
  }

  double largest = 0.0;
  for (const auto& list : file.functions)
    for (const FileFunction& f : list)
      for (const auto& of_product : f.coefficients)
        for (double coefficient : of_product) largest = std::max(largest, std::abs(coefficient));
  std::vector<Coefficients> found(n_elements);
  ace::Parameters parameters;
  int nmax = 0, lmax = 0, n_basis = 1;
  for (std::size_t element = 0; element < n_elements; ++element) {
    for (std::size_t k = 0; k < file.functions[element].size(); ++k)
      add_function(file, file.functions[element][k], largest,
                   "function " + std::to_string(k) + " of " + file.elements[element], found[element]);
    parameters.functions.emplace_back();
    for (const auto& [function, coefficients] : found[element]) {
      check_radial_functions(file, static_cast<int>(element), function);
      parameters.functions.back().push_back(function);
      if (function.n_factors() == 1) n_basis = std::max(n_basis, function.n[0]);
      else
        for (const auto& [of, n, l] : function.factors()) {
          nmax = std::max(nmax, n);
          lmax = std::max(lmax, l);
        }
    }
  }
  for (const FileBond& bond : file.bonds) {
    parameters.bonds.push_back(bond.parameters);
    for (const auto& of_n : bond.crad)
      for (const auto& of_l : of_n) n_basis = std::max(n_basis, static_cast<int>(of_l.size()));
  }
  parameters.radial_basis_size = n_basis;
  parameters.train_radial_coefficients = true;
  parameters.radial_coefficients = radial_coefficients(file, nmax, lmax, n_basis);

  std::vector<std::unique_ptr<Descriptor>> descriptors;
  descriptors.push_back(std::make_unique<ace::Ace>(std::move(parameters), file.elements, "\"" + file.path + "\""));
  std::vector<int> sizes;
  for (std::size_t element = 0; element < n_elements; ++element)
    sizes.push_back(descriptors[0]->size(static_cast<int>(element)));

  EmbeddingParameters model;
  model.energy_offsets = file.E0;
  CoefficientSets linear;
  bool is_linear = true;
  for (std::size_t element = 0; element < n_elements; ++element) {
    const FileEmbedding& embedding = file.embeddings[element];
    model.functions.push_back(embedding.function == "FinnisSinclair"
                                  ? embedding::Function::FinnisSinclair
                                  : embedding::Function::FinnisSinclairShiftedScaled);
    std::vector<double> weights, exponents;
    for (std::size_t p = 0; p < embedding.parameters.size(); p += 2) {
      weights.push_back(embedding.parameters[p]);
      exponents.push_back(embedding.parameters[p + 1]);
    }
    is_linear = is_linear && std::ranges::all_of(exponents, [](double exponent) { return exponent == 1.0; });
    model.coefficients.emplace_back(weights.size());
    linear.emplace_back();
    for (const auto& [function, of_densities] : found[element]) {
      if (of_densities.size() != weights.size())
        file.refuse("its functions have coefficients of " + std::to_string(of_densities.size()) +
                    " densities, but the embedding has " + std::to_string(weights.size()));
      double sum = 0.0;
      for (std::size_t p = 0; p < of_densities.size(); ++p) {
        model.coefficients.back()[p].push_back(of_densities[p]);
        sum += weights[p] * of_densities[p];
      }
      linear.back().push_back(sum);
    }
    model.weights.push_back(std::move(weights));
    model.exponents.push_back(std::move(exponents));
  }
  std::unique_ptr<Model> own;
  if (is_linear) own = std::make_unique<LinearModel>(LinearParameters{false, file.E0, std::move(linear)}, sizes);
  else own = std::make_unique<EmbeddingModel>(std::move(model), sizes);
  Potential potential(file.elements, std::move(descriptors), std::move(own),
                      Json{{"converted_from", "file of the atomic cluster expansion"}});
  potential.set_terms(terms_of(file));
  return potential;
}

}  // namespace

bool is_yace(const std::string& text) {
  const auto has = [&](const std::string& key) {
    return text.starts_with(key) || text.find("\n" + key) != std::string::npos;
  };
  return has("elements:") && has("bonds:") && has("functions:");
}

bool is_ace(const std::string& text) {
  return text.find("nelements=") != std::string::npos && text.find("radbasename=") != std::string::npos;
}

Potential parse_yace(const FileBundle& files, const ReadOptions& options) {
  return make_potential(read_yace(files.text(), files.path), options);
}

Potential parse_ace(const FileBundle& files, const ReadOptions& options) {
  return make_potential(read_ace(files.text(), files.path), options);
}

}  // namespace forcesmith
