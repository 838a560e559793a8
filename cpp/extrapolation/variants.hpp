// The kernels of grade_kernels.hpp as a function per instruction set.
#pragma once

#include "core/variants.hpp"
#include "extrapolation/grade_kernels.hpp"

namespace forcesmith::extrapolation {

using ComputeGrades = void (*)(const InverseMatrix& inverse, int n_rows, const double* const* b, double* grades);

FORCESMITH_DECLARE_VARIANTS(ComputeGrades compute_grades_variant());

}  // namespace forcesmith::extrapolation
