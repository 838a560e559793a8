// Repulsion of atoms that are very close, as potentials of pacemaker have it (A. Bochkarev et al., Phys. Rev. Mater. 6,
// 013804 (2022)): E_i gets sum_j factor exp(-decay r^2) / r (1 + cos(pi r / cutoff)) / 2, with an inner cutoff times a
// polynomial that falls from 1 to 0 between inner_cutoff - inner_width and inner_cutoff. A fixed part of a potential;
// fits are made to what it leaves. eV, angstrom.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/typed_schema.hpp"
#include "potentials/terms/core_repulsion/core_repulsion_kernels.hpp"
#include "potentials/terms/core_repulsion/core_repulsion_variants.hpp"
#include "potentials/terms/pair_term.hpp"

namespace forcesmith {

/// Of a pair of elements.
struct CoreRepulsionSettings {
  double factor = 0.0, decay = 0.0;
  double cutoff = 0.0;
  double inner_cutoff = 0.0, inner_width = 0.0;

  static const SchemaOf<CoreRepulsionSettings>& schema();
  friend bool operator==(const CoreRepulsionSettings&, const CoreRepulsionSettings&) = default;
};

class CoreRepulsion : public PairTerm<CoreRepulsionTables> {
 public:
  static constexpr const char* name = "core_repulsion";
  using Kernels = FORCESMITH_ISA::CoreRepulsionKernels;

  static ParameterSchema schema();
  static std::unique_ptr<Term> create(const Json& parameters, const std::vector<std::string>& elements,
                                      const std::string& where);

  /// settings: [center element][neighbor element]
  CoreRepulsion(std::vector<CoreRepulsionSettings> settings, std::size_t n_elements, const std::string& where);

  std::string type() const override { return name; }
  Json to_json() const override;
  /// [center element][neighbor element]
  const std::vector<CoreRepulsionSettings>& settings() const { return settings_; }
  CoreRepulsionTables tables() const override { return {static_cast<int>(n_elements_), pairs_.data()}; }

 private:
  std::size_t n_elements_;
  std::vector<CoreRepulsionSettings> settings_;
  std::vector<CoreRepulsionPair> pairs_;
};

}  // namespace forcesmith
