// The training gradient on a device, block by block: what parameter_gradient() computes, by launches on any Kokkos
// execution space. In double precision.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "core/device_sums.hpp"
#include "descriptors/device_descriptor.hpp"
#include "fitting/parameter_gradient.hpp"
#include "models/device_model_adjoint.hpp"
#include "neighbors/device_selection.hpp"
#include "potentials/device_columns.hpp"
#include "potentials/device_potential.hpp"
#include "potentials/registered.hpp"

namespace forcesmith {

/// What training asks of a descriptor on devices, see DeviceKernels. All arrays are in the memory of the device.
template <class ExecSpace>
class DeviceTraining {
 public:
  virtual ~DeviceTraining() = default;
  virtual void update(const Descriptor& descriptor) = 0;
  virtual std::size_t bytes(int n_atoms, int max_neighbors, int parts) const = 0;
  virtual int n_parameters() const = 0;
  virtual void values(const DeviceBlock<double>& block, double* B, int stride) = 0;
  virtual void tangent(const double* directions, double* B_dot, int stride) = 0;
  /// Adds to rows of gradients.
  virtual void parameter_adjoint(const double* directions, const double* B_bar, const double* B_dot_bar, int stride,
                                 const SumRows& gradients) = 0;
};

namespace FORCESMITH_ISA {

/// Gradients of atoms, for AddSumsOverAtoms.
struct GradientsOfAtoms {
  const double* numbers;  // [n_atoms][n_parameters]
  int n_parameters;

  KOKKOS_FUNCTION int of(int parameter) const { return parameter; }
  KOKKOS_FUNCTION double at(int parameter, int atom) const {
    return numbers[static_cast<std::size_t>(atom) * n_parameters + parameter];
  }
};

/// The directions of the pairs of a block, [slot][3].
struct SetDirections {
  DeviceBlock<double> block;
  TrainingWeights weights;  // in the memory of the device
  int first;                // central atom of the block among all
  double* directions;

  KOKKOS_FUNCTION void operator()(int atom) const {
    const double* v = weights.virial_bar + 6 * static_cast<std::ptrdiff_t>(weights.configuration[first + atom]);
    const double* center = weights.force_bar + 3 * static_cast<std::ptrdiff_t>(block.centers[atom]);
    for (int k = 0; k < block.counts[atom]; ++k) {
      const std::size_t slot = device_slot(block.max_neighbors, atom, k);
      const double* neighbor = weights.force_bar + 3 * static_cast<std::ptrdiff_t>(block.neighbors[slot]);
      const double r[3] = {block.x[slot], block.y[slot], block.z[slot]};
      set_direction(center, neighbor, v, r, directions + 3 * slot);
    }
  }
};

}  // namespace FORCESMITH_ISA

/// The launches of a registered descriptor.
template <class ExecSpace, class Own>
class DeviceTrainingKernels final : public DeviceTraining<ExecSpace> {
 public:
  explicit DeviceTrainingKernels(const Own& descriptor) : kernels_(descriptor) {}

  void update(const Descriptor& descriptor) override { kernels_.update(descriptor); }
  std::size_t bytes(int n_atoms, int max_neighbors, int parts) const override {
    return kernels_.bytes(n_atoms, max_neighbors, parts) +
           sizeof(double) * static_cast<std::size_t>(n_atoms) * kernels_.n_parameters();
  }
  int n_parameters() const override { return kernels_.n_parameters(); }
  void values(const DeviceBlock<double>& block, double* B, int stride) override { kernels_.values(block, B, stride); }
  void tangent(const double* directions, double* B_dot, int stride) override {
    kernels_.tangent(directions, B_dot, stride);
  }
  void parameter_adjoint(const double* directions, const double* B_bar, const double* B_dot_bar, int stride,
                         const SumRows& gradients) override {
    if constexpr (FORCESMITH_ISA::HasParameters<typename Own::Kernels>) {
      const int n = n_parameters();
      double* of_atoms =
          reserve(d_of_atoms_, "forcesmith::fitting::of_atoms", static_cast<std::size_t>(gradients.n_atoms) * n);
      kernels_.parameter_adjoint(directions, B_bar, B_dot_bar, stride, of_atoms);
      add_sums_over_atoms<ExecSpace>("forcesmith::fitting::sum", FORCESMITH_ISA::GradientsOfAtoms{of_atoms, n}, n,
                                     gradients);
    }
  }

 private:
  DeviceKernels<ExecSpace, Own, double> kernels_;
  DeviceArray<ExecSpace, double> d_of_atoms_;
};

template <class ExecSpace>
class DeviceParameterGradient {
 public:
  /// The potential must outlive this. max_bytes: of the memory that is used at once, beside that of the arguments of
  /// compute().
  DeviceParameterGradient(const Potential& potential, std::size_t max_bytes)
      : potential_(&potential), stride_(potential.stride()), max_bytes_(max_bytes), selection_(potential.cutoff()) {
    for (std::size_t d = 0; d < potential.descriptors().size(); ++d) {
      const Descriptor& descriptor = *potential.descriptors()[d];
      for_each_type(RegisteredDescriptors{}, [&]<class Own>() {
        if (const auto* own = dynamic_cast<const Own*>(&descriptor))
          parts_.push_back(
              {std::make_unique<DeviceTrainingKernels<ExecSpace, Own>>(*own), DeviceColumns<ExecSpace>(potential, d)});
      });
    }
    for_each_type(RegisteredModels{}, [&]<class Own>() {
      if (const auto* own = dynamic_cast<const Own*>(&potential.model()))
        model_ = std::make_unique<DeviceModelAdjointKernels<ExecSpace, Own>>(*own);
    });
    n_descriptor_ = potential.descriptor_parameters().size();
    n_model_ = potential.model_parameters().size();
  }

