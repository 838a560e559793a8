// What the training gradient is the gradient of.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith {

/// Weights of J = sum_i energy_bar_i E_i + sum_j force_bar_j . F_j + sum_c virial_bar_c : W_c, where W_c
/// is the virial of configuration c (eV). With residuals for weights, dJ is half the gradient of a sum of squares.
struct TrainingWeights {
  const double* energy_bar;  // [n_atoms] per central atom
  const double* force_bar;   // [n_host][3]
  const double* virial_bar;  // [n_configurations][6] xx yy zz xy xz yz
  const int* configuration;  // [n_atoms] of the central atom
};

/// The direction d [3] in which r_ij moves so that D E is the force and virial part of J:
/// F_j = -g_ij, F_i = +g_ij and W_ab = -r_a g_b give d_b = v_i,b - v_j,b - sum_a V_ab r_a.
/// center, neighbor: v_i and v_j [3]; v: V [6] of the configuration.
FORCESMITH_FUNCTION void set_direction(const double* center, const double* neighbor, const double* v, const double* r,
                                       double* d) {
  d[0] = center[0] - neighbor[0] - v[0] * r[0];
  d[1] = center[1] - neighbor[1] - v[1] * r[1] - v[3] * r[0];
  d[2] = center[2] - neighbor[2] - v[2] * r[2] - v[4] * r[0] - v[5] * r[1];
}

}  // namespace forcesmith
