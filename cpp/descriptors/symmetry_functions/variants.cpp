// Compiled once per instruction set: no standard headers that could leave wider code in shared inline functions.
#include "descriptors/symmetry_functions/kernels.hpp"

FORCESMITH_DEFINE_KERNEL_VARIANTS(symmetry_functions);
