// The kernels of bispectrum_kernels.hpp as tables of functions per instruction set.
#pragma once

#include "descriptors/bispectrum/bispectrum_tables.hpp"
#include "descriptors/kernel_variant.hpp"

namespace forcesmith {

using BispectrumVariants = KernelVariants<BispectrumTables, BispectrumScratch>;

namespace portable {
BispectrumVariants bispectrum_variants();
}
namespace avx2 {
BispectrumVariants bispectrum_variants();
}
namespace avx512 {
BispectrumVariants bispectrum_variants();
}

}  // namespace forcesmith
