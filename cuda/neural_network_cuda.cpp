// The neural network kernels for CUDA: instantiates the portable launch for Kokkos::Cuda.
#include "models/neural_network/device.hpp"

namespace forcesmith {

template class neural_network::Device<Kokkos::Cuda>;

}  // namespace forcesmith
