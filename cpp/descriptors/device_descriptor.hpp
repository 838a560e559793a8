// The contract of descriptors on devices, and the one launcher that keeps it for all: the kernels of kernels.hpp on any
// Kokkos execution space, one thread per atom (DeviceSimd) or, where a descriptor tells how its work is divided into
// stages and parts, several. On a CPU, the SIMD variants are used instead.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include "core/device_arrays.hpp"
#include "descriptors/jacobian_rows.hpp"
#include "descriptors/kernel_variants.hpp"
#include "neighbors/device_launch.hpp"
#include "neighbors/device_packs.hpp"

namespace forcesmith {

/// All arrays are in the memory of the device; value k of
/// an atom, or what belongs to it, is at device_slot(stride, atom, k) of B, beta and the like. values() comes first; the
/// other verbs then refer to the same block.
template <class ExecSpace, class Real>
class DeviceDescriptor {
 public:
  virtual ~DeviceDescriptor() = default;
  /// Takes over the parameters of the descriptor, which have changed.
  virtual void update(const Descriptor& descriptor) = 0;
  /// Bytes of memory that a block of this size asks for.
  virtual std::size_t bytes(int n_atoms, int max_neighbors, int parts) const = 0;
  virtual void values(const DeviceBlock<Real>& block, double* B, int stride) = 0;
  /// Adds dE_i/dr_ij = sum_k beta_k dB_k/dr_ij to the gradients of the block.
  virtual void backpropagate(const double* beta, int stride, const DeviceBlock<Real>& block) = 0;
};

/// What the threads of a launch need. Sizes are registers of an atom, or of a part of its work.
template <class Kernels, class Real>
struct KernelLaunch {
  using Scratch = typename Kernels::template Scratch<Real>;

  typename Kernels::template Tables<Real> tables;
  DevicePacks<Real> packs;
  int kept_size, working_size, part_size, n_parts, gradients_size;
  Real *kept, *working, *of_parts, *for_gradients;
  UnitBetas unit;        // of descriptors without kernels for gradients and tangent,
  Real* pair_gradients;  // three for each pack, which they use for these

  FORCESMITH_FUNCTION Scratch scratch(int atom, int part) const {
    const auto of_atom = [atom](Real* of_all, int size) {
      return size == 0 ? nullptr : of_all + device_slot(size, atom, 0);
    };
    Real* own = part_size == 0 ? nullptr : of_parts + device_slot(n_parts * part_size, atom, part * part_size);
    Scratch s = Scratch::laid_out(tables, packs.max_packs, packs.max_packs, 1, device_slice, of_atom(kept, kept_size),
                                  of_atom(working, working_size), own);
    if constexpr (requires { s.for_gradients; }) s.for_gradients = of_atom(for_gradients, gradients_size);
    return s;
  }
  /// Calls use(tables, neighbors, scratch), the first arguments of kernels, for an atom.
  template <class Use>
  FORCESMITH_FUNCTION void for_atom(int atom, int part, const Use& use) const {
    const int pack_offsets[2] = {0, packs.counts[atom]};
    use(tables, packs.of_atom(atom, pack_offsets), scratch(atom, part));
  }
  template <class Use>
  FORCESMITH_FUNCTION void for_atom(int atom, const Use& use) const {
    for_atom(atom, 0, use);
  }
  FORCESMITH_FUNCTION Real* gradients_of(int atom) const { return pair_gradients + packs.first_gradient(atom); }
};

namespace FORCESMITH_ISA {

/// Kernels whose work on an atom several threads share.
template <class Verbs>
concept HasStages = requires { Verbs::values_shared; };

/// Any kernels, as stages. Those without stages of their own have one, of a single thread.
template <class Verbs>
struct StagesOf {
  static constexpr bool values_shared[] = {false}, reverse_shared[] = {false};
  template <class V, int stage>
  static FORCESMITH_FUNCTION void compute_values(const auto& tables, const auto& neighbors, const auto& scratch, Part,
                                                 double* values, int stride) {
    Verbs::template compute_values<V>(tables, neighbors, scratch, values, stride);
  }
  template <class V, int stage>
  static FORCESMITH_FUNCTION void reverse_values(const auto& tables, const auto& neighbors, const auto& scratch, Part,
                                                 const double* beta, int stride, auto* pair_gradients) {
    Verbs::template reverse_values<V>(tables, neighbors, scratch, beta, stride, pair_gradients);
  }
};
template <HasStages Verbs>
struct StagesOf<Verbs> {
  static constexpr const auto& values_shared = Verbs::values_shared;
  static constexpr const auto& reverse_shared = Verbs::reverse_shared;
  template <class V, int stage>
  static FORCESMITH_FUNCTION void compute_values(const auto& tables, const auto& neighbors, const auto& scratch,
                                                 Part part, double* values, int stride) {
    Verbs::template compute_values_stage<V, stage>(tables, neighbors, scratch, part, values, stride);
  }
  template <class V, int stage>
  static FORCESMITH_FUNCTION void reverse_values(const auto& tables, const auto& neighbors, const auto& scratch,
                                                 Part part, const double* beta, int stride, auto* pair_gradients) {
    Verbs::template reverse_values_stage<V, stage>(tables, neighbors, scratch, part, beta, stride, pair_gradients);
  }
};

// The launches. Verbs: the kernels for the shape of the tables.

template <class Verbs, class Kernels, class Real, int stage>
struct LaunchedValues {
  KernelLaunch<Kernels, Real> launch;
  double* B;
  int stride;

