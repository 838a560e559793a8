// Numbers of the normal distribution that do not depend on the standard library (Box and Muller).
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

namespace forcesmith {

class NormalNumbers {
 public:
  explicit NormalNumbers(int seed) : bits_(static_cast<std::uint64_t>(seed)) {}
  double next() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * 3.14159265358979323846 * uniform());
  }

 private:
  double uniform() { return static_cast<double>(bits_() >> 11) * 0x1p-53; }  // below 1
  std::mt19937_64 bits_;
};

}  // namespace forcesmith
