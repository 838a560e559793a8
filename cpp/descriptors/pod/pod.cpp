#include "descriptors/pod/pod.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/text.hpp"
#include "core/typed_schema.hpp"

namespace forcesmith::pod {

namespace {

const SchemaOf<Parameters>& typed_schema() {
  using P = Parameters;
  static const auto schema =
      SchemaOf<P>()
          .field(&P::cutoff, "cutoff", "angstrom", "distance beyond which neighbors do not count")
          .required()
          .field(&P::inner_cutoff, "inner_cutoff", "angstrom",
                 "where the range of the radial functions begins; LAMMPS' rin")
          .field(&P::bessel_degree, "bessel_degree", "", "sines among the snapshots, three of each degree")
          .field(&P::inverse_degree, "inverse_degree", "", "inverse powers of the distance among the snapshots")
          .field(&P::nmax, "nmax", "", "radial functions of two, three, .. bodies: at most six numbers")
          .field(&P::lmax, "lmax", "", "largest degree of angles of two bodies, which is 0, of three, ..")
          .field(&P::radial_coefficients, "radial_coefficients", "",
                 "of the snapshots in one radial function after the other; default: their principal components");
  return schema;
}

/// Throws ParameterError naming `where` for settings that pair_style pod has no values for.
Parameters checked(Parameters p, const std::string& where) {
  const auto refuse = [&](const std::string& what) { throw ParameterError(where + ": " + what + "."); };
  if (!(p.inner_cutoff >= 0.0) || !(p.cutoff > p.inner_cutoff) || !std::isfinite(p.cutoff))
    refuse("the cutoff (" + printed(p.cutoff) + " angstrom) must be larger than inner_cutoff (" +
           printed(p.inner_cutoff) + " angstrom), and that not negative");
  if (p.bessel_degree < 0 || p.inverse_degree < 0 || p.bessel_degree + p.inverse_degree < 1 ||
      p.radial().n_snapshots() > max_snapshots)
    refuse("bessel_degree and inverse_degree must not be negative, nor both be 0, and 3 bessel_degree + " +
           std::string("inverse_degree at most ") + std::to_string(max_snapshots) + ", but they are " +
           std::to_string(p.bessel_degree) + " and " + std::to_string(p.inverse_degree));
  if (p.nmax.empty() || p.nmax.size() > max_bodies - 1 || p.lmax.size() != p.nmax.size())
    refuse("nmax and lmax must have the same number of entries, 1 to " + std::to_string(max_bodies - 1) +
           ", but have " + std::to_string(p.nmax.size()) + " and " + std::to_string(p.lmax.size()));
  const Sizes s = p.sizes();
  if (p.lmax[0] != 0) refuse("the first lmax must be 0, not " + std::to_string(p.lmax[0]));
  for (std::size_t i = 0; i < p.nmax.size(); ++i) {
    const int most = i == 1 ? max_degree : max_four_body_degree;
    const std::string bodies = " of " + std::to_string(i + 2) + " bodies";
    if (p.nmax[i] < 0 || p.nmax[i] > max_radial_functions)
      refuse("nmax" + bodies + " must be 0 to " + std::to_string(max_radial_functions) + ", not " +
             std::to_string(p.nmax[i]));
    if (p.lmax[i] < 0 || p.lmax[i] > most)
      refuse("lmax" + bodies + " must be 0 to " + std::to_string(most) + ", not " + std::to_string(p.lmax[i]));
    const std::size_t fewer = std::min<std::size_t>(i, 3) - 1;  // bodies of the factors
    if (i >= 2 && (p.nmax[i] > s.nmax[fewer] || (p.nmax[i] > 0 && p.lmax[i] > s.lmax[fewer])))
      refuse("nmax and lmax" + bodies + " must not be larger than those of " + std::to_string(fewer + 2) + " bodies");
  }
  if (s.n_radial() < 1) refuse("nmax asks for no radial function at all");
  const std::size_t expected = static_cast<std::size_t>(s.n_radial()) * p.radial().n_snapshots();
  if (p.radial_coefficients.empty()) p.radial_coefficients = radial_coefficients(p.radial(), s.n_radial(), where);
  if (p.radial_coefficients.size() != expected)
    throw FormatError(where + ": expected " + std::to_string(expected) + " radial coefficients (" +
                      std::to_string(s.n_radial()) + " functions x " + std::to_string(p.radial().n_snapshots()) +
                      " snapshots), found " + std::to_string(p.radial_coefficients.size()) + ".");
  return p;
}

}  // namespace

Sizes Parameters::sizes() const {
  Sizes sizes;
  std::ranges::copy(nmax, sizes.nmax.begin());
  std::ranges::copy(lmax, sizes.lmax.begin());
  return sizes;
}

ParameterSchema Pod::schema() { return typed_schema().fields(); }

std::unique_ptr<Descriptor> Pod::create(const Json& given, const std::vector<std::string>& elements,
                                        const std::string& where) {
  return std::make_unique<Pod>(typed_schema().read(given, {where}), elements, where);
}

Json Pod::to_json() const { return typed_schema().write(parameters_); }

Pod::Pod(Parameters parameters, const std::vector<std::string>& elements, const std::string& where)
    : KernelDescriptor(FORCESMITH_VARIANT_IN_USE(variants)),
      parameters_(checked(std::move(parameters), where)),
      program_(parameters_.sizes(), elements, where) {
  cutoffs_.assign(elements.size() * elements.size(), parameters_.cutoff);
  set_tables(static_cast<int>(elements.size()));
}

void Pod::set_tables(int n_elements) {
  const RadialSettings radial = parameters_.radial();
  const Sizes sizes = parameters_.sizes();
  const double range = radial.cutoff - radial.inner_cutoff;
  const int n_snapshots = radial.n_snapshots();
  // The kernels leave out the factors sqrt(2 / range) / i of sines.
  std::vector<double> coefficients = parameters_.radial_coefficients;
  for (std::size_t m = 0; m < coefficients.size(); m += n_snapshots)
    for (int k = 0; k < n_bessel_parameters * radial.bessel_degree; ++k)
      coefficients[m + k] *= std::sqrt(2.0 / range) / (k % radial.bessel_degree + 1);
  const auto set_numbers = [&]<class Real>(Tables<Real>& t) {
    t.n_elements = n_elements;
    t.inner_cutoff = static_cast<Real>(radial.inner_cutoff);
    t.cutoff = static_cast<Real>(radial.cutoff);
    t.bessel_degree = radial.bessel_degree;
    t.inverse_degree = radial.inverse_degree;
    for (int a = 0; a < n_bessel_parameters; ++a) {
      t.bessel_rates[a] = static_cast<Real>(bessel_parameters[a] / range);
      t.bessel_scales[a] = static_cast<Real>(1.0 / (1.0 - std::exp(-bessel_parameters[a])));
    }
    t.n_radial = sizes.n_radial();
    t.n_shared = sizes.n_shared();
    t.degree = sizes.degree();
    t.n_basic = program_.n_basic();
    t.n_of_element = program_.n_of_element();
    t.n_expanded = static_cast<int>(program_.expansion().size()) / 3;
    t.n_values = static_cast<int>(program_.mapping().size());
    program_.products().set_sizes(t);
  };
  auto& t = mutable_tables<double>() = Tables<double>{};
  set_numbers(t);
  program_.products().set_arrays(t);
  t.coefficients = arrays_.keep(std::move(coefficients));
  t.expansion = program_.expansion().data();
  t.mapping = program_.mapping().data();
  auto& single = mutable_tables<float>() = Tables<float>{};
  set_numbers(single);
  arrays_.round(t, single);
}

std::string Pod::citation() const {
  return "proper orthogonal descriptors: doi:10.1016/j.jcp.2023.112030\n\n"
         "@Article{NguyenRohskopf2023,\n"
         "  author = {Nguyen, Ngoc Cuong and Rohskopf, Andrew},\n"
         "  title = {Proper orthogonal descriptors for efficient and accurate interatomic potentials},\n"
         "  journal = {Journal of Computational Physics},\n"
         "  volume = {480},\n"
         "  pages = {112030},\n"
         "  year = {2023},\n"
         "  doi = {10.1016/j.jcp.2023.112030}\n"
         "}\n";
}

}  // namespace forcesmith::pod
