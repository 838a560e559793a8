// The kernels of moment_tensor_kernels.hpp as one table of functions per instruction set.
#pragma once

#include "descriptors/moment_tensor/moment_tensor_tables.hpp"
#include "neighbors/packed_view.hpp"

namespace forcesmith {

struct MomentTensorVariant {
  int width;  // atoms per block and neighbors per pack
  void (*values)(const MomentTensorTables&, const PackedView&, const MomentTensorScratch&,
                 double* values, int stride);
  void (*backpropagate)(const MomentTensorTables&, const PackedView&, const MomentTensorScratch&,
                        const double* beta, int stride, double* pair_gradients);
  void (*gradients)(const MomentTensorTables&, const PackedView&, const MomentTensorScratch&,
                    double* gradients, int stride);
  void (*tangent)(const MomentTensorTables&, const PackedView&, const MomentTensorScratch&,
                  const double* directions, double* values_dot, int stride);
  void (*parameter_adjoint)(const MomentTensorTables&, const PackedView&,
                            const MomentTensorScratch&, const double* directions,
                            const double* values_bar, const double* values_dot_bar, int stride,
                            double* parameter_gradient);
};

namespace portable { MomentTensorVariant moment_tensor_variant(); }
namespace avx2 { MomentTensorVariant moment_tensor_variant(); }
namespace avx512 { MomentTensorVariant moment_tensor_variant(); }

}  // namespace forcesmith
