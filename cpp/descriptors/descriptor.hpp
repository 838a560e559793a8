// The contract every descriptor keeps. docs/development/adding_a_descriptor.md tells how one is added.
//
// Work is done on blocks of at most block_size() central atoms, by several workers at once, each with
// a workspace of its own. values() comes first; the other verbs then refer to the same block, whose arrays the
// caller keeps until then.
// Energies eV, lengths angstrom. Sizes: n_atoms and n_pairs are those of the block; `stride` is the
// distance between the rows of two atoms (or pair components) in arrays of values.
//
// A workspace of single precision computes in float inside, arrays of values and forces stay double; it serves
// values(), of neighbors in either precision, and backpropagate() only, the other verbs throw std::logic_error.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/parameter_schema.hpp"
#include "core/precision.hpp"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/pair_forces.hpp"

namespace forcesmith {

class Descriptor {
 public:
  /// Memory of one worker; holds what values() leaves behind for the other verbs.
  class Workspace {
   public:
    explicit Workspace(Precision precision = Precision::double_) : precision_(precision) {}
    virtual ~Workspace() = default;
    Precision precision() const { return precision_; }

   private:
    Precision precision_;
  };

  virtual ~Descriptor() = default;

  virtual std::string type() const = 0;  // name in the registry
  /// What users of the descriptor cite: one sentence with the doi, an empty line, BibTeX.
  virtual std::string citation() const = 0;
  virtual double cutoff() const = 0;                              // angstrom
  virtual int size(int element) const = 0;                        // values per atom of that element
  virtual std::vector<std::string> names(int element) const = 0;  // [size(element)]
  virtual Json to_json() const = 0;                               // parameters and coefficients; what create() reads

  virtual int block_size(Precision precision = Precision::double_) const = 0;
  virtual std::unique_ptr<Workspace> make_workspace(Precision precision = Precision::double_) const = 0;

  /// B: [n_atoms][stride], every entry up to size(element) is set.
  virtual void values(const NeighborView& block, Workspace& workspace, double* B, int stride) const = 0;
  virtual void values(const NeighborViewOf<float>& block, Workspace& workspace, double* B, int stride) const = 0;

  /// Adds the forces and virials of dE_i/dr_ij = sum_k beta_k dB_k/dr_ij; beta: [n_atoms][stride].
  virtual void backpropagate(Workspace& workspace, const double* beta, int stride, const PairForces& forces) const = 0;

  /// Sets dB_k/dr_ij in gradients [n_pairs][3][stride] for pairs inside the cutoff; the caller clears it.
  virtual void gradients(Workspace& workspace, double* gradients, int stride) const = 0;

  /// B_dot [n_atoms][stride]: derivative of the values when every r_ij moves along directions [n_pairs][3].
  virtual void tangent(Workspace& workspace, const double* directions, double* B_dot, int stride) const = 0;

  /// Adds d/dparameters of sum (B_bar . B + B_dot_bar . B_dot) to gradient [parameters().size()], or that of each atom
  /// to its own, gradient_stride after that of the atom before (0: all to one). After tangent() with the same
  /// directions.
  virtual void parameter_adjoint(Workspace& workspace, const double* directions, const double* B_bar,
                                 const double* B_dot_bar, int stride, double* gradient, int gradient_stride) const = 0;

  /// Throws FormatError naming `where` if no sound potential has such values, for example because they change when
  /// the atoms are rotated. For what was read from a file.
  virtual void check(const std::string& where) const { static_cast<void>(where); }

  /// Coefficients inside the descriptor that training may change; empty if there are none.
  virtual std::vector<double> parameters() const { return {}; }
  virtual void set_parameters(std::span<const double>) {}
  /// Takes over what `smaller`, of the same type, already knows: the values of `smaller` are among those
  /// of this descriptor afterwards, in so far as the cutoffs agree. Throws ParameterError if it cannot.
  virtual void adopt_parameters(const Descriptor& smaller);
};

inline void Descriptor::adopt_parameters(const Descriptor& smaller) {
  if (smaller.type() != type() || smaller.parameters().size() != parameters().size())
    throw ParameterError("A \"" + type() + "\" descriptor cannot start from this \"" + smaller.type() +
                         "\" descriptor: their parameters do not correspond.");
  set_parameters(smaller.parameters());
}

}  // namespace forcesmith
