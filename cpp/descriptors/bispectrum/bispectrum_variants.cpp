// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "descriptors/bispectrum/bispectrum_variants.hpp"

#include "descriptors/bispectrum/bispectrum_kernels.hpp"

namespace forcesmith::FORCESMITH_ISA {

BispectrumVariant bispectrum_variant() {
  using L = Lane<double, native_width>;
  return {native_width, compute_values<L>, reverse_values<L>, compute_gradients<L>, compute_tangent<L>};
}

}  // namespace forcesmith::FORCESMITH_ISA
