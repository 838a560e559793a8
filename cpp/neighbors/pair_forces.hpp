// Where the gradients of pairs go: forces and virials in the arrays of the host. Included by sources that are
// compiled for every instruction set: no standard headers here.
#pragma once

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

}  // namespace forcesmith
