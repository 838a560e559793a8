// The kernels of kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/kernel_variant.hpp"
#include "descriptors/moment_tensor/tables.hpp"

namespace forcesmith::moment_tensor {

struct Variants : KernelVariants<Tables, Scratch> {
  void (*parameter_adjoint)(const Tables<double>&, const PackedView&, const Scratch<double>&, const double* directions,
                            const double* values_bar, const double* values_dot_bar, int stride,
                            double* parameter_gradient);
};

namespace portable {
Variants variants();
}
namespace avx2 {
Variants variants();
}
namespace avx512 {
Variants variants();
}

}  // namespace forcesmith::moment_tensor
