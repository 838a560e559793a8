// The kernels of a descriptor for one instruction set, as tables of functions. Included by sources that are
// compiled for each of them: no standard headers here.
#pragma once

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

}  // namespace forcesmith
