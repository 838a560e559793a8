// Screened nuclear repulsion of Ziegler, Biersack and Littmark (J. F. Ziegler, J. P. Biersack, U. Littmark,
// The Stopping and Ranges of Ions in Matter (1985)), with the switching function of LAMMPS' pair_style zbl:
// energy and force go smoothly to 0 between the inner and the outer cutoff. A fixed part of a potential; fits
// are made to what it leaves. eV, angstrom.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/parameter_schema.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "potentials/zbl_variants.hpp"

namespace forcesmith {

/// Of two elements: cutoffs, angstrom, and a factor of the repulsion.
struct ZblRange {
  double inner, outer;
  double strength = 1.0;
};

class Zbl {
 public:
  static ParameterSchema schema();
  static Zbl create(const Json& parameters, const std::vector<std::string>& elements, const std::string& where);

  /// The same range for all pairs of elements.
  Zbl(const ZblRange& range, const std::vector<std::string>& elements, const std::string& where);
  /// ranges: [element][element], symmetric.
  Zbl(const std::vector<ZblRange>& ranges, const std::vector<std::string>& elements, const std::string& where);

  /// Of one range for all pairs.
  Json to_json() const { return {{"inner", inner()}, {"outer", outer()}}; }
  double inner() const { return pairs_[0].inner; }
  double outer() const { return pairs_[0].outer; }
  const std::vector<int>& atomic_numbers() const { return atomic_numbers_; }

  /// Memory of one worker.
  struct Workspace {
    explicit Workspace(const std::optional<Zbl>& zbl) : neighbors(zbl ? zbl->packing_ : packing_variants_in_use()) {}
    PackedNeighbors neighbors;
    AlignedBuffer pair_gradients;
  };
  /// Adds half the energy of every pair to that of the central atom, energies [n_atoms], and the forces and
  /// virials of these halves.
  template <class Real>
  void add(const NeighborViewOf<Real>& block, Workspace& workspace, double* energies, const PairForces& forces) const;

 private:
  std::vector<int> atomic_numbers_;  // [element]
  ZblVariant variant_;
  PackingVariants packing_ = packing_variants_in_use();  // of the same instruction set
  std::vector<double> cutoffs_;                          // [center element][neighbor element], the outer ones
  std::vector<ZblPair> pairs_;                           // [center element][neighbor element]
};

}  // namespace forcesmith
