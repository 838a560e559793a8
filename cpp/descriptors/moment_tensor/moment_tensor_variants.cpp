// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "descriptors/moment_tensor/moment_tensor_variants.hpp"

#include "descriptors/moment_tensor/moment_tensor_kernels.hpp"

namespace forcesmith::FORCESMITH_ISA {

MomentTensorVariant moment_tensor_variant() {
  using L = Lane<double, native_width>;
  return {native_width,
          [](const MomentTensorTables& t, const PackedView& n, const MomentTensorScratch& s,
             double* values, int stride) { compute_values<L>(t, n, s, values, stride); },
          [](const MomentTensorTables& t, const PackedView& n, const MomentTensorScratch& s,
             const double* beta, int stride, double* pair_gradients) {
            reverse_values<L>(t, n, s, beta, stride, pair_gradients);
          },
          [](const MomentTensorTables& t, const PackedView& n, const MomentTensorScratch& s,
             double* gradients, int stride) { compute_gradients<L>(t, n, s, gradients, stride); },
          [](const MomentTensorTables& t, const PackedView& n, const MomentTensorScratch& s,
             const double* directions, double* values_dot, int stride) {
            compute_tangent<L>(t, n, s, directions, values_dot, stride);
          },
          [](const MomentTensorTables& t, const PackedView& n, const MomentTensorScratch& s,
             const double* directions, const double* values_bar, const double* values_dot_bar,
             int stride, double* parameter_gradient) {
            reverse_parameters<L>(t, n, s, directions, values_bar, values_dot_bar, stride,
                                  parameter_gradient);
          }};
}

}  // namespace forcesmith::FORCESMITH_ISA
