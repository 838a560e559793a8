#include "descriptors/bispectrum/bispectrum.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/text.hpp"
#include "core/typed_schema.hpp"

namespace forcesmith::bispectrum {

namespace {

constexpr int largest_twojmax = 20;
constexpr int largest_size = 100'000;  // components per atom

const SchemaOf<Parameters>& typed_schema() {
  using P = Parameters;
  static const auto schema =
      SchemaOf<P>()
          .field(&P::twojmax, "twojmax", "", "twice the largest angular momentum j, 0 to 20")
          .required()
          .field(&P::rcutfac, "rcutfac", "angstrom",
                 "cutoff of a pair is rcutfac (radii[i] + radii[j]); with the default radii it is the cutoff")
          .required()
          .field(&P::rfac0, "rfac0", "", "largest polar angle on the 3-sphere, as a fraction of pi")
          .field(&P::rmin0, "rmin0", "angstrom", "distance at which the polar angle is 0")
          .per_element(&P::radii, 0.5, "radii", "", "R of every element")
          .per_element(&P::weights, 1.0, "weights", "", "w of every element as a neighbor")
          .field(&P::switchflag, "switchflag", "", "smooth cutoff")
          .field(&P::bzeroflag, "bzeroflag", "", "subtract the values of an isolated atom")
          .field(&P::bnormflag, "bnormflag", "", "divide B by 2j + 1")
          .field(&P::chemflag, "chemflag", "", "one density per element: B of all element triples")
          .field(&P::wselfallflag, "wselfallflag", "", "with chemflag, the central atom is in all densities")
          .field(&P::switchinnerflag, "switchinnerflag", "", "smooth inner cutoff, needs sinner and dinner")
          .per_element(&P::sinner, {}, "sinner", "angstrom", "of every element, middle of the inner switching region")
          .per_element(&P::dinner, {}, "dinner", "angstrom",
                       "of every element, half width of the inner switching region");
  return schema;
}

}  // namespace

ParameterSchema Bispectrum::schema() { return typed_schema().fields(); }

std::unique_ptr<Descriptor> Bispectrum::create(const Json& given, const std::vector<std::string>& elements,
                                               const std::string& where) {
  return std::make_unique<Bispectrum>(typed_schema().read(given, {where}, static_cast<int>(elements.size())), where);
}

Bispectrum::Bispectrum(const Parameters& parameters, const std::string& where)
    : KernelDescriptor(FORCESMITH_VARIANT_IN_USE(variants)), parameters_(parameters) {
  check(where);
  const int n = n_elements();
  coupling_ = make_coupling(parameters_.twojmax, parameters_.chemflag ? n : 1, parameters_.bnormflag);
  std::vector<double> sinner, dinner;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      cutoffs_.push_back(parameters_.rcutfac * (parameters_.radii[i] + parameters_.radii[j]));
      if (!parameters_.switchinnerflag) continue;
      sinner.push_back(0.5 * (parameters_.sinner[i] + parameters_.sinner[j]));
      dinner.push_back(0.5 * (parameters_.dinner[i] + parameters_.dinner[j]));
    }

  auto& t = mutable_tables<double>() = tables_without_arrays<double>();
  t.cutoffs = cutoffs_.data();
  t.weights = parameters_.weights.data();
  t.sinner = arrays_.keep(std::move(sinner));
  t.dinner = arrays_.keep(std::move(dinner));
  t.half_begin = coupling_.half_begin.data();
  t.full_begin = coupling_.full_begin.data();
  t.roots = coupling_.roots.data();
  t.roots_begin = coupling_.roots_begin.data();
  t.power_products = coupling_.power_products.data();
  t.power_products_end = coupling_.power_products_end.data();
  t.elements = coupling_.elements.data();
  t.element_coefficients = coupling_.element_coefficients.data();
  t.blocks = coupling_.blocks.data();
  t.sums_of_products = coupling_.sums_of_products.data();
  t.sums_end = coupling_.sums_end.data();
  t.products = coupling_.products.data();
  t.coupling = coupling_.coupling.data();
  t.z_places = coupling_.z_places.data();
  t.projections = coupling_.projections.data();
  t.entry_value = coupling_.entry_value.data();
  t.entry_factor = coupling_.entry_factor.data();
  t.value_block = coupling_.value_block.data();
  t.value_channel = coupling_.value_channel.data();
  t.shift = arrays_.keep(shift());
  mutable_tables<float>() = tables_without_arrays<float>();
  arrays_.round(t, mutable_tables<float>());
}

