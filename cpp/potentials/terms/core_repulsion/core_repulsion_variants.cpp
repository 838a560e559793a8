// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "potentials/terms/core_repulsion/core_repulsion_variants.hpp"

#include "potentials/terms/core_repulsion/core_repulsion_kernels.hpp"

namespace forcesmith::FORCESMITH_ISA {

CoreRepulsionVariant core_repulsion_variant() {
  return {native_width, CoreRepulsionKernels::add<Simd<double, native_width>>};
}

}  // namespace forcesmith::FORCESMITH_ISA
