// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "potentials/terms/zbl/zbl_variants.hpp"

#include "potentials/terms/zbl/zbl_kernels.hpp"

namespace forcesmith::FORCESMITH_ISA {

ZblVariant zbl_variant() { return {native_width, ZblKernels::add<Simd<double, native_width>>}; }

}  // namespace forcesmith::FORCESMITH_ISA
