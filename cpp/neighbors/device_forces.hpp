// From the gradients of pairs to energies, forces and virials of a host, on any Kokkos execution space. On a CPU,
// add_pair_forces does this.
#pragma once

#include <Kokkos_Core.hpp>

#include "core/device_arrays.hpp"
#include "neighbors/device_block.hpp"
#include "neighbors/pair_forces.hpp"

namespace forcesmith {

/// What is wanted; null: not wanted. Arrays are in the memory of the device, by atom of the host, and added to.
struct DeviceSums {
  double* energies = nullptr;          // [n_host] eV
  double* forces = nullptr;            // [n_host][3] eV/angstrom
  double* virials = nullptr;           // [n_host][6], see PairForces
  double* centroid_virials = nullptr;  // [n_host][9]
};

namespace FORCESMITH_ISA {

/// Adds what one atom and its pairs contribute; for Kokkos::parallel_reduce, to the virial [6] and the energy.
template <class Real>
struct AddForces {
  using value_type = double[];
  static constexpr unsigned value_count = 7;

  DeviceBlock<Real> block;
  const double* energies;  // [n_atoms] of the block
  DeviceSums to;

  KOKKOS_INLINE_FUNCTION void operator()(int atom, double* sum) const {
    const std::int64_t i = block.centers[atom];
    double of_center[3] = {0.0, 0.0, 0.0};
    for (int k = 0; k < block.counts[atom]; ++k) {
      const std::size_t slot = device_slot(block.max_neighbors, atom, k);
      const std::int64_t j = block.neighbors[slot];
      const double r[3] = {block.x[slot], block.y[slot], block.z[slot]};
      const double g[3] = {block.gradients[0][slot], block.gradients[1][slot], block.gradients[2][slot]};
      const double w[9] = {-r[0] * g[0], -r[1] * g[1], -r[2] * g[2], -r[0] * g[1], -r[0] * g[2],
                           -r[1] * g[2], -r[1] * g[0], -r[2] * g[0], -r[2] * g[1]};
      for (int c = 0; c < 6; ++c) sum[c] += w[c];
      for (int axis = 0; axis < 3; ++axis) of_center[axis] += g[axis];
      if (to.forces)
        for (int axis = 0; axis < 3; ++axis) Kokkos::atomic_add(to.forces + 3 * j + axis, -g[axis]);
      if (to.virials)
        for (int c = 0; c < 6; ++c) {
          Kokkos::atomic_add(to.virials + 6 * i + c, 0.5 * w[c]);
          Kokkos::atomic_add(to.virials + 6 * j + c, 0.5 * w[c]);
        }
      if (to.centroid_virials)
        for (int c = 0; c < 9; ++c) Kokkos::atomic_add(to.centroid_virials + 9 * j + c, w[c]);
    }
    if (to.forces)
      for (int axis = 0; axis < 3; ++axis) Kokkos::atomic_add(to.forces + 3 * i + axis, of_center[axis]);
    if (to.energies) to.energies[i] += energies[atom];
    sum[6] += energies[atom];
  }
  KOKKOS_INLINE_FUNCTION void init(double* sum) const {
    for (unsigned i = 0; i < value_count; ++i) sum[i] = 0.0;
  }
  KOKKOS_INLINE_FUNCTION void join(double* sum, const double* other) const {
    for (unsigned i = 0; i < value_count; ++i) sum[i] += other[i];
  }
};

}  // namespace FORCESMITH_ISA

/// energies [n_atoms]: of the block. Adds to `to`, and sets in_all [7], in the memory of the device: virial, energy.
template <class ExecSpace, class Real>
void add_forces(const DeviceBlock<Real>& block, const double* energies, const DeviceSums& to, double* in_all) {
  Kokkos::parallel_reduce("forcesmith::neighbors::add_forces", Kokkos::RangePolicy<ExecSpace>(0, block.n_atoms),
                          FORCESMITH_ISA::AddForces<Real>{block, energies, to},
                          Kokkos::View<double*, typename ExecSpace::memory_space, Kokkos::MemoryUnmanaged>(in_all, 7));
}

}  // namespace forcesmith
