// The bispectrum kernels for CUDA: instantiates the portable launches for Kokkos::Cuda.
#include "descriptors/bispectrum/device.hpp"

namespace forcesmith {

template class bispectrum::Device<Kokkos::Cuda>;

}  // namespace forcesmith
