// The contract of local terms on devices, and the launcher that keeps it for all that are sums over pairs: their
// kernels on any Kokkos execution space, one thread per atom. In double precision, as on a CPU.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>

#include "core/device_arrays.hpp"
#include "neighbors/device_launch.hpp"
#include "neighbors/device_packs.hpp"

namespace forcesmith {

template <class ExecSpace, class Real>
class DeviceTerm {
 public:
  virtual ~DeviceTerm() = default;
  /// Bytes of memory that a block of this size asks for.
  virtual std::size_t bytes(int n_atoms, int max_neighbors) const = 0;
  /// Adds to the energies of the central atoms, energies [n_atoms] in the memory of the device, and to the gradients of
  /// the block.
  virtual void add(const DeviceBlock<Real>& block, double* energies) = 0;
};

template <class ExecSpace, class Term, class Real>
class DevicePairTerm : public DeviceTerm<ExecSpace, Real> {
 public:
  using Kernels = typename Term::Kernels;

  explicit DevicePairTerm(const Term& term)
      : tables_(Term::name, term.tables()), neighbors_(term.cutoffs(), (*tables_).n_elements, PackElements::one) {}

  std::size_t bytes(int n_atoms, int max_neighbors) const override { return neighbors_.bytes(n_atoms, max_neighbors); }

  void add(const DeviceBlock<Real>& block, double* energies) override {
    const DevicePacks<double> packs = neighbors_.pack(block);
    double* gradients = neighbors_.gradients();
    const typename Kernels::Tables tables = *tables_;
    Kokkos::parallel_for(
        std::string("forcesmith::") + Term::name + "::add", atom_range<ExecSpace>(packs.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          const int pack_offsets[2] = {0, packs.counts[atom]};
          Kernels::template add<DeviceSimd<double>>(tables, packs.of_atom(atom, pack_offsets), energies + atom,
                                                    gradients + packs.first_gradient(atom));
        });
    neighbors_.add_gradients(block);
  }

 private:
  DeviceTables<ExecSpace, typename Kernels::Tables> tables_;
  DevicePackedNeighbors<ExecSpace, double> neighbors_;
};

}  // namespace forcesmith
