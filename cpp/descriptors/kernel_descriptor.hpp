// What descriptors without trained coefficients share: their kernels as one table of functions per
// instruction set, and the verbs of the contract, which pack the neighbors and call them.
//
// Tables: the descriptor as plain arrays; Scratch: pointers into the working memory of the kernels.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/phase.hpp"
#include "descriptors/descriptor.hpp"
#include "descriptors/kernel_variant.hpp"
#include "neighbors/packed_neighbors.hpp"

namespace forcesmith {

template <class Tables, class Scratch>
class KernelDescriptor : public Descriptor {
 public:
  using Variant = KernelVariant<Tables, Scratch>;

  explicit KernelDescriptor(const Variant& variant) : variant_(variant) {}

  double cutoff() const override { return *std::max_element(cutoffs_.begin(), cutoffs_.end()); }
  int block_size() const override { return variant_.width; }
  std::unique_ptr<Workspace> make_workspace() const override { return std::make_unique<KernelWorkspace>(); }
  void values(const NeighborView& block, Workspace& workspace, double* B, int stride) const override {
    FORCESMITH_PHASE(packing);
    auto& w = static_cast<KernelWorkspace&>(workspace);
    w.neighbors.pack(block, cutoffs_, n_elements(), variant_.width);
    w.view = w.neighbors.view();
    const Tables t = tables();
    lay_out(t, w);
    variant_.values(t, w.view, w.scratch, B, stride);
  }
  void backpropagate(Workspace& workspace, const double* beta, int stride,
                     double* pair_gradients) const override {
    auto& w = static_cast<KernelWorkspace&>(workspace);
    variant_.backpropagate(tables(), w.view, w.scratch, beta, stride, pair_gradients);
  }
  void gradients(Workspace& workspace, double* gradients, int stride) const override {
    auto& w = static_cast<KernelWorkspace&>(workspace);
    variant_.gradients(tables(), w.view, w.scratch, gradients, stride);
  }
  void tangent(Workspace& workspace, const double* directions, double* B_dot, int stride) const override {
    auto& w = static_cast<KernelWorkspace&>(workspace);
    variant_.tangent(tables(), w.view, w.scratch, directions, B_dot, stride);
  }
  void parameter_adjoint(Workspace&, const double*, const double*, const double*, int,
                         double*) const override {}

  virtual int n_elements() const = 0;
  virtual Tables tables() const = 0;  // pointers into this object
  const std::vector<double>& cutoffs() const { return cutoffs_; }

 protected:
  struct KernelWorkspace : Workspace {
    PackedNeighbors neighbors;
    PackedView view{};
    Scratch scratch{};
    std::array<AlignedBuffer, 3> memory;
  };
  /// Sets w.scratch for the packed neighbors, in w.memory.
  virtual void lay_out(const Tables& t, KernelWorkspace& w) const = 0;

  Variant variant_;
  std::vector<double> cutoffs_;  // [center element][neighbor element] angstrom
};

}  // namespace forcesmith
