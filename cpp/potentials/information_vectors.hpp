// Information vectors b_i, which extrapolation grades look at: derivatives of E_i with parameters of a potential, see
// extrapolation/active_set.hpp. And the grades themselves.
#pragma once

#include <memory>
#include <vector>

#include "extrapolation/active_set.hpp"
#include "neighbors/neighbor_view.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// b_i of the atoms of a block, for one worker. The potential outlives it unchanged.
class InformationVectors {
 public:
  InformationVectors(const Potential& potential, ActiveSet::Parameters parameters);
  ~InformationVectors();

  /// Numbers of b_i of an element.
  static int size(const Potential& potential, ActiveSet::Parameters parameters, int element);
  /// Numbers of a row, the largest of them.
  int stride() const { return stride_; }
  /// b [n_atoms][stride()] of the central atoms first .. first + block.n_atoms - 1 of the source, which are the block.
  /// B: their descriptor values. Beyond its size a row is zero.
  template <class Real>
  void compute(const NeighborSourceOf<Real>& source, int first, const NeighborViewOf<Real>& block, const double* B,
               double* b);

 private:
  struct AllParameters;
  const Potential& potential_;
  int stride_;
  std::unique_ptr<Model::Workspace> model_;
  std::unique_ptr<AllParameters> all_;  // null: only those in which energies are linear
};

/// Grades of blocks of atoms, or sums of b_i where the active set is one of configurations.
class BlockGrades {
 public:
  explicit BlockGrades(const Potential& potential);
  /// Adds, or sets in the host's arrays, what there is room for; see Evaluation.
  template <class Real>
  void compute(const NeighborSourceOf<Real>& source, int first, const NeighborViewOf<Real>& block, const double* B,
               double* grades, double* information_sum);

 private:
  const Potential& potential_;
  const ActiveSet& set_;
  InformationVectors vectors_;
  std::vector<double> b_, found_;
  std::vector<const double*> rows_;
  std::vector<int> atoms_;
};

/// b_i of all central atoms, [n_atoms][largest size], overwritten.
void information_vectors(const Potential& potential, ActiveSet::Parameters parameters, const NeighborSource& source,
                         double* b, int n_workers);

/// The numbers of a sum of b_i: with all parameters those of one, else those of every element one after the other.
int information_sum_size(const Potential& potential, ActiveSet::Parameters parameters);

/// What active sets of the potential are tied to.
std::string fingerprint(const Potential& potential);

/// Throws FormatError naming `where` unless the sizes are those of the potential's information vectors.
void check_active_set(const Potential& potential, const ActiveSet& set, const std::string& where);

}  // namespace forcesmith
