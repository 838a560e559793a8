// Moment tensor descriptor (A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016)): parameters,
// radial coefficients and contraction program; the work is done in kernels.hpp.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>

#include "descriptors/kernel_descriptor.hpp"
#include "descriptors/moment_tensor/contraction_program.hpp"
#include "descriptors/moment_tensor/kernels.hpp"
#include "descriptors/product_program.hpp"

namespace forcesmith::moment_tensor {

struct Parameters {
  std::optional<int> level;  // none: the program was given, not generated
  int max_factors = 4;
  double cutoff = 0.0;        // angstrom
  double min_distance = 0.0;  // angstrom, lower end of the Chebyshev interval
  int radial_basis_size = 8;
  double scaling = 1.0;
};

/// Tables::radial.
template <class Real>
using RadialNumbers = std::vector<Real, AlignedAllocator<Real>>;

class MomentTensor : public KernelDescriptor<MomentTensor, Tables, Scratch> {
 public:
  static constexpr const char* name = "moment_tensor";
  using Kernels = FORCESMITH_ISA::Kernels;
  static constexpr PackElements pack_elements = PackElements::mixed;

  static ParameterSchema schema();
  static std::unique_ptr<Descriptor> create(const Json& parameters, const std::vector<std::string>& elements,
                                            const std::string& where);

  /// radial_coefficients: [center element][neighbor element][radial function][radial_basis_size];
  /// empty: f_mu = Q_mu.
  MomentTensor(const Parameters& parameters, ContractionProgram program, std::vector<double> radial_coefficients,
               int n_elements, const std::string& where);

  std::string citation() const override;
  int size(int) const override { return program_.n_values(); }
  std::vector<std::string> names(int element) const override;
  Json to_json() const override;
  void check(const std::string& where) const override { program_.check_rotation_invariance(where); }
  std::vector<double> parameters() const override { return radial_coefficients_; }
  void set_parameters(std::span<const double> values) override;
  /// Radial functions of a lower level or a smaller radial basis; needs the same cutoff and min_distance.
  void adopt_parameters(const Descriptor& smaller) override;

  const Parameters& settings() const { return parameters_; }
  const ContractionProgram& program() const { return program_; }
  int n_elements() const { return n_elements_; }

 private:
  using Moment = std::array<int, 4>;            // mu, a, b, c
  using MomentNumbers = std::map<Moment, int>;  // in the kernels

  void sort_program(const std::string& where);
  MomentNumbers number_rows(const ContractionProgram& program);
  int expand(const Moment& moment, MomentNumbers& numbers);
  void order_values();
  void find_reachable();
  void set_tables();
  template <class Real>
  Tables<Real> tables_without_arrays() const;
  void set_radial();
  template <class Real>
  void set_radial(const std::vector<double>& slopes);

  Parameters parameters_;
  ContractionProgram program_;
  std::vector<double> radial_coefficients_;
  int n_elements_, n_radial_;

  // Arrays of the tables.
  std::array<int, 2> n_rows_{};
  int n_basic_ = 0;
  std::vector<int> row_ends_, row_begin_, nested_, expansion_;
  ProductProgram products_;
  std::vector<int> mapping_, value_order_, reachable_begin_, reachable_, dependence_begin_, dependences_;
  InBothPrecisions<RadialNumbers> radial_;
};

}  // namespace forcesmith::moment_tensor
