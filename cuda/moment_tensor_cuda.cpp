// The moment tensor kernels for CUDA: instantiates the portable launches for Kokkos::Cuda.
#include "descriptors/moment_tensor/device.hpp"

namespace forcesmith {

template class moment_tensor::Device<Kokkos::Cuda>;

}  // namespace forcesmith
