// The kernels of moment_tensor_kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/kernel_variant.hpp"
#include "descriptors/moment_tensor/moment_tensor_tables.hpp"

namespace forcesmith {

struct MomentTensorVariants : KernelVariants<MomentTensorTables, MomentTensorScratch> {
  void (*parameter_adjoint)(const MomentTensorTables<double>&, const PackedView&, const MomentTensorScratch<double>&,
                            const double* directions, const double* values_bar, const double* values_dot_bar,
                            int stride, double* parameter_gradient);
};

namespace portable {
MomentTensorVariants moment_tensor_variants();
}
namespace avx2 {
MomentTensorVariants moment_tensor_variants();
}
namespace avx512 {
MomentTensorVariants moment_tensor_variants();
}

}  // namespace forcesmith
