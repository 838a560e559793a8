// Packs of one neighbor in the memory of a Kokkos execution space, for kernels with one thread per atom
// (Simd<Real, 1, device_slice>): made from a DeviceBlock, to which the gradients of pairs go back. On a CPU,
// PackedNeighbors is used instead.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <vector>

#include "core/device_arrays.hpp"
#include "neighbors/device_block.hpp"
#include "neighbors/device_launch.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "neighbors/packed_view.hpp"
#include "neighbors/packing_kernels.hpp"

namespace forcesmith {

/// What a thread works with: the register of kernels on devices.
template <class Real>
using DeviceSimd = FORCESMITH_ISA::Simd<Real, 1, device_slice>;

/// The neighbors of a block inside the cutoffs of a descriptor or term, indexed by device_slot(max_packs, atom, pack).
/// Arrays are in the memory of the device.
template <class Real>
struct DevicePacks {
  int n_atoms, max_packs, parts;
  bool mixed;               // packs are of all elements
  const int* center_types;  // [n_atoms]
  int* counts;              // [n_atoms] packs
  int* types;               // element of the neighbor
  int* pairs;               // the pair's slot in the block
  Real *x, *y, *z, *r;      // as in PackedViewOf

  /// What kernels see of one atom. pack_offsets: {0, counts[atom]}.
  FORCESMITH_FUNCTION PackedViewOf<Real> of_atom(int atom, const int* pack_offsets) const {
    const std::size_t at = device_slot(max_packs, atom, 0);
    const int* own_types = types == nullptr ? nullptr : types + at;
    return {1,
            1,
            center_types + atom,
            pack_offsets,
            mixed ? nullptr : own_types,
            x + at,
            y + at,
            z + at,
            r + at,
            pairs + at,
            mixed ? own_types : nullptr};
  }
  /// The first of the gradients of an atom's packs, three for each, among those of all.
  FORCESMITH_FUNCTION std::size_t first_gradient(int atom) const { return device_slot(3 * max_packs, atom, 0); }
};

namespace FORCESMITH_ISA {

/// Makes the packs of one atom: those of one element after those of another or, where packs mix them, as they come.
template <class Given, class Real>
struct PackNeighbors {
  DeviceBlock<Given> block;
  DevicePacks<Real> to;
  int n_elements;
  const double* cutoffs;  // [center element][neighbor element] angstrom; where packs are mixed, those of a center agree

  KOKKOS_FUNCTION void operator()(int atom) const {
    using V = DeviceSimd<Real>;
    const std::size_t first = device_slot(to.max_packs, atom, 0);
    std::size_t slot = first;
    for (int element = 0; element < (to.mixed ? 1 : n_elements); ++element) {
      const double cutoff = cutoffs[block.center_types[atom] * n_elements + element];
      const Given cutoff_squared = static_cast<Given>(cutoff * cutoff);
      std::size_t pair = first;
      for (int k = 0; k < block.counts[atom]; ++k, pair += device_slice) {
        const int own = n_elements > 1 ? block.types[pair] : 0;
        if (!to.mixed && own != element) continue;
        const Given x = block.x[pair], y = block.y[pair], z = block.z[pair];
        if (!(x * x + y * y + z * z < cutoff_squared)) continue;
        V unit[3] = {V(static_cast<Real>(x)), V(static_cast<Real>(y)), V(static_cast<Real>(z))};
        to.r[slot] = normalize(unit[0], unit[1], unit[2])[0];
        to.x[slot] = unit[0][0];
        to.y[slot] = unit[1][0];
        to.z[slot] = unit[2][0];
        to.pairs[slot] = static_cast<int>(pair);
        if (to.types != nullptr) to.types[slot] = own;
        slot += device_slice;
      }
    }
    to.counts[atom] = static_cast<int>((slot - first) / device_slice);
  }
};

/// Adds the gradients of packs, dE_i/dr_ij, to those of the pairs of the block.
template <class Real>
struct AddGradients {
  DevicePacks<Real> packs;
  const Real* of_packs;
  double* of_pairs[3];

  KOKKOS_FUNCTION void operator()(int atom, Part part) const {
    const int* pairs = packs.pairs + device_slot(packs.max_packs, atom, 0);
    const Real* own = of_packs + packs.first_gradient(atom);
    for (int pack = part.index; pack < packs.counts[atom]; pack += part.count)
      for (int axis = 0; axis < 3; ++axis)
        of_pairs[axis][pairs[pack * device_slice]] += own[(3 * pack + axis) * device_slice];
  }
};

}  // namespace FORCESMITH_ISA

/// Packs of the atoms of one launch.
template <class ExecSpace, class Real>
class DevicePackedNeighbors {
 public:
  /// cutoffs: [center element][neighbor element] angstrom.
  DevicePackedNeighbors(const std::vector<double>& cutoffs, int n_elements, PackElements elements)
      : d_cutoffs_(device_copy<ExecSpace>("forcesmith::neighbors::cutoffs", cutoffs)),
        n_elements_(n_elements),
        mixed_(elements == PackElements::mixed) {}

  /// Of an atom; there is memory also where no atom has a neighbor.
  static int most_packs(int max_neighbors) { return max_neighbors > 0 ? max_neighbors : 1; }

  /// Bytes of memory for a block.
  static std::size_t bytes(int n_atoms, int max_neighbors) {
    const std::size_t n = device_slots(most_packs(max_neighbors), n_atoms);
    return sizeof(int) * n_atoms + (7 * sizeof(Real) + 2 * sizeof(int)) * n;
  }

  template <class Given>
  const DevicePacks<Real>& pack(const DeviceBlock<Given>& block) {
    const int max_packs = most_packs(block.max_neighbors);
    const std::size_t n = device_slots(max_packs, block.n_atoms);
    Real* x = reserve(d_components_, "forcesmith::neighbors::components", 4 * n);
    int* types = mixed_ && n_elements_ == 1 ? nullptr : reserve(d_types_, "forcesmith::neighbors::types", n);
    packs_ = {block.n_atoms,
              max_packs,
              block.parts,
              mixed_,
              block.center_types,
              reserve(d_counts_, "forcesmith::neighbors::counts", block.n_atoms),
              types,
              reserve(d_pairs_, "forcesmith::neighbors::pairs", n),
              x,
              x + n,
              x + 2 * n,
              x + 3 * n};
    Kokkos::parallel_for("forcesmith::neighbors::pack", atom_range<ExecSpace>(block.n_atoms),
                         FORCESMITH_ISA::PackNeighbors<Given, Real>{block, packs_, n_elements_, d_cutoffs_.data()});
    return packs_;
  }

  /// Memory for the gradients of these packs, three for each.
  Real* gradients() {
    return reserve(d_gradients_, "forcesmith::neighbors::gradients",
                   3 * device_slots(packs_.max_packs, packs_.n_atoms));
  }
  /// Adds them to those of the block.
  template <class Given>
  void add_gradients(const DeviceBlock<Given>& block) {
    launch_parts<ExecSpace>(
        "forcesmith::neighbors::add_gradients", packs_.n_atoms, packs_.parts,
        FORCESMITH_ISA::AddGradients<Real>{
            packs_, d_gradients_.data(), {block.gradients[0], block.gradients[1], block.gradients[2]}});
  }

 private:
  DeviceArray<ExecSpace, double> d_cutoffs_;
  int n_elements_;
  bool mixed_;
  DeviceArray<ExecSpace, Real> d_components_, d_gradients_;
  DeviceArray<ExecSpace, int> d_pairs_, d_types_, d_counts_;
  DevicePacks<Real> packs_{};
};

}  // namespace forcesmith
