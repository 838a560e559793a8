// The kernels of kernels.hpp launched over many atoms on any Kokkos execution space, one thread
// per atom (Simd<double, 1>). On a CPU the SIMD variants of variants.hpp are used instead; this
// is the path of devices.
#pragma once

#include <Kokkos_Core.hpp>
#include <string>

#include "descriptors/bispectrum/bispectrum.hpp"
#include "descriptors/bispectrum/kernels.hpp"

namespace forcesmith::bispectrum {

/// What a thread needs: the neighbors, and an atom's part of the scratch memory.
struct Launch {
  Tables<double> tables;
  PackedView neighbors;
  double* memory;

  KOKKOS_INLINE_FUNCTION Scratch<double> scratch(int index) const {
    using Scratch = Scratch<double>;
    return Scratch::laid_out(tables, 1, memory + index * Scratch::size(tables, 1));
  }
};

/// A copy of the descriptor's tables in the memory of ExecSpace, and the launches.
template <class ExecSpace>
class Device {
 public:
  using Simd = FORCESMITH_ISA::Simd<double, 1>;

  explicit Device(const Bispectrum& descriptor) : t_(descriptor.tables<double>()) {
    const Tables<double> host = t_;
    const int n_pairs = host.n_elements * host.n_elements;
    const Coupling& coupling = descriptor.coupling();
    t_.cutoffs = copy(d_cutoffs_, "cutoffs", host.cutoffs, n_pairs);
    t_.weights = copy(d_weights_, "weights", host.weights, host.n_elements);
    if (host.switchinnerflag) {
      t_.sinner = copy(d_sinner_, "sinner", host.sinner, n_pairs);
      t_.dinner = copy(d_dinner_, "dinner", host.dinner, n_pairs);
    }
    t_.half_begin = copy(d_half_begin_, "half_begin", coupling.half_begin);
    t_.full_begin = copy(d_full_begin_, "full_begin", coupling.full_begin);
    t_.roots = copy(d_roots_, "roots", coupling.roots);
    t_.roots_begin = copy(d_roots_begin_, "roots_begin", coupling.roots_begin);
    t_.blocks = copy(d_blocks_, "blocks", coupling.blocks);
    t_.clebsch_gordan = copy(d_clebsch_gordan_, "clebsch_gordan", coupling.clebsch_gordan);
    t_.projections = copy(d_projections_, "projections", coupling.projections);
    t_.entry_value = copy(d_entry_value_, "entry_value", coupling.entry_value);
    t_.entry_factor = copy(d_entry_factor_, "entry_factor", coupling.entry_factor);
    t_.value_block = copy(d_value_block_, "value_block", coupling.value_block);
    t_.value_channel = copy(d_value_channel_, "value_channel", coupling.value_channel);
    t_.shift = copy(d_shift_, "shift", host.shift, host.n_elements * host.n_values);
  }

  /// All pointers of `neighbors`, and values [n_atoms][stride], are in the memory of ExecSpace; its width is 1.
  void values(const PackedView& neighbors, double* values, int stride) {
    const std::size_t size = Scratch<double>::size(t_, 1) * neighbors.n_atoms;
    if (d_scratch_.extent(0) < size)
      d_scratch_ =
          DeviceArray<double>(Kokkos::view_alloc("forcesmith::bispectrum::scratch", Kokkos::WithoutInitializing), size);
    const Launch launch{t_, neighbors, d_scratch_.data()};
    Kokkos::parallel_for(
        "forcesmith::bispectrum::values", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::compute_values<Simd>(launch.tables, launch.neighbors.atom(atom), launch.scratch(atom),
                                               values + static_cast<std::ptrdiff_t>(atom) * stride, stride);
        });
  }

  /// Sets pair_gradients [n_packs][3], of the packs of `neighbors`; after values() with the same.
  void backpropagate(const PackedView& neighbors, const double* beta, int stride, double* pair_gradients) {
    const Launch launch{t_, neighbors, d_scratch_.data()};
    Kokkos::parallel_for(
        "forcesmith::bispectrum::backpropagate", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::reverse_values<Simd>(launch.tables, launch.neighbors.atom(atom), launch.scratch(atom),
                                               beta + static_cast<std::ptrdiff_t>(atom) * stride, stride,
                                               pair_gradients);
        });
  }

  /// Sets gradients [n_pairs][3][stride] of pairs inside the cutoff; after values().
  void gradients(const PackedView& neighbors, double* gradients, int stride) {
    const Launch launch{t_, neighbors, d_scratch_.data()};
    Kokkos::parallel_for(
        "forcesmith::bispectrum::gradients", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::compute_gradients<Simd>(launch.tables, launch.neighbors.atom(atom), launch.scratch(atom),
                                                  gradients, stride);
        });
  }

  /// values_dot [n_atoms][stride] along directions [n_pairs][3]; after values().
  void tangent(const PackedView& neighbors, const double* directions, double* values_dot, int stride) {
    const Launch launch{t_, neighbors, d_scratch_.data()};
    Kokkos::parallel_for(
        "forcesmith::bispectrum::tangent", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::compute_tangent<Simd>(launch.tables, launch.neighbors.atom(atom), launch.scratch(atom),
                                                directions, values_dot + static_cast<std::ptrdiff_t>(atom) * stride,
                                                stride);
        });
  }

 private:
  template <class T>
  using DeviceArray = Kokkos::View<T*, typename ExecSpace::memory_space>;

  template <class T>
  const T* copy(DeviceArray<T>& device, const char* name, const T* host, int size) {
    device = DeviceArray<T>(std::string("forcesmith::bispectrum::") + name, size);
    Kokkos::deep_copy(device, Kokkos::View<const T*, Kokkos::HostSpace>(host, size));
    return device.data();
  }
  template <class T>
  const T* copy(DeviceArray<T>& device, const char* name, const std::vector<T>& host) {
    return copy(device, name, host.data(), static_cast<int>(host.size()));
  }

  Tables<double> t_;
  DeviceArray<double> d_cutoffs_, d_weights_, d_sinner_, d_dinner_, d_roots_, d_clebsch_gordan_, d_entry_factor_,
      d_shift_, d_scratch_;
  DeviceArray<int> d_half_begin_, d_full_begin_, d_roots_begin_, d_entry_value_, d_value_block_, d_value_channel_;
  DeviceArray<Block> d_blocks_;
  DeviceArray<Projection> d_projections_;
};

}  // namespace forcesmith::bispectrum
