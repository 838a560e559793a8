// How kernels are launched: one thread per atom, or several.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>
#include <type_traits>

#include "neighbors/device_block.hpp"
#include "simd/part.hpp"

namespace forcesmith {

/// A launch whose functor goes along with it. Kokkos would put larger ones, of 512 bytes and more, into a buffer of the
/// device, and wait for the launch before.
template <class Policy>
auto with_arguments(const Policy& policy) {
  return Kokkos::Experimental::require(policy, Kokkos::Experimental::WorkItemProperty::HintLightWeight);
}

/// One thread per atom, in blocks of a single warp: a few thousand atoms then keep as many processors of a device busy as
/// there are warps of them. The execution spaces of the host divide the range as they like.
template <class ExecSpace>
auto atom_range(int n_atoms) {
  return with_arguments(Kokkos::RangePolicy<ExecSpace, Kokkos::LaunchBounds<device_slice, 1>>(0, n_atoms));
}

namespace FORCESMITH_ISA {

/// Calls of_part(atom, part) for the threads of slices of atoms, all parts of a slice one after the other.
template <int parts, class OfPart>
struct PartsOfSlices {
  static constexpr int block = parts * device_slice;  // threads of a slice
  OfPart of_part;
  int n_atoms;

  KOKKOS_FUNCTION void operator()(int item) const {
    const int atom = item / block * device_slice + item % device_slice;
    if (atom < n_atoms) of_part(atom, Part{item % block / device_slice, parts});
  }
  template <class Team>
    requires requires(Team team) { team.league_rank(); }
  KOKKOS_FUNCTION void operator()(const Team& team) const {
    (*this)(team.league_rank() * block + team.team_rank());
  }
};

}  // namespace FORCESMITH_ISA

/// Several threads per atom, each with its part of the work. On devices the parts of a slice of atoms are one block of
/// threads, so that they share its cache.
template <int parts, class ExecSpace, class OfPart>
void launch_parts(const std::string& label, int n_atoms, const OfPart& of_part) {
  using Work = FORCESMITH_ISA::PartsOfSlices<parts, OfPart>;
  const Work work{of_part, n_atoms};
  const int n_slices = (n_atoms + device_slice - 1) / device_slice;
  if constexpr (std::is_same_v<typename ExecSpace::memory_space, Kokkos::HostSpace>)
    Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecSpace>(0, n_slices * Work::block), work);
  else
    Kokkos::parallel_for(
        label,
        with_arguments(Kokkos::TeamPolicy<ExecSpace, Kokkos::LaunchBounds<Work::block, 1>>(n_slices, Work::block)),
        work);
}

}  // namespace forcesmith
