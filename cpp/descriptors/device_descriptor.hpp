// The contract of descriptors on devices, and the one launcher that keeps it for all: the kernels of kernels.hpp on any
// Kokkos execution space, one thread per atom (DeviceSimd). On a CPU, the SIMD variants are used instead.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>
#include <type_traits>

#include "core/device_arrays.hpp"
#include "core/device_launch.hpp"
#include "descriptors/jacobian_rows.hpp"
#include "descriptors/kernel_variants.hpp"
#include "neighbors/device_packs.hpp"

namespace forcesmith {

/// Its parameters are those of the descriptor when it was made. All arrays are in the memory of the device; value k of
/// an atom, or what belongs to it, is at device_slot(stride, atom, k) of B, beta and the like. values() comes first; the
/// other verbs then refer to the same block.
template <class ExecSpace, class Real>
class DeviceDescriptor {
 public:
  virtual ~DeviceDescriptor() = default;
  /// Bytes of memory that a block of this size asks for.
  virtual std::size_t bytes(int n_atoms, int max_neighbors) const = 0;
  virtual void values(const DeviceBlock<Real>& block, double* B, int stride) = 0;
  /// Adds dE_i/dr_ij = sum_k beta_k dB_k/dr_ij to the gradients of the block.
  virtual void backpropagate(const double* beta, int stride, const DeviceBlock<Real>& block) = 0;
};

/// What the threads of a launch need. Sizes are registers of an atom.
template <class Kernels, class Real>
struct KernelLaunch {
  using Scratch = typename Kernels::template Scratch<Real>;

  typename Kernels::template Tables<Real> tables;
  DevicePacks<Real> packs;
  int kept_size, working_size, gradients_size;
  Real *kept, *working, *for_gradients;
  UnitBetas unit;        // of descriptors without kernels for gradients and tangent,
  Real* pair_gradients;  // three for each pack, which they use for these

  FORCESMITH_FUNCTION Scratch scratch(int atom) const {
    const auto of_atom = [atom](Real* of_all, int size) {
      return size == 0 ? nullptr : of_all + device_slot(size, atom, 0);
    };
    Scratch own = Scratch::laid_out(tables, packs.max_packs, packs.max_packs, 1, device_slice, of_atom(kept, kept_size),
                                    of_atom(working, working_size));
    if constexpr (requires { own.for_gradients; }) own.for_gradients = of_atom(for_gradients, gradients_size);
    return own;
  }
  /// Calls use(tables, neighbors, scratch), the first arguments of kernels, for an atom.
  template <class Use>
  FORCESMITH_FUNCTION void for_atom(int atom, const Use& use) const {
    const int pack_offsets[2] = {0, packs.counts[atom]};
    use(tables, packs.of_atom(atom, pack_offsets), scratch(atom));
  }
  FORCESMITH_FUNCTION Real* gradients_of(int atom) const { return pair_gradients + packs.first_gradient(atom); }
};

// The launches. Verbs: the kernels for the shape of the tables.
namespace FORCESMITH_ISA {

template <class Verbs, class Kernels, class Real>
struct LaunchedValues {
  KernelLaunch<Kernels, Real> launch;
  double* B;
  int stride;

  KOKKOS_FUNCTION void operator()(int atom) const {
    launch.for_atom(atom, [&](const auto& tables, const auto& neighbors, const auto& scratch) {
      Verbs::template compute_values<DeviceSimd<Real>>(tables, neighbors, scratch, B + device_slot(stride, atom, 0),
                                                       stride);
    });
  }
};

template <class Verbs, class Kernels, class Real>
struct LaunchedBackpropagation {
  KernelLaunch<Kernels, Real> launch;
  const double* beta;
  int stride;
  DeviceBlock<Real> block;

  KOKKOS_FUNCTION void operator()(int atom) const {
    launch.for_atom(atom, [&](const auto& tables, const auto& neighbors, const auto& scratch) {
      Verbs::template reverse_values<DeviceSimd<Real>>(tables, neighbors, scratch, beta + device_slot(stride, atom, 0),
                                                       stride, launch.gradients_of(atom));
    });
    launch.packs.add_gradients(atom, launch.pair_gradients, block.gradients);
  }
};

template <class Verbs, class Kernels, class Real>
struct LaunchedGradients {
  KernelLaunch<Kernels, Real> launch;
  double* gradients;
  int stride;

  KOKKOS_FUNCTION void operator()(int atom) const {
    launch.for_atom(atom, [&](const auto& tables, const auto& neighbors, const auto& scratch) {
      using V = DeviceSimd<Real>;
      if constexpr (HasGradients<Kernels>)
        Verbs::template compute_gradients<V>(tables, neighbors, scratch, gradients, stride);
      else
        gradients_by_rows(
            neighbors, launch.unit, launch.gradients_of(atom),
            [&](const double* beta) {
              Verbs::template reverse_values<V>(tables, neighbors, scratch, beta, 0, launch.gradients_of(atom));
            },
            gradients, stride);
    });
  }
};

template <class Verbs, class Kernels, class Real>
struct LaunchedTangent {
  KernelLaunch<Kernels, Real> launch;
  const double* directions;
  double* B_dot;
  int stride;

