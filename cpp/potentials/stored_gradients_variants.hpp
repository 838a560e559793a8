// Gradients of descriptor values that stay in memory, times numbers of the model: one function per instruction set.
// Included by sources that are compiled for each of them: no standard headers here.
#pragma once

#include "core/variants.hpp"

namespace forcesmith {

/// Rows of gradients and their lengths are filled up with zeros to whole multiples of this.
inline constexpr int stored_rows_multiple = 8;

/// rows [n_rows][stride], aligned.
struct StoredGradientsVariant {
  /// products [n_rows] = rows times beta [stride].
  void (*multiply)(const float* rows, int n_rows, int stride, const double* beta, double* products);
  /// Adds the rows times factors [n_rows] to sums [stride].
  void (*add)(const float* rows, int n_rows, int stride, const double* factors, double* sums);
};

FORCESMITH_DECLARE_VARIANTS(StoredGradientsVariant stored_gradients_variant());

}  // namespace forcesmith
