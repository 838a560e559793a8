// Potentials for CUDA: instantiates the launchers of all registered descriptors, models and terms for Kokkos::Cuda.
#include "potentials/device_potential.hpp"

namespace forcesmith {

template class DevicePotential<Kokkos::Cuda, double>;
template class DevicePotential<Kokkos::Cuda, float>;

}  // namespace forcesmith
