// The contract every model keeps: site energies from descriptor values, E_i = model(B_i).
//
// Energies in eV. Arrays of values are [n_atoms][stride]; only the first size(element) entries of a
// row count. `types` holds element indices [n_atoms]. Several workers call a model at once, each with a
// workspace of its own.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/parameter_schema.hpp"

namespace forcesmith {

class Model {
 public:
  /// Memory of one worker, so that no call allocates; nothing in it outlives a call.
  class Workspace {
   public:
    virtual ~Workspace() = default;
  };

  virtual ~Model() = default;

  virtual std::string type() const = 0;  // name in the registry
  virtual Json to_json() const = 0;      // what create() reads
  virtual std::unique_ptr<Workspace> make_workspace() const { return std::make_unique<Workspace>(); }

  /// energies [n_atoms] and beta = dE_i/dB_i [n_atoms][stride].
  virtual void energies_and_gradients(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride,
                                      double* energies, double* beta) const = 0;

  /// Reverse pass of J = sum_i (energy_bar_i E_i + D E_i), where D is the derivative along B_dot:
  /// sets B_bar = dJ/dB and B_dot_bar = dJ/dB_dot, adds dJ/dparameters to gradient.
  virtual void parameter_adjoint(Workspace& workspace, int n_atoms, const int* types, const double* B,
                                 const double* B_dot, int stride, const double* energy_bar, double* B_bar,
                                 double* B_dot_bar, double* gradient) const = 0;

  /// How many descriptor values of an atom, B [size(element)], lie outside their range in the training set; -1
  /// if the model was not told the ranges.
  virtual int values_outside(int, const double*) const { return -1; }

  virtual std::vector<double> parameters() const = 0;
  virtual void set_parameters(std::span<const double> values) = 0;

  /// True if E_i is linear in all parameters; then the two functions below give the design matrix, one
  /// column per parameter.
  virtual bool linear_in_parameters() const = 0;
  /// Adds dE_i/dparameters to row.
  virtual void add_design_row(int element, const double* B, double* row) const = 0;
  /// Adds factor * d/dx dE_i/dparameters to row, where dB [size(element)] = dB_i/dx.
  virtual void add_design_gradient(int element, const double* B, const double* dB, double factor,
                                   double* row) const = 0;
};

}  // namespace forcesmith
