// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "descriptors/bispectrum/bispectrum_variants.hpp"

#include "descriptors/bispectrum/bispectrum_kernels.hpp"

namespace forcesmith::FORCESMITH_ISA {

BispectrumVariant bispectrum_variant() {
  using L = Lane<double, native_width>;
  return {native_width,
          [](const BispectrumTables& t, const PackedView& n, const BispectrumScratch& s,
             double* values, int stride) { compute_values<L>(t, n, s, values, stride); },
          [](const BispectrumTables& t, const PackedView& n, const BispectrumScratch& s,
             const double* beta, int stride, double* pair_gradients) {
            reverse_values<L>(t, n, s, beta, stride, pair_gradients);
          },
          [](const BispectrumTables& t, const PackedView& n, const BispectrumScratch& s,
             double* gradients, int stride) { compute_gradients<L>(t, n, s, gradients, stride); },
          [](const BispectrumTables& t, const PackedView& n, const BispectrumScratch& s,
             const double* directions, double* values_dot, int stride) {
            compute_tangent<L>(t, n, s, directions, values_dot, stride);
          }};
}

}  // namespace forcesmith::FORCESMITH_ISA
