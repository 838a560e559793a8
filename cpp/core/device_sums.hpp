// Sums over the atoms of a launch, of all of them or of each configuration.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace forcesmith {

/// Rows of sums, [n_rows][length]: one for each of some configurations, or one for all atoms.
struct SumRows {
  int n_rows, length;
  double* sums;
  int n_atoms, first_atom = 0;       // of the launch, and the number of its first among those of all launches
  const int* begin_atoms = nullptr;  // [n_rows + 1] the configurations' first atoms among all; null: one row

  /// The rows of those configurations alone that have atoms in the launch. begin: of all, on the host, and on the
  /// device.
  SumRows of_configurations(const std::vector<int>& begin, const int* d_begin) const {
    const auto after = [&](int atom) { return std::upper_bound(begin.begin(), begin.end() - 1, atom) - begin.begin(); };
    const std::ptrdiff_t first = after(first_atom) - 1, end = after(first_atom + n_atoms - 1);
    return {static_cast<int>(end - first), length, sums + first * length, n_atoms, first_atom, d_begin + first};
  }
  /// The same, from column `first` of the rows on.
  SumRows from_column(std::size_t first) const {
    SumRows moved = *this;
    moved.sums += first;
    return moved;
  }
};

namespace FORCESMITH_ISA {

/// Adds to sum i of each row what its atoms give. Terms: of(i) gives what is the same for all atoms, at(that, atom) the
/// number.
template <class ExecSpace, class Terms>
struct AddSumsOverAtoms {
  Terms terms;
  int n_sums;
  SumRows rows;

  using Team = typename Kokkos::TeamPolicy<ExecSpace>::member_type;
  KOKKOS_FUNCTION void operator()(const Team& team) const {
    const int i = team.league_rank() % n_sums, row = team.league_rank() / n_sums;
    int begin = 0, end = rows.n_atoms;
    if (rows.begin_atoms != nullptr) {
      const int first = rows.begin_atoms[row] - rows.first_atom, last = rows.begin_atoms[row + 1] - rows.first_atom;
      if (first > begin) begin = first;
      if (last < end) end = last;
    }
    const auto own = terms.of(i);
    double sum = 0.0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, begin, end), [&](int atom, double& part) { part += terms.at(own, atom); }, sum);
    Kokkos::single(Kokkos::PerTeam(team), [&] { rows.sums[static_cast<std::size_t>(row) * rows.length + i] += sum; });
  }
};

}  // namespace FORCESMITH_ISA

/// The first n_sums of every row; a team of threads for each.
template <class ExecSpace, class Terms>
void add_sums_over_atoms(const std::string& label, const Terms& terms, int n_sums, const SumRows& rows) {
  if (n_sums == 0) return;
  Kokkos::parallel_for(label, Kokkos::TeamPolicy<ExecSpace>(n_sums * rows.n_rows, Kokkos::AUTO),
                       FORCESMITH_ISA::AddSumsOverAtoms<ExecSpace, Terms>{terms, n_sums, rows});
}

}  // namespace forcesmith
