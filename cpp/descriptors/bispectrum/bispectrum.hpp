// Bispectrum descriptor of SNAP (A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015)) with all options
// of LAMMPS' ML-SNAP: parameters and index lists; the work is done in kernels.hpp.
#pragma once

#include <memory>

#include "descriptors/bispectrum/coupling.hpp"
#include "descriptors/bispectrum/kernels.hpp"
#include "descriptors/kernel_descriptor.hpp"

namespace forcesmith::bispectrum {

/// Names and meaning are those of LAMMPS' pair_style snap.
struct Parameters {
  int twojmax = 6;
  double rcutfac = 0.0;  // cutoff of a pair: rcutfac (radii[i] + radii[j]), angstrom
  double rfac0 = 0.99363;
  double rmin0 = 0.0;  // angstrom
  bool switchflag = true, bzeroflag = true, bnormflag = false, chemflag = false;
  bool wselfallflag = false, switchinnerflag = false;
  std::vector<double> radii, weights;  // [element]
  std::vector<double> sinner, dinner;  // [element] angstrom, with switchinnerflag
};

class Bispectrum : public KernelDescriptor<Bispectrum, Tables, Scratch> {
 public:
  static constexpr const char* name = "bispectrum";
  using Kernels = FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  static std::unique_ptr<Descriptor> create(const Json& parameters, const std::vector<std::string>& elements,
                                            const std::string& where);

  Bispectrum(const Parameters& parameters, const std::string& where);

  std::string citation() const override;
  int size(int) const override { return static_cast<int>(coupling_.components.size()); }
  std::vector<std::string> names(int element) const override;
  Json to_json() const override;

  const Parameters& settings() const { return parameters_; }
  int n_elements() const { return static_cast<int>(parameters_.radii.size()); }
  const Coupling& coupling() const { return coupling_; }

 private:
  void check(const std::string& where) const;
  template <class Real>
  Tables<Real> tables_without_arrays() const;
  std::vector<double> shift() const;

  Parameters parameters_;
  Coupling coupling_;
};

}  // namespace forcesmith::bispectrum
