// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "potentials/stored_gradients_variants.hpp"

#include "simd/registers.hpp"
#include "simd/select.hpp"
#include "simd/sums.hpp"

namespace forcesmith::FORCESMITH_ISA {

namespace {

using V = DoubleSimd;

void multiply(const float* rows, int n_rows, int stride, const double* beta, double* products) {
  for (int row = 0; row < n_rows; row += V::width, rows += static_cast<long>(V::width) * stride) {
    V sums[V::width];
    for (int i = 0; i < V::width; ++i) sums[i] = V(0.0);
    for (int k = 0; k < stride; k += V::width) {
      const V own = simd_load_unaligned<V>(beta + k);
      for (int i = 0; i < V::width; ++i) sums[i] += own * load_as_double(rows + static_cast<long>(i) * stride + k);
    }
    simd_store_unaligned(products + row, lane_sums(sums));
  }
}

void add(const float* rows, int n_rows, int stride, const double* factors, double* sums) {
  constexpr int at_once = 4;
  static_assert(stored_rows_multiple % at_once == 0);
  for (int row = 0; row < n_rows; row += at_once, rows += static_cast<long>(at_once) * stride) {
    V own[at_once];
    for (int i = 0; i < at_once; ++i) own[i] = V(factors[row + i]);
    for (int k = 0; k < stride; k += V::width) {
      V sum = simd_load_unaligned<V>(sums + k);
      for (int i = 0; i < at_once; ++i) sum += own[i] * load_as_double(rows + static_cast<long>(i) * stride + k);
      simd_store_unaligned(sums + k, sum);
    }
  }
}

}  // namespace

StoredGradientsVariant stored_gradients_variant() { return {multiply, add}; }

}  // namespace forcesmith::FORCESMITH_ISA
