// The atomic cluster expansion (R. Drautz, Phys. Rev. B 99, 014104 (2019)): settings, functions and radial coefficients;
// the work is done in kernels.hpp.
#pragma once

#include <memory>

#include "descriptors/ace/functions.hpp"
#include "descriptors/ace/kernels.hpp"
#include "descriptors/kernel_descriptor.hpp"

namespace forcesmith::ace {

/// Of a pair of elements. Lengths in angstrom.
struct BondParameters {
  RadialBasis radial_basis = RadialBasis::SBessel;
  double cutoff = 0.0;
  double radial_parameter = 5.25;  // lambda
  double cutoff_width = 0.0;       // of the last step of ChebExpCos
  double inner_cutoff = 0.0, inner_width = 0.0;

  static const SchemaOf<BondParameters>& schema();
  friend bool operator==(const BondParameters&, const BondParameters&) = default;
};

struct Parameters {
  std::vector<BondParameters> bonds;  // [center element][neighbor element]
  int radial_basis_size = 0;
  bool train_radial_coefficients = false;
  std::vector<std::vector<Function>> functions;  // [center element]
  std::vector<double> radial_coefficients;       // [center][neighbor][n][l][radial_basis_size]; empty: R_nl = g_n
};

class Ace : public KernelDescriptor<Ace, Tables, Scratch> {
 public:
  static constexpr const char* name = "ace";
  using Kernels = FORCESMITH_ISA::Kernels;

  static ParameterSchema schema();
  static std::unique_ptr<Descriptor> create(const Json& parameters, const std::vector<std::string>& elements,
                                            const std::string& where);

  Ace(Parameters parameters, std::vector<std::string> elements, const std::string& where);

  std::string citation() const override;
  int size(int element) const override { return static_cast<int>(parameters_.functions[element].size()); }
  std::vector<std::string> names(int element) const override;
  Json to_json() const override;
  /// The radial coefficients that functions depend on, in the order of Tables::coefficients; none if they are not trained.
  std::vector<double> parameters() const override;
  void set_parameters(std::span<const double> values) override;
  /// Radial functions that both have; bonds must be the same.
  void adopt_parameters(const Descriptor& smaller) override;

  const Parameters& settings() const { return parameters_; }

 private:
  void check_parameters(const std::string& where);
  void set_tables(const std::string& where);
  void set_coefficients();
  /// Of the first coefficient of R_nl in parameters_.radial_coefficients; pair: [center element][neighbor element].
  std::size_t place_of(int pair, int n, int l) const {
    return ((static_cast<std::size_t>(pair) * nmax_ + n) * (lmax_ + 1) + l) * parameters_.radial_basis_size;
  }
  /// Calls visit(first place of its coefficients) for the radial functions, in the order of Tables::coefficients.
  template <class Visit>
  void for_each_radial_function(const Visit& visit) const;

  Parameters parameters_;
  std::vector<std::string> elements_;
  int nmax_ = 0, lmax_ = 0;  // of functions of several factors
  std::vector<int> n_of_l_;
  ProductProgram products_;
  std::vector<double> coefficients_;  // Tables::coefficients
  std::vector<float> single_coefficients_;
};

}  // namespace forcesmith::ace
