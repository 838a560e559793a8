// The kernels of kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/kernel_variants.hpp"
#include "descriptors/moment_tensor/tables.hpp"

namespace forcesmith::moment_tensor {

using Variants = KernelVariants<Tables, Scratch>;

FORCESMITH_DECLARE_VARIANTS(Variants variants());

}  // namespace forcesmith::moment_tensor
