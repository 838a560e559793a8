// From what a host gives to blocks of atoms with the neighbors inside the cutoff, on any Kokkos execution space. On a
// CPU, NeighborSource and select_neighbors do this.
#pragma once

#include <Kokkos_Core.hpp>
#include <array>

#include "core/device_arrays.hpp"
#include "neighbors/device_block.hpp"
#include "neighbors/device_launch.hpp"
#include "neighbors/neighbor_view.hpp"

namespace forcesmith {

namespace FORCESMITH_ISA {

/// Neighbors that a host lists by index. A source of pairs, as GivenPairs.
struct ListedPairs {
  DeviceAtoms atoms;
  DeviceNeighborList list;  // elements of its centers are not negative

  int n_atoms() const { return list.n_centers; }
  int max_neighbors() const { return list.max_count; }
  FORCESMITH_FUNCTION int center(int atom) const { return list.centers[atom]; }
  FORCESMITH_FUNCTION int element(int atom) const { return atoms.elements[center(atom)]; }
  /// take(atom of the host, its element, r_ij [3] in angstrom) for every neighbor.
  template <class Take>
  FORCESMITH_FUNCTION void for_each_neighbor(int atom, const Take& take) const {
    const std::ptrdiff_t i = center(atom);
    const double own[3] = {atoms.positions[3 * i], atoms.positions[3 * i + 1], atoms.positions[3 * i + 2]};
    const int count = list.counts[i];
    for (int k = 0; k < count; ++k) {
      const std::ptrdiff_t j = list.neighbors[i * list.atom_stride + k * list.slot_stride] & list.mask;
      const int element = atoms.elements[j];
      if (element < 0) continue;
      const double* other = atoms.positions + 3 * j;
      const double r[3] = {other[0] - own[0], other[1] - own[1], other[2] - own[2]};
      take(static_cast<int>(j), element, r);
    }
  }
};

/// Neighbors whose displacements a host gives.
struct GivenPairs {
  NeighborView view;  // arrays are in the memory of the device
  int largest;        // number of neighbors of an atom

  int n_atoms() const { return view.n_atoms; }
  int max_neighbors() const { return largest; }
  FORCESMITH_FUNCTION int center(int atom) const { return view.centers[atom]; }
  FORCESMITH_FUNCTION int element(int atom) const { return view.center_types[atom]; }
  template <class Take>
  FORCESMITH_FUNCTION void for_each_neighbor(int atom, const Take& take) const {
    for (std::int64_t pair = view.offsets[atom]; pair < view.offsets[atom + 1]; ++pair) {
      const double r[3] = {view.x[pair], view.y[pair], view.z[pair]};
      take(view.neighbors[pair], view.types[pair], r);
    }
  }
};

/// Fills a block with `first` and the atoms after it.
template <class Pairs, class Real>
struct SelectNeighbors {
  Pairs pairs;
  int first;
  double cutoff_squared;
  int max_neighbors;
  int *centers, *center_types, *counts, *neighbors, *types;
  Real* components[3];
  double* gradients[3];

  KOKKOS_INLINE_FUNCTION void operator()(int atom) const {
    centers[atom] = pairs.center(first + atom);
    center_types[atom] = pairs.element(first + atom);
    int count = 0;
    pairs.for_each_neighbor(first + atom, [&](int neighbor, int type, const double* r) {
      if (!(r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < cutoff_squared)) return;
      const std::size_t slot = device_slot(max_neighbors, atom, count++);
      neighbors[slot] = neighbor;
      types[slot] = type;
      for (int axis = 0; axis < 3; ++axis) {
        components[axis][slot] = static_cast<Real>(r[axis]);
        gradients[axis][slot] = 0.0;
      }
    });
    counts[atom] = count;
  }
};

}  // namespace FORCESMITH_ISA

using FORCESMITH_ISA::GivenPairs;
using FORCESMITH_ISA::ListedPairs;

/// Memory of blocks, one after the other.
template <class ExecSpace, class Real>
class DeviceSelection {
 public:
  /// cutoff: of the potential, angstrom.
  explicit DeviceSelection(double cutoff) : cutoff_squared_(cutoff * cutoff) {}

  /// Bytes of memory for a block.
  static std::size_t bytes(int n_atoms, int max_neighbors) {
    return 3 * sizeof(int) * n_atoms +
           (2 * sizeof(int) + 3 * sizeof(Real) + 3 * sizeof(double)) * device_slots(max_neighbors, n_atoms);
  }

  /// pairs: ListedPairs or GivenPairs; atoms first .. first + count - 1 of its centers. parts: of the block.
  template <class Pairs>
  DeviceBlock<Real> select(const Pairs& pairs, int first, int count, int parts) {
    const int max_neighbors = pairs.max_neighbors();
    const std::size_t n_slots = device_slots(max_neighbors, count);
    int* of_atoms = reserve(d_atoms_, "forcesmith::neighbors::atoms", 3ul * count);
    int* neighbors = reserve(d_neighbors_, "forcesmith::neighbors::neighbors", 2 * n_slots);
    components_ = reserve(d_components_, "forcesmith::neighbors::components", 3 * n_slots);
    double* gradients = reserve(d_gradients_, "forcesmith::neighbors::gradients", 3 * n_slots);
    n_slots_ = n_slots;
    const FORCESMITH_ISA::SelectNeighbors<Pairs, Real> select{
        pairs,
        first,
        cutoff_squared_,
        max_neighbors,
        of_atoms,
        of_atoms + count,
        of_atoms + 2 * count,
        neighbors,
        neighbors + n_slots,
        {components_, components_ + n_slots, components_ + 2 * n_slots},
        {gradients, gradients + n_slots, gradients + 2 * n_slots}};
    Kokkos::parallel_for("forcesmith::neighbors::select", atom_range<ExecSpace>(count), select);
    return {count,
            max_neighbors,
            parts,
            select.centers,
            select.center_types,
            select.counts,
            select.neighbors,
            select.types,
            select.components[0],
            select.components[1],
            select.components[2],
            {gradients, gradients + n_slots, gradients + 2 * n_slots}};
  }

  /// x, y, z of the last block, for what moves neighbors.
  std::array<Real*, 3> components() const { return {components_, components_ + n_slots_, components_ + 2 * n_slots_}; }

 private:
  double cutoff_squared_;
  DeviceArray<ExecSpace, int> d_atoms_, d_neighbors_;
  DeviceArray<ExecSpace, Real> d_components_;
  DeviceArray<ExecSpace, double> d_gradients_;
  Real* components_ = nullptr;
  std::size_t n_slots_ = 0;
};

}  // namespace forcesmith
