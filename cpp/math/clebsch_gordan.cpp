#include "math/clebsch_gordan.hpp"

#include <algorithm>
#include <cmath>

namespace forcesmith {

namespace {

double factorial(int n) {
  double product = 1.0;
  for (int i = 2; i <= n; ++i) product *= i;
  return product;
}

}  // namespace

double clebsch_gordan(int j1, int m1, int j2, int m2, int j, int m) {
  if (m < 0 || m > j || m1 + m2 - m != (j1 + j2 - j) / 2) return 0.0;
  const int excess = (j1 + j2 - j) / 2, below1 = j1 - m1, above2 = m2;
  const int shift1 = m1 - excess, shift2 = j2 - m2 - excess;
  double sum = 0.0;
  for (int z = std::max({0, -shift1, -shift2}); z <= std::min({excess, below1, above2}); ++z)
    sum += (z % 2 == 0 ? 1.0 : -1.0) / (factorial(z) * factorial(excess - z) * factorial(below1 - z) *
                                        factorial(above2 - z) * factorial(shift1 + z) * factorial(shift2 + z));
  const double triangle = factorial(excess) * factorial((j1 - j2 + j) / 2) * factorial((j2 - j1 + j) / 2) /
                          factorial((j1 + j2 + j) / 2 + 1);
  return sum * std::sqrt(triangle * (j + 1) * factorial(m1) * factorial(j1 - m1) * factorial(m2) * factorial(j2 - m2) *
                         factorial(m) * factorial(j - m));
}

}  // namespace forcesmith
