// The distance at which descriptors see a neighbor at short range, see short_range.hpp.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

inline constexpr double relative_wall_width = 0.1;  // of the region in which the wall is switched on, in onsets

/// g(r) / r and dg/dr.
struct WallStretch {
  double stretch, slope;

  FORCESMITH_FUNCTION WallStretch(double onset, double r) {
    const double width = relative_wall_width * onset, reached = (onset - r) / width, t = reached < 1.0 ? reached : 1.0;
    const double g = onset - width * (t - t * t * t + 0.5 * t * t * t * t);
    stretch = g / r;
    slope = t < 1.0 ? 1.0 - 3.0 * t * t + 2.0 * t * t * t : 0.0;
  }
};

}  // namespace forcesmith::FORCESMITH_ISA
