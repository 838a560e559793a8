// Gaussians of the distance: the equation and the work are in kernels.hpp.
#pragma once

#include "descriptors/kernel_descriptor.hpp"
#include "radial_gaussians/kernels.hpp"

namespace forcesmith::radial_gaussians {

struct Parameters {
  double cutoff = 0.0;  // R, angstrom
  int count = 8;        // n
};

class RadialGaussians : public KernelDescriptor<RadialGaussians, Tables, Scratch> {
 public:
  static constexpr const char* name = "radial_gaussians";
  using Kernels = FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  static std::unique_ptr<Descriptor> create(const Json& parameters, const std::vector<std::string>& elements,
                                            const std::string& where);

  RadialGaussians(const Parameters& parameters, int n_elements, const std::string& where);

  std::string citation() const override;
  int size(int) const override { return tables<double>().n_elements * tables<double>().n_gaussians; }
  std::vector<std::string> names(int element) const override;
  Json to_json() const override;

 private:
  Parameters parameters_;
};

}  // namespace forcesmith::radial_gaussians
