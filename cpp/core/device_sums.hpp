// Sums over the atoms of a launch.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>

namespace forcesmith {

namespace FORCESMITH_ISA {

/// Adds to sums[i] what each atom gives. Terms: of(i) gives what is the same for all atoms, at(that, atom) the number.
template <class ExecSpace, class Terms>
struct AddSumsOverAtoms {
  Terms terms;
  int n_atoms;
  double* sums;

  using Team = typename Kokkos::TeamPolicy<ExecSpace>::member_type;
  KOKKOS_FUNCTION void operator()(const Team& team) const {
    const int i = team.league_rank();
    const auto own = terms.of(i);
    double sum = 0.0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, n_atoms), [&](int atom, double& part) { part += terms.at(own, atom); }, sum);
    Kokkos::single(Kokkos::PerTeam(team), [&] { sums[i] += sum; });
  }
};

}  // namespace FORCESMITH_ISA

/// sums [n_sums] in the memory of the device; a team of threads for each.
template <class ExecSpace, class Terms>
void add_sums_over_atoms(const std::string& label, const Terms& terms, int n_sums, int n_atoms, double* sums) {
  if (n_sums == 0) return;
  Kokkos::parallel_for(label, Kokkos::TeamPolicy<ExecSpace>(n_sums, Kokkos::AUTO),
                       FORCESMITH_ISA::AddSumsOverAtoms<ExecSpace, Terms>{terms, n_atoms, sums});
}

}  // namespace forcesmith
