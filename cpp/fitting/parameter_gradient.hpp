// The training gradient: how a weighted sum of energies, forces and virials changes with the
// parameters, without ever storing dB/dR.
//
// For weights v of the forces, sum v.F = -D_v E, a directional derivative of the energy: one
// forward-mode pass; its gradient with the parameters is one reverse pass over that. Cost: a few energy
// evaluations; memory: one block of atoms.
#pragma once

#include "neighbors/neighbor_view.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// Weights of J = sum_i energy_bar_i E_i + sum_j force_bar_j . F_j + sum_c virial_bar_c : W_c, where W_c
/// is the virial of configuration c (eV). With residuals for weights, dJ is half the gradient of a sum of squares.
struct TrainingWeights {
  const double* energy_bar;  // [n_atoms] per central atom
  const double* force_bar;   // [n_host][3]
  const double* virial_bar;  // [n_configurations][6] xx yy zz xy xz yz
  const int* configuration;  // [n_atoms] of the central atom
};

struct ParameterGradient {
  std::vector<double> descriptor, model;  // as Potential::descriptor_parameters, model_parameters
};

/// dJ/dparameters. Central atom a is row a of the host's arrays.
ParameterGradient parameter_gradient(const Potential& potential, const NeighborSource& source,
                                     const TrainingWeights& weights, int n_workers);

}  // namespace forcesmith