  KOKKOS_FUNCTION void operator()(int atom) const {
    launch.for_atom(atom, [&](const auto& tables, const auto& neighbors, const auto& scratch) {
      using V = DeviceSimd<Real>;
      double* row = B_dot + device_slot(stride, atom, 0);
      if constexpr (HasTangent<Kernels>)
        Verbs::template compute_tangent<V>(tables, neighbors, scratch, directions, row, stride);
      else
        tangent_by_rows(
            neighbors, launch.unit, launch.gradients_of(atom),
            [&](const double* beta) {
              Verbs::template reverse_values<V>(tables, neighbors, scratch, beta, 0, launch.gradients_of(atom));
            },
            directions, row, stride);
    });
  }
};

template <class Verbs, class Kernels, class Real>
struct LaunchedParameterAdjoint {
  KernelLaunch<Kernels, Real> launch;
  const double *directions, *B_bar, *B_dot_bar;
  int stride;
  double* of_atoms;
  int n_parameters;

  KOKKOS_FUNCTION void operator()(int atom) const {
    double* gradient = of_atoms + static_cast<std::ptrdiff_t>(atom) * n_parameters;
    for (int i = 0; i < n_parameters; ++i) gradient[i] = 0.0;
    const std::size_t row = device_slot(stride, atom, 0);
    launch.for_atom(atom, [&](const auto& tables, const auto& neighbors, const auto& scratch) {
      Verbs::template reverse_parameters<DeviceSimd<Real>>(tables, neighbors, scratch, directions, B_bar + row,
                                                           B_dot_bar + row, stride, gradient);
    });
  }
};

}  // namespace FORCESMITH_ISA

template <class ExecSpace, class Descriptor, class Real>
class DeviceKernels : public DeviceDescriptor<ExecSpace, Real> {
 public:
  using Kernels = typename Descriptor::Kernels;
  using Tables = typename Kernels::template Tables<Real>;
  using Scratch = typename Kernels::template Scratch<Real>;

  explicit DeviceKernels(const Descriptor& descriptor)
      : tables_(Descriptor::name, descriptor.template tables<Real>()),
        neighbors_(descriptor.cutoffs(), (*tables_).n_elements, Descriptor::pack_elements),
        unit_(Descriptor::name, unit_betas(descriptor, (*tables_).n_elements, host_unit_, device_slice)) {}

  std::size_t bytes(int n_atoms, int max_neighbors) const override {
    return sizeof(Real) * device_slots(kept_size(max_neighbors) + working_size(max_neighbors), n_atoms) +
           neighbors_.bytes(n_atoms, max_neighbors);
  }

  void values(const DeviceBlock<Real>& block, double* B, int stride) override {
    const int kept = kept_size(block.max_neighbors), working = working_size(block.max_neighbors);
    launch_ = {*tables_,
               neighbors_.pack(block),
               kept,
               working,
               0,
               reserve(d_kept_, label("kept"), device_slots(kept, block.n_atoms)),
               reserve(d_working_, label("working"), device_slots(working, block.n_atoms)),
               nullptr,
               *unit_,
               neighbors_.gradients()};
    run<FORCESMITH_ISA::LaunchedValues>("values", B, stride);
  }

  void backpropagate(const double* beta, int stride, const DeviceBlock<Real>& block) override {
    run<FORCESMITH_ISA::LaunchedBackpropagation>("backpropagate", beta, stride, block);
  }

  // The verbs of training, in double precision as on a CPU: see Descriptor. A pair is known by its slot in the block.

  /// gradients [slot][3][stride], of pairs inside the cutoff.
  void gradients(double* gradients, int stride)
    requires std::is_same_v<Real, double>
  {
    if constexpr (requires { Scratch::gradients_size(*tables_, 1, 1); }) {
      launch_.gradients_size = static_cast<int>(Scratch::gradients_size(*tables_, launch_.packs.max_packs, 1));
      launch_.for_gradients =
          reserve(d_gradients_, label("gradients"), device_slots(launch_.gradients_size, launch_.packs.n_atoms));
    }
    run<FORCESMITH_ISA::LaunchedGradients>("gradients", gradients, stride);
  }

  /// B_dot along directions [slot][3].
  void tangent(const double* directions, double* B_dot, int stride)
    requires std::is_same_v<Real, double>
  {
    run<FORCESMITH_ISA::LaunchedTangent>("tangent", directions, B_dot, stride);
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
    run<FORCESMITH_ISA::LaunchedParameterAdjoint>("parameter_adjoint", directions, B_bar, B_dot_bar, stride, of_atoms,
                                                  n_parameters());
  }

 private:
  static std::string label(const char* what) { return std::string("forcesmith::") + Descriptor::name + "::" + what; }
  int kept_size(int max_packs) const { return static_cast<int>(Scratch::kept_size(*tables_, max_packs)); }
  int working_size(int max_packs) const { return static_cast<int>(Scratch::working_size(*tables_, max_packs, 1)); }

  /// Launches Launched<..>{launch_, arguments...}, compiled for the shape of the tables.
  template <template <class, class, class> class Launched, class... Arguments>
  void run(const char* what, Arguments... arguments) const {
    const auto launch = [&](auto verbs) {
      Kokkos::parallel_for(label(what), AtomRange<ExecSpace>(0, launch_.packs.n_atoms),
                           Launched<decltype(verbs), Kernels, Real>{launch_, arguments...});
    };
    if constexpr (requires { Kernels::with_shape(*tables_, launch); }) Kernels::with_shape(*tables_, launch);
    else launch(Kernels{});
  }

  DeviceTables<ExecSpace, Tables> tables_;
  DevicePackedNeighbors<ExecSpace, Real> neighbors_;
  TableArrays host_unit_;
  DeviceTables<ExecSpace, UnitBetas> unit_;
  KernelLaunch<Kernels, Real> launch_{};
  DeviceArray<ExecSpace, Real> d_kept_, d_working_, d_gradients_;
};

}  // namespace forcesmith
