// The kernels of kernels.hpp launched over many atoms on any Kokkos execution space, one
// thread per atom (Simd<double, 1>). On a CPU the SIMD variants of variants.hpp are used
// instead; this is the path of devices.
#pragma once

#include <Kokkos_Core.hpp>
#include <string>

#include "descriptors/moment_tensor/kernels.hpp"
#include "descriptors/moment_tensor/moment_tensor.hpp"

namespace forcesmith::moment_tensor {

/// What a thread needs: the neighbors, and an atom's part of the scratch memory.
struct Launch {
  Tables<double> tables;
  PackedView neighbors;
  Scratch<double> scratch;

  KOKKOS_INLINE_FUNCTION Scratch<double> slice(int index) const {
    Scratch<double> own = scratch;  // f and df are numbered by pack, which no two atoms share
    const std::ptrdiff_t i = index;
    own.sums += i * (tables.n_basic + 1);
    own.moments += i * tables.n_moments;
    own.moments_dot += i * tables.n_moments;
    own.adjoints += i * tables.n_moments;
    own.adjoints_dot += i * tables.n_moments;
    return own;
  }
};

/// A copy of the descriptor's tables in the memory of ExecSpace, and the launches.
template <class ExecSpace>
class Device {
 public:
  using Simd = FORCESMITH_ISA::Simd<double, 1>;

  explicit Device(const Tables<double>& host) : t_(host) {
    const int n_radial = host.n_elements * host.n_polynomials * host.radial_stride * 2 * host.neighbor_stride;
    const int n_rows = host.n_rows[0] + host.n_rows[1];
    const int n_products = host.product_begin[host.n_moments - host.first_product];
    t_.radial = copy(d_radial_, "radial", host.radial, n_radial);
    t_.row_ends = copy(d_row_ends_, "row_ends", host.row_ends, n_rows * host.radial_stride);
    t_.row_begin = copy(d_row_begin_, "row_begin", host.row_begin, n_rows + 1);
    t_.expansion = copy(d_expansion_, "expansion", host.expansion, 3 * host.n_expanded);
    t_.product_begin =
        copy(d_product_begin_, "product_begin", host.product_begin, host.n_moments - host.first_product + 1);
    t_.product_left = copy(d_product_left_, "product_left", host.product_left, n_products);
    t_.product_right = copy(d_product_right_, "product_right", host.product_right, n_products);
    t_.product_factor = copy(d_product_factor_, "product_factor", host.product_factor, n_products);
    const int n_uses = host.use_begin[host.n_factors];
    t_.factors = copy(d_factors_, "factors", host.factors, host.n_factors);
    t_.use_begin = copy(d_use_begin_, "use_begin", host.use_begin, host.n_factors + 1);
    t_.use_target = copy(d_use_target_, "use_target", host.use_target, n_uses);
    t_.use_other = copy(d_use_other_, "use_other", host.use_other, n_uses);
    t_.use_factor = copy(d_use_factor_, "use_factor", host.use_factor, n_uses);
    t_.mapping = copy(d_mapping_, "mapping", host.mapping, host.n_values);
    const ReachableMoments reachable = find_reachable(host, Simd::width);
    t_.reachable_begin =
        copy(d_reachable_begin_, "reachable_begin", reachable.begin.data(), static_cast<int>(reachable.begin.size()));
    t_.reachable =
        copy(d_reachable_, "reachable", reachable.moments.data(), static_cast<int>(reachable.moments.size()));
  }

  /// All pointers of `neighbors`, and values [n_atoms][stride], are in the memory of ExecSpace; its width is 1.
  void values(const PackedView& neighbors, int n_packs, double* values, int stride) {
    reserve(neighbors.n_atoms, n_packs);
    const Launch launch{t_, neighbors, scratch_};
    Kokkos::parallel_for(
        "forcesmith::moment_tensor::values", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::compute_values<Simd>(launch.tables, launch.neighbors.atom(atom), launch.slice(atom),
                                               values + static_cast<std::ptrdiff_t>(atom) * stride, stride);
        });
  }

