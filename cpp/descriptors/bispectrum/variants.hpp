// The kernels of kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/bispectrum/tables.hpp"
#include "descriptors/kernel_variants.hpp"

namespace forcesmith::bispectrum {

using Variants = KernelVariants<Tables, Scratch>;

FORCESMITH_DECLARE_VARIANTS(Variants variants());

}  // namespace forcesmith::bispectrum
