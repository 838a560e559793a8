// The half of a backend (device_backend.cpp) that is for single precision: compilers take minutes for the kernels of all
// that is registered.
#include "potentials/device_potential.hpp"

namespace forcesmith {

template class DevicePotential<Kokkos::DefaultExecutionSpace, float>;

}  // namespace forcesmith
