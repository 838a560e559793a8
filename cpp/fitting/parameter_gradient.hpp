// The training gradient: how a weighted sum of energies, forces and virials changes with the
// parameters, without ever storing dB/dR.
//
// For weights v of the forces, sum v.F = -D_v E, a directional derivative of the energy: one
// forward-mode pass; its gradient with the parameters is one reverse pass over that. Cost: a few energy
// evaluations; memory: one block of atoms.
#pragma once

#include <vector>

#include "fitting/training_weights.hpp"
#include "neighbors/neighbor_view.hpp"
#include "potentials/kept_descriptors.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// dJ/dparameters of every configuration, or of all together: rows of descriptor parameters, then those of the model.
/// Central atom a is row a of the host's arrays; those of a configuration follow one another, in its order. Blocks
/// without weights cost next to nothing.
/// kept: of this source and potential, if it is asked for again and again.
std::vector<double> training_gradients(const Potential& potential, const NeighborSource& source,
                                       const TrainingWeights& weights, int n_configurations, bool together,
                                       int n_workers, KeptDescriptors* kept = nullptr);

}  // namespace forcesmith
