// Vectors to unit vectors and lengths, one function per instruction set.
#pragma once

namespace forcesmith {

/// Replaces n vectors (x, y, z) by unit vectors (by zero where the length is zero) and sets their lengths r.
/// n is a multiple of the number of lanes, the arrays are aligned.
template <class Real>
using Normalize = void (*)(Real* x, Real* y, Real* z, Real* r, int n);

struct NormalizeVariants {
  Normalize<double> in_double;
  Normalize<float> in_single;
};

namespace portable { NormalizeVariants normalize_variants(); }
namespace avx2 { NormalizeVariants normalize_variants(); }
namespace avx512 { NormalizeVariants normalize_variants(); }

}  // namespace forcesmith
