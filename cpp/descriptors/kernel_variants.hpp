// The kernels of a descriptor for one instruction set, as tables of functions. Included by sources that are
// compiled for each of them: no standard headers here.
//
// FORCESMITH_DECLARE_KERNEL_VARIANTS(foo) at the end of descriptors/foo/kernels.hpp declares the tables of functions,
// forcesmith::foo::<instruction set>::variants(); FORCESMITH_DEFINE_KERNEL_VARIANTS(foo) in
// descriptors/foo/variants.cpp defines that of the instruction set for which it is compiled.
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
  // In double precision only, else null; null also where jacobian_rows.hpp takes their place.
  void (*gradients)(const Tables&, const View&, const Scratch&, double* gradients, int stride);
  void (*tangent)(const Tables&, const View&, const Scratch&, const double* directions, double* values_dot, int stride);
  /// Adds to the gradient of the trained parameters, see Descriptor::parameter_adjoint; null if there are none.
  void (*parameter_adjoint)(const Tables&, const View&, const Scratch&, const double* directions,
                            const double* values_bar, const double* values_dot_bar, int stride,
                            double* parameter_gradient, int gradient_stride);
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

/// Of kernels that work in registers alone.
template <class Real>
struct NoScratch {
  using Size = decltype(sizeof(0));
  static constexpr Size kept_size(const auto&, int) { return 0; }
  static constexpr Size working_size(const auto&, int, int) { return 0; }
  static constexpr Size part_size(const auto&, int, int) { return 0; }
  static FORCESMITH_FUNCTION NoScratch laid_out(const auto&, int, int, int, int, Real*, Real*, Real*) { return {}; }
};

namespace FORCESMITH_ISA {

/// Names of kernels that a descriptor may have. Beside one of its own, a name is ambiguous: so a kernel is found by its
/// name, and one with a wrong signature does not compile.
struct OptionalKernels {
  int compute_gradients, compute_tangent, reverse_parameters;
};
template <class Kernels>
struct WithOptionalKernels : Kernels, OptionalKernels {};

/// Whether a descriptor has kernels of its own for dB/dr_ij, and for derivatives along directions.
template <class Kernels>
concept HasGradients = !requires { &WithOptionalKernels<Kernels>::compute_gradients; };
template <class Kernels>
concept HasTangent = !requires { &WithOptionalKernels<Kernels>::compute_tangent; };
/// Whether it has parameters that training changes.
template <class Kernels>
concept HasParameters = !requires { &WithOptionalKernels<Kernels>::reverse_parameters; };

/// The kernels of a descriptor for this instruction set.
template <class Variants, class Kernels>
Variants kernel_variants() {
  using V = Simd<double, native_width>;
  using Single = Simd<float, native_single_width>;
  Variants variants{};
  variants.in_double.width = native_width;
  variants.in_double.values = Kernels::template compute_values<V>;
  variants.in_double.backpropagate = Kernels::template reverse_values<V>;
  if constexpr (HasGradients<Kernels>) variants.in_double.gradients = Kernels::template compute_gradients<V>;
  if constexpr (HasTangent<Kernels>) variants.in_double.tangent = Kernels::template compute_tangent<V>;
  if constexpr (HasParameters<Kernels>) variants.in_double.parameter_adjoint = Kernels::template reverse_parameters<V>;
  variants.in_single.width = native_single_width;
  variants.in_single.values = Kernels::template compute_values<Single>;
  variants.in_single.backpropagate = Kernels::template reverse_values<Single>;
  return variants;
}

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith

#define FORCESMITH_DECLARE_KERNEL_VARIANTS(descriptor) \
  namespace forcesmith::descriptor {                   \
  using Variants = KernelVariants<Tables, Scratch>;    \
  FORCESMITH_DECLARE_VARIANTS(Variants variants());    \
  }                                                    \
  static_assert(true)

#define FORCESMITH_DEFINE_KERNEL_VARIANTS(descriptor)                  \
  namespace forcesmith::descriptor::FORCESMITH_ISA {                   \
  Variants variants() { return kernel_variants<Variants, Kernels>(); } \
  }                                                                    \
  static_assert(true)
