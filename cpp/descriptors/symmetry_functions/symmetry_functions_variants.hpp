// The kernels of symmetry_functions_kernels.hpp as one table of functions per instruction set.
#pragma once

#include "descriptors/symmetry_functions/symmetry_functions_tables.hpp"
#include "neighbors/packed_view.hpp"

namespace forcesmith {

struct SymmetryFunctionsVariant {
  int width;  // neighbors per pack
  void (*values)(const SymmetryFunctionsTables&, const PackedView&, const SymmetryFunctionsScratch&,
                 double* values, int stride);
  void (*backpropagate)(const SymmetryFunctionsTables&, const PackedView&, const SymmetryFunctionsScratch&,
                        const double* beta, int stride, double* pair_gradients);
  void (*gradients)(const SymmetryFunctionsTables&, const PackedView&, const SymmetryFunctionsScratch&,
                    double* gradients, int stride);
  void (*tangent)(const SymmetryFunctionsTables&, const PackedView&, const SymmetryFunctionsScratch&,
                  const double* directions, double* values_dot, int stride);
};

namespace portable { SymmetryFunctionsVariant symmetry_functions_variant(); }
namespace avx2 { SymmetryFunctionsVariant symmetry_functions_variant(); }
namespace avx512 { SymmetryFunctionsVariant symmetry_functions_variant(); }

}  // namespace forcesmith