  /// Sets pair_gradients [n_packs][3], of the packs of `neighbors`; after values() with the same.
  void backpropagate(const PackedView& neighbors, const double* beta, int stride, double* pair_gradients) {
    const Launch launch{t_, neighbors, scratch_};
    Kokkos::parallel_for(
        "forcesmith::moment_tensor::backpropagate", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::reverse_values<Simd>(launch.tables, launch.neighbors.atom(atom), launch.slice(atom),
                                               beta + static_cast<std::ptrdiff_t>(atom) * stride, stride,
                                               pair_gradients);
        });
  }

  /// Sets gradients [n_pairs][3][stride] of pairs inside the cutoff; after values(). max_neighbors: most
  /// neighbors of one atom.
  void gradients(const PackedView& neighbors, int max_neighbors, double* gradients, int stride) {
    constexpr int tile = Scratch<double>::jacobian_tile;
    const std::size_t jacobian = static_cast<std::size_t>((t_.n_values + tile - 1) / tile) * tile * t_.n_basic;
    const std::size_t dbasic = 3ul * max_neighbors * t_.n_basic;
    d_gradients_ = DeviceArray<double>("forcesmith::moment_tensor::gradients", (jacobian + dbasic) * neighbors.n_atoms);
    double* scratch = d_gradients_.data();
    const Launch launch{t_, neighbors, scratch_};
    Kokkos::parallel_for(
        "forcesmith::moment_tensor::gradients", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          Scratch<double> own = launch.slice(atom);
          own.jacobian = scratch + atom * (jacobian + dbasic);
          own.dbasic = own.jacobian + jacobian;
          FORCESMITH_ISA::compute_gradients<Simd>(launch.tables, launch.neighbors.atom(atom), own, gradients, stride);
        });
  }

  /// values_dot [n_atoms][stride] along directions [n_pairs][3]; after values().
  void tangent(const PackedView& neighbors, const double* directions, double* values_dot, int stride) {
    const Launch launch{t_, neighbors, scratch_};
    Kokkos::parallel_for(
        "forcesmith::moment_tensor::tangent", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          FORCESMITH_ISA::compute_tangent<Simd>(launch.tables, launch.neighbors.atom(atom), launch.slice(atom),
                                                directions, values_dot + static_cast<std::ptrdiff_t>(atom) * stride,
                                                stride);
        });
  }

  /// Sets atom_gradients [n_atoms][radial coefficients], to be summed over atoms; after tangent().
  void parameter_adjoint(const PackedView& neighbors, const double* directions, const double* values_bar,
                         const double* values_dot_bar, int stride, double* atom_gradients) {
    const Launch launch{t_, neighbors, scratch_};
    const int size = t_.n_elements * t_.n_elements * t_.n_radial * t_.n_polynomials;
    Kokkos::parallel_for(
        "forcesmith::moment_tensor::parameter_adjoint", Kokkos::RangePolicy<ExecSpace>(0, neighbors.n_atoms),
        KOKKOS_LAMBDA(int atom) {
          double* own = atom_gradients + static_cast<std::ptrdiff_t>(atom) * size;
          for (int i = 0; i < size; ++i) own[i] = 0.0;
          const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(atom) * stride;
          FORCESMITH_ISA::reverse_parameters<Simd>(launch.tables, launch.neighbors.atom(atom), launch.slice(atom),
                                                   directions, values_bar + row, values_dot_bar + row, stride, own);
        });
  }

 private:
  template <class T>
  using DeviceArray = Kokkos::View<T*, typename ExecSpace::memory_space>;

  template <class T>
  const T* copy(DeviceArray<T>& device, const char* name, const T* host, int size) {
    device = DeviceArray<T>(std::string("forcesmith::moment_tensor::") + name, size);
    Kokkos::deep_copy(device, Kokkos::View<const T*, Kokkos::HostSpace>(host, size));
    return device.data();
  }

  void reserve(int n_atoms, int n_packs) {
    const std::size_t radial = static_cast<std::size_t>(n_packs) * t_.radial_stride;
    const std::size_t sums = static_cast<std::size_t>(t_.n_basic + 1) * n_atoms;
    const std::size_t moments = static_cast<std::size_t>(t_.n_moments) * n_atoms;
    const std::size_t size = 2 * radial + sums + 4 * moments;
    if (d_scratch_.extent(0) < size)
      d_scratch_ = DeviceArray<double>(
          Kokkos::view_alloc("forcesmith::moment_tensor::scratch", Kokkos::WithoutInitializing), size);
    double* next = d_scratch_.data();
    auto take = [&next](std::size_t count) {
      double* own = next;
      next += count;
      return own;
    };
    scratch_ = {};
    scratch_.f = take(radial);
    scratch_.df = take(radial);
    scratch_.sums = take(sums);
    scratch_.moments = take(moments);
    scratch_.moments_dot = take(moments);
    scratch_.adjoints = take(moments);
    scratch_.adjoints_dot = take(moments);
  }

  Tables<double> t_;
  Scratch<double> scratch_{};
  DeviceArray<double> d_radial_, d_product_factor_, d_use_factor_, d_scratch_, d_gradients_;
  DeviceArray<int> d_row_ends_, d_factors_, d_use_begin_, d_use_target_, d_use_other_, d_row_begin_, d_expansion_,
      d_product_begin_, d_product_left_, d_product_right_, d_mapping_, d_reachable_begin_, d_reachable_;
};

}  // namespace forcesmith::moment_tensor
