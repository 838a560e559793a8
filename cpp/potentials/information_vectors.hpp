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
  /// b [n_atoms][stride()] of the central atoms of the block. B: their descriptor values. Beyond its size a row is zero.
  template <class Real>
  void compute(const NeighborViewOf<Real>& block, const double* B, double* b);

 private:
  struct AllParameters;
  const Potential& potential_;
  int stride_;
  std::unique_ptr<Model::Workspace> model_;
  std::unique_ptr<AllParameters> all_;  // null: only those in which energies are linear
};

/// Grades of blocks of atoms, or sums of b_i where the active set is one of configurations, for one worker. Beyond the
/// blocks, atoms of one element are collected until there are enough to be graded at once.
class BlockGrades {
 public:
  explicit BlockGrades(const Potential& potential);
  /// Forgets what an evaluation that failed has left.
  void begin();
  /// Sets grades, or adds to information_sum, see Evaluation; null: not wanted. Some grades are set by finish().
  template <class Real>
  void compute(const NeighborViewOf<Real>& block, const double* B, double* grades, double* information_sum);
  void finish(double* grades);

 private:
  /// Of an element, atoms whose grades are still to be computed.
  struct Waiting {
    int size;          // of b
    int first_column;  // in the sum
    std::vector<int> centers;
    std::vector<double> rows;
  };
  void grade(int element, double* grades);

  const Potential& potential_;
  const ActiveSet& set_;
  InformationVectors vectors_;
  std::vector<double> b_;
  std::vector<Waiting> waiting_;  // [element]
};

/// b_i of all central atoms, [n_atoms][largest size], overwritten.
void information_vectors(const Potential& potential, ActiveSet::Parameters parameters, const NeighborSource& source,
                         double* b, int n_workers);

/// The numbers of a sum of b_i: with all parameters those of one, else those of every element one after the other.
int information_sum_size(const Potential& potential, ActiveSet::Parameters parameters);

/// What active sets of the potential are tied to: elements, settings and parameters of descriptors and model.
std::string fingerprint(const Potential& potential);

/// Throws FormatError naming `where` unless the sizes are those of the potential's information vectors.
void check_active_set(const Potential& potential, const ActiveSet& set, const std::string& where);

}  // namespace forcesmith