  KOKKOS_FUNCTION void operator()(int atom, Part part) const {
    launch.for_atom(atom, part.index, [&](const auto& tables, const auto& neighbors, const auto& scratch) {
      StagesOf<Verbs>::template compute_values<DeviceSimd<Real>, stage>(tables, neighbors, scratch, part,
                                                                        B + device_slot(stride, atom, 0), stride);
    });
  }
};

template <class Verbs, class Kernels, class Real, int stage>
struct LaunchedBackpropagation {
  KernelLaunch<Kernels, Real> launch;
  const double* beta;
  int stride;

  KOKKOS_FUNCTION void operator()(int atom, Part part) const {
    launch.for_atom(atom, part.index, [&](const auto& tables, const auto& neighbors, const auto& scratch) {
      StagesOf<Verbs>::template reverse_values<DeviceSimd<Real>, stage>(
          tables, neighbors, scratch, part, beta + device_slot(stride, atom, 0), stride, launch.gradients_of(atom));
    });
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
                                                           B_dot_bar + row, stride, gradient, 0);
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

  void update(const forcesmith::Descriptor& descriptor) override {
    tables_.update(static_cast<const Descriptor&>(descriptor).template tables<Real>());
  }

  std::size_t bytes(int n_atoms, int max_neighbors, int parts) const override {
    const int max_packs = neighbors_.most_packs(max_neighbors);
    const int n_registers =
        kept_size(max_packs) + working_size(max_packs) + parts_in_memory(parts) * part_size(max_packs);
    return sizeof(Real) * device_slots(n_registers, n_atoms) + neighbors_.bytes(n_atoms, max_neighbors);
  }

