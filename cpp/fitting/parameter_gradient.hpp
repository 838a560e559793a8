// The training gradient: how a weighted sum of energies, forces and virials changes with the
// parameters, without ever storing dB/dR.
//
// For weights v of the forces, sum v.F = -D_v E, a directional derivative of the energy: one
// forward-mode pass; its gradient with the parameters is one reverse pass over that. Cost: a few energy
// evaluations; memory: one block of atoms.
#pragma once

#include "fitting/training_weights.hpp"
#include "neighbors/neighbor_view.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

struct ParameterGradient {
  std::vector<double> descriptor, model;  // as Potential::descriptor_parameters, model_parameters
};

/// dJ/dparameters. Central atom a is row a of the host's arrays.
ParameterGradient parameter_gradient(const Potential& potential, const NeighborSource& source,
                                     const TrainingWeights& weights, int n_workers);

}  // namespace forcesmith
