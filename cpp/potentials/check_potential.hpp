// What a potential that was read must keep, whatever its format, descriptors and model.
#pragma once

#include <string>

#include "potentials/potential.hpp"

namespace forcesmith {

inline constexpr double largest_cutoff = 100.0;  // angstrom

/// Throws ParameterError naming `where` if the cutoff is beyond largest_cutoff: lists of neighbors would not fit
/// into memory.
void check_cutoff(const Potential& potential, const std::string& where);

/// Throws FormatError naming `where` if a descriptor's own check fails, if parameters are absurd, or if energies or
/// forces of every one of a few neighborhoods of an element are, in either precision.
void check_soundness(const Potential& potential, const std::string& where);

}  // namespace forcesmith
