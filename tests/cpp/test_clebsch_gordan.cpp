// Clebsch-Gordan coefficients: they are orthogonal, and those of tables.
#include "math/clebsch_gordan.hpp"

#include "check.hpp"
#include "random_numbers.hpp"

namespace {

using forcesmith::clebsch_gordan;

/// For given j1 and j2 they are an orthogonal matrix, with rows (j, m) and columns (m1, m2).
void test_orthogonality(int j1, int j2) {
  std::vector<Numbers> rows;
  for (int j = std::abs(j1 - j2); j <= j1 + j2; j += 2)
    for (int m = 0; m <= j; ++m) {
      rows.emplace_back();
      for (int m1 = 0; m1 <= j1; ++m1)
        for (int m2 = 0; m2 <= j2; ++m2) rows.back().push_back(clebsch_gordan(j1, m1, j2, m2, j, m));
    }
  CHECK(rows.size() == rows[0].size());
  double largest = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t k = 0; k <= i; ++k) largest = std::max(largest, std::abs(dot(rows[i], rows[k]) - (i == k)));
  CHECK(largest < 1e-13);
}

/// Tables of textbooks; here every j is doubled, and m counts from 0.
void test_values() {
  CHECK_CLOSE(clebsch_gordan(0, 0, 0, 0, 0, 0), 1.0, 1e-15);
  CHECK_CLOSE(clebsch_gordan(1, 1, 1, 0, 0, 0), std::sqrt(1 / 2.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(1, 0, 1, 1, 0, 0), -std::sqrt(1 / 2.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(1, 1, 1, 1, 2, 2), 1.0, 1e-15);
  CHECK_CLOSE(clebsch_gordan(3, 3, 1, 0, 2, 2), std::sqrt(3 / 4.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(3, 2, 1, 1, 2, 2), -std::sqrt(1 / 4.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(2, 2, 2, 0, 2, 1), std::sqrt(1 / 2.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(2, 1, 2, 1, 0, 0), -std::sqrt(1 / 3.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(2, 1, 2, 1, 4, 2), std::sqrt(2 / 3.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(4, 2, 4, 2, 4, 2), -std::sqrt(2 / 7.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(4, 2, 4, 2, 8, 4), std::sqrt(18 / 35.0), 1e-15);
  CHECK(clebsch_gordan(2, 1, 2, 1, 2, 1) == 0.0);  // by symmetry
  CHECK(clebsch_gordan(2, 2, 2, 1, 2, 1) == 0.0);  // m1 + m2 is not m
  CHECK(clebsch_gordan(2, 2, 2, 2, 2, 3) == 0.0);  // there is no such m
}

}  // namespace

int main() {
  for (int j1 = 0; j1 <= 6; ++j1)
    for (int j2 = 0; j2 <= 6; ++j2) test_orthogonality(j1, j2);
  test_orthogonality(14, 14);
  test_orthogonality(20, 9);
  test_values();
  return failures != 0;
}
