#include "potentials/terms/core_repulsion/core_repulsion.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/pair_settings.hpp"

namespace forcesmith {

namespace {

/// What files hold.
struct FileSettings : CoreRepulsionSettings {
  std::vector<std::vector<CoreRepulsionSettings>> pairs;
};

const SchemaOf<FileSettings>& typed_schema() {
  static const auto schema = [] {
    SchemaOf<FileSettings> own(CoreRepulsionSettings::schema());
    add_pairs_field(own, &FileSettings::pairs, "pairs");
    return own;
  }();
  return schema;
}

}  // namespace

const SchemaOf<CoreRepulsionSettings>& CoreRepulsionSettings::schema() {
  using P = CoreRepulsionSettings;
  static const auto schema =
      SchemaOf<P>()
          .field(&P::factor, "factor", "eV angstrom", "strength of the repulsion")
          .required()
          .field(&P::decay, "decay", "1/angstrom^2", "of the Gaussian of the distance")
          .required()
          .field(&P::cutoff, "cutoff", "angstrom", "distance at which the repulsion is 0")
          .required()
          .field(&P::inner_cutoff, "inner_cutoff", "angstrom",
                 "distance from which on it is 0, if inner_width is given")
          .field(&P::inner_width, "inner_width", "angstrom", "of the step before it; 0: no inner cutoff");
  return schema;
}

ParameterSchema CoreRepulsion::schema() { return typed_schema().fields(); }

std::unique_ptr<Term> CoreRepulsion::create(const Json& given, const std::vector<std::string>& elements,
                                            const std::string& where) {
  const FileSettings all = typed_schema().read(given, {where}, static_cast<int>(elements.size()));
  return std::make_unique<CoreRepulsion>(
      settings_of_pairs(static_cast<const CoreRepulsionSettings&>(all), all.pairs, elements.size()), elements.size(),
      where);
}

CoreRepulsion::CoreRepulsion(std::vector<CoreRepulsionSettings> settings, std::size_t n_elements,
                             const std::string& where)
    : PairTerm(FORCESMITH_VARIANT_IN_USE(core_repulsion_variant)),
      n_elements_(n_elements),
      settings_(std::move(settings)) {
  for (const CoreRepulsionSettings& p : settings_) {
    const bool sound = p.factor >= 0.0 && p.decay >= 0.0 && p.cutoff > 0.0 && p.inner_cutoff >= 0.0 &&
                       p.inner_width >= 0.0 && std::isfinite(p.factor + p.decay + p.cutoff + p.inner_cutoff);
    if (!sound)
      throw ParameterError(where + ": the cutoff must be positive, and nothing else negative; found the cutoff " +
                           printed(p.cutoff) + ", the factor " + printed(p.factor) + " and the decay " +
                           printed(p.decay) + ".");
    cutoffs_.push_back(p.cutoff);
    pairs_.push_back({p.factor, p.decay, p.cutoff, p.inner_cutoff, p.inner_width});
  }
}

Json CoreRepulsion::to_json() const {
  return typed_schema().write({settings_.front(), differing_pairs(settings_, n_elements_)});
}

}  // namespace forcesmith
