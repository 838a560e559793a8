// Units of other programs in angstrom and eV (CODATA 2018).
#pragma once

namespace forcesmith {

inline constexpr double bohr = 0.529177210903;
inline constexpr double hartree = 27.211386245988;

}  // namespace forcesmith
