// Training on the execution space of a device backend: DeviceParameterGradient in a source of its own, because its
// kernels take long to compile.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "fitting/parameter_gradient.hpp"
#include "neighbors/device_selection.hpp"

namespace forcesmith {

class BackendTraining {
 public:
  /// The potential must outlive this.
  BackendTraining(const Potential& potential, std::size_t max_bytes);
  ~BackendTraining();
  /// Takes over the parameters of the potential, which have changed.
  void update();
  /// As DeviceParameterGradient::compute().
  std::vector<double> gradients(const GivenPairs& pairs, const TrainingWeights& weights,
                                const std::vector<int>& begin_atoms);

 private:
  struct OnDevice;
  std::unique_ptr<OnDevice> on_device_;
};

}  // namespace forcesmith
