// Neighbors closer than in the training data, on any Kokkos execution space: they are counted, and where there is a wall
// (see short_range.hpp) descriptors see them further away. On a CPU, WallView does this.
#pragma once

#include <Kokkos_Core.hpp>
#include <array>
#include <cmath>
#include <vector>

#include "core/device_arrays.hpp"
#include "neighbors/device_block.hpp"
#include "potentials/short_range.hpp"
#include "potentials/wall_kernels.hpp"

namespace forcesmith {

namespace FORCESMITH_ISA {

/// Of pairs of elements, [center element][neighbor element] angstrom.
struct WallTables {
  int n_elements;
  const double *limits, *onsets;
};

/// Counts neighbors of an atom closer than their limit and moves those closer than their onset outwards.
template <class Real>
struct MoveNeighbors {
  DeviceBlock<Real> block;
  WallTables tables;
  Real* components[3];
  double* distances;     // by slot, of the moved: the true one, else 0; null: there is no wall
  int* n_moved;          // [n_atoms]
  int* close_neighbors;  // by atom of the host, or null

  KOKKOS_INLINE_FUNCTION void operator()(int atom) const {
    int n_close = 0, moved = 0;
    for (int k = 0; k < block.counts[atom]; ++k) {
      const std::size_t slot = device_slot(block.max_neighbors, atom, k);
      const int pair = block.center_types[atom] * tables.n_elements + block.types[slot];
      const double d[3] = {components[0][slot], components[1][slot], components[2][slot]};
      const double r = Kokkos::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      if (r < tables.limits[pair]) ++n_close;
      if (distances == nullptr) continue;
      const bool inside = r < tables.onsets[pair];
      distances[slot] = inside ? r : 0.0;
      if (!inside) continue;
      ++moved;
      const double stretch = WallStretch(tables.onsets[pair], r).stretch;
      for (int axis = 0; axis < 3; ++axis) components[axis][slot] = static_cast<Real>(stretch * d[axis]);
    }
    if (distances != nullptr) n_moved[atom] = moved;
    if (close_neighbors != nullptr) close_neighbors[block.centers[atom]] = n_close;
  }
};

/// Moves them back, and makes gradients those of the true displacements.
template <class Real>
struct MoveNeighborsBack {
  DeviceBlock<Real> block;
  WallTables tables;
  Real* components[3];
  const double* distances;
  const int* n_moved;

  KOKKOS_INLINE_FUNCTION void operator()(int atom) const {
    if (n_moved[atom] == 0) return;
    for (int k = 0; k < block.counts[atom]; ++k) {
      const std::size_t slot = device_slot(block.max_neighbors, atom, k);
      const double r = distances[slot];
      if (r == 0.0) continue;
      const double onset = tables.onsets[block.center_types[atom] * tables.n_elements + block.types[slot]];
      const WallStretch wall(onset, r);
      double n[3], along = 0.0;
      for (int axis = 0; axis < 3; ++axis) {
        n[axis] = components[axis][slot] / (wall.stretch * r);
        along += block.gradients[axis][slot] * n[axis];
      }
      // With r' = g(r) r/|r|, dr'/dr is dg/dr along r and g(r)/r across it.
      for (int axis = 0; axis < 3; ++axis) {
        double& g = block.gradients[axis][slot];
        g = wall.stretch * g + (wall.slope - wall.stretch) * along * n[axis];
        components[axis][slot] = static_cast<Real>(n[axis] * r);
      }
    }
  }
};

}  // namespace FORCESMITH_ISA

template <class ExecSpace, class Real>
class DeviceWall {
 public:
  explicit DeviceWall(const ShortRange& short_range) : has_wall_(short_range.has_wall()) {
    const int n = short_range.n_elements();
    std::vector<double> limits, onsets;
    for (int a = 0; a < n; ++a)
      for (int b = 0; b < n; ++b) {
        limits.push_back(short_range.limit(a, b));
        onsets.push_back(short_range.pair(a, b).onset);
      }
    d_limits_ = device_copy<ExecSpace>("forcesmith::wall::limits", limits);
    d_onsets_ = device_copy<ExecSpace>("forcesmith::wall::onsets", onsets);
    tables_ = {n, d_limits_.data(), d_onsets_.data()};
  }

  /// False: it only counts.
  bool has_wall() const { return has_wall_; }
  /// Bytes of memory for a block.
  std::size_t bytes(int n_atoms, int max_neighbors) const {
    return has_wall_ ? sizeof(int) * n_atoms + sizeof(double) * device_slots(max_neighbors, n_atoms) : 0;
  }

  /// components: x, y, z of the block. close_neighbors: by atom of the host, set for the block's; null: not wanted.
  void move(const DeviceBlock<Real>& block, const std::array<Real*, 3>& components, int* close_neighbors) {
    if (!has_wall_ && close_neighbors == nullptr) return;
    double* distances = nullptr;
    int* n_moved = nullptr;
    if (has_wall_) {
      distances =
          reserve(d_distances_, "forcesmith::wall::distances", device_slots(block.max_neighbors, block.n_atoms));
      n_moved = reserve(d_n_moved_, "forcesmith::wall::n_moved", block.n_atoms);
    }
    Kokkos::parallel_for(
        "forcesmith::wall::move", Kokkos::RangePolicy<ExecSpace>(0, block.n_atoms),
        FORCESMITH_ISA::MoveNeighbors<Real>{
            block, tables_, {components[0], components[1], components[2]}, distances, n_moved, close_neighbors});
  }

  /// After the gradients of all that sees the moved neighbors.
  void move_back(const DeviceBlock<Real>& block, const std::array<Real*, 3>& components) const {
    if (!has_wall_) return;
    Kokkos::parallel_for(
        "forcesmith::wall::move_back", Kokkos::RangePolicy<ExecSpace>(0, block.n_atoms),
        FORCESMITH_ISA::MoveNeighborsBack<Real>{
            block, tables_, {components[0], components[1], components[2]}, d_distances_.data(), d_n_moved_.data()});
  }

 private:
  bool has_wall_;
  FORCESMITH_ISA::WallTables tables_;
  DeviceArray<ExecSpace, double> d_limits_, d_onsets_, d_distances_;
  DeviceArray<ExecSpace, int> d_n_moved_;
};

}  // namespace forcesmith
