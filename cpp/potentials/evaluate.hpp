// Energies, forces and virials of any number of atoms, block by block, on several workers.
//
// F = -dE/dR: with g_ij = dE_i/dr_ij, the center gains +g_ij and the neighbor -g_ij. The virial is
// W_ab = sum r_ij,a (-g_ij)_b, in eV, positive under compression (LAMMPS' sign).
#pragma once

#include <memory>
#include <vector>

#include "neighbors/neighbor_view.hpp"
#include "potentials/kept_descriptors.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// What is wanted: a null pointer means not wanted. Everything is added to the host's arrays.
struct Evaluation {
  int n_host = 0;                      // rows of the host's arrays, ghost atoms included
  double* energies = nullptr;          // [n_host] site energies, eV
  double* forces = nullptr;            // [n_host][3] eV/angstrom
  double* virials = nullptr;           // [n_host][6] xx yy zz xy xz yz, half to center, half to neighbor, eV
  double* centroid_virials = nullptr;  // [n_host][9] xx yy zz xy xz yz yx zx zy, all to the neighbor, eV
  int* values_outside = nullptr;       // [n_host] of central atoms, set: see Model::values_outside
  int* close_neighbors = nullptr;      // [n_host] of central atoms, set: neighbors closer than in the training data
  // Need an active set of the potential: of neighborhoods the first, of configurations the second.
  double* grades = nullptr;           // [n_host] of central atoms, set: extrapolation grades
  double* information_sum = nullptr;  // [ActiveSet::n_columns()] sum of b_i of the central atoms
  double* virial = nullptr;           // [6] xx yy zz xy xz yz of all pairs, eV
  double energy = 0.0;                // out: sum of site energies, eV
};

/// Evaluates a potential, which must outlive it unchanged, any number of times; memory is kept from one to the next.
class Evaluator {
 public:
  /// precision: of the descriptors; models, terms and sums are in double precision.
  /// host: of global terms; ParameterError if there are any and it is null. Outlives the evaluator.
  explicit Evaluator(const Potential& potential, Precision precision = Precision::double_,
                     const GlobalHost* host = nullptr);
  /// Leaves global terms out: for what looks at all else, and has no host for them.
  static Evaluator without_global_terms(const Potential& potential, Precision precision);
  ~Evaluator();
  /// kept: of this source and potential, if it is evaluated again and again; in double precision, without grades.
  template <class Real>
  void evaluate(const NeighborSourceOf<Real>& source, Evaluation& evaluation, int n_workers = 1,
                KeptDescriptors* kept = nullptr);

 private:
  struct Worker;
  Evaluator(const Potential& potential, Precision precision, const GlobalHost* host, bool with_global_terms);
  const Potential& potential_;
  Precision precision_;
  const GlobalHost* host_;
  std::vector<const LocalTerm*> local_terms_;
  std::vector<const GlobalTerm*> global_terms_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

/// B of all central atoms, [n_atoms][potential.stride()], overwritten; entries beyond the size of an atom's
/// element are 0.
void descriptor_values(const Potential& potential, const NeighborSource& source, double* B, int n_workers = 1);

/// First of the central atoms of worker `worker` (0 .. n_workers), in whole blocks.
int first_of_worker(int n_atoms, int block_size, int worker, int n_workers);

}  // namespace forcesmith
