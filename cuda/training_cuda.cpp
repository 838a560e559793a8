// The verbs of training for CUDA: instantiates those of all registered descriptors for Kokkos::Cuda.
#include "potentials/device_potential.hpp"

namespace forcesmith {

/// Asks for every verb.
void run_training_verbs(const Descriptor& descriptor, double* numbers) {
  for_each_type(RegisteredDescriptors{}, [&]<class Own>() {
    const auto* own = dynamic_cast<const Own*>(&descriptor);
    if (own == nullptr) return;
    DeviceKernels<Kokkos::Cuda, Own, double> kernels(*own);
    kernels.gradients(numbers, 0);
    kernels.tangent(numbers, numbers, 0);
    if constexpr (FORCESMITH_ISA::HasParameters<typename Own::Kernels>)
      kernels.parameter_adjoint(numbers, numbers, numbers, 0, numbers);
  });
}

}  // namespace forcesmith
