// The bispectrum kernels for CUDA: instantiates the portable launches for Kokkos::Cuda.
#include "descriptors/bispectrum/bispectrum_device.hpp"

namespace forcesmith {

template class BispectrumDevice<Kokkos::Cuda>;

}  // namespace forcesmith
