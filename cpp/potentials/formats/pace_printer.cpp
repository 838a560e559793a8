// What pace.cpp reads, written.
#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "core/error.hpp"
#include "core/text.hpp"
#include "descriptors/ace/ace.hpp"
#include "math/clebsch_gordan.hpp"
#include "models/embedding_model.hpp"
#include "models/linear_model.hpp"
#include "potentials/formats/pace.hpp"
#include "potentials/terms/core_repulsion/core_repulsion.hpp"

namespace forcesmith {

namespace {

using ace::BondParameters;
using ace::Function;

// ---- numbers and lists ----

/// As YAML 1.1 knows it, too: with a point.
std::string number(double value) {
  std::string text = printed(value);
  const std::size_t exponent = text.find('e');
  if (text.find('.') == std::string::npos) text.insert(std::min(exponent, text.size()), ".0");
  return text;
}
std::string number(int value) { return std::to_string(value); }

template <class Value>
std::string list(const std::vector<Value>& values) {
  std::string text;
  for (const Value& value : values) text += (text.empty() ? "" : ", ") + number(value);
  return "[" + text + "]";
}

/// Nested lists of numbers.
std::string nested(const Json& values) {
  if (!values.is_array()) return number(values.get<double>());
  std::string text;
  for (const Json& value : values) text += (text.empty() ? "" : ", ") + nested(value);
  return "[" + text + "]";
}

// ---- functions ----

/// Components M = -L .. L as sums of products of factors with the m of the list.
struct Tensor {
  using Sum = std::vector<std::pair<std::vector<int>, double>>;
  int L;
  std::vector<Sum> components;
};

/// Adds factor times all products of both.
void add_products(const Tensor::Sum& left, const Tensor::Sum& right, double factor, Tensor::Sum& sum) {
  for (const auto& [m1, first] : left)
    for (const auto& [m2, second] : right) {
      std::vector<int> m = m1;
      m.insert(m.end(), m2.begin(), m2.end());
      sum.emplace_back(std::move(m), factor * first * second);
    }
}

Tensor coupled(const Tensor& a, const Tensor& b, int L) {
  Tensor sum{L, std::vector<Tensor::Sum>(2 * L + 1)};
  for (int m1 = -a.L; m1 <= a.L; ++m1)
    for (int m2 = -b.L; m2 <= b.L; ++m2)
      if (const int M = m1 + m2; std::abs(M) <= L)
        add_products(a.components[m1 + a.L], b.components[m2 + b.L],
                     clebsch_gordan(2 * a.L, m1 + a.L, 2 * b.L, m2 + b.L, 2 * L, M + L), sum.components[M + L]);
  return sum;
}

/// One of the lists of m that mean the same: factors that are the same may change places, and as A_l-m is (-1)^m times
/// the conjugate of A_lm, and the sum of all m is 0, opposite m have the same real part.
std::vector<int> representative(std::vector<int> m, const std::vector<int>& same) {
  std::vector<int> opposite;
  for (int value : m) opposite.push_back(-value);
  for (std::vector<int>* one : {&m, &opposite})
    for (std::size_t begin = 0, end; begin < same.size(); begin = end) {
      end = begin;
      while (end < same.size() && same[end] == same[begin]) ++end;
      std::sort(one->begin() + static_cast<std::ptrdiff_t>(begin), one->begin() + static_cast<std::ptrdiff_t>(end));
    }
  return std::max(m, opposite);
}

/// Factors of the products with these m, whose real parts add up to the function.
std::map<std::vector<int>, double> products_of(const Function& function) {
  if (function.n_factors() == 1) return {{{0}, 1.0}};
  std::vector<Tensor> items;
  for (int l : function.l) {
    items.push_back({l, {}});
    for (int m = -l; m <= l; ++m) items.back().components.push_back({{{m}, 1.0}});
  }
  const auto [left, right] = ace::couple_in_pairs(items, function.L, coupled);
  Tensor::Sum sum;
  for (int M = -left.L; M <= left.L; ++M)
    add_products(left.components[left.L + M], right.components[left.L - M], M % 2 == 0 ? 1.0 : -1.0, sum);
  std::map<std::vector<int>, double> products;
  const std::vector<int> same = ace::same_factors(function.factors());
  for (const auto& [m, factor] : sum) products[representative(m, same)] += factor;
  std::erase_if(products, [](const auto& product) { return std::abs(product.second) < 1e-14; });
  return products;
}

/// coefficients: of the function in every density.
std::string function_text(int center, const Function& function, const std::vector<double>& coefficients) {
  std::vector<int> ms;
  std::vector<double> ctildes;
  const auto products = products_of(function);
  for (const auto& [m, factor] : products) {
    ms.insert(ms.end(), m.begin(), m.end());
    for (double coefficient : coefficients) ctildes.push_back(factor * coefficient);
  }
  std::ostringstream out;
  out << "    - {mu0: " << center << ", rank: " << function.n_factors() << ", ndensity: " << coefficients.size()
      << ", num_ms_combs: " << products.size() << ", mus: " << list(function.elements) << ", ns: " << list(function.n)
      << ", ls: " << list(function.l) << ", ms_combs: " << list(ms) << ", ctildes: " << list(ctildes) << "}\n";
  return out.str();
}

// ---- models ----

/// As an embedding.
struct Densities {
  std::string function;
  std::vector<double> parameters;                 // weight and exponent of every density
  std::vector<std::vector<double>> coefficients;  // [density][value]
};

Densities densities_of(const Model& model, int element, int size) {
  if (const auto* linear = dynamic_cast<const LinearModel*>(&model)) {
    const std::span<const double> own = linear->coefficients(element);
    return {"FinnisSinclairShiftedScaled", {1.0, 1.0}, {{own.begin(), own.end()}}};
  }
  const embedding::Tables t = dynamic_cast<const EmbeddingModel&>(model).tables();
  Densities found{
      t.functions[element] == embedding::Function::FinnisSinclair ? "FinnisSinclair" : "FinnisSinclairShiftedScaled",
      {},
      {}};
  const double *factors = t.factors + t.first_input[element], *own = t.parameters + t.first_column[element];
  for (std::size_t p = t.first_density[element]; p < t.first_density[element + 1]; ++p, own += size) {
    found.parameters.insert(found.parameters.end(), {t.weights[p], t.exponents[p]});
    found.coefficients.emplace_back();
    for (int k = 0; k < size; ++k) found.coefficients.back().push_back(own[k] * factors[k]);
  }
  return found;
}

// ---- bonds ----

std::string name_of(ace::RadialBasis basis) {
  if (basis == ace::RadialBasis::ChebExpCos) return "ChebExpCos";
  return basis == ace::RadialBasis::ChebPow ? "ChebPow" : "SBessel";
}

/// core: the repulsion of the pair, which has the cutoffs of the bond; null: none. coefficients: [n][l][k].
std::string bond_text(const BondParameters& p, const CoreRepulsionSettings* core, const Json& coefficients) {
  const bool inner = p.inner_width > 0.0;
  std::ostringstream out;
  out << "{nradmax: " << coefficients.size() << ", lmax: " << coefficients[0].size() - 1
      << ", nradbasemax: " << coefficients[0][0].size() << ", radbasename: " << name_of(p.radial_basis)
      << ", radparameters: [" << number(p.radial_parameter) << "], radcoefficients: " << nested(coefficients)
      << ", prehc: " << number(core ? core->factor : 0.0) << ", lambdahc: " << number(core ? core->decay : 1.0)
      << ", rcut: " << number(p.cutoff) << ", dcut: " << number(p.cutoff_width)
      << ", rcut_in: " << number(inner ? p.inner_cutoff : 0.0) << ", dcut_in: " << number(inner ? p.inner_width : 0.0)
      << ", inner_cutoff_type: " << (inner ? "distance" : "density") << "}";
  return out.str();
}

/// The core repulsion of every pair; nothing if there is none. Throws FormatError for one that files cannot hold.
std::vector<CoreRepulsionSettings> core_of(const Potential& potential, const std::vector<BondParameters>& bonds,
                                           const std::string& path) {
  if (potential.terms().empty()) return {};
  const std::string refused = "The potential cannot be written to \"" + path + "\": ";
  if (potential.terms().size() > 1)
    throw FormatError(refused + "a .yace file holds one core repulsion, but it has " +
                      std::to_string(potential.terms().size()) + "; write a .json file.");
  const auto core = dynamic_cast<const CoreRepulsion&>(*potential.terms()[0]).settings();
  for (std::size_t pair = 0; pair < bonds.size(); ++pair) {
    const CoreRepulsionSettings& own = core[pair];
    const BondParameters& bond = bonds[pair];
    const bool inner = bond.inner_width > 0.0;
    const bool same_inner =
        inner ? own.inner_cutoff == bond.inner_cutoff && own.inner_width == bond.inner_width : own.inner_width == 0.0;
    if (own.factor != 0.0 && (own.cutoff != bond.cutoff || !same_inner))
      throw FormatError(refused +
                        "in a .yace file the core repulsion has the cutoff and the inner cutoff of the descriptor, but "
                        "here it has others; write a .json file.");
  }
  return core;
}

}  // namespace

FileBundle print_yace(const Potential& potential, const std::string& path) {
  const auto& descriptor = dynamic_cast<const ace::Ace&>(*potential.descriptors().front());
  const ace::Parameters& p = descriptor.settings();
  const std::vector<CoreRepulsionSettings> core = core_of(potential, p.bonds, path);
  const int n_elements = static_cast<int>(potential.elements().size());
  const Json json = descriptor.to_json();
  // Without functions of several factors there are no coefficients, but files tell by them how large the basis is.
  const Json none = Json::array({Json::array({Json(std::vector<double>(p.radial_basis_size, 0.0))})});
  std::ostringstream embeddings, bonds, functions;
  for (int center = 0; center < n_elements; ++center) {
    const int size = descriptor.size(center);
    const Densities densities = densities_of(potential.model(), center, size);
    double most = 100000.0;  // eV, from which on the file would fade out: far beyond the core repulsion at 0.1 angstrom
    for (int neighbor = 0; neighbor < n_elements && !core.empty(); ++neighbor)
      most = std::max(most, 100.0 * core[center * n_elements + neighbor].factor);
    embeddings << "  " << center << ": {ndensity: " << densities.coefficients.size()
               << ", FS_parameters: " << list(densities.parameters) << ", npoti: " << densities.function
               << ", rho_core_cutoff: " << number(most) << ", drho_core_cutoff: 250.0}\n";
    for (int neighbor = 0; neighbor < n_elements; ++neighbor) {
      const int pair = center * n_elements + neighbor;
      const Json& coefficients =
          json.contains("radial_coefficients") ? json["radial_coefficients"][center][neighbor] : none;
      bonds << "  [" << center << ", " << neighbor
            << "]: " << bond_text(p.bonds[pair], core.empty() ? nullptr : &core[pair], coefficients) << "\n";
    }
    functions << "  " << center << ":\n";
    for (int k = 0; k < size; ++k) {
      std::vector<double> coefficients;
      for (const auto& of_density : densities.coefficients) coefficients.push_back(of_density[k]);
      functions << function_text(center, p.functions[center][k], coefficients);
    }
  }
  const std::vector<double> parameters = potential.model().parameters();
  std::string elements;
  for (const std::string& element : potential.elements()) elements += (elements.empty() ? "" : ", ") + element;
  return {path,
          {{path, "# Atomic cluster expansion, written by forcesmith\nelements: [" + elements +
                      "]\nE0: " + list(std::vector<double>(parameters.begin(), parameters.begin() + n_elements)) +
                      "\ndeltaSplineBins: 0.001\nembeddings:\n" + embeddings.str() + "bonds:\n" + bonds.str() +
                      "functions:\n" + functions.str()}}};
}

}  // namespace forcesmith
