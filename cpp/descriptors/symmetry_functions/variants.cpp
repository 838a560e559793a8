// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "descriptors/symmetry_functions/variants.hpp"

#include "descriptors/symmetry_functions/kernels.hpp"

namespace forcesmith::symmetry_functions::FORCESMITH_ISA {

Variants variants() { return kernel_variants<Variants, Kernels>(); }

}  // namespace forcesmith::symmetry_functions::FORCESMITH_ISA
