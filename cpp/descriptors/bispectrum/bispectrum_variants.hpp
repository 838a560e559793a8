// The kernels of bispectrum_kernels.hpp as one table of functions per instruction set.
#pragma once

#include "descriptors/bispectrum/bispectrum_tables.hpp"
#include "descriptors/kernel_variant.hpp"

namespace forcesmith {

using BispectrumVariant = KernelVariant<BispectrumTables, BispectrumScratch>;

namespace portable { BispectrumVariant bispectrum_variant(); }
namespace avx2 { BispectrumVariant bispectrum_variant(); }
namespace avx512 { BispectrumVariant bispectrum_variant(); }

}  // namespace forcesmith
