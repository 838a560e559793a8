// Gaussians of the distance: the equation and the work are in kernels.hpp.
#pragma once

#include "descriptors/kernel_descriptor.hpp"
#include "radial_gaussians/kernels.hpp"

namespace forcesmith::radial_gaussians {

class RadialGaussians : public KernelDescriptor<RadialGaussians, Tables, Scratch> {
 public:
  static constexpr const char* name = "radial_gaussians";
  using Kernels = FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  static std::unique_ptr<Descriptor> create(const Json& parameters, const std::vector<std::string>& elements,
                                            const std::string& where);

  /// cutoff: R, angstrom; count: n.
  RadialGaussians(double cutoff, int count, int n_elements, const std::string& where);

  std::string citation() const override;
  int size(int) const override { return tables<double>().n_elements * tables<double>().n_gaussians; }
  std::vector<std::string> names(int element) const override;
  Json to_json() const override;
};

}  // namespace forcesmith::radial_gaussians
