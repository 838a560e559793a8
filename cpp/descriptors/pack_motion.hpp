// How neighbors move along given directions, pack by pack.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// How one pack moves along given displacement directions of its neighbors.
template <class V>
struct Motion {
  V r_dot, u_dot[3];

  FORCESMITH_FUNCTION Motion(const V* u, V r, const int* pairs, const double* directions) {
    V d[3] = {V(0.0), V(0.0), V(0.0)};
    for (int lane = 0; lane < V::width; ++lane)
      if (pairs[lane] >= 0)
        for (int axis = 0; axis < 3; ++axis) d[axis].set(lane, directions[3 * pairs[lane] + axis]);
    r_dot = u[0] * d[0] + u[1] * d[1] + u[2] * d[2];
    for (int axis = 0; axis < 3; ++axis) u_dot[axis] = (d[axis] - u[axis] * r_dot) / r;
  }
};

}  // namespace forcesmith::FORCESMITH_ISA
