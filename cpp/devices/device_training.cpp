#include "devices/device_training.hpp"

#include <Kokkos_Core.hpp>

#include "fitting/device_parameter_gradient.hpp"

namespace forcesmith {

struct BackendTraining::OnDevice {
  DeviceParameterGradient<Kokkos::DefaultExecutionSpace> gradient;
};

BackendTraining::BackendTraining(const Potential& potential, std::size_t max_bytes)
    : on_device_(new OnDevice{{potential, max_bytes}}) {}
BackendTraining::~BackendTraining() = default;

void BackendTraining::update() { on_device_->gradient.update(); }
std::vector<double> BackendTraining::gradients(const GivenPairs& pairs, const TrainingWeights& weights,
                                               const std::vector<int>& begin_atoms) {
  return on_device_->gradient.compute(pairs, weights, begin_atoms);
}

}  // namespace forcesmith
