// Screened nuclear repulsion of Ziegler, Biersack and Littmark (J. F. Ziegler, J. P. Biersack, U. Littmark,
// The Stopping and Ranges of Ions in Matter (1985)), with the switching function of LAMMPS' pair_style zbl:
// energy and force go smoothly to 0 between the inner and the outer cutoff. A fixed part of a potential; fits
// are made to what it leaves. eV, angstrom.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/parameter_schema.hpp"
#include "potentials/terms/pair_term.hpp"
#include "potentials/terms/zbl/zbl_kernels.hpp"
#include "potentials/terms/zbl/zbl_variants.hpp"

namespace forcesmith {

/// Of two elements: cutoffs, angstrom, and a factor of the repulsion.
struct ZblRange {
  double inner = 0.0, outer = 0.0;
  double strength = 1.0;
};

/// Half the energy of every pair is that of the central atom.
class Zbl : public PairTerm<ZblTables> {
 public:
  static constexpr const char* name = "zbl";
  using Kernels = FORCESMITH_ISA::ZblKernels;

  static ParameterSchema schema();
  static std::unique_ptr<Term> create(const Json& parameters, const std::vector<std::string>& elements,
                                      const std::string& where);

  /// The same range for all pairs of elements.
  Zbl(const ZblRange& range, const std::vector<std::string>& elements, const std::string& where);
  /// ranges: [element][element], symmetric.
  Zbl(const std::vector<ZblRange>& ranges, const std::vector<std::string>& elements, const std::string& where);

  std::string type() const override { return name; }
  /// Of one range for all pairs.
  Json to_json() const override;

  // Of one range for all pairs.
  double inner() const { return pairs_[0].inner; }
  double outer() const { return pairs_[0].outer; }
  const std::vector<int>& atomic_numbers() const { return atomic_numbers_; }
  ZblTables tables() const override { return {static_cast<int>(atomic_numbers_.size()), pairs_.data()}; }

 private:
  std::vector<int> atomic_numbers_;  // [element]
  std::vector<ZblPair> pairs_;       // [center element][neighbor element]
};

}  // namespace forcesmith