  /// Takes over the parameters of the potential, which have changed; all else is as it was.
  void update() {
    for (std::size_t d = 0; d < parts_.size(); ++d) parts_[d].descriptor->update(*potential_->descriptors()[d]);
    model_->update(potential_->model());
  }

  /// weights: in the memory of the device. begin_atoms: of the configurations, and the number of atoms, then a gradient
  /// of each; empty: of all together. Returns rows of the gradient with the descriptors' parameters, then the model's.
  std::vector<double> compute(const GivenPairs& pairs, const TrainingWeights& weights,
                              const std::vector<int>& begin_atoms) {
    const int n_parameters = static_cast<int>(n_descriptor_ + n_model_);
    const int n_rows = begin_atoms.empty() ? 1 : static_cast<int>(begin_atoms.size()) - 1;
    std::vector<double> gradients(static_cast<std::size_t>(n_rows) * n_parameters);
    if (gradients.empty()) return gradients;
    double* sums = reserve(d_sums_, "forcesmith::fitting::gradient", gradients.size());
    const Kokkos::View<double*, typename ExecSpace::memory_space> d_gradients(sums, gradients.size());
    Kokkos::deep_copy(ExecSpace(), d_gradients, 0.0);
    const auto d_begin_atoms = device_copy<ExecSpace>("forcesmith::fitting::begin_atoms", begin_atoms);
    const int n_atoms = pairs.n_atoms(), max_neighbors = pairs.max_neighbors();
    const int parts = parts_of_atoms<ExecSpace>(n_atoms);
    const int at_once = atoms_at_once(n_atoms, max_neighbors, bytes(device_slice, max_neighbors, parts), max_bytes_);
    for (int first = 0; first < n_atoms; first += at_once) {
      const int count = std::min(at_once, n_atoms - first);
      SumRows rows{n_rows, n_parameters, sums, count, first};
      if (!begin_atoms.empty()) rows = rows.of_configurations(begin_atoms, d_begin_atoms.data());
      add_block(selection_.select(pairs, first, count, parts), weights, rows);
    }
    Kokkos::deep_copy(Kokkos::View<double*, Kokkos::HostSpace>(gradients.data(), gradients.size()), d_gradients);
    return gradients;
  }

 private:
  struct Part {
    std::unique_ptr<DeviceTraining<ExecSpace>> descriptor;
    DeviceColumns<ExecSpace> columns;
  };

  std::size_t bytes(int n_atoms, int max_neighbors, int parts) const {
    std::size_t sum = selection_.bytes(n_atoms, max_neighbors) + model_->bytes(n_atoms) +
                      sizeof(double) * (4 * device_slots(stride_, n_atoms) + 3 * device_slots(max_neighbors, n_atoms));
    for (const Part& part : parts_)
      sum += part.descriptor->bytes(n_atoms, max_neighbors, parts) + 2 * part.columns.bytes(n_atoms);
    return sum;
  }

  void add_block(const DeviceBlock<double>& block, const TrainingWeights& weights, SumRows rows) {
    const int first = rows.first_atom;
    const int n_atoms = block.n_atoms;
    const int* types = block.center_types;
    const std::size_t n_values = device_slots(stride_, n_atoms);
    double* B = reserve(d_values_, "forcesmith::fitting::values", 4 * n_values);
    double *B_dot = B + n_values, *B_bar = B_dot + n_values, *B_dot_bar = B_bar + n_values;
    double* directions =
        reserve(d_directions_, "forcesmith::fitting::directions", 3 * device_slots(block.max_neighbors, n_atoms));
    Kokkos::parallel_for("forcesmith::fitting::directions", Kokkos::RangePolicy<ExecSpace>(0, n_atoms),
                         FORCESMITH_ISA::SetDirections{block, weights, first, directions});
    for (Part& part : parts_) {
      double* own = part.columns.rows(B, n_atoms);
      part.descriptor->values(block, own, part.columns.stride());
      part.columns.put(own, B, n_atoms, types);
      own = part.columns.rows(B_dot, n_atoms);
      part.descriptor->tangent(directions, own, part.columns.stride());
      part.columns.put(own, B_dot, n_atoms, types);
    }
    model_->parameter_adjoint(n_atoms, types, B, B_dot, stride_, weights.energy_bar + first, B_bar, B_dot_bar,
                              rows.from_column(n_descriptor_));
    for (Part& part : parts_) {
      if (part.descriptor->n_parameters() > 0) {
        double* own = part.columns.rows(B_bar, n_atoms);
        double* own_dot = part.columns.rows(B_dot_bar, n_atoms, 1);
        part.columns.take(own, B_bar, n_atoms, types);
        part.columns.take(own_dot, B_dot_bar, n_atoms, types);
        part.descriptor->parameter_adjoint(directions, own, own_dot, part.columns.stride(), rows);
      }
      rows = rows.from_column(part.descriptor->n_parameters());
    }
  }

  const Potential* potential_;
  int stride_;
  std::size_t max_bytes_, n_descriptor_ = 0, n_model_ = 0;
  DeviceSelection<ExecSpace, double> selection_;
  std::vector<Part> parts_;
  std::unique_ptr<DeviceModelAdjoint<ExecSpace>> model_;
  DeviceArray<ExecSpace, double> d_values_, d_directions_, d_sums_;
};

}  // namespace forcesmith
