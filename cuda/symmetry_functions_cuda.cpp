// The symmetry function kernels for CUDA: instantiates the portable launches for Kokkos::Cuda.
#include "descriptors/symmetry_functions/device.hpp"

namespace forcesmith {

template class symmetry_functions::Device<Kokkos::Cuda>;

}  // namespace forcesmith
