// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "extrapolation/variants.hpp"

namespace forcesmith::extrapolation::FORCESMITH_ISA {

ComputeGrades compute_grades_variant() { return compute_grades<Simd<double, native_width>>; }

}  // namespace forcesmith::extrapolation::FORCESMITH_ISA
