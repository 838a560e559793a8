// The kernels of neural_network_kernels.hpp as one table of functions per instruction set.
#pragma once

#include "models/neural_network_tables.hpp"

namespace forcesmith {

struct NeuralNetworkVariant {
  int width;  // doubles per register, to which the tables are padded
  void (*energies_and_gradients)(const NeuralNetworkTables&, const NetworkAtoms&, const double* B, int stride,
                                 double* memory, double* energies, double* beta);
  void (*parameter_adjoint)(const NeuralNetworkTables&, const NetworkAtoms&, const double* B, const double* B_dot,
                            int stride, const double* energy_bar, double* memory, double* B_bar, double* B_dot_bar,
                            double* gradient);
};

namespace portable {
NeuralNetworkVariant neural_network_variant();
}
namespace avx2 {
NeuralNetworkVariant neural_network_variant();
}
namespace avx512 {
NeuralNetworkVariant neural_network_variant();
}

}  // namespace forcesmith
