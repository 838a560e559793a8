// Devices that compute instead of the CPU, for hosts such as LAMMPS and Python. Their code is in a library of its own
// (device_backend.h), which is opened when a device is asked for: nothing here knows of CUDA.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/precision.hpp"
#include "devices/device_backend.h"
#include "fitting/training_weights.hpp"
#include "neighbors/neighbor_view.hpp"
#include "potentials/evaluate.hpp"

namespace forcesmith {

/// Why a device cannot be used, or failed.
class DeviceError : public Error {
 public:
  using Error::Error;
};

enum class DeviceKind {
  automatic,  // CUDA where it can be used, else the CPU
  cpu,
  cuda,
};

/// "auto", "cpu" or "cuda". Throws ParameterError.
DeviceKind device_kind_named(std::string_view name);

/// A device that was made ready. It stays so until the process ends.
class Device {
 public:
  /// rank_on_machine: number of this process among those on the same machine, which take turns with its devices.
  /// Throws DeviceError.
  static std::shared_ptr<const Device> open_cuda(int rank_on_machine = 0);
  const std::string& name() const { return name_; }
  const DeviceBackend& backend() const { return backend_; }
  /// False in what was forked from the process that opened it, where it cannot be used.
  bool is_of_this_process() const;

 private:
  Device(const DeviceBackend& backend, std::string name);
  const DeviceBackend& backend_;
  std::string name_;
  int process_;
};

/// What was asked for and what there is.
struct ChosenDevice {
  std::shared_ptr<const Device> device;  // null: the CPU
  std::string remark;                    // why it is the CPU, where another was looked for
};
/// Throws DeviceError if a device is asked for that cannot be used.
ChosenDevice choose_device(DeviceKind kind, int rank_on_machine = 0);

/// Evaluates a potential on a device, see Evaluator. All functions throw DeviceError.
class DeviceEvaluator {
 public:
  DeviceEvaluator(std::shared_ptr<const Device> device, const Potential& potential, Precision precision);
  ~DeviceEvaluator();
  DeviceEvaluator(const DeviceEvaluator&) = delete;
  DeviceEvaluator& operator=(const DeviceEvaluator&) = delete;

  /// Those of the potential, which have changed; all else is as it was.
  void set_parameters(std::span<const double> descriptor, std::span<const double> model);
  /// Neighbors closer than cutoff (angstrom, more than the potential's by as much as atoms may move until the next call)
  /// of the local atoms, found on the device.
  void search_neighbors(const HostAtoms& atoms, double cutoff);
  /// Neighbors as the host lists them.
  void set_list(const HostAtoms& atoms, const HostNeighborList& list);
  /// Neighbors with their displacements. n_host: as in Evaluation. key: if not 0, tells these pairs from all others;
  /// they may stay on the device until they are given again.
  void set_pairs(int n_host, const NeighborView& pairs, std::uint64_t key = 0);
  /// positions [n_host][3] angstrom; null after set_pairs.
  void evaluate(const double* positions, Evaluation& wanted);
  /// dJ/dparameters, see parameter_gradient(), of every configuration, or of all together; after set_pairs, in double
  /// precision. Rows of the gradient with the descriptors' parameters, then with the model's.
  std::vector<double> parameter_gradients(const TrainingWeights& weights, int n_configurations, bool together);
  /// Since it was asked last.
  DeviceTimes take_times();

 private:
  void check(int failed) const;
  std::shared_ptr<const Device> device_;
  std::size_t n_parameters_;
  void* evaluator_;
  char problem_[forcesmith_problem_size] = {};
};

}  // namespace forcesmith
