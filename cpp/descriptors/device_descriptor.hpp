// The contract of descriptors on devices, and the one launcher that keeps it for all: the kernels of kernels.hpp on any
// Kokkos execution space, one thread per atom (Simd<Real, 1>). On a CPU, the SIMD variants are used instead.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>
#include <type_traits>

#include "core/device_arrays.hpp"
#include "descriptors/jacobian_rows.hpp"
#include "descriptors/kernel_variants.hpp"
#include "neighbors/device_neighbors.hpp"

namespace forcesmith {

/// Its parameters are those of the descriptor when it was made. All arrays are in the memory of the device. values()
/// comes first; the other verbs then refer to the same block.
template <class ExecSpace, class Real>
class DeviceDescriptor {
 public:
  virtual ~DeviceDescriptor() = default;
  /// Bytes of memory that a block of this size asks for.
  virtual std::size_t bytes(int n_atoms, int max_neighbors) const = 0;
  /// B: [n_atoms][stride].
  virtual void values(const DeviceBlock<Real>& block, double* B, int stride) = 0;
  /// Adds the forces and the virial of dE_i/dr_ij = sum_k beta_k dB_k/dr_ij; beta: [n_atoms][stride].
  virtual void backpropagate(const double* beta, int stride, const DeviceBlock<Real>& block) = 0;
};

/// What a thread needs: the neighbors, and its part of the working memory. What is kept of packs is numbered by pack,
/// which no two atoms share.
template <class Kernels, class Real>
struct KernelLaunch {
  using Scratch = typename Kernels::template Scratch<Real>;

  typename Kernels::template Tables<Real> tables;
  PackedViewOf<Real> neighbors;
  int n_packs, max_packs;
  std::size_t working_size, gradients_size;  // of an atom
  Real *kept, *working, *gradients;
  UnitBetas unit;        // of descriptors without kernels for gradients and tangent,
  Real* pair_gradients;  // [n_packs][3], which they use for these

  KOKKOS_INLINE_FUNCTION PackedViewOf<Real> atom(int index) const { return neighbors.atom(index); }
  KOKKOS_INLINE_FUNCTION Scratch scratch(int index) const {
    Scratch own = Scratch::laid_out(tables, n_packs, max_packs, 1, kept, working + index * working_size);
    if constexpr (requires { own.for_gradients; }) own.for_gradients = gradients + index * gradients_size;
    return own;
  }
  template <class V>
  KOKKOS_INLINE_FUNCTION void compute_gradients(int index, double* dB, int stride) const {
    if constexpr (FORCESMITH_ISA::HasGradients<Kernels>)
      Kernels::template compute_gradients<V>(tables, atom(index), scratch(index), dB, stride);
    else gradients_by_rows(atom(index), unit, pair_gradients, adjoint<V>(index), dB, stride);
  }
  template <class V>
  KOKKOS_INLINE_FUNCTION void compute_tangent(int index, const double* directions, double* B_dot, int stride) const {
    if constexpr (FORCESMITH_ISA::HasTangent<Kernels>)
      Kernels::template compute_tangent<V>(tables, atom(index), scratch(index), directions, B_dot, stride);
    else tangent_by_rows(atom(index), unit, pair_gradients, adjoint<V>(index), directions, B_dot, stride);
  }
  /// Of an atom: sets the gradients of its pairs.
  template <class V>
  KOKKOS_INLINE_FUNCTION auto adjoint(int index) const {
    return [this, index](const double* beta) {
      Kernels::template reverse_values<V>(tables, atom(index), scratch(index), beta, 0, pair_gradients);
    };
  }
};

template <class ExecSpace, class Descriptor, class Real>
class DeviceKernels : public DeviceDescriptor<ExecSpace, Real> {
 public:
  using Kernels = typename Descriptor::Kernels;
  using Tables = typename Kernels::template Tables<Real>;
  using Scratch = typename Kernels::template Scratch<Real>;
  using V = FORCESMITH_ISA::Simd<Real, 1>;

  explicit DeviceKernels(const Descriptor& descriptor)
      : tables_(Descriptor::name, descriptor.template tables<Real>()),
        neighbors_(descriptor.cutoffs(), (*tables_).n_elements, Descriptor::pack_elements),
        unit_(Descriptor::name, unit_betas(descriptor, (*tables_).n_elements, host_unit_)) {}

  std::size_t bytes(int n_atoms, int max_pairs) const override {
    const int n_pairs = static_cast<int>(device_slots(max_pairs, n_atoms));
    const std::size_t numbers =
        Scratch::kept_size(*tables_, n_pairs) + n_atoms * Scratch::working_size(*tables_, max_pairs, 1);
    return sizeof(Real) * numbers + neighbors_.bytes(n_atoms, max_pairs);
  }

