// The kernels of kernels.hpp launched over many atoms on any Kokkos execution space, one
// thread per atom (Simd<double, 1>). On a CPU the SIMD variants of variants.hpp are used
// instead; this is the path of devices.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <string>

#include "models/neural_network/kernels.hpp"
#include "models/neural_network/neural_network.hpp"

namespace forcesmith::neural_network {

/// A copy of the model's networks in the memory of ExecSpace, and the launch.
template <class ExecSpace>
class Device {
 public:
  using Simd = FORCESMITH_ISA::Simd<double, 1>;

  explicit Device(const NeuralNetwork& model) {
    PackedNetworks packed(model.settings(), Simd::width);
    packed.set_parameters(model.parameters());
    for (const ElementNetwork& element : packed.elements())
      memory_per_atom_ = std::max(memory_per_atom_, energy_memory(element, 1));
    t_.elements = copy(d_elements_, "elements", packed.elements().data(), packed.elements().size());
    t_.layers = copy(d_layers_, "layers", packed.layers().data(), packed.layers().size());
    t_.numbers = copy(d_numbers_, "numbers", packed.numbers().data(), packed.numbers().size());
  }

  /// types [n_atoms], B and beta [n_atoms][stride] and energies [n_atoms] are in the memory of ExecSpace.
  void energies_and_gradients(int n_atoms, const int* types, const double* B, int stride, double* energies,
                              double* beta) {
    const std::size_t size = memory_per_atom_ * n_atoms;
    if (d_memory_.extent(0) < size)
      d_memory_ = DeviceArray<double>(
          Kokkos::view_alloc("forcesmith::neural_network::memory", Kokkos::WithoutInitializing), size);
    const Tables tables = t_;
    const std::size_t memory_per_atom = memory_per_atom_;
    double* memory = d_memory_.data();
    Kokkos::parallel_for(
        "forcesmith::neural_network::energies_and_gradients", Kokkos::RangePolicy<ExecSpace>(0, n_atoms),
        KOKKOS_LAMBDA(int atom) {
          const Atoms atoms{types[atom], 1, &atom};
          FORCESMITH_ISA::compute_energies<Simd>(tables, atoms, B, stride, memory + memory_per_atom * atom, energies,
                                                 beta);
        });
  }

 private:
  template <class T>
  using DeviceArray = Kokkos::View<T*, typename ExecSpace::memory_space>;

  template <class T>
  const T* copy(DeviceArray<T>& device, const char* name, const T* host, std::size_t size) {
    device = DeviceArray<T>(std::string("forcesmith::neural_network::") + name, size);
    Kokkos::deep_copy(device, Kokkos::View<const T*, Kokkos::HostSpace>(host, size));
    return device.data();
  }

  Tables t_{};
  std::size_t memory_per_atom_ = 0;
  DeviceArray<ElementNetwork> d_elements_;
  DeviceArray<Layer> d_layers_;
  DeviceArray<double> d_numbers_, d_memory_;
};

}  // namespace forcesmith::neural_network
