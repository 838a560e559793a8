// The kernels of symmetry_functions_kernels.hpp as one table of functions per instruction set.
#pragma once

#include "descriptors/symmetry_functions/symmetry_functions_tables.hpp"
#include "descriptors/kernel_variant.hpp"

namespace forcesmith {

using SymmetryFunctionsVariant = KernelVariant<SymmetryFunctionsTables, SymmetryFunctionsScratch>;

namespace portable { SymmetryFunctionsVariant symmetry_functions_variant(); }
namespace avx2 { SymmetryFunctionsVariant symmetry_functions_variant(); }
namespace avx512 { SymmetryFunctionsVariant symmetry_functions_variant(); }

}  // namespace forcesmith
