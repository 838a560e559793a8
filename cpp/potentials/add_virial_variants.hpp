// The virial of many pairs, one function per instruction set.
#pragma once

#include <cstdint>

namespace forcesmith {

/// Adds -sum r_a g_b over the pairs to virial (xx yy zz xy xz yz, eV); displacements r (angstrom) and gradients
/// g (eV/angstrom): [n_pairs][3]. Reads `virial_padding` doubles beyond the gradients.
using AddVirial = void (*)(const double* displacements, const double* gradients, std::int64_t n_pairs,
                           double* virial);
inline constexpr int virial_padding = 2;

namespace portable { AddVirial add_virial_variant(); }
namespace avx2 { AddVirial add_virial_variant(); }
namespace avx512 { AddVirial add_virial_variant(); }

}  // namespace forcesmith
