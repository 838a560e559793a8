// The kernels of a descriptor for one instruction set, as tables of functions. Included by sources that are
// compiled for each of them: no standard headers here.
#pragma once

#include "core/variants.hpp"
#include "neighbors/packed_view.hpp"

namespace forcesmith {

/// Kernels of one precision: Tables and Scratch are those of Real.
template <class Real, class Tables, class Scratch>
struct KernelVariant {
  using View = PackedViewOf<Real>;

  int width;  // atoms per block and neighbors per pack
  void (*values)(const Tables&, const View&, const Scratch&, double* values, int stride);
  /// Sets dE_i/dr_ij, pair_gradients [n_packs][3][width]; that of padding vanishes.
  void (*backpropagate)(const Tables&, const View&, const Scratch&, const double* beta, int stride,
                        Real* pair_gradients);
  // In double precision only, else null.
  void (*gradients)(const Tables&, const View&, const Scratch&, double* gradients, int stride);
  void (*tangent)(const Tables&, const View&, const Scratch&, const double* directions, double* values_dot, int stride);
  /// Adds to the gradient of the trained parameters; null if there are none.
  void (*parameter_adjoint)(const Tables&, const View&, const Scratch&, const double* directions,
                            const double* values_bar, const double* values_dot_bar, int stride,
                            double* parameter_gradient);
};

/// Those of both.
template <template <class> class Tables, template <class> class Scratch>
struct KernelVariants {
  KernelVariant<double, Tables<double>, Scratch<double>> in_double;
  KernelVariant<float, Tables<float>, Scratch<float>> in_single;

  template <class Real>
  const auto& of() const {
    if constexpr (sizeof(Real) == sizeof(float)) return in_single;
    else return in_double;
  }
};

namespace FORCESMITH_ISA {

/// Whether a descriptor has parameters that training changes.
template <class Kernels>
concept HasParameters = requires { &Kernels::template reverse_parameters<Simd<double, 1>>; };

/// The kernels of a descriptor for this instruction set.
template <class Variants, class Kernels>
Variants kernel_variants() {
  using V = Simd<double, native_width>;
  using Single = Simd<float, native_single_width>;
  Variants variants{{native_width, Kernels::template compute_values<V>, Kernels::template reverse_values<V>,
                     Kernels::template compute_gradients<V>, Kernels::template compute_tangent<V>, nullptr},
                    {native_single_width, Kernels::template compute_values<Single>,
                     Kernels::template reverse_values<Single>, nullptr, nullptr, nullptr}};
  if constexpr (HasParameters<Kernels>) variants.in_double.parameter_adjoint = Kernels::template reverse_parameters<V>;
  return variants;
}

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith
