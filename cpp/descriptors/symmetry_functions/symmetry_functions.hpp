// Atom-centered symmetry functions (J. Behler, M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007)), exactly
// those of n2p2: parameters and tables; the work is done in kernels.hpp.
//
// With fc the cutoff function and theta the angle of k, i and j:
//   radial            G = sum_j exp(-eta (r_ij - rs)^2) fc(r_ij)
//   angular_narrow    G = 2^(1-zeta) sum_{j<k} (1 + lambda cos theta)^zeta
//                         exp(-eta ((r_ij - rs)^2 + (r_ik - rs)^2 + (r_jk - rs)^2)) fc(r_ij) fc(r_ik) fc(r_jk)
//   angular_wide      the same without r_jk
//   weighted_radial, weighted_angular: radial and angular_narrow over neighbors of all elements, each sum
//                     with the atomic numbers Z_j, or Z_j Z_k, as factors
// The compact ones of M. P. Bircher et al., Mach. Learn.: Sci. Technol. 2, 035026 (2021), have in place of
// Gaussian, cutoff function and power functions C that fall from 1 in the middle of an interval to 0 at both ends:
//   compact_radial          G = sum_j C(r_ij)
//   compact_angular_narrow  G = sum_{j<k} C(theta) C(r_ij) C(r_ik) C(r_jk)
//   compact_angular_wide    the same without r_jk
//   compact_weighted_radial, compact_weighted_angular_narrow, compact_weighted_angular_wide: with Z_j, or Z_j Z_k
// n2p2 leaves out angles of exactly 0 and 180 degrees; here they count, so that nothing jumps.
#pragma once

#include <memory>

#include "descriptors/kernel_descriptor.hpp"
#include "descriptors/symmetry_functions/functions.hpp"
#include "descriptors/symmetry_functions/kernels.hpp"

namespace forcesmith::symmetry_functions {

struct Parameters {
  double cutoff = 0.0;  // angstrom, of functions that were given without one
  CutoffFunction cutoff_function = CutoffFunction::cos;
  double cutoff_alpha = 0.0;  // fc is 1 up to cutoff_alpha times the cutoff
  std::vector<Function> functions;
};

struct Groups;

class SymmetryFunctions : public KernelDescriptor<SymmetryFunctions, Tables, Scratch> {
 public:
  static constexpr const char* name = "symmetry_functions";
  using Kernels = FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  static std::unique_ptr<Descriptor> create(const Json& parameters, const std::vector<std::string>& elements,
                                            const std::string& where);

  SymmetryFunctions(const Parameters& parameters, const std::vector<std::string>& elements, const std::string& where);

  std::string citation() const override;
  int size(int element) const override { return tables<double>().n_values[element]; }
  std::vector<std::string> names(int element) const override;
  Json to_json() const override;

  const Parameters& settings() const { return parameters_; }
  int n_elements() const { return static_cast<int>(elements_.size()); }
  template <class Real>
  void add_scratch(KernelWorkspace<Real>& w) const;

 private:
  template <class Real>
  Tables<Real> tables_without_arrays(const Groups& groups) const;

  Parameters parameters_;
  std::vector<std::string> elements_;
};

}  // namespace forcesmith::symmetry_functions
