// Compiled once per instruction set (FORCESMITH_ISA); includes nothing of the standard library that
// could leave wider code behind in shared inline functions.
#include "models/neural_network/variants.hpp"

#include "models/neural_network/kernels.hpp"

namespace forcesmith::neural_network::FORCESMITH_ISA {

Variant variant() {
  using V = Simd<double, native_width>;
  return {native_width,
          [](const Tables& t, const Atoms& atoms, const double* B, int stride, double* memory, double* energies,
             double* beta) { compute_energies<V>(t, atoms, B, stride, memory, energies, beta); },
          [](const Tables& t, const Atoms& atoms, const double* B, const double* B_dot, int stride,
             const double* energy_bar, double* memory, double* B_bar, double* B_dot_bar, double* gradient) {
            reverse_energies<V>(t, atoms, B, B_dot, stride, energy_bar, memory, B_bar, B_dot_bar, gradient);
          }};
}

}  // namespace forcesmith::neural_network::FORCESMITH_ISA
