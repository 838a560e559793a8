// The kernels of symmetry_functions_kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/kernel_variant.hpp"
#include "descriptors/symmetry_functions/symmetry_functions_tables.hpp"

namespace forcesmith {

using SymmetryFunctionsVariants = KernelVariants<SymmetryFunctionsTables, SymmetryFunctionsScratch>;

namespace portable {
SymmetryFunctionsVariants symmetry_functions_variants();
}
namespace avx2 {
SymmetryFunctionsVariants symmetry_functions_variants();
}
namespace avx512 {
SymmetryFunctionsVariants symmetry_functions_variants();
}

}  // namespace forcesmith
