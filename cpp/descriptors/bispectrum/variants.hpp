// The kernels of kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/bispectrum/tables.hpp"
#include "descriptors/kernel_variant.hpp"

namespace forcesmith::bispectrum {

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

}  // namespace forcesmith::bispectrum
