#include "potentials/terms/zbl/zbl.hpp"

#include <array>
#include <cmath>

#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/typed_schema.hpp"

namespace forcesmith {

namespace {

// V = Z_i Z_j e^2 phi(x) / r, phi(x) = sum_n amplitude_n exp(-decay_n x), x = (Z_i^0.23 + Z_j^0.23) r / a0, with
// the constants of LAMMPS.
constexpr double amplitude[4] = {0.02817, 0.28022, 0.50986, 0.18175};
constexpr double decay[4] = {0.20162, 0.40290, 0.94229, 3.19980};
constexpr double exponent = 0.23, a0 = 0.46850;  // a0 in angstrom
constexpr double coulomb_constant = 14.399645;   // e^2 / (4 pi epsilon_0), eV angstrom; LAMMPS' qqr2e

/// V and its first two derivatives.
std::array<double, 3> screened_coulomb(const ZblPair& pair, double r) {
  double sum = 0.0, dsum = 0.0, d2sum = 0.0;
  for (int n = 0; n < 4; ++n) {
    const double rate = pair.rate[n], term = pair.factor[n] * std::exp(-rate * r);
    sum += term;
    dsum -= rate * term;
    d2sum += rate * rate * term;
  }
  const double inverse = 1.0 / r;
  return {inverse * sum, inverse * (dsum - sum * inverse), inverse * (d2sum - 2.0 * inverse * (dsum - sum * inverse))};
}

ZblPair make_pair(int z_i, int z_j, const ZblRange& range) {
  ZblPair pair{};
  const double screening = (std::pow(z_i, exponent) + std::pow(z_j, exponent)) / a0;
  for (int n = 0; n < 4; ++n) {
    pair.factor[n] = range.strength * coulomb_constant * z_i * z_j * amplitude[n];
    pair.rate[n] = decay[n] * screening;
  }
  pair.inner = range.inner;
  pair.outer = range.outer;
  // Value, slope and curvature of V + S vanish at the outer cutoff.
  const auto [v, dv, d2v] = screened_coulomb(pair, range.outer);
  const double width = range.outer - range.inner;
  pair.a = (-3.0 * dv + width * d2v) / (width * width);
  pair.b = (2.0 * dv - width * d2v) / (width * width * width);
  pair.c = -v + 0.5 * width * dv - width * width * d2v / 12.0;
  return pair;
}

const SchemaOf<ZblRange>& typed_schema() {
  static const auto schema =
      SchemaOf<ZblRange>()
          .field(&ZblRange::inner, "inner", "angstrom", "distance up to which the repulsion is not switched")
          .required()
          .field(&ZblRange::outer, "outer", "angstrom", "distance at which the repulsion is 0")
          .required();
  return schema;
}

}  // namespace

ParameterSchema Zbl::schema() { return typed_schema().fields(); }

std::unique_ptr<Term> Zbl::create(const Json& given, const std::vector<std::string>& elements,
                                  const std::string& where) {
  return std::make_unique<Zbl>(typed_schema().read(given, {where}), elements, where);
}

Json Zbl::to_json() const { return typed_schema().write({inner(), outer()}); }

Zbl::Zbl(const ZblRange& range, const std::vector<std::string>& elements, const std::string& where)
    : Zbl(std::vector<ZblRange>(elements.size() * elements.size(), range), elements, where) {}

Zbl::Zbl(const std::vector<ZblRange>& ranges, const std::vector<std::string>& elements, const std::string& where)
    : PairTerm(FORCESMITH_VARIANT_IN_USE(zbl_variant)) {
  for (const auto& [inner, outer, strength] : ranges)
    if (!(inner > 0.0 && outer > inner) || !std::isfinite(outer))
      throw ParameterError(where + ": the outer cutoff (" + std::to_string(outer) +
                           " angstrom) must be larger than the inner one (" + std::to_string(inner) +
                           " angstrom), and that positive.");
  for (const std::string& element : elements) {
    atomic_numbers_.push_back(atomic_number(element));
    if (atomic_numbers_.back() == 0)
      throw ParameterError(where + ": \"" + element + "\" is not a chemical element, so it has no nuclear charge.");
  }
  for (int z_i : atomic_numbers_)
    for (int z_j : atomic_numbers_) {
      const ZblRange& range = ranges[pairs_.size()];
      cutoffs_.push_back(range.outer);
      pairs_.push_back(make_pair(z_i, z_j, range));
    }
}

}  // namespace forcesmith