  void values(const DeviceBlock<Real>& block, double* B, int stride) override {
    const DevicePacks<Real>& packs = neighbors_.pack(block);
    const int kept = kept_size(packs.max_packs), working = working_size(packs.max_packs);
    const int n_parts = parts_in_memory(packs.parts), of_part = part_size(packs.max_packs);
    launch_ = {*tables_,
               packs,
               kept,
               working,
               of_part,
               n_parts,
               0,
               reserve(d_kept_, label("kept"), device_slots(kept, block.n_atoms)),
               reserve(d_working_, label("working"), device_slots(working, block.n_atoms)),
               reserve(d_parts_, label("parts"), device_slots(n_parts * of_part, block.n_atoms)),
               nullptr,
               *unit_,
               neighbors_.gradients()};
    with_verbs([&](auto verbs) {
      using Verbs = decltype(verbs);
      for_each_stage<FORCESMITH_ISA::StagesOf<Verbs>::values_shared>([&](auto stage, auto shared) {
        launch_stage<Verbs, shared>("values",
                                    FORCESMITH_ISA::LaunchedValues<Verbs, Kernels, Real, stage>{launch_, B, stride});
      });
    });
  }

  void backpropagate(const double* beta, int stride, const DeviceBlock<Real>& block) override {
    with_verbs([&](auto verbs) {
      using Verbs = decltype(verbs);
      for_each_stage<FORCESMITH_ISA::StagesOf<Verbs>::reverse_shared>([&](auto stage, auto shared) {
        launch_stage<Verbs, shared>(
            "backpropagate",
            FORCESMITH_ISA::LaunchedBackpropagation<Verbs, Kernels, Real, stage>{launch_, beta, stride});
      });
    });
    neighbors_.add_gradients(block);
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
  int part_size(int max_packs) const { return static_cast<int>(Scratch::part_size(*tables_, max_packs, 1)); }
  /// See launch_parts().
  template <class Verbs>
  static constexpr int blocks_at_once() {
    if constexpr (requires { Verbs::blocks_at_once; }) return Verbs::blocks_at_once;
    else return 1;
  }
  int parts_in_memory(int parts) const {
    int n_parts = 1;
    with_verbs([&](auto verbs) {
      if constexpr (FORCESMITH_ISA::HasStages<decltype(verbs)>) n_parts = parts;
    });
    return n_parts;
  }

  /// Calls use(kernels) with those for the shape of the tables.
  template <class Use>
  void with_verbs(const Use& use) const {
    if constexpr (requires { Kernels::with_shape(*tables_, use); }) Kernels::with_shape(*tables_, use);
    else use(Kernels{});
  }
  /// Calls use(its number, whether it is shared), known to the compiler, for every stage.
  template <const auto& shared, class Use>
  static void for_each_stage(const Use& use) {
    [&]<int... stage>(std::integer_sequence<int, stage...>) {
      (use(std::integral_constant<int, stage>{}, std::bool_constant<shared[stage]>{}), ...);
    }(std::make_integer_sequence<int, std::size(shared)>{});
  }
  template <class Verbs, bool shared, class Stage>
  void launch_stage(const char* what, const Stage& stage) const {
    if constexpr (shared)
      launch_parts<ExecSpace, blocks_at_once<Verbs>()>(label(what), launch_.packs.n_atoms, launch_.packs.parts, stage);
    else
      Kokkos::parallel_for(label(what), atom_range<ExecSpace>(launch_.packs.n_atoms),
                           FORCESMITH_ISA::WholeAtoms<Stage>{stage});
  }
  /// Launches Launched<..>{launch_, arguments...}, a thread per atom.
  template <template <class, class, class> class Launched, class... Arguments>
  void run(const char* what, Arguments... arguments) const {
    with_verbs([&](auto verbs) {
      Kokkos::parallel_for(label(what), atom_range<ExecSpace>(launch_.packs.n_atoms),
                           Launched<decltype(verbs), Kernels, Real>{launch_, arguments...});
    });
  }

  DeviceTables<ExecSpace, Tables> tables_;
  DevicePackedNeighbors<ExecSpace, Real> neighbors_;
  TableArrays host_unit_;
  DeviceTables<ExecSpace, UnitBetas> unit_;
  KernelLaunch<Kernels, Real> launch_{};
  DeviceArray<ExecSpace, Real> d_kept_, d_working_, d_parts_, d_gradients_;
};

}  // namespace forcesmith
