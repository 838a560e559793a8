// Neighbor lists made on a device, by cells no smaller than the cutoff, for hosts whose own lists would cost more than
// the forces. Any Kokkos execution space.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/device_arrays.hpp"
#include "core/error.hpp"
#include "neighbors/device_block.hpp"

namespace forcesmith {

namespace FORCESMITH_ISA {

/// Cells of a box, numbered along x, then y, then z.
struct Cells {
  double origin[3], inverse_edge[3];
  int counts[3];

  FORCESMITH_FUNCTION int coordinate(const double* position, int axis) const {
    const double along = (position[axis] - origin[axis]) * inverse_edge[axis];
    const int last = counts[axis] - 1;
    return !(along > 0.0) ? 0 : along < last ? static_cast<int>(along) : last;
  }
  FORCESMITH_FUNCTION int index(int x, int y, int z) const { return (z * counts[1] + y) * counts[0] + x; }
  FORCESMITH_FUNCTION int of(const double* position) const {
    return index(coordinate(position, 0), coordinate(position, 1), coordinate(position, 2));
  }
};

struct CellOf {
  DeviceAtoms atoms;
  Cells cells;
  int *cell_of, *counts;  // -1: of no cell

  KOKKOS_INLINE_FUNCTION void operator()(int i) const {
    cell_of[i] = atoms.elements[i] < 0 ? -1 : cells.of(atoms.positions + 3 * static_cast<std::ptrdiff_t>(i));
    if (cell_of[i] >= 0) Kokkos::atomic_inc(counts + cell_of[i]);
  }
};

struct FillCells {
  const int* cell_of;
  int *next, *members;

  KOKKOS_INLINE_FUNCTION void operator()(int i) const {
    if (cell_of[i] >= 0) members[Kokkos::atomic_fetch_add(next + cell_of[i], 1)] = i;
  }
};

/// In the order of their indices, whatever the order of the threads was.
struct SortCell {
  const int* begin;
  int* members;

  KOKKOS_INLINE_FUNCTION void operator()(int cell) const {
    for (int k = begin[cell] + 1; k < begin[cell + 1]; ++k) {
      const int member = members[k];
      int at = k;
      for (; at > begin[cell] && members[at - 1] > member; --at) members[at] = members[at - 1];
      members[at] = member;
    }
  }
};

/// Writes as many neighbors of a center as there is room for, and counts all.
struct ListNeighbors {
  DeviceAtoms atoms;
  Cells cells;
  const int *begin, *members;
  double cutoff_squared;
  int room;
  std::ptrdiff_t slot_stride;
  const int* centers;
  int *counts, *neighbors;

  KOKKOS_INLINE_FUNCTION void operator()(int center, int& largest) const {
    const std::ptrdiff_t i = centers[center];
    const double* own = atoms.positions + 3 * i;
    int low[3], high[3], count = 0;
    for (int axis = 0; axis < 3; ++axis) {
      const int at = cells.coordinate(own, axis);
      low[axis] = at > 0 ? at - 1 : 0;
      high[axis] = at < cells.counts[axis] - 1 ? at + 1 : at;
    }
    for (int z = low[2]; z <= high[2]; ++z)
      for (int y = low[1]; y <= high[1]; ++y) {
        // Cells along x lie side by side.
        const int last = begin[cells.index(high[0], y, z) + 1];
        for (int k = begin[cells.index(low[0], y, z)]; k < last; ++k) {
          const int j = members[k];
          const double* other = atoms.positions + 3 * static_cast<std::ptrdiff_t>(j);
          const double r[3] = {other[0] - own[0], other[1] - own[1], other[2] - own[2]};
          if (j == i || !(r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < cutoff_squared)) continue;
          if (count < room) neighbors[i + count * slot_stride] = j;
          ++count;
        }
      }
    counts[i] = count;
    if (count > largest) largest = count;
  }
};

}  // namespace FORCESMITH_ISA

template <class ExecSpace>
class DeviceNeighborSearch {
 public:
  /// All neighbors closer than the cutoff (angstrom) of atoms 0 .. n_local - 1 that have an element. The list lives until
  /// the next search. Throws Error if a position is not finite.
  DeviceNeighborList search(const DeviceAtoms& atoms, int n_local, double cutoff) {
    using namespace FORCESMITH_ISA;
    const int n_centers = find_centers(atoms, n_local);
    const Cells cells = cells_of(atoms, cutoff);
    const int n_cells = cells.counts[0] * cells.counts[1] * cells.counts[2];
    int* cell_of = reserve(d_cell_of_, "forcesmith::search::cell_of", atoms.n_host);
    int* members = reserve(d_members_, "forcesmith::search::members", atoms.n_host);
    int* begin = reserve(d_begin_, "forcesmith::search::begin", n_cells + 1ul);
    int* next = reserve(d_next_, "forcesmith::search::next", n_cells);
    zero(next, n_cells);
    Kokkos::parallel_for("forcesmith::search::cell_of", Range(0, atoms.n_host), CellOf{atoms, cells, cell_of, next});
    Kokkos::parallel_scan(
        "forcesmith::search::begin", Range(0, n_cells), KOKKOS_LAMBDA(int cell, int& sum, bool is_final) {
          const int own = next[cell];
          if (is_final) begin[cell] = next[cell] = sum;
          sum += own;
          if (is_final && cell == n_cells - 1) begin[n_cells] = sum;
        });
    Kokkos::parallel_for("forcesmith::search::fill", Range(0, atoms.n_host), FillCells{cell_of, next, members});
    Kokkos::parallel_for("forcesmith::search::sort", Range(0, n_cells), SortCell{begin, members});

    int* counts = reserve(d_counts_, "forcesmith::search::counts", n_local);
    int largest = 0;
    for (;;) {
      const std::size_t slot_stride = std::max(1, n_local);
      int* neighbors = reserve(d_neighbors_, "forcesmith::search::neighbors", slot_stride * room_);
      Kokkos::parallel_reduce(
          "forcesmith::search::list", Range(0, n_centers),
          ListNeighbors{atoms, cells, begin, members, cutoff * cutoff, room_, static_cast<std::ptrdiff_t>(slot_stride),
                        d_centers_.data(), counts, neighbors},
          Kokkos::Max<int>(largest));
      if (largest <= room_)
        return {n_centers, d_centers_.data(),   counts, neighbors, 1, static_cast<std::ptrdiff_t>(slot_stride),
                ~0,        std::max(0, largest)};
      room_ = largest + largest / 8;
    }
  }

