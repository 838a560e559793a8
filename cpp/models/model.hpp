// The contract every model keeps: site energies from descriptor values, E_i = model(B_i).
//
// Energies in eV. Arrays of values are [n_atoms][stride]; only the first size(element) entries of a
// row count. `types` holds element indices [n_atoms]. Several workers call a model at once, each with a
// workspace of its own.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/parameter_schema.hpp"

namespace forcesmith {

/// What a parameter is to training.
enum class ParameterRole {
  offset,  // energy of an isolated atom, eV
  weight,  // multiplies descriptor values, products of them, or outputs of neurons
  bias,    // is added to the input of a neuron
};

/// "offset", "weight", "bias"
std::string to_string(ParameterRole role);

/// Parameters of one kind, one after the other.
struct ParameterBlock {
  std::string name;  // as in the potential file
  ParameterRole role;
  std::size_t begin, size;          // in Model::parameters()
  std::optional<int> element = {};  // whose they are, if they are those of one
};

/// What else a model knows whose E_i is linear in all parameters: its design matrix, a column per parameter.
class LinearInParameters {
 public:
  virtual ~LinearInParameters() = default;
  /// Adds dE_i/dparameters to row.
  virtual void add_design_row(int element, const double* B, double* row) const = 0;
  /// Adds factor * d/dx dE_i/dparameters to row, where dB [size(element)] = dB_i/dx.
  virtual void add_design_gradient(int element, const double* B, const double* dB, double factor,
                                   double* row) const = 0;
};

/// The descriptor values of the training set.
struct InputStatistics {
  std::vector<std::vector<double>> mean, factor, min, max;  // [element][size(element)]; factor: 1 / spread
};

/// Of the descriptor values of an element in the training set, [size(element)].
struct InputRange {
  std::span<const double> min, max;
};

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

  /// The features of an atom's energy, in which it is linear: dE_i/d(parameters of its element that follow no
  /// nonlinear function). Those of a linear or quadratic model are 1 and what its coefficients multiply; those of a
  /// network 1, what its output layer multiplies, and its inputs: hidden layers may be bounded, inputs are not; of an
  /// embedding 1 and its inputs.
  virtual int n_features(int element) const = 0;
  /// features [n_atoms][feature_stride]: sets n_features(element) in the row of an atom.
  virtual void features(Workspace& workspace, int n_atoms, const int* types, const double* B, int stride,
                        double* features, int feature_stride) const = 0;

  /// How many descriptor values of an atom, B [size(element)], lie outside their range in the training set; -1
  /// if the model was not told the ranges.
  int values_outside(int element, const double* B) const;
  /// Nothing if the model was not told the ranges.
  virtual std::optional<InputRange> input_range(int) const { return {}; }

  virtual std::vector<double> parameters() const = 0;
  virtual void set_parameters(std::span<const double> values) = 0;
  /// All parameters, block after block in their order. One block, "energy_offsets", has the role offset: a parameter
  /// per element.
  virtual std::vector<ParameterBlock> parameter_blocks() const = 0;
  /// offsets: [n_elements] eV. Throws ParameterError for another number.
  void set_energy_offsets(std::span<const double> offsets);

  /// Nothing if E_i is not linear in all parameters.
  virtual const LinearInParameters* linear_in_parameters() const { return nullptr; }

  /// True if E_i has a part that is a linear model, whatever the others: training fits it first.
  virtual bool has_linear_part() const { return false; }
  /// Gives that part these coefficients of the values, [element][size(element)] eV. Throws ParameterError if the model
  /// has none, or for numbers that do not fit to its inputs.
  virtual void set_linear_part(const std::vector<std::vector<double>>& coefficients);

  /// True if the model sees its inputs on a scale of its own, which training sets before it begins.
  virtual bool has_own_input_scale() const { return false; }
  /// From now on the model sees (B - mean) factor, and knows the range of B. Parameters stay. Throws ParameterError
  /// if the model has no scale of its own, or for numbers that do not fit to its inputs.
  virtual void standardize_inputs(InputStatistics statistics);
};

}  // namespace forcesmith
