// The kernels of bispectrum_kernels.hpp as one table of functions per instruction set.
#pragma once

#include "descriptors/bispectrum/bispectrum_tables.hpp"
#include "neighbors/packed_view.hpp"

namespace forcesmith {

struct BispectrumVariant {
  int width;  // atoms per block and neighbors per pack
  void (*values)(const BispectrumTables&, const PackedView&, const BispectrumScratch&,
                 double* values, int stride);
  void (*backpropagate)(const BispectrumTables&, const PackedView&, const BispectrumScratch&,
                        const double* beta, int stride, double* pair_gradients);
  void (*gradients)(const BispectrumTables&, const PackedView&, const BispectrumScratch&,
                    double* gradients, int stride);
  void (*tangent)(const BispectrumTables&, const PackedView&, const BispectrumScratch&,
                  const double* directions, double* values_dot, int stride);
};

namespace portable { BispectrumVariant bispectrum_variant(); }
namespace avx2 { BispectrumVariant bispectrum_variant(); }
namespace avx512 { BispectrumVariant bispectrum_variant(); }

}  // namespace forcesmith
