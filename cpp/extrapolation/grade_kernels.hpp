// Extrapolation grades of many atoms, written once for all processors: gamma = max_k |b A^-1|_k (E. V. Podryabinkin, A.
// V. Shapeev, Comput. Mater. Sci. 140, 171 (2017), Eq. (8)).
#pragma once

#include <cstddef>

#include "simd/constants.hpp"
#include "simd/simd.hpp"

namespace forcesmith::extrapolation {

/// A^-1 of an active set. Rows are filled up with zeros to whole registers of any processor, and aligned for them.
struct InverseMatrix {
  int size;
  int stride;             // of a row
  const double* numbers;  // [size][stride]
};

/// So many grades at once are fast: columns of the inverse stay in the cache.
inline constexpr int most_grades = 64;

namespace FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

template <class V>
FORCESMITH_FUNCTION V larger(V a, V b) {
  return simd_if_less(a, b, b, a);
}

/// Raises the grades of some rows to the largest |b A^-1| of some columns, what fits into registers.
template <class V, int rows, int registers>
FORCESMITH_FUNCTION void raise_grades(const double* columns, int stride, int size, const double* const* b, V* grades) {
  V sums[rows][registers];
  for (int row = 0; row < rows; ++row)
    for (int r = 0; r < registers; ++r) sums[row][r] = V(0.0);
  for (int k = 0; k < size; ++k) {
    V numbers[registers];
    for (int r = 0; r < registers; ++r)
      numbers[r] = simd_load<V>(columns + static_cast<std::ptrdiff_t>(k) * stride + r * V::width);
    for (int row = 0; row < rows; ++row) {
      const V own(b[row][k]);
      for (int r = 0; r < registers; ++r) sums[row][r] += own * numbers[r];
    }
  }
  for (int row = 0; row < rows; ++row)
    for (int r = 0; r < registers; ++r) grades[row] = larger(grades[row], larger(sums[row][r], -sums[row][r]));
}

/// grades [n_rows] of the rows b [n_rows][size].
template <class V>
FORCESMITH_FUNCTION void compute_grades(const InverseMatrix& inverse, int n_rows, const double* const* b,
                                        double* grades) {
  // 8 x 3 sums, 3 numbers and one of b fill the 32 registers of AVX-512, 4 x 3 the 16 of others.
  constexpr int most_rows = V::width == 8 ? 8 : 4, most_registers = 3;
  V largest[most_grades];
  for (int begin = 0; begin < n_rows; begin += most_grades) {
    const int n = n_rows - begin < most_grades ? n_rows - begin : most_grades;
    for (int row = 0; row < n; ++row) largest[row] = V(0.0);
    // Some columns stay in the cache for all rows.
    for (int column = 0; column < inverse.stride;) {
      const int left = (inverse.stride - column) / V::width;
      with_constant<most_registers>(left, [&](auto registers) FORCESMITH_INLINE_LAMBDA {
        for (int row = 0; row < n; row += most_rows)
          with_constant<most_rows>(n - row, [&](auto rows) FORCESMITH_INLINE_LAMBDA {
            raise_grades<V, decltype(rows)::value, decltype(registers)::value>(
                inverse.numbers + column, inverse.stride, inverse.size, b + begin + row, largest + row);
          });
      });
      column += V::width * (left < most_registers ? left : most_registers);
    }
    for (int row = 0; row < n; ++row) {
      double grade = 0.0;
      for (int lane = 0; lane < V::width; ++lane)
        if (!(largest[row][lane] <= grade)) grade = largest[row][lane];
      grades[begin + row] = grade;
    }
  }
}

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith::extrapolation
