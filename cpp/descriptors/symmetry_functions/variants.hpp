// The kernels of kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/kernel_variants.hpp"
#include "descriptors/symmetry_functions/tables.hpp"

namespace forcesmith::symmetry_functions {

using Variants = KernelVariants<Tables, Scratch>;

FORCESMITH_DECLARE_VARIANTS(Variants variants());

}  // namespace forcesmith::symmetry_functions
