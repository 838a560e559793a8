// How kernels are launched: one thread per atom, or several.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <type_traits>

#include "core/error.hpp"
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

/// Threads of an atom at most, and of a block of a device: with these, a thread can have all the registers it asks for.
inline constexpr int most_parts = 32, most_parts_of_block = 8;

template <class ExecSpace>
inline constexpr bool is_on_host = std::is_same_v<typename ExecSpace::memory_space, Kokkos::HostSpace>;

/// Whether threads that share work are launched in blocks; tests launch them so on a host, too.
template <class ExecSpace>
inline constexpr bool launches_blocks = !is_on_host<ExecSpace>;

/// How many threads share the work on an atom, for launch_parts(); a power of two. Sums over neighbors are made of the
/// parts' sums, in their order: another number of parts changes results by rounding, the same number does not.
///
/// On a device at least a block: its threads share the cache, where an atom per thread would need that of many slices.
/// More while the device has threads to spare; it can run a quarter of concurrency(), for want of registers.
/// The environment variable FORCESMITH_DEVICE_PARTS overrules this, for tests and measurements. Throws ParameterError.
template <class ExecSpace>
int parts_of_atoms(int n_atoms) {
  if (const char* set = std::getenv("FORCESMITH_DEVICE_PARTS")) {
    for (int parts = 1; parts <= most_parts; parts *= 2)
      if (set == std::to_string(parts)) return parts;
    throw ParameterError(std::string("FORCESMITH_DEVICE_PARTS must be 1, 2, 4, 8, 16 or 32, not \"") + set + "\".");
  }
  const int n_threads = ExecSpace().concurrency() / 4;
  int parts = is_on_host<ExecSpace> ? 1 : most_parts_of_block;
  while (parts < most_parts && n_atoms * parts < n_threads) parts *= 2;
  return parts;
}

namespace FORCESMITH_ISA {

/// Calls of_part(atom, part) for one of the threads of slices of atoms: all parts of a slice one after the other.
template <class OfPart>
struct PartsOfSlices {
  OfPart of_part;
  int n_atoms, parts;

  /// Threads, in whole warps.
  int n_items() const { return (n_atoms + device_slice - 1) / device_slice * parts * device_slice; }
  KOKKOS_FUNCTION void operator()(int item) const {
    const int warp = item / device_slice;
    const int atom = warp / parts * device_slice + item % device_slice;
    if (atom < n_atoms) of_part(atom, Part{warp % parts, parts});
  }
  template <class Team>
    requires requires(Team team) { team.league_rank(); }
  KOKKOS_FUNCTION void operator()(const Team& team) const {
    (*this)(team.league_rank() * team.team_size() + team.team_rank());
  }
};

/// The same where an atom has one thread.
template <class OfPart>
struct WholeAtoms {
  OfPart of_part;
  KOKKOS_FUNCTION void operator()(int atom) const { of_part(atom, Part{0, 1}); }
};

}  // namespace FORCESMITH_ISA

/// Several threads per atom, each with its part of the work. On devices the parts of a slice of atoms are one block of
/// threads, so that they share its cache, or several blocks. blocks_at_once: of a multiprocessor at least; with two, a
/// thread has half the registers.
template <class ExecSpace, int blocks_at_once = 1, class OfPart>
void launch_parts(const std::string& label, int n_atoms, int parts, const OfPart& of_part) {
  const FORCESMITH_ISA::PartsOfSlices<OfPart> work{of_part, n_atoms, parts};
  if constexpr (launches_blocks<ExecSpace>) {
    using Bounds = Kokkos::LaunchBounds<most_parts_of_block * device_slice, blocks_at_once>;
    const int of_block = is_on_host<ExecSpace> ? 1 : std::min(parts, most_parts_of_block) * device_slice;
    Kokkos::parallel_for(
        label, with_arguments(Kokkos::TeamPolicy<ExecSpace, Bounds>(work.n_items() / of_block, of_block)), work);
  } else {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecSpace>(0, work.n_items()), work);
  }
}

}  // namespace forcesmith
