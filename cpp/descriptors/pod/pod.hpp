// Proper orthogonal descriptors (N. C. Nguyen and A. Rohskopf, J. Comput. Phys. 480, 112030 (2023)) in the form of
// LAMMPS' pair_style pod: settings, radial functions and values; the work is done in kernels.hpp.
#pragma once

#include <memory>

#include "descriptors/kernel_descriptor.hpp"
#include "descriptors/pod/functions.hpp"
#include "descriptors/pod/kernels.hpp"
#include "descriptors/pod/radial.hpp"

namespace forcesmith::pod {

struct Parameters {
  double cutoff = 0.0, inner_cutoff = 0.5;  // angstrom
  int bessel_degree = 4, inverse_degree = 8;
  std::vector<int> nmax{8, 6, 4}, lmax{0, 4, 3};  // of two, three, .. bodies
  std::vector<double> radial_coefficients;        // [radial function][snapshot]; made if empty

  RadialSettings radial() const { return {inner_cutoff, cutoff, bessel_degree, inverse_degree}; }
  Sizes sizes() const;
};

class Pod : public KernelDescriptor<Pod, Tables, Scratch> {
 public:
  static constexpr const char* name = "pod";
  using Kernels = FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  static std::unique_ptr<Descriptor> create(const Json& parameters, const std::vector<std::string>& elements,
                                            const std::string& where);

  Pod(Parameters parameters, const std::vector<std::string>& elements, const std::string& where);

  std::string citation() const override;
  int size(int) const override { return tables<double>().n_values; }
  std::vector<std::string> names(int) const override { return program_.names(); }
  Json to_json() const override;

  const Parameters& settings() const { return parameters_; }

 private:
  void set_tables(int n_elements);

  Parameters parameters_;
  ValueProgram program_;
};

}  // namespace forcesmith::pod
