// Where the gradients of pairs go: forces and virials in the arrays of the host. Included by sources that are
// compiled for every instruction set: no standard headers here.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith {

/// Numbers from one row of forces to the next: with four, a row is one aligned register.
inline constexpr int force_stride = 4;

/// With g = dE_i/dr_ij, the center gains the force +g and the neighbor -g; the virial of the pair is
/// W_ab = -r_a g_b, in eV, positive under compression. Everything is added; null: not wanted.
struct PairForces {
  double* forces = nullptr;            // [n_host][force_stride] eV/angstrom, aligned; the fourth column is anything
  double* virials = nullptr;           // [n_host][6] xx yy zz xy xz yz, half to center, half to neighbor
  double* centroid_virials = nullptr;  // [n_host][9] xx yy zz xy xz yz yx zx zy, all to the neighbor
  double* virial = nullptr;            // [6] xx yy zz xy xz yz of all pairs
};

namespace FORCESMITH_ISA {

/// Adds the virial of one pair to those of its atoms. r: r_ij; g: dE_i/dr_ij; i, j: indices of the host.
FORCESMITH_FUNCTION void add_per_atom_virial(const double* r, const double* g, long long i, long long j,
                                             const PairForces& to) {
  const double w[9] = {-r[0] * g[0], -r[1] * g[1], -r[2] * g[2], -r[0] * g[1], -r[0] * g[2],
                       -r[1] * g[2], -r[1] * g[0], -r[2] * g[0], -r[2] * g[1]};
  for (int c = 0; c < 6 && to.virials != nullptr; ++c) {
    to.virials[6 * i + c] += 0.5 * w[c];
    to.virials[6 * j + c] += 0.5 * w[c];
  }
  for (int c = 0; c < 9 && to.centroid_virials != nullptr; ++c) to.centroid_virials[9 * j + c] += w[c];
}

/// Adds all that is wanted of one pair; arguments as above.
FORCESMITH_FUNCTION void add_pair_forces(const double* r, const double* g, long long i, long long j,
                                         const PairForces& to) {
  for (int axis = 0; axis < 3 && to.forces != nullptr; ++axis) {
    to.forces[force_stride * i + axis] += g[axis];
    to.forces[force_stride * j + axis] -= g[axis];
  }
  add_per_atom_virial(r, g, i, j, to);
  if (to.virial == nullptr) return;
  for (int axis = 0; axis < 3; ++axis) to.virial[axis] -= r[axis] * g[axis];
  to.virial[3] -= r[0] * g[1];
  to.virial[4] -= r[0] * g[2];
  to.virial[5] -= r[1] * g[2];
}

}  // namespace FORCESMITH_ISA

}  // namespace forcesmith
