// The kernels of a descriptor for one instruction set, as a table of functions. Included by sources that are
// compiled for each of them: no standard headers here.
#pragma once

#include "neighbors/packed_view.hpp"

namespace forcesmith {

template <class Tables, class Scratch>
struct KernelVariant {
  int width;  // atoms per block and neighbors per pack
  void (*values)(const Tables&, const PackedView&, const Scratch&, double* values, int stride);
  void (*backpropagate)(const Tables&, const PackedView&, const Scratch&, const double* beta, int stride,
                        double* pair_gradients);
  void (*gradients)(const Tables&, const PackedView&, const Scratch&, double* gradients, int stride);
  void (*tangent)(const Tables&, const PackedView&, const Scratch&, const double* directions,
                  double* values_dot, int stride);
};

}  // namespace forcesmith
