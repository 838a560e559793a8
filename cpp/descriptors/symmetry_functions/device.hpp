// The kernels of kernels.hpp launched over many atoms on any Kokkos execution space, one
// thread per atom (Simd<double, 1>). On a CPU the SIMD variants of variants.hpp are used
// instead; this is the path of devices. Rows are not kept there: they would need more memory than time.
#pragma once

#include <Kokkos_Core.hpp>
#include <string>

#include "descriptors/symmetry_functions/kernels.hpp"
#include "descriptors/symmetry_functions/symmetry_functions.hpp"

namespace forcesmith::symmetry_functions {

/// What a thread needs: the neighbors, and an atom's part of the scratch memory.
struct Launch {
  Tables<double> tables;
  PackedView neighbors;
  int max_packs;
  double *kept, *working;

  KOKKOS_INLINE_FUNCTION Scratch<double> scratch(int index) const {
    // What is kept is numbered by pack, which no two atoms share.
    return Scratch<double>::laid_out(tables, max_packs, 1, kept,
                                     working + index * Scratch<double>::working_size(tables, max_packs, 1));
  }
};

/// A copy of the descriptor's tables in the memory of ExecSpace, and the launches.
template <class ExecSpace>
class Device {
 public:
  using Simd = FORCESMITH_ISA::Simd<double, 1>;

  explicit Device(const SymmetryFunctions& descriptor) : t_(descriptor.tables<double>()) {
    const Groups<double>& groups = descriptor.groups();
    t_.cutoffs = copy(d_cutoffs_, "cutoffs", groups.cutoffs);
    t_.n_values = copy(d_n_values_, "n_values", groups.n_values);
    t_.gaussian_begin = copy(d_gaussian_begin_, "gaussian_begin", groups.gaussian_begin);
    t_.gaussians = copy(d_gaussians_, "gaussians", groups.gaussians);
    t_.compact_begin = copy(d_compact_begin_, "compact_begin", groups.compact_begin);
    t_.compacts = copy(d_compacts_, "compacts", groups.compacts);
    t_.radial_begin = copy(d_radial_begin_, "radial_begin", groups.radial_begin);
    t_.radial_terms = copy(d_radial_terms_, "radial_terms", groups.radial_terms);
    t_.pair_begin = copy(d_pair_begin_, "pair_begin", groups.pair_begin);
    t_.element_pairs = copy(d_element_pairs_, "element_pairs", groups.element_pairs);
    t_.groups = copy(d_groups_, "groups", groups.groups);
    t_.angular_begin = copy(d_angular_begin_, "angular_begin", groups.angular_begin);
    t_.angular_terms = copy(d_angular_terms_, "angular_terms", groups.angular_terms);
  }

  /// All pointers of `neighbors`, and values [n_atoms][stride], are in the memory of ExecSpace; its width is
  /// 1. n_packs: of all atoms; max_packs: most of one atom.
  void values(const PackedView& neighbors, int n_packs, int max_packs, double* values, int stride) {
    reserve(d_kept_, "kept", Scratch<double>::kept_size(t_, n_packs, 1));
    reserve(d_working_, "working", Scratch<double>::working_size(t_, max_packs, 1) * neighbors.n_atoms);
    max_packs_ = max_packs;
    const Launch launch = launch_over(neighbors);
    Kokkos::parallel_for(
        "forcesmith::symmetry_functions::values", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::compute_values<Simd>(launch.tables, launch.neighbors.atom(atom), launch.scratch(atom),
                                               values + static_cast<std::ptrdiff_t>(atom) * stride, stride);
        });
  }

  /// Sets pair_gradients [n_packs][3], of the packs of `neighbors`; after values() with the same.
  void backpropagate(const PackedView& neighbors, const double* beta, int stride, double* pair_gradients) {
    const Launch launch = launch_over(neighbors);
    Kokkos::parallel_for(
        "forcesmith::symmetry_functions::backpropagate", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::reverse_values<Simd>(launch.tables, launch.neighbors.atom(atom), launch.scratch(atom),
                                               beta + static_cast<std::ptrdiff_t>(atom) * stride, stride,
                                               pair_gradients);
        });
  }

  /// Sets gradients [n_pairs][3][stride] of pairs inside the cutoff; after values().
  void gradients(const PackedView& neighbors, double* gradients, int stride) {
    const Launch launch = launch_over(neighbors);
    Kokkos::parallel_for(
        "forcesmith::symmetry_functions::gradients", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::compute_gradients<Simd>(launch.tables, launch.neighbors.atom(atom), launch.scratch(atom),
                                                  gradients, stride);
        });
  }

  /// values_dot [n_atoms][stride] along directions [n_pairs][3]; after values().
  void tangent(const PackedView& neighbors, const double* directions, double* values_dot, int stride) {
    const Launch launch = launch_over(neighbors);
    Kokkos::parallel_for(
        "forcesmith::symmetry_functions::tangent", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::compute_tangent<Simd>(launch.tables, launch.neighbors.atom(atom), launch.scratch(atom),
                                                directions, values_dot + static_cast<std::ptrdiff_t>(atom) * stride,
                                                stride);
        });
  }

 private:
  template <class T>
  using DeviceArray = Kokkos::View<T*, typename ExecSpace::memory_space>;

  Launch launch_over(const PackedView& neighbors) const {
    return {t_, neighbors, max_packs_, d_kept_.data(), d_working_.data()};
  }
  static void reserve(DeviceArray<double>& array, const char* name, std::size_t size) {
    if (array.extent(0) < size)
      array = DeviceArray<double>(
          Kokkos::view_alloc(std::string("forcesmith::symmetry_functions::") + name, Kokkos::WithoutInitializing),
          size);
  }
  template <class T>
  static const T* copy(DeviceArray<T>& device, const char* name, const std::vector<T>& host) {
    device = DeviceArray<T>(std::string("forcesmith::symmetry_functions::") + name, host.size());
    Kokkos::deep_copy(device, Kokkos::View<const T*, Kokkos::HostSpace>(host.data(), host.size()));
    return device.data();
  }

  Tables<double> t_;
  int max_packs_ = 0;
  DeviceArray<Cutoff<double>> d_cutoffs_;
  DeviceArray<int> d_n_values_, d_gaussian_begin_, d_compact_begin_, d_radial_begin_, d_pair_begin_, d_angular_begin_;
  DeviceArray<Gaussian<double>> d_gaussians_;
  DeviceArray<CompactFunction<double>> d_compacts_;
  DeviceArray<RadialTerm<double>> d_radial_terms_;
  DeviceArray<ElementPair> d_element_pairs_;
  DeviceArray<AngularGroup<double>> d_groups_;
  DeviceArray<AngularTerm<double>> d_angular_terms_;
  DeviceArray<double> d_kept_, d_working_;
};

}  // namespace forcesmith::symmetry_functions
