// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "descriptors/bispectrum/variants.hpp"

#include "descriptors/bispectrum/kernels.hpp"

namespace forcesmith::bispectrum::FORCESMITH_ISA {

Variants variants() { return kernel_variants<Variants, Kernels>(); }

}  // namespace forcesmith::bispectrum::FORCESMITH_ISA
