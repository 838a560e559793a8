// pair_style forcesmith/kk: the potential on the device of a LAMMPS built with KOKKOS. Positions, types, forces and the
// neighbor list are the views of LAMMPS and stay where they are; what LAMMPS itself reads on the CPU, per-atom energy and
// virial, is copied there. It is compiled with the headers of LAMMPS' own Kokkos and linked to none.
//
// Only on devices it pays: for CPUs pair_style forcesmith has kernels of its own.
#pragma once

namespace forcesmith::lammps {

// For the plugin interface: from a LAMMPS, a pair style. An error of LAMMPS where it was not started with KOKKOS.

/// forcesmith/kk and forcesmith/kk/device.
void* create_pair_on_device(void* lammps);
/// forcesmith/kk/host.
void* create_pair_on_host(void* lammps);

}  // namespace forcesmith::lammps
