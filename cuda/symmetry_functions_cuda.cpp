// The symmetry function kernels for CUDA: instantiates the portable launches for Kokkos::Cuda.
#include "descriptors/symmetry_functions/symmetry_functions_device.hpp"

namespace forcesmith {

template class SymmetryFunctionsDevice<Kokkos::Cuda>;

}  // namespace forcesmith
