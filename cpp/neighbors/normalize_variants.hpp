// Vectors to unit vectors and lengths, one function per instruction set.
#pragma once

namespace forcesmith {

/// Replaces n vectors (x, y, z) by unit vectors (by zero where the length is zero) and sets their lengths r.
/// n is a multiple of the number of lanes, the arrays are aligned.
using Normalize = void (*)(double* x, double* y, double* z, double* r, int n);

namespace portable { Normalize normalize_variant(); }
namespace avx2 { Normalize normalize_variant(); }
namespace avx512 { Normalize normalize_variant(); }

}  // namespace forcesmith