  void values(const DeviceBlock<Real>& block, double* B, int stride) override {
    neighbors_.pack(block);
    const int n_packs = neighbors_.n_packs(), max_packs = neighbors_.max_packs();
    const std::size_t working_size = Scratch::working_size(*tables_, max_packs, 1);
    launch_ = {*tables_,
               neighbors_.view(),
               n_packs,
               max_packs,
               working_size,
               0,
               reserve(d_kept_, label("kept"), Scratch::kept_size(*tables_, n_packs)),
               reserve(d_working_, label("working"), working_size * block.n_atoms),
               nullptr,
               *unit_,
               neighbors_.pair_gradients()};
    const KernelLaunch<Kernels, Real> launch = launch_;
    Kokkos::parallel_for(
        label("values"), atoms(), KOKKOS_LAMBDA(int atom) {
          Kernels::template compute_values<V>(launch.tables, launch.atom(atom), launch.scratch(atom),
                                              B + static_cast<std::ptrdiff_t>(atom) * stride, stride);
        });
  }

  void backpropagate(const double* beta, int stride, const DeviceBlock<Real>& block) override {
    const KernelLaunch<Kernels, Real> launch = launch_;
    Kokkos::parallel_for(
        label("backpropagate"), atoms(), KOKKOS_LAMBDA(int atom) {
          Kernels::template reverse_values<V>(launch.tables, launch.atom(atom), launch.scratch(atom),
                                              beta + static_cast<std::ptrdiff_t>(atom) * stride, stride,
                                              launch.pair_gradients);
        });
    neighbors_.add_gradients(block);
  }

  // The verbs of training, in double precision as on a CPU: see Descriptor.

  /// gradients [n_pairs][3][stride], of pairs inside the cutoff.
  void gradients(double* gradients, int stride)
    requires std::is_same_v<Real, double>
  {
    KernelLaunch<Kernels, Real> launch = launch_;
    if constexpr (requires { Scratch::gradients_size(*tables_, 1, 1); }) {
      launch.gradients_size = Scratch::gradients_size(*tables_, launch.max_packs, 1);
      launch.gradients = reserve(d_gradients_, label("gradients"), launch.gradients_size * launch.neighbors.n_atoms);
    }
    Kokkos::parallel_for(
        label("gradients"), atoms(),
        KOKKOS_LAMBDA(int atom) { launch.template compute_gradients<V>(atom, gradients, stride); });
  }

  /// B_dot [n_atoms][stride] along directions [n_pairs][3].
  void tangent(const double* directions, double* B_dot, int stride)
    requires std::is_same_v<Real, double>
  {
    const KernelLaunch<Kernels, Real> launch = launch_;
    Kokkos::parallel_for(
        label("tangent"), atoms(), KOKKOS_LAMBDA(int atom) {
          launch.template compute_tangent<V>(atom, directions, B_dot + static_cast<std::ptrdiff_t>(atom) * stride,
                                             stride);
        });
  }

  /// Of the gradient of an atom; 0 without trained parameters.
  int n_parameters() const {
    if constexpr (FORCESMITH_ISA::HasParameters<Kernels>) return Kernels::n_parameters(*tables_);
    else return 0;
  }
  /// Sets gradients of atoms [n_atoms][n_parameters()], to be summed over them; after tangent().
  void parameter_adjoint(const double* directions, const double* B_bar, const double* B_dot_bar, int stride,
                         double* of_atoms)
    requires(std::is_same_v<Real, double> && FORCESMITH_ISA::HasParameters<Kernels>)
  {
    const int size = n_parameters();
    const KernelLaunch<Kernels, Real> launch = launch_;
    Kokkos::parallel_for(
        label("parameter_adjoint"), atoms(), KOKKOS_LAMBDA(int atom) {
          double* own = of_atoms + static_cast<std::ptrdiff_t>(atom) * size;
          for (int i = 0; i < size; ++i) own[i] = 0.0;
          const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
          Kernels::template reverse_parameters<V>(launch.tables, launch.atom(atom), launch.scratch(atom), directions,
                                                  B_bar + row, B_dot_bar + row, stride, own);
        });
  }

 private:
  static std::string label(const char* what) { return std::string("forcesmith::") + Descriptor::name + "::" + what; }
  Kokkos::RangePolicy<ExecSpace> atoms() const { return {0, launch_.neighbors.n_atoms}; }

  DeviceTables<ExecSpace, Tables> tables_;
  DevicePackedNeighbors<ExecSpace, Real> neighbors_;
  TableArrays host_unit_;
  DeviceTables<ExecSpace, UnitBetas> unit_;
  KernelLaunch<Kernels, Real> launch_{};
  DeviceArray<ExecSpace, Real> d_kept_, d_working_, d_gradients_;
};

}  // namespace forcesmith
