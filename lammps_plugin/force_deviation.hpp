// How far the members of a committee are from each other: sqrt(<|F_i - <F_i>|^2>), the mean over the members, of each
// atom i. Source: Y. Zhang et al., Comput. Phys. Commun. 253, 107206 (2020), DP-GEN, equation of epsilon_t.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace forcesmith::lammps {

class ForceDeviation {
 public:
  explicit ForceDeviation(int n_atoms) : mean_(3 * n_atoms, 0.0), squares_(n_atoms, 0.0) {}

  /// Of one member: [n_atoms][3], eV/angstrom. Mean and squares follow B. Welford, Technometrics 4, 419 (1962), so that
  /// members that agree have a deviation of zero.
  void add(const double* forces) {
    ++n_members_;
    for (std::size_t k = 0; k < mean_.size(); ++k) {
      const double before = forces[k] - mean_[k];
      mean_[k] += before / n_members_;
      squares_[k / 3] += before * (forces[k] - mean_[k]);
    }
  }

  /// values: [n_atoms], eV/angstrom
  void write(double* values) const {
    for (std::size_t i = 0; i < squares_.size(); ++i) values[i] = std::sqrt(squares_[i] / n_members_);
  }

 private:
  int n_members_ = 0;
  std::vector<double> mean_, squares_;  // [n_atoms][3], [n_atoms] of differences from the mean
};

}  // namespace forcesmith::lammps
