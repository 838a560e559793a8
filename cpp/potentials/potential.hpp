// A potential: elements, descriptors (their values are concatenated), a model, perhaps further terms of the energy,
// where its training data end at short range, and where it came from.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "descriptors/descriptor.hpp"
#include "extrapolation/active_set.hpp"
#include "models/model.hpp"
#include "potentials/short_range.hpp"
#include "potentials/terms/term.hpp"

namespace forcesmith {

class Potential {
 public:
  /// Throws ParameterError if an element is there twice.
  Potential(std::vector<std::string> elements, std::vector<std::unique_ptr<Descriptor>> descriptors,
            std::unique_ptr<Model> model, Json provenance = Json::object());

  const std::vector<std::string>& elements() const { return elements_; }
  double cutoff() const;  // angstrom, largest of all descriptors and terms
  const std::vector<std::unique_ptr<Descriptor>>& descriptors() const { return descriptors_; }
  const Model& model() const { return *model_; }
  Model& changed_model() {
    ++revision_.others;
    active_set_.reset();
    return *model_;
  }
  const std::vector<std::unique_ptr<Term>>& terms() const { return terms_; }
  void set_terms(std::vector<std::unique_ptr<Term>> terms) {
    ++revision_.others;
    terms_ = std::move(terms);
  }
  /// Nothing where it is not known at which distances the training data begin.
  const std::optional<ShortRange>& short_range() const { return short_range_; }
  void set_short_range(std::optional<ShortRange> short_range) {
    ++revision_.others;
    short_range_ = std::move(short_range);
  }
  /// Null where none is known. Changed parameters make it another potential, without one.
  const std::shared_ptr<const ActiveSet>& active_set() const { return active_set_; }
  void set_active_set(std::shared_ptr<const ActiveSet> active_set) {
    ++revision_.others;
    active_set_ = std::move(active_set);
  }
  const Json& provenance() const { return provenance_; }
  void set_provenance(Json provenance) { provenance_ = std::move(provenance); }

  int size(int element) const;  // descriptor values per atom, all descriptors together
  int stride() const;           // largest size
  /// Most atoms per call of a descriptor.
  int block_size(Precision precision = Precision::double_) const;

  std::vector<double> descriptor_parameters() const;
  void set_descriptor_parameters(std::span<const double> values);
  /// Descriptor by descriptor, see Descriptor::adopt_parameters. Model parameters stay.
  void adopt_descriptor_parameters(const Potential& smaller);
  std::vector<double> model_parameters() const { return model_->parameters(); }
  void set_model_parameters(std::span<const double> values) {
    change_parameters();
    model_->set_parameters(values);
  }

  /// Other numbers after every change of what it computes: of parameters, or of something else.
  struct Revision {
    std::uint64_t parameters = 0, others = 0;
    bool operator==(const Revision&) const = default;
  };
  const Revision& revision() const { return revision_; }

 private:
  void change_parameters() {
    ++revision_.parameters;
    active_set_.reset();
  }

  std::vector<std::string> elements_;
  std::vector<std::unique_ptr<Descriptor>> descriptors_;
  std::unique_ptr<Model> model_;
  std::vector<std::unique_ptr<Term>> terms_;
  std::optional<ShortRange> short_range_;
  std::shared_ptr<const ActiveSet> active_set_;
  Json provenance_;
  Revision revision_;
};

/// All descriptors of a potential working on one block of atoms, for one worker. Arrays of values have
/// the row length potential.stride().
class BlockDescriptors {
 public:
  explicit BlockDescriptors(const Potential& potential, Precision precision = Precision::double_);
  template <class Real>
  void values(const NeighborViewOf<Real>& block, double* B);
  void backpropagate(const double* beta, const PairForces& forces);
  void gradients(double* gradients);
  void tangent(const double* directions, double* B_dot);
  /// gradient: as in Potential::descriptor_parameters(); see Descriptor::parameter_adjoint.
  void parameter_adjoint(const double* directions, const double* B_bar, const double* B_dot_bar, double* gradient,
                         int gradient_stride = 0);

 private:
  /// One descriptor. Where its first column is the same for all elements it works in place, else in a
  /// buffer of its own.
  struct Part {
    const Descriptor* descriptor;
    std::unique_ptr<Descriptor::Workspace> workspace;
    std::vector<int> columns;  // [element] first column
    int stride;                // row length of the arrays the descriptor sees
    int first_parameter;
    bool in_place;
    std::vector<double> buffer, second_buffer;

    template <class Compute>
    void write(const BlockDescriptors& all, double* rows, int n_atoms, const Compute& compute);
    const double* read(const BlockDescriptors& all, const double* rows, std::vector<double>& copy) const;
  };

  int stride_;
  std::vector<Part> parts_;
  const int* types_ = nullptr;              // of the block values() was called with
  std::vector<std::int64_t> pair_offsets_;  // of the same block
};

}  // namespace forcesmith
