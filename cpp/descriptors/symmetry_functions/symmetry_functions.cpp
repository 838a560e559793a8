#include "descriptors/symmetry_functions/symmetry_functions.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/text.hpp"
#include "core/typed_schema.hpp"
#include "descriptors/symmetry_functions/groups.hpp"

namespace forcesmith::symmetry_functions {

namespace {

constexpr int largest_radial = 100, largest_angular = 8;
constexpr double largest_set = 1e6;  // generated functions

enum class Generated { gaussian, compact_narrow, compact_wide };

const Enumeration<CutoffFunction>& cutoff_function_names() {
  static const Enumeration<CutoffFunction> names("cutoff function", {{"cos", CutoffFunction::cos},
                                                                     {"tanhu", CutoffFunction::tanhu},
                                                                     {"tanh", CutoffFunction::tanh},
                                                                     {"exp", CutoffFunction::exp},
                                                                     {"poly1", CutoffFunction::poly1},
                                                                     {"poly2", CutoffFunction::poly2},
                                                                     {"poly3", CutoffFunction::poly3},
                                                                     {"poly4", CutoffFunction::poly4}});
  return names;
}

const Enumeration<Generated>& generated_names() {
  static const Enumeration<Generated> names("kind of generated functions",
                                            {{"gaussian", Generated::gaussian},
                                             {"compact_narrow", Generated::compact_narrow},
                                             {"compact_wide", Generated::compact_wide}});
  return names;
}

/// What files hold, and what a set is generated from.
struct FileParameters : Parameters {
  Json listed;  // the functions; null: generated
  int radial = 8, angular = 3;
  Generated generated = Generated::gaussian;
  std::string subtype = "p2";
};

const SchemaOf<FileParameters>& typed_schema() {
  using P = FileParameters;
  static const auto schema =
      SchemaOf<P>()
          .field(&P::cutoff, "cutoff", "angstrom",
                 "cutoff of functions that name none of their own, and of generated ones")
          .required()
          .field(&P::cutoff_function, "cutoff_function", "",
                 "cos, tanhu (n2p2's type 2), tanh, exp, poly1, poly2, poly3 or poly4",
                 form_of(cutoff_function_names()))
          .field(&P::cutoff_alpha, "cutoff_alpha", "", "the cutoff function is 1 up to cutoff_alpha times the cutoff")
          .field(&P::listed, "functions", "",
                 "the functions, each an object with type (radial, angular_narrow, angular_wide, weighted_radial, "
                 "weighted_angular; n2p2's 2, 3, 9, 12, 13; G2, G4, G5 with eta times cutoff^2), center, neighbors, "
                 "eta, rs, lambda, zeta, cutoff; or with type compact_radial, compact_angular_narrow, "
                 "compact_angular_wide, compact_weighted_radial, compact_weighted_angular_narrow, "
                 "compact_weighted_angular_wide (n2p2's 20 to 25), center, neighbors, rl, cutoff, angle_left, "
                 "angle_right (degrees), subtype (p1 to p4, p1a to p4a, e); default: generated",
                 json_form("array"))
          .optional()
          .field(&P::radial, "radial", "", "number of generated radial functions per pair of elements")
          .not_written()
          .field(&P::angular, "angular", "",
                 "resolution of generated angular functions: 2 angular^2 of them per triple of elements")
          .not_written()
          .field(&P::generated, "generated", "",
                 "kind of generated functions: gaussian; or compact_narrow or compact_wide, polynomials in evenly "
                 "spaced intervals of distances and angles, with or without the distance between the two neighbors, "
                 "which cost less",
                 form_of(generated_names()))
          .not_written()
          .field(&P::subtype, "subtype", "",
                 "core function of generated compact functions: p1 to p4, p1a to p4a (asymmetric) or e")
          .not_written();
  return schema;
}

/// Numbers that are kept of all rows of a block.
template <class Real>
std::size_t rows_size(const Tables<Real>& t, const PackedViewOf<Real>& view) {
  std::size_t packs = 0;
  for (int atom = 0; atom < view.n_atoms; ++atom) {
    const int* begin = view.pack_types + view.pack_offsets[atom];
    const int* end = view.pack_types + view.pack_offsets[atom + 1];
    for (int p = t.pair_begin[view.center_types[atom]]; p < t.pair_begin[view.center_types[atom] + 1]; ++p) {
      const ElementPair& pair = t.element_pairs[p];
      const std::size_t n = std::count(begin, end, pair.first), m = std::count(begin, end, pair.second);
      const std::size_t rows_times_packs = pair.first == pair.second ? n * (n + 1) / 2 : n * m;
      packs += view.width * rows_times_packs * pair.n_kept();
    }
  }
  return packs * view.width;
}

}  // namespace

ParameterSchema SymmetryFunctions::schema() { return typed_schema().fields(); }

std::unique_ptr<Descriptor> SymmetryFunctions::create(const Json& given, const std::vector<std::string>& elements,
                                                      const std::string& where) {
  FileParameters p = typed_schema().read(given, {where});
  if (!(p.cutoff > 0.0) || !std::isfinite(p.cutoff))
    throw ParameterError(where + ": the cutoff must be positive, not " + printed(p.cutoff) + ".");
  const auto is_given = [&](const char* key) { return given.contains(key) && !given.at(key).is_null(); };
  if (!p.listed.is_null()) {
    for (const char* key : {"radial", "angular", "generated", "subtype"})
      if (is_given(key))
        throw ParameterError(where + ": \"" + key +
                             "\" is for generated functions and means nothing together with a list of \"functions\"; "
                             "remove one of them.");
    p.functions = parse_functions(p.listed, p.cutoff, elements, where);
  } else {
    for (const auto& [key, number, largest] :
         {std::tuple("radial", p.radial, largest_radial), std::tuple("angular", p.angular, largest_angular)})
      if (number < 0 || number > largest)
        throw ParameterError(where + ": \"" + key + "\" must be 0 to " + std::to_string(largest) + ", not " +
                             std::to_string(number) + ".");
    const int n_elements = static_cast<int>(elements.size());
    const double n = n_elements;
    const double n_functions = n * n * p.radial + n * n * (n + 1) * p.angular * p.angular;
    if (n_functions > largest_set)
      throw ParameterError(where + ": \"radial\" and \"angular\" ask for " + printed(n_functions) +
                           " functions, more than the supported " + printed(largest_set) + "; choose fewer.");
    const bool gaussian = p.generated == Generated::gaussian;
    for (const char* key : {"cutoff_function", "cutoff_alpha", "subtype"})
      if (is_given(key) && gaussian == (key == std::string("subtype")))
        throw ParameterError(where + ": \"" + key + "\" means nothing for \"generated\": \"" +
                             generated_names().name_of(p.generated) + "\"; remove it.");
    p.functions = gaussian ? generate_functions(p.cutoff, p.radial, p.angular, n_elements)
                           : generate_compact_functions(p.cutoff, p.radial, p.angular, n_elements,
                                                        p.generated == Generated::compact_wide
                                                            ? FunctionType::compact_angular_wide
                                                            : FunctionType::compact_angular_narrow,
                                                        p.subtype, where);
  }
  return std::make_unique<SymmetryFunctions>(p, elements, where);
}

SymmetryFunctions::SymmetryFunctions(const Parameters& parameters, const std::vector<std::string>& elements,
                                     const std::string& where)
    : KernelDescriptor(FORCESMITH_VARIANT_IN_USE(variants)), parameters_(parameters), elements_(elements) {
  const double alpha = parameters_.cutoff_alpha;
  if (!(alpha >= 0.0 && alpha < 1.0))
    throw ParameterError(where + ": cutoff_alpha must be at least 0 and below 1, not " + printed(alpha) + ".");
  const bool has_no_inner_radius =
      parameters_.cutoff_function == CutoffFunction::tanh || parameters_.cutoff_function == CutoffFunction::tanhu;
  if (alpha > 0.0 && has_no_inner_radius)
    throw ParameterError(where + ": cutoff_alpha means nothing with the cutoff function \"" +
                         cutoff_function_names().name_of(parameters_.cutoff_function) +
                         "\"; remove it, or choose another function.");
  std::vector<int> atomic_numbers;
  for (const std::string& element : elements_) atomic_numbers.push_back(atomic_number(element));
  const std::size_t n = elements_.size();
  cutoffs_.assign(n * n, 0.0);
  for (const Function& function : parameters_.functions) {
    for (std::size_t element = 0; element < n; ++element) {
      if (function.neighbors.empty() && atomic_numbers[element] == 0)
        throw ParameterError(where + ": weighted symmetry functions need atomic numbers, but \"" + elements_[element] +
                             "\" is no chemical element.");
      const bool counts =
          function.neighbors.empty() || std::count(function.neighbors.begin(), function.neighbors.end(), element) > 0;
      double& cutoff = cutoffs_[function.center * n + element];
      if (counts) cutoff = std::max(cutoff, function.cutoff);
    }
  }
  Groups groups = make_groups(parameters_.functions, alpha, atomic_numbers);
  for (std::size_t element = 0; element < n; ++element)
    if (groups.n_values[element] == 0)
      throw ParameterError(where + ": there is no symmetry function with the center \"" + elements_[element] +
                           "\"; every element of the potential needs one.");

  auto& t = mutable_tables<double>() = tables_without_arrays<double>(groups);
  mutable_tables<float>() = tables_without_arrays<float>(groups);
  t.cutoffs = arrays_.keep(std::move(groups.cutoffs));
  t.n_values = arrays_.keep(std::move(groups.n_values));
  t.gaussian_begin = arrays_.keep(std::move(groups.gaussian_begin));
  t.gaussians = arrays_.keep(std::move(groups.gaussians));
  t.compact_begin = arrays_.keep(std::move(groups.compact_begin));
  t.compacts = arrays_.keep(std::move(groups.compacts));
  t.radial_begin = arrays_.keep(std::move(groups.radial_begin));
  t.radial_terms = arrays_.keep(std::move(groups.radial_terms));
  t.pair_begin = arrays_.keep(std::move(groups.pair_begin));
  t.element_pairs = arrays_.keep(std::move(groups.element_pairs));
  t.groups = arrays_.keep(std::move(groups.groups));
  t.angular_begin = arrays_.keep(std::move(groups.angular_begin));
  t.angular_terms = arrays_.keep(std::move(groups.angular_terms));
  arrays_.round(t, mutable_tables<float>());
}

std::vector<std::string> SymmetryFunctions::names(int element) const {
  std::vector<std::string> list;
  for (const Function& function : parameters_.functions)
    if (function.center == element) list.push_back(symmetry_functions::name_of(function, elements_));
  return list;
}

std::string SymmetryFunctions::citation() const {
  const std::string compact =
      "@Article{Bircher2021,\n"
      "  author = {Bircher, Martin P. and Singraber, Andreas and Dellago, Christoph},\n"
      "  title = {Improved description of atomic environments using low-cost polynomial functions with compact "
      "support},\n"
      "  journal = {Machine Learning: Science and Technology},\n"
      "  volume = {2},\n"
      "  pages = {035026},\n"
      "  year = {2021},\n"
      "  eprint = {2010.14414}\n"
      "}\n";
  const bool any_compact = std::any_of(parameters_.functions.begin(), parameters_.functions.end(),
                                       [](const Function& function) { return function.compact(); });
  return "symmetry functions: doi:10.1063/1.3553717\n\n"
         "@Article{Behler2011,\n"
         "  author = {Behler, J{\\\"o}rg},\n"
         "  title = {Atom-centered symmetry functions for constructing high-dimensional neural network potentials},\n"
         "  journal = {The Journal of Chemical Physics},\n"
         "  volume = {134},\n"
         "  pages = {074106},\n"
         "  year = {2011},\n"
         "  doi = {10.1063/1.3553717}\n"
         "}\n" +
         (any_compact ? compact : "");
}

Json SymmetryFunctions::to_json() const {
  FileParameters p{parameters_, Json::array()};
  for (const Function& function : parameters_.functions)
    p.listed.push_back(symmetry_functions::to_json(function, elements_));
  return typed_schema().write(p);
}

template <class Real>
Tables<Real> SymmetryFunctions::tables_without_arrays(const Groups& groups) const {
  Tables<Real> t{};
  t.n_elements = n_elements();
  t.cutoff_function = parameters_.cutoff_function;
  t.n_cutoffs = static_cast<int>(groups.cutoffs.size());
  t.max_radial_parts = groups.max_radial_parts;
  t.max_terms = groups.max_terms;
  return t;
}

/// On devices, rows are not kept: they would need more memory than time.
template <class Real>
void SymmetryFunctions::add_scratch(KernelWorkspace<Real>& w) const {
  const std::size_t rows = static_cast<std::size_t>(Scratch<Real>::n_rows) * w.max_packs * w.view.width;
  w.scratch.rows = w.added.reserve(rows + rows_size(tables<Real>(), w.view));
  w.scratch.kept_rows = w.scratch.rows + rows;
}

template void SymmetryFunctions::add_scratch(KernelWorkspace<double>&) const;
template void SymmetryFunctions::add_scratch(KernelWorkspace<float>&) const;

}  // namespace forcesmith::symmetry_functions
