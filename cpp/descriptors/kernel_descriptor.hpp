// What descriptors without trained coefficients share: their kernels as tables of functions per instruction
// set, and the verbs of the contract, which pack the neighbors and call them.
//
// Tables<Real>: the descriptor as plain arrays; Scratch<Real>: pointers into the working memory of the kernels.
// Own, the descriptor itself, has for Real = double and float, with explicit instantiations,
//   template <class Real> Tables<Real> tables() const;  // pointers into the descriptor
//   template <class Real> void lay_out(const Tables<Real>&, KernelWorkspace<Real>& w) const;
// The latter sets w.scratch for the packed neighbors, in w.memory.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/phase.hpp"
#include "descriptors/descriptor.hpp"
#include "descriptors/kernel_variant.hpp"
#include "neighbors/packed_neighbors.hpp"

namespace forcesmith {

template <class Own, template <class> class Tables, template <class> class Scratch>
class KernelDescriptor : public Descriptor {
 public:
  using Variants = KernelVariants<Tables, Scratch>;
  static constexpr PackElements pack_elements = PackElements::one;

  template <class Real>
  struct KernelWorkspace : Workspace {
    explicit KernelWorkspace(const PackingVariants& packing) : Workspace(precision_of<Real>), neighbors(packing) {}
    PackedNeighborsOf<Real> neighbors;
    PackedViewOf<Real> view{};
    Scratch<Real> scratch{};
    std::array<AlignedBufferOf<Real>, 3> memory;
    AlignedBufferOf<Real> pair_gradients;
  };

  explicit KernelDescriptor(const Variants& variants) : variants_(variants) {}

  double cutoff() const override { return *std::max_element(cutoffs_.begin(), cutoffs_.end()); }
  int block_size(Precision precision = Precision::double_) const override {
    return precision == Precision::single ? variants_.in_single.width : variants_.in_double.width;
  }
  std::unique_ptr<Workspace> make_workspace(Precision precision = Precision::double_) const override {
    if (precision == Precision::single) return std::make_unique<KernelWorkspace<float>>(packing_);
    return std::make_unique<KernelWorkspace<double>>(packing_);
  }
  void values(const NeighborView& block, Workspace& workspace, double* B, int stride) const override {
    pack_and_compute(block, workspace, B, stride);
  }
  void values(const NeighborViewOf<float>& block, Workspace& workspace, double* B, int stride) const override {
    pack_and_compute(block, workspace, B, stride);
  }
  void backpropagate(Workspace& workspace, const double* beta, int stride, const PairForces& forces) const override {
    in_its_precision(workspace, [&]<class Real>(KernelWorkspace<Real>& w) {
      Real* gradients = w.pair_gradients.reserve(static_cast<std::size_t>(3) * w.neighbors.n_packs() * w.view.width);
      variants_.template of<Real>().backpropagate(own().template tables<Real>(), w.view, w.scratch, beta, stride,
                                                  gradients);
      FORCESMITH_PHASE(forces);
      w.neighbors.add_forces(gradients, forces);
    });
  }
  void gradients(Workspace& workspace, double* gradients, int stride) const override {
    auto& w = in_double(workspace);
    variants_.in_double.gradients(own().template tables<double>(), w.view, w.scratch, gradients, stride);
  }
  void tangent(Workspace& workspace, const double* directions, double* B_dot, int stride) const override {
    auto& w = in_double(workspace);
    variants_.in_double.tangent(own().template tables<double>(), w.view, w.scratch, directions, B_dot, stride);
  }
  void parameter_adjoint(Workspace& workspace, const double*, const double*, const double*, int,
                         double*) const override {
    in_double(workspace);
  }

  const std::vector<double>& cutoffs() const { return cutoffs_; }

 protected:
  std::vector<double> cutoffs_;  // [center element][neighbor element] angstrom
  static KernelWorkspace<double>& in_double(Workspace& workspace) {
    if (workspace.precision() != Precision::double_)
      throw std::logic_error("Workspaces of single precision serve values and backpropagation only.");
    return static_cast<KernelWorkspace<double>&>(workspace);
  }

 private:
  const Own& own() const { return static_cast<const Own&>(*this); }
  template <class Given>
  void pack_and_compute(const NeighborViewOf<Given>& block, Workspace& workspace, double* B, int stride) const {
    FORCESMITH_PHASE(packing);
    in_its_precision(workspace, [&]<class Real>(KernelWorkspace<Real>& w) {
      const auto& variant = variants_.template of<Real>();
      w.neighbors.pack(block, cutoffs_, own().n_elements(), variant.width, Own::pack_elements);
      w.view = w.neighbors.view();
      const Tables<Real> t = own().template tables<Real>();
      own().lay_out(t, w);
      variant.values(t, w.view, w.scratch, B, stride);
    });
  }
  template <class Call>
  static void in_its_precision(Workspace& workspace, const Call& call) {
    if (workspace.precision() == Precision::single) call(static_cast<KernelWorkspace<float>&>(workspace));
    else call(static_cast<KernelWorkspace<double>&>(workspace));
  }

  Variants variants_;
  PackingVariants packing_ = packing_variants_in_use();  // of the same instruction set
};

}  // namespace forcesmith
