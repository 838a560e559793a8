// Atoms and neighbors in the memory of a device: what a host gives, and the blocks of atoms that are worked on at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/simd.hpp"

namespace forcesmith {

/// Atoms of a host, ghost atoms included. Arrays are in the memory of the device.
struct DeviceAtoms {
  int n_host;
  const double* positions;  // [n_host][3] angstrom
  const int* elements;      // [n_host] index in Potential::elements(); -1: not of this potential
};

/// Neighbors by index, each pair twice; also ones beyond the cutoff. Neighbor k of atom i of the host is
/// neighbors[i * atom_stride + k * slot_stride] & mask. Arrays are in the memory of the device.
struct DeviceNeighborList {
  int n_centers;
  const int* centers;  // [n_centers] atoms of the host
  const int* counts;   // by atom of the host
  const int* neighbors;
  std::ptrdiff_t atom_stride, slot_stride;
  int mask;
  int max_count;  // largest of counts
};

/// Atoms of a block that lie side by side in memory, those of a warp: neighboring threads touch neighboring addresses.
inline constexpr int device_slice = 32;

/// Index in arrays [slices of atoms][slots][device_slice], n_slots of each atom.
FORCESMITH_FUNCTION std::size_t device_slot(int n_slots, int atom, int slot) {
  return (static_cast<std::size_t>(atom / device_slice) * n_slots + slot) * device_slice + atom % device_slice;
}
/// Elements of such an array.
inline std::size_t device_slots(int n_slots, int n_atoms) {
  return static_cast<std::size_t>((n_atoms + device_slice - 1) / device_slice) * n_slots * device_slice;
}

/// The atoms of one launch with their neighbors inside the potential's cutoff. Arrays are in the memory of the device;
/// those of neighbors are indexed by device_slot(max_neighbors, atom, k), k < counts[atom].
template <class Real>
struct DeviceBlock {
  int n_atoms, max_neighbors;
  int parts;                // threads of an atom where they share work, see device_launch.hpp
  const int* centers;       // [n_atoms] atoms of the host
  const int* center_types;  // [n_atoms] elements
  const int* counts;        // [n_atoms]
  const int* neighbors;     // atoms of the host
  const int* types;         // elements
  const Real *x, *y, *z;    // r_ij as descriptors see it, angstrom
  double* gradients[3];     // dE_i/dr_ij, eV/angstrom, added to
};

}  // namespace forcesmith
