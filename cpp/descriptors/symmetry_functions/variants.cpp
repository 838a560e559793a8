// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "descriptors/symmetry_functions/variants.hpp"

#include "descriptors/symmetry_functions/kernels.hpp"

namespace forcesmith::symmetry_functions::FORCESMITH_ISA {

Variants variants() {
  using V = Simd<double, native_width>;
  using Single = Simd<float, native_single_width>;
  return {{native_width, compute_values<V>, reverse_values<V>, compute_gradients<V>, compute_tangent<V>},
          {native_single_width, compute_values<Single>, reverse_values<Single>, nullptr, nullptr}};
}

}  // namespace forcesmith::symmetry_functions::FORCESMITH_ISA
