// The training verb of models on devices: Model::parameter_adjoint, by their kernels on any Kokkos execution space. One
// thread per atom runs the reverse pass, then a team per parameter sums over the atoms.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>

#include "core/device_arrays.hpp"
#include "core/device_sums.hpp"
#include "models/model.hpp"
#include "neighbors/device_block.hpp"
#include "neighbors/device_launch.hpp"

namespace forcesmith {

/// All arrays are in the memory of the device; value k of an atom is at device_slot(stride, atom, k).
template <class ExecSpace>
class DeviceModelAdjoint {
 public:
  virtual ~DeviceModelAdjoint() = default;
  /// Takes over the parameters of the model, which have changed.
  virtual void update(const Model& model) = 0;
  /// Bytes of memory that so many atoms ask for.
  virtual std::size_t bytes(int n_atoms) const = 0;
  /// As Model::parameter_adjoint; adds to rows of gradients.
  virtual void parameter_adjoint(int n_atoms, const int* types, const double* B, const double* B_dot, int stride,
                                 const double* energy_bar, double* B_bar, double* B_dot_bar,
                                 const SumRows& gradients) = 0;
};

namespace FORCESMITH_ISA {

template <class Kernels>
struct ReverseEnergies {
  typename Kernels::Tables tables;
  const int* types;
  const double *B, *B_dot;
  int stride;
  const double* energy_bar;
  double* memory;
  int memory_size;
  double *B_bar, *B_dot_bar;

  KOKKOS_FUNCTION void operator()(int atom) const {
    const std::size_t row = device_slot(stride, atom, 0);
    Kernels::template reverse_energy<device_slice>(tables, types[atom], B + row, B_dot + row, energy_bar[atom],
                                                   memory + device_slot(memory_size, atom, 0), B_bar + row,
                                                   B_dot_bar + row);
  }
};

/// dJ/dparameters of atoms, for AddSumsOverAtoms.
template <class Kernels>
struct ParameterBars {
  ReverseEnergies<Kernels> pass;

  KOKKOS_FUNCTION auto of(int number) const { return Kernels::parameter(pass.tables, number); }
  KOKKOS_FUNCTION double at(const typename Kernels::Parameter& parameter, int atom) const {
    const std::size_t row = device_slot(pass.stride, atom, 0);
    return Kernels::template parameter_bar<device_slice>(pass.tables, parameter, pass.types[atom], pass.B + row,
                                                         pass.B_dot + row, pass.energy_bar[atom],
                                                         pass.memory + device_slot(pass.memory_size, atom, 0));
  }
};

}  // namespace FORCESMITH_ISA

template <class ExecSpace, class Model>
class DeviceModelAdjointKernels final : public DeviceModelAdjoint<ExecSpace> {
 public:
  using Kernels = typename Model::Kernels;

  explicit DeviceModelAdjointKernels(const Model& model)
      : tables_(Model::name, model.tables()),
        memory_size_(static_cast<int>(Kernels::adjoint_size(model.tables()))),
        n_parameters_(static_cast<int>(model.parameters().size())) {}

  void update(const forcesmith::Model& model) override { tables_.update(static_cast<const Model&>(model).tables()); }

  std::size_t bytes(int n_atoms) const override { return sizeof(double) * device_slots(memory_size_, n_atoms); }

  void parameter_adjoint(int n_atoms, const int* types, const double* B, const double* B_dot, int stride,
                         const double* energy_bar, double* B_bar, double* B_dot_bar,
                         const SumRows& gradients) override {
    const std::string label = std::string("forcesmith::") + Model::name;
    double* memory = reserve(d_memory_, label + "::adjoint", device_slots(memory_size_, n_atoms));
    const FORCESMITH_ISA::ReverseEnergies<Kernels> pass{*tables_, types,        B,     B_dot,    stride, energy_bar,
                                                        memory,   memory_size_, B_bar, B_dot_bar};
    Kokkos::parallel_for(label + "::reverse_energies", atom_range<ExecSpace>(n_atoms), pass);
    add_sums_over_atoms<ExecSpace>(label + "::parameter_bars", FORCESMITH_ISA::ParameterBars<Kernels>{pass},
                                   n_parameters_, gradients);
  }

 private:
  DeviceTables<ExecSpace, typename Kernels::Tables> tables_;
  int memory_size_;  // doubles per atom
  int n_parameters_;
  DeviceArray<ExecSpace, double> d_memory_;
};

}  // namespace forcesmith
