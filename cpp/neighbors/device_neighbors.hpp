// Neighbors and forces in the memory of a Kokkos execution space: packs of one neighbor, for kernels with one thread
// per atom (Simd<Real, 1>), and where their gradients go. On a CPU, PackedNeighbors is used instead.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>
#include <vector>

#include "core/device_arrays.hpp"
#include "neighbors/device_block.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "neighbors/packed_view.hpp"
#include "neighbors/packing_kernels.hpp"

namespace forcesmith {

namespace FORCESMITH_ISA {

/// Cutoffs of pairs of elements in the memory of the device.
struct PackCutoffs {
  int n_elements;
  bool mixed;             // packs are of all elements, which have the same cutoffs
  const double* cutoffs;  // [center element][neighbor element] angstrom
};

/// Calls take(pair of the block, its element) for every neighbor of an atom inside the cutoff: for those of one
/// element after the other or, where packs mix them, as they come.
template <class Given, class Take>
FORCESMITH_FUNCTION void for_neighbors_inside(const DeviceBlock<Given>& block, const PackCutoffs& cutoffs, int atom,
                                              const Take& take) {
  for (int element = 0; element < (cutoffs.mixed ? 1 : cutoffs.n_elements); ++element) {
    const double cutoff = cutoffs.cutoffs[block.center_types[atom] * cutoffs.n_elements + element];
    const Given cutoff_squared = static_cast<Given>(cutoff * cutoff);
    for (int k = 0; k < block.counts[atom]; ++k) {
      const int slot = static_cast<int>(device_slot(block.max_neighbors, atom, k));
      const Given x = block.x[slot], y = block.y[slot], z = block.z[slot];
      const int own = cutoffs.n_elements > 1 ? block.types[slot] : 0;
      if (x * x + y * y + z * z < cutoff_squared && (cutoffs.mixed || own == element)) take(slot, own);
    }
  }
}

}  // namespace FORCESMITH_ISA

/// Neighbors inside the cutoffs of the atoms of one launch.
template <class ExecSpace, class Real>
class DevicePackedNeighbors {
 public:
  /// cutoffs: [center element][neighbor element] angstrom.
  DevicePackedNeighbors(const std::vector<double>& cutoffs, int n_elements, PackElements elements)
      : d_cutoffs_(device_copy<ExecSpace>("forcesmith::neighbors::cutoffs", cutoffs)),
        cutoffs_{n_elements, elements == PackElements::mixed, d_cutoffs_.data()} {}

  /// Bytes of memory for a block.
  static std::size_t bytes(int n_atoms, int max_neighbors) {
    const std::size_t n_pairs = device_slots(max_neighbors, n_atoms);
    return sizeof(int) * (n_atoms + 1ul) + (7 * sizeof(Real) + 2 * sizeof(int)) * n_pairs;
  }

  template <class Given>
  void pack(const DeviceBlock<Given>& block) {
    const int n_atoms = block.n_atoms, n_pairs = static_cast<int>(device_slots(block.max_neighbors, n_atoms));
    const std::size_t n = n_pairs;
    Real* x = reserve(d_components_, "forcesmith::neighbors::components", 4 * n);
    Real *y = x + n, *z = y + n, *r = z + n;
    int* pairs = reserve(d_pairs_, "forcesmith::neighbors::pairs", n);
    int* types = reserve(d_types_, "forcesmith::neighbors::types", n);
    int* offsets = reserve(d_offsets_, "forcesmith::neighbors::offsets", n_atoms + 1ul);
    const FORCESMITH_ISA::PackCutoffs cutoffs = cutoffs_;
    const bool of_lanes = cutoffs.mixed && cutoffs.n_elements > 1;
    view_ = {n_atoms, 1,     block.center_types,        offsets, cutoffs.mixed ? nullptr : types, x, y, z,
             r,       pairs, of_lanes ? types : nullptr};
    n_packs_ = n_pairs;
    max_packs_ = block.max_neighbors;
    Kokkos::parallel_scan(
        "forcesmith::neighbors::count", Kokkos::RangePolicy<ExecSpace>(0, n_atoms),
        KOKKOS_LAMBDA(int atom, int& sum, bool is_final) {
          if (is_final) offsets[atom] = sum;
          FORCESMITH_ISA::for_neighbors_inside(block, cutoffs, atom, [&](int, int) { ++sum; });
          if (is_final && atom == n_atoms - 1) offsets[n_atoms] = sum;
        });
    Kokkos::parallel_for(
        "forcesmith::neighbors::pack", Kokkos::RangePolicy<ExecSpace>(0, n_atoms), KOKKOS_LAMBDA(int atom) {
          int slot = offsets[atom];
          FORCESMITH_ISA::for_neighbors_inside(block, cutoffs, atom, [&](int pair, int element) {
            using V = FORCESMITH_ISA::Simd<Real, 1>;
            V unit[3] = {V(static_cast<Real>(block.x[pair])), V(static_cast<Real>(block.y[pair])),
                         V(static_cast<Real>(block.z[pair]))};
            r[slot] = FORCESMITH_ISA::normalize(unit[0], unit[1], unit[2])[0];
            x[slot] = unit[0][0];
            y[slot] = unit[1][0];
            z[slot] = unit[2][0];
            pairs[slot] = pair;
            types[slot] = element;
            ++slot;
          });
        });
  }

  const PackedViewOf<Real>& view() const { return view_; }
  int n_packs() const { return n_packs_; }      // at most
  int max_packs() const { return max_packs_; }  // of one atom, at most

  /// Memory for gradients of pairs, [n_packs][3].
  Real* pair_gradients() { return reserve(d_gradients_, "forcesmith::neighbors::pair_gradients", 3ul * n_packs_); }
  /// Adds them to those of the block.
  template <class Given>
  void add_gradients(const DeviceBlock<Given>& block) {
    const PackedViewOf<Real> packs = view_;
    const Real* own = d_gradients_.data();
    Kokkos::parallel_for(
        "add", Kokkos::RangePolicy<ExecSpace>(0, packs.n_atoms), KOKKOS_LAMBDA(int atom) {
          for (int pack = packs.pack_offsets[atom]; pack < packs.pack_offsets[atom + 1]; ++pack)
            for (int axis = 0; axis < 3; ++axis) block.gradients[axis][packs.pairs[pack]] += own[3 * pack + axis];
        });
  }

 private:
  DeviceArray<ExecSpace, double> d_cutoffs_;
  FORCESMITH_ISA::PackCutoffs cutoffs_;
  DeviceArray<ExecSpace, Real> d_components_, d_gradients_;
  DeviceArray<ExecSpace, int> d_pairs_, d_types_, d_offsets_;
  PackedViewOf<Real> view_{};
  int n_packs_ = 0, max_packs_ = 0;
};

}  // namespace forcesmith
