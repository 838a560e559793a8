// The kernels of kernels.hpp as one table of functions per instruction set.
#pragma once

#include "core/variants.hpp"
#include "models/neural_network/tables.hpp"

namespace forcesmith::neural_network {

struct Variant {
  int width;  // doubles per register, to which the tables are padded
  void (*energies_and_gradients)(const Tables&, const Atoms&, const double* B, int stride, double* memory,
                                 double* energies, double* beta);
  void (*parameter_adjoint)(const Tables&, const Atoms&, const double* B, const double* B_dot, int stride,
                            const double* energy_bar, double* memory, double* B_bar, double* B_dot_bar,
                            double* gradient);
};

FORCESMITH_DECLARE_VARIANTS(Variant variant());

}  // namespace forcesmith::neural_network
