// Lists of random numbers for the C++ tests.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

using Numbers = std::vector<double>;

/// n numbers between -1 and 1.
inline Numbers random_numbers(std::mt19937& random, std::size_t n) {
  std::uniform_real_distribution<double> number(-1.0, 1.0);
  Numbers values(n);
  for (double& value : values) value = number(random);
  return values;
}

inline double dot(const Numbers& a, const Numbers& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
