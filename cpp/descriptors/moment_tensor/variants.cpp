// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "descriptors/moment_tensor/variants.hpp"

#include "descriptors/moment_tensor/kernels.hpp"

namespace forcesmith::moment_tensor::FORCESMITH_ISA {

Variants variants() { return kernel_variants<Variants, Kernels>(); }

}  // namespace forcesmith::moment_tensor::FORCESMITH_ISA
