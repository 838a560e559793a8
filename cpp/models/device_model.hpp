// The contract of models on devices, and the one launcher that keeps it for all: their kernels on any Kokkos execution
// space, one thread per atom. In double precision, as on a CPU.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>

#include "core/device_arrays.hpp"
#include "models/model.hpp"
#include "neighbors/device_block.hpp"
#include "neighbors/device_launch.hpp"

namespace forcesmith {

/// All arrays are in the memory of the device.
template <class ExecSpace>
class DeviceModel {
 public:
  virtual ~DeviceModel() = default;
  /// Takes over the parameters of the model, which have changed.
  virtual void update(const Model& model) = 0;
  /// Bytes of memory that so many atoms ask for.
  virtual std::size_t bytes(int n_atoms) const = 0;
  /// types [n_atoms], value k of an atom: B[device_slot(stride, atom, k)]; sets energies [n_atoms] and beta, which is
  /// laid out as B.
  virtual void energies_and_gradients(int n_atoms, const int* types, const double* B, int stride, double* energies,
                                      double* beta) = 0;
  /// After energies_and_gradients() of the same atoms: sets their features, see Model::features; feature k of an atom is
  /// features[device_slot(feature_stride, atom, k)].
  virtual void features(int n_atoms, const int* types, const double* B, int stride, double* features,
                        int feature_stride) = 0;
};

template <class ExecSpace, class Model>
class DeviceModelKernels : public DeviceModel<ExecSpace> {
 public:
  using Kernels = typename Model::Kernels;

  explicit DeviceModelKernels(const Model& model)
      : tables_(Model::name, model.tables()), memory_size_(static_cast<int>(Kernels::memory_size(model.tables()))) {}

  void update(const forcesmith::Model& model) override { tables_.update(static_cast<const Model&>(model).tables()); }

  std::size_t bytes(int n_atoms) const override { return sizeof(double) * device_slots(memory_size_, n_atoms); }

  void energies_and_gradients(int n_atoms, const int* types, const double* B, int stride, double* energies,
                              double* beta) override {
    const std::string label = std::string("forcesmith::") + Model::name;
    double* memory = reserve(d_memory_, label + "::memory", device_slots(memory_size_, n_atoms));
    const typename Kernels::Tables tables = *tables_;
    const int memory_size = memory_size_;
    Kokkos::parallel_for(
        label + "::energies_and_gradients", atom_range<ExecSpace>(n_atoms), KOKKOS_LAMBDA(int atom) {
          const std::size_t row = device_slot(stride, atom, 0);
          energies[atom] = Kernels::template compute_energy<device_slice>(
              tables, types[atom], B + row, memory + device_slot(memory_size, atom, 0), beta + row);
        });
  }

  void features(int n_atoms, const int* types, const double* B, int stride, double* features,
                int feature_stride) override {
    const typename Kernels::Tables tables = *tables_;
    const int memory_size = memory_size_;
    const double* memory = d_memory_.data();
    Kokkos::parallel_for(
        std::string("forcesmith::") + Model::name + "::features", atom_range<ExecSpace>(n_atoms),
        KOKKOS_LAMBDA(int atom) {
          Kernels::template compute_features<device_slice>(tables, types[atom], B + device_slot(stride, atom, 0),
                                                           memory + device_slot(memory_size, atom, 0),
                                                           features + device_slot(feature_stride, atom, 0));
        });
  }

 private:
  DeviceTables<ExecSpace, typename Kernels::Tables> tables_;
  int memory_size_;  // doubles per atom
  DeviceArray<ExecSpace, double> d_memory_;
};

}  // namespace forcesmith
