// Screened nuclear repulsion of Ziegler, Biersack and Littmark (J. F. Ziegler, J. P. Biersack, U. Littmark,
// The Stopping and Ranges of Ions in Matter (1985)), with the switching function of LAMMPS' pair_style zbl:
// energy and force go smoothly to 0 between the inner and the outer cutoff. A fixed part of a potential; fits
// are made to what it leaves. eV, angstrom.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/parameter_schema.hpp"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/pair_forces.hpp"

namespace forcesmith {

class Zbl {
 public:
  static ParameterSchema schema();
  static Zbl create(const Json& parameters, const std::vector<std::string>& elements,
                    const std::string& where);

  /// inner, outer: cutoffs, angstrom.
  Zbl(double inner, double outer, const std::vector<std::string>& elements, const std::string& where);

  Json to_json() const { return {{"inner", inner_}, {"outer", outer_}}; }
  double inner() const { return inner_; }
  double outer() const { return outer_; }
  const std::vector<int>& atomic_numbers() const { return atomic_numbers_; }

  /// Adds half the energy of every pair to that of the central atom, energies [n_atoms], and the forces and
  /// virials of these halves.
  void add(const NeighborView& block, double* energies, PairForces& forces) const;

 private:
  struct Pair {
    double prefactor, screening;  // Z_i Z_j e^2, eV angstrom; (Z_i^0.23 + Z_j^0.23) / a0, 1/angstrom
    double a, b, c;               // switching: S(r) = a/3 (r - inner)^3 + b/4 (r - inner)^4 + c
  };
  Pair make_pair(int z_i, int z_j) const;

  double inner_, outer_;
  std::vector<int> atomic_numbers_;  // [element]
  std::vector<Pair> pairs_;          // [center element][neighbor element]
};

}  // namespace forcesmith
