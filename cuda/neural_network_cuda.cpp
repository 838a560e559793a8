// The neural network kernels for CUDA: instantiates the portable launch for Kokkos::Cuda.
#include "models/neural_network_device.hpp"

namespace forcesmith {

template class NeuralNetworkDevice<Kokkos::Cuda>;

}  // namespace forcesmith
