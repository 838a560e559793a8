// Neighbors and forces in the memory of a Kokkos execution space: packs of one neighbor, for kernels with one thread
// per atom (Simd<Real, 1>), and where their gradients go. On a CPU, PackedNeighbors is used instead.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>
#include <vector>

#include "core/device_arrays.hpp"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "neighbors/packed_view.hpp"
#include "neighbors/packing_kernels.hpp"

namespace forcesmith {

/// The atoms of one launch.
template <class Real>
struct DeviceBlock {
  NeighborViewOf<Real> view;  // all pointers are in the memory of the device; that of offsets is to the block's first
  std::int64_t first_pair;    // offsets[0]
  int n_pairs = 0;            // of the block
  int max_pairs = 0;          // of one atom
};

/// Sums that gradients of pairs are added to; see PairForces.
struct DeviceForces {
  double* forces;  // [n_host][3] eV/angstrom, in the memory of the device
  double* virial;  // [6] xx yy zz xy xz yz, eV, on the host
};

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
  const NeighborViewOf<Given>& view = block.view;
  for (int element = 0; element < (cutoffs.mixed ? 1 : cutoffs.n_elements); ++element) {
    const double cutoff = cutoffs.cutoffs[view.center_types[atom] * cutoffs.n_elements + element];
    const Given cutoff_squared = static_cast<Given>(cutoff * cutoff);
    for (std::int64_t pair = view.offsets[atom]; pair < view.offsets[atom + 1]; ++pair) {
      const Given x = view.x[pair], y = view.y[pair], z = view.z[pair];
      const int own = cutoffs.n_elements > 1 ? view.types[pair] : 0;
      if (x * x + y * y + z * z < cutoff_squared && (cutoffs.mixed || own == element))
        take(static_cast<int>(pair - block.first_pair), own);
    }
  }
}

/// Adds the forces of the pairs of one atom in turn, and their virials to `sum` [6]; for Kokkos::parallel_reduce.
template <class Real>
struct AddPairForces {
  using value_type = double[];
  static constexpr unsigned value_count = 6;

  PackedViewOf<Real> packs;
  const int *centers, *neighbors;  // of the host: [atom], [pair of the block]
  const Real* gradients;           // [n_packs][3]
  double* forces;

  KOKKOS_INLINE_FUNCTION void operator()(int atom, double* sum) const {
    double of_center[3] = {0.0, 0.0, 0.0};
    for (int pack = packs.pack_offsets[atom]; pack < packs.pack_offsets[atom + 1]; ++pack) {
      const double length = packs.r[pack];
      const double r[3] = {packs.x[pack] * length, packs.y[pack] * length, packs.z[pack] * length};
      const double g[3] = {gradients[3 * pack], gradients[3 * pack + 1], gradients[3 * pack + 2]};
      double* of_neighbor = forces + 3 * static_cast<std::int64_t>(neighbors[packs.pairs[pack]]);
      for (int axis = 0; axis < 3; ++axis) {
        of_center[axis] += g[axis];
        Kokkos::atomic_add(of_neighbor + axis, -g[axis]);
        sum[axis] -= r[axis] * g[axis];
      }
      sum[3] -= r[0] * g[1];
      sum[4] -= r[0] * g[2];
      sum[5] -= r[1] * g[2];
    }
    double* own = forces + 3 * static_cast<std::int64_t>(centers[atom]);
    for (int axis = 0; axis < 3; ++axis) Kokkos::atomic_add(own + axis, of_center[axis]);
  }
  KOKKOS_INLINE_FUNCTION void init(double* sum) const {
    for (unsigned i = 0; i < value_count; ++i) sum[i] = 0.0;
  }
  KOKKOS_INLINE_FUNCTION void join(double* sum, const double* other) const {
    for (unsigned i = 0; i < value_count; ++i) sum[i] += other[i];
  }
};

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
  static std::size_t bytes(int n_atoms, int n_pairs) {
    return sizeof(int) * (n_atoms + 1ul) + (7 * sizeof(Real) + 2 * sizeof(int)) * n_pairs;
  }

  template <class Given>
  void pack(const DeviceBlock<Given>& block) {
    const int n_atoms = block.view.n_atoms, n_pairs = block.n_pairs;
    const std::size_t n = n_pairs;
    Real* x = reserve(d_components_, "forcesmith::neighbors::components", 4 * n);
    Real *y = x + n, *z = y + n, *r = z + n;
    int* pairs = reserve(d_pairs_, "forcesmith::neighbors::pairs", n);
    int* types = reserve(d_types_, "forcesmith::neighbors::types", n);
    int* offsets = reserve(d_offsets_, "forcesmith::neighbors::offsets", n_atoms + 1ul);
    const FORCESMITH_ISA::PackCutoffs cutoffs = cutoffs_;
    const bool of_lanes = cutoffs.mixed && cutoffs.n_elements > 1;
    view_ = {n_atoms, 1,     block.view.center_types,   offsets, cutoffs.mixed ? nullptr : types, x, y, z,
             r,       pairs, of_lanes ? types : nullptr};
    n_packs_ = n_pairs;
    max_packs_ = block.max_pairs;
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
            const std::int64_t of_host = block.first_pair + pair;
            V unit[3] = {V(static_cast<Real>(block.view.x[of_host])), V(static_cast<Real>(block.view.y[of_host])),
                         V(static_cast<Real>(block.view.z[of_host]))};
            r[slot] = FORCESMITH_ISA::normalize(unit[0], unit[1], unit[2])[0];
            x[slot] = unit[0][0];
            y[slot] = unit[1][0];
            z[slot] = unit[2][0];
            pairs[slot] = pair;
            types[slot] = element;
            ++slot;
          });
        });
    centers_ = block.view.centers;
    neighbors_ = block.view.neighbors + block.first_pair;
  }

  const PackedViewOf<Real>& view() const { return view_; }
  int n_packs() const { return n_packs_; }      // at most
  int max_packs() const { return max_packs_; }  // of one atom, at most

  /// Memory for gradients of pairs, [n_packs][3].
  Real* pair_gradients() { return reserve(d_gradients_, "forcesmith::neighbors::pair_gradients", 3ul * n_packs_); }
  /// Adds what these gradients, dE_i/dr_ij, mean for forces and virial.
  void add_forces(const DeviceForces& to) {
    double virial[6];
    const FORCESMITH_ISA::AddPairForces<Real> add{view_, centers_, neighbors_, d_gradients_.data(), to.forces};
    Kokkos::parallel_reduce("forcesmith::neighbors::add_forces", Kokkos::RangePolicy<ExecSpace>(0, view_.n_atoms), add,
                            Kokkos::View<double*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged>(virial, 6));
    Kokkos::fence();
    for (int c = 0; c < 6; ++c) to.virial[c] += virial[c];
  }

 private:
  DeviceArray<ExecSpace, double> d_cutoffs_;
  FORCESMITH_ISA::PackCutoffs cutoffs_;
  DeviceArray<ExecSpace, Real> d_components_, d_gradients_;
  DeviceArray<ExecSpace, int> d_pairs_, d_types_, d_offsets_;
  PackedViewOf<Real> view_{};
  int n_packs_ = 0, max_packs_ = 0;
  const int *centers_ = nullptr, *neighbors_ = nullptr;
};

}  // namespace forcesmith