  // Steps of search(). They are public because nvcc takes no lambda of a private function.

  void zero(int* array, int size) {
    Kokkos::parallel_for("forcesmith::search::zero", Range(0, size), KOKKOS_LAMBDA(int i) { array[i] = 0; });
  }

  /// Those of one element after those of another: the threads of a warp then do the same work.
  int find_centers(const DeviceAtoms& atoms, int n_local) {
    int* centers = reserve(d_centers_, "forcesmith::search::centers", n_local);
    int last_element = -1, n_centers = 0;
    Kokkos::parallel_reduce(
        "forcesmith::search::last_element", Range(0, n_local),
        KOKKOS_LAMBDA(int i, int& last) { last = atoms.elements[i] > last ? atoms.elements[i] : last; },
        Kokkos::Max<int>(last_element));
    for (int element = 0; element <= last_element; ++element) {
      int of_element = 0;
      Kokkos::parallel_scan(
          "forcesmith::search::centers", Range(0, n_local),
          KOKKOS_LAMBDA(int i, int& sum, bool is_final) {
            if (atoms.elements[i] != element) return;
            if (is_final) centers[n_centers + sum] = i;
            ++sum;
          },
          of_element);
      n_centers += of_element;
    }
    return n_centers;
  }

  FORCESMITH_ISA::Cells cells_of(const DeviceAtoms& atoms, double cutoff) {
    double low[3], high[3];
    Kokkos::parallel_reduce(
        "forcesmith::search::bounds", Range(0, atoms.n_host),
        KOKKOS_LAMBDA(int i, double& x0, double& y0, double& z0, double& x1, double& y1, double& z1) {
          if (atoms.elements[i] < 0) return;
          const double* r = atoms.positions + 3 * static_cast<std::ptrdiff_t>(i);
          // A position that is not a number makes the bounds infinite.
          const double far = 1e300, x = r[0] == r[0] ? r[0] : far, y = r[1] == r[1] ? r[1] : far,
                       z = r[2] == r[2] ? r[2] : far;
          x0 = x < x0 ? x : x0;
          y0 = y < y0 ? y : y0;
          z0 = z < z0 ? z : z0;
          x1 = x > x1 ? x : x1;
          y1 = y > y1 ? y : y1;
          z1 = z > z1 ? z : z1;
        },
        Kokkos::Min<double>(low[0]), Kokkos::Min<double>(low[1]), Kokkos::Min<double>(low[2]),
        Kokkos::Max<double>(high[0]), Kokkos::Max<double>(high[1]), Kokkos::Max<double>(high[2]));
    FORCESMITH_ISA::Cells cells{};
    double wanted[3];
    for (int axis = 0; axis < 3; ++axis) {
      if (low[axis] > high[axis]) low[axis] = high[axis] = 0.0;  // no atoms
      if (!(high[axis] < 1e200 && low[axis] > -1e200))
        throw Error(
            "The position of an atom is not finite; look for atoms in the same place or a time step that is "
            "too long.");
      wanted[axis] = std::max(1.0, std::floor((high[axis] - low[axis]) / cutoff));
    }
    // Of a nearly empty box, larger cells.
    const double most = std::min(32.0 * atoms.n_host + 64.0, 1e9);
    while (wanted[0] * wanted[1] * wanted[2] > most)
      for (double& count : wanted) count = std::max(1.0, std::floor(0.8 * count));
    for (int axis = 0; axis < 3; ++axis) {
      cells.counts[axis] = static_cast<int>(wanted[axis]);
      cells.origin[axis] = low[axis];
      cells.inverse_edge[axis] = high[axis] > low[axis] ? cells.counts[axis] / (high[axis] - low[axis]) : 0.0;
    }
    return cells;
  }

 private:
  using Range = Kokkos::RangePolicy<ExecSpace>;

  int room_ = 64;  // neighbors of an atom
  DeviceArray<ExecSpace, int> d_centers_, d_cell_of_, d_members_, d_begin_, d_next_, d_counts_, d_neighbors_;
};

}  // namespace forcesmith