void Bispectrum::check(const std::string& where) const {
  const Parameters& p = parameters_;
  if (p.twojmax < 0 || p.twojmax > largest_twojmax)
    throw ParameterError(where + ": twojmax must be 0 to " + std::to_string(largest_twojmax) + ", not " +
                         std::to_string(p.twojmax) + ".");
  if (!(p.rcutfac > 0.0) || !std::isfinite(p.rcutfac))
    throw ParameterError(where + ": rcutfac must be positive, not " + std::to_string(p.rcutfac) + ".");
  if (!(p.rfac0 > 0.0 && p.rfac0 <= 1.0))
    throw ParameterError(where + ": rfac0 must be above 0 and at most 1, not " + std::to_string(p.rfac0) + ".");
  for (double radius : p.radii)
    if (!(radius > 0.0) || !std::isfinite(radius))
      throw ParameterError(where + ": every radius must be positive, but one is " + std::to_string(radius) + ".");
  for (double weight : p.weights)
    if (!std::isfinite(weight)) throw ParameterError(where + ": the weights must be finite numbers.");
  if (!std::isfinite(2.0 * p.rcutfac * *std::max_element(p.radii.begin(), p.radii.end())))
    throw ParameterError(where + ": the cutoffs rcutfac (radii[i] + radii[j]) must be finite.");
  const double shortest = 2.0 * p.rcutfac * *std::min_element(p.radii.begin(), p.radii.end());
  if (!(p.rmin0 >= 0.0 && p.rmin0 <= 0.5 * shortest))
    throw ParameterError(where + ": rmin0 (" + std::to_string(p.rmin0) +
                         " angstrom) must be at least 0 and at most half the shortest cutoff (" +
                         std::to_string(shortest) + " angstrom).");
  if (p.switchinnerflag != !p.sinner.empty() || p.switchinnerflag != !p.dinner.empty())
    throw ParameterError(where +
                         (p.switchinnerflag
                              ? ": switchinnerflag needs sinner and dinner, one number per element each."
                              : ": sinner and dinner mean nothing without switchinnerflag; set it, or remove them."));
  for (double width : p.dinner)
    if (!(width > 0.0))
      throw ParameterError(where + ": every dinner must be positive, but one is " + std::to_string(width) + ".");
  double n_values = 0.0;  // j1 >= j2, j >= j1, as in the list of components
  for (int j1 = 0; j1 <= p.twojmax; ++j1)
    for (int j2 = 0; j2 <= j1; ++j2)
      for (int j = j1 - j2; j <= std::min(p.twojmax, j1 + j2); j += 2) n_values += j >= j1;
  if (p.chemflag) n_values *= std::pow(n_elements(), 3);
  if (n_values > largest_size)
    throw ParameterError(where + ": twojmax " + std::to_string(p.twojmax) + " with chemflag and " +
                         std::to_string(n_elements()) + " elements gives " + printed(n_values) +
                         " components per atom, more than the supported " + std::to_string(largest_size) + ".");
  if (p.wselfallflag && !p.chemflag)
    throw ParameterError(where + ": wselfallflag means nothing without chemflag; set it, or remove wselfallflag.");
}

/// B of an atom alone: there U is the unit matrix, and B_{j1 j2 j} = 2j + 1 (1 with bnormflag).
std::vector<double> Bispectrum::shift() const {
  const int n = n_elements(), n_values = size(0);
  std::vector<double> shift(static_cast<std::size_t>(n) * n_values, 0.0);
  if (!parameters_.bzeroflag) return shift;
  for (int center = 0; center < n; ++center)
    for (int k = 0; k < n_values; ++k) {
      const Component& component = coupling_.components[k];
      const bool own = !parameters_.chemflag || parameters_.wselfallflag ||
                       component.channels == std::array<int, 3>{center, center, center};
      if (own) shift[center * n_values + k] = parameters_.bnormflag ? 1.0 : component.j + 1.0;
    }
  return shift;
}

std::vector<std::string> Bispectrum::names(int) const {
  std::vector<std::string> list;
  for (const auto& [channels, j1, j2, j] : coupling_.components) {
    std::string name = "B[";
    if (parameters_.chemflag)
      for (int channel : channels) name += std::to_string(channel) + ",";
    list.push_back(name + std::to_string(j1) + "," + std::to_string(j2) + "," + std::to_string(j) + "]");
  }
  return list;
}

std::string Bispectrum::citation() const {
  return "bispectrum components, SNAP: doi:10.1016/j.jcp.2014.12.018\n\n"
         "@Article{Thompson2015,\n"
         "  author = {Thompson, A. P. and Swiler, V. P. and Trott, C. R. and Foiles, S. M. and Tucker, G. J.},\n"
         "  title = {Spectral neighbor analysis method for automated generation of quantum-accurate interatomic "
         "potentials},\n"
         "  journal = {Journal of Computational Physics},\n"
         "  volume = {285},\n"
         "  pages = {316--330},\n"
         "  year = {2015},\n"
         "  doi = {10.1016/j.jcp.2014.12.018}\n"
         "}\n";
}

Json Bispectrum::to_json() const { return typed_schema().write(parameters_); }

template <class Real>
Tables<Real> Bispectrum::tables_without_arrays() const {
  const Parameters& p = parameters_;
  Tables<Real> t{};
  t.n_elements = n_elements();
  t.n_channels = p.chemflag ? t.n_elements : 1;
  t.twojmax = p.twojmax;
  t.rfac0 = static_cast<Real>(p.rfac0);
  t.rmin0 = static_cast<Real>(p.rmin0);
  t.switchflag = p.switchflag;
  t.switchinnerflag = p.switchinnerflag;
  t.wselfallflag = p.wselfallflag;
  t.n_half = coupling_.half_begin.back();
  t.n_full = coupling_.full_begin.back();
  t.n_roots = static_cast<int>(coupling_.roots.size()) / 2;
  t.n_element_coefficients = static_cast<int>(coupling_.element_coefficients.size());
  t.n_blocks = static_cast<int>(coupling_.blocks.size());
  t.n_products = static_cast<int>(coupling_.products.size());
  t.n_coupling = static_cast<int>(coupling_.coupling.size());
  t.n_z_places = static_cast<int>(coupling_.z_places.size());
  t.n_z = coupling_.n_z;
  t.n_projections = static_cast<int>(coupling_.projections.size());
  t.n_values = size(0);
  return t;
}

}  // namespace forcesmith::bispectrum
