// The moment tensor kernels for CUDA: instantiates the portable launches for Kokkos::Cuda.
#include "descriptors/moment_tensor/moment_tensor_device.hpp"

namespace forcesmith {

template class MomentTensorDevice<Kokkos::Cuda>;

}  // namespace forcesmith
