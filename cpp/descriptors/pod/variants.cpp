// Compiled once per instruction set: no standard headers that could leave wider code in shared inline functions.
#include "descriptors/pod/kernels.hpp"

FORCESMITH_DEFINE_KERNEL_VARIANTS(pod);
