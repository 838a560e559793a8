// The kernels of kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/kernel_variant.hpp"
#include "descriptors/symmetry_functions/tables.hpp"

namespace forcesmith::symmetry_functions {

using Variants = KernelVariants<Tables, Scratch>;

namespace portable {
Variants variants();
}
namespace avx2 {
Variants variants();
}
namespace avx512 {
Variants variants();
}

}  // namespace forcesmith::symmetry_functions
