// Marks where the phases of an evaluation begin: FORCESMITH_PHASE(radial);
//
// In normal builds this is nothing. The program of bench/ compiles the same sources with
// FORCESMITH_PROFILE defined; then everything up to the next mark is counted as that phase: seconds or, with
// the variant `counting`, floating-point operations. There a mark costs some twenty nanoseconds (measured and
// subtracted) and waits for the instructions before it, so it may stand in loops over packs of neighbors, but
// not inside of them.
//
// evaluate() marks its own phases, and `descriptor` before it calls one: without marks of its own, all time
// of a descriptor is there. To tell its phases apart, a descriptor sets, in this order,
//   packing          before PackedNeighbors::pack (kernel_descriptor.hpp does)
//   radial, moments  in compute_values, at the start of what is done for an atom or a pack of neighbors
//   contraction      in compute_values, before the products of sums
//   adjoint          where reverse_values begins
//   pair_gradients   in reverse_values, before the loop over atoms or packs
//   forces           after reverse_values (kernel_descriptor.hpp does)
// each as a statement of its own; a phase may begin as often as it likes.
#pragma once

namespace forcesmith {

enum class Phase {
  other,           // whatever no mark claims
  neighbors,       // the host assembles the neighbors of a block
  descriptor,      // a descriptor that does not tell its phases apart
  packing,         // PackedNeighbors, and memory for the kernels
  radial,          // functions of one neighbor's distance and, for the bispectrum, of its direction
  moments,         // sums over neighbors, or pairs of them: moments, U, angular functions
  contraction,     // products of these sums: contracted moments, Z and B
  model,           // energies and dE/dB, extrapolation grades
  adjoint,         // back through the contraction
  pair_gradients,  // and through the sums, to dE/dr_ij
  terms,           // terms of the energy and the wall at short range, from packing to forces
  forces,          // dE/dr_ij to forces and virials
};
inline constexpr int n_phases = static_cast<int>(Phase::forces) + 1;

#if defined(FORCESMITH_PROFILE)
/// Ends the phase of this thread and begins another; defined by the program that measures.
void enter_phase(Phase phase);
#endif

}  // namespace forcesmith

#if defined(FORCESMITH_PROFILE)
#define FORCESMITH_PHASE(phase) ::forcesmith::enter_phase(::forcesmith::Phase::phase)
#else
#define FORCESMITH_PHASE(phase) static_cast<void>(0)
#endif
