// Where the gradients of pairs go: forces and virials in the arrays of the host. Included by sources that are
// compiled for every instruction set: no standard headers here.
#pragma once

#include "core/lane.hpp"

namespace forcesmith {

/// With g = dE_i/dr_ij, the center gains the force +g and the neighbor -g; the virial of the pair is
/// W_ab = -r_a g_b, in eV, positive under compression. Everything is added; null: not wanted.
struct PairForces {
  double* forces = nullptr;            // [n_host][3] eV/angstrom
  double* virials = nullptr;           // [n_host][6] xx yy zz xy xz yz, half to center, half to neighbor
  double* centroid_virials = nullptr;  // [n_host][9] xx yy zz xy xz yz yx zx zy, all to the neighbor
  double virial[6] = {0};              // xx yy zz xy xz yz of all pairs
};

/// What one pair adds to the virials of its atoms i and j; r_ij in angstrom.
FORCESMITH_FUNCTION void add_per_atom_virials(const PairForces& to, int i, int j, const double* r, const double* g) {
  const double w[6] = {-r[0] * g[0], -r[1] * g[1], -r[2] * g[2], -r[0] * g[1], -r[0] * g[2], -r[1] * g[2]};
  if (to.virials != nullptr)
    for (int c = 0; c < 6; ++c) {
      to.virials[6 * static_cast<long long>(i) + c] += 0.5 * w[c];
      to.virials[6 * static_cast<long long>(j) + c] += 0.5 * w[c];
    }
  if (to.centroid_virials != nullptr) {
    double* row = to.centroid_virials + 9 * static_cast<long long>(j);
    for (int c = 0; c < 6; ++c) row[c] += w[c];
    row[6] -= r[1] * g[0];
    row[7] -= r[2] * g[0];
    row[8] -= r[2] * g[1];
  }
}

}  // namespace forcesmith
