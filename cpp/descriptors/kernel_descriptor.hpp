// What all descriptors share: their kernels as tables of functions per instruction set, and the verbs of the
// contract, which pack the neighbors and call them.
//
// Tables<Real>: the descriptor as plain arrays (core/table_arrays.hpp tells how they are listed); its constructor sets
// those of both precisions. Scratch<Real>: pointers into the working memory of the kernels, with
//   kept_size(tables, n_packs)                     registers that are kept of all packs of a block, and
//   working_size(tables, max_packs, width)         registers for the block itself; max_packs: the most of one atom
//   part_size(tables, max_packs, width)            registers that a part has for itself, where threads share the work
//   laid_out(tables, n_packs, max_packs, width, stride, kept, working, of_part)  the pointers into such memory, with
//                                                  `stride` numbers from one register to the next: see
//                                                  simd/registers.hpp
//   gradients_size(tables, max_packs, width)       registers that gradients ask for in addition, if they do:
//   Real* for_gradients                            these
// or NoScratch, if they need none.
// Kernels, in kernels.hpp, has the bodies of the verbs, which launches on devices (device_descriptor.hpp) call too:
//   compute_values, reverse_values                 the values and their adjoint
//   compute_gradients, compute_tangent             faster than what jacobian_rows.hpp makes of the adjoint
//   reverse_parameters, n_parameters               if there are parameters to train
//   with_shape(tables, run)                        if shapes are known to the compiler: calls run(kernels) with the
//                                                  verbs for the shape of the tables; each is a launch of its own
// and, if several threads of a device shall share the work of an atom, in the same order as in the verbs
//   values_shared[], reverse_shared[]              stages of the first two, and whether an atom's threads share each:
//   compute_values_stage, reverse_values_stage     what one of them does, which no other part of the stage may rely on
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/phase.hpp"
#include "core/table_arrays.hpp"
#include "descriptors/descriptor.hpp"
#include "descriptors/jacobian_rows.hpp"
#include "descriptors/kernel_variants.hpp"
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
    int max_packs = 0;  // of one atom
    AlignedBufferOf<Real> kept, working, of_part, for_gradients, added, pair_gradients;
  };

  explicit KernelDescriptor(const Variants& variants) : variants_(variants) {}
  KernelDescriptor(const KernelDescriptor&) = delete;  // tables point into it
  KernelDescriptor& operator=(const KernelDescriptor&) = delete;

  std::string type() const override { return Own::name; }
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
      Real* gradients = reserve_pair_gradients(w);
      variants_.template of<Real>().backpropagate(tables<Real>(), w.view, w.scratch, beta, stride, gradients);
      FORCESMITH_PHASE(forces);
      w.neighbors.add_forces(gradients, forces);
    });
  }
  void gradients(Workspace& workspace, double* gradients, int stride) const override {
    auto& w = in_double(workspace);
    if (variants_.in_double.gradients == nullptr) {
      by_rows(w, [&](const auto&... of_block) { gradients_by_rows(of_block..., gradients, stride); });
      return;
    }
    if constexpr (requires { w.scratch.for_gradients; })
      w.scratch.for_gradients = w.for_gradients.reserve(
          Scratch<double>::gradients_size(tables<double>(), w.max_packs, w.view.width) * w.view.width);
    variants_.in_double.gradients(tables<double>(), w.view, w.scratch, gradients, stride);
  }
  void tangent(Workspace& workspace, const double* directions, double* B_dot, int stride) const override {
    auto& w = in_double(workspace);
    if (variants_.in_double.tangent != nullptr)
      variants_.in_double.tangent(tables<double>(), w.view, w.scratch, directions, B_dot, stride);
    else by_rows(w, [&](const auto&... of_block) { tangent_by_rows(of_block..., directions, B_dot, stride); });
  }
  void parameter_adjoint(Workspace& workspace, const double* directions, const double* B_bar, const double* B_dot_bar,
                         int stride, double* gradient, int gradient_stride) const override {
    auto& w = in_double(workspace);
    if (variants_.in_double.parameter_adjoint != nullptr)
      variants_.in_double.parameter_adjoint(tables<double>(), w.view, w.scratch, directions, B_bar, B_dot_bar, stride,
                                            gradient, gradient_stride);
    else if (!parameters().empty())
      throw std::logic_error("The descriptor \"" + type() + "\" has parameters, but no kernel reverse_parameters.");
  }

  const std::vector<double>& cutoffs() const { return cutoffs_; }
  template <class Real>
  const Tables<Real>& tables() const {
    return std::get<Tables<Real>>(tables_);
  }

 protected:
  template <class Real>
  Tables<Real>& mutable_tables() {
    return std::get<Tables<Real>>(tables_);
  }
  /// For what Scratch::laid_out() cannot know, in w.added: a descriptor may have its own.
  template <class Real>
  void add_scratch(KernelWorkspace<Real>&) const {}

  std::vector<double> cutoffs_;  // [center element][neighbor element] angstrom
  InBothPrecisions<Tables> tables_{};
  TableArrays arrays_;

 private:
  static KernelWorkspace<double>& in_double(Workspace& workspace) {
    if (workspace.precision() != Precision::double_)
      throw std::logic_error("Workspaces of single precision serve values and backpropagation only.");
    return static_cast<KernelWorkspace<double>&>(workspace);
  }
  const Own& own() const { return static_cast<const Own&>(*this); }
  template <class Given>
  void pack_and_compute(const NeighborViewOf<Given>& block, Workspace& workspace, double* B, int stride) const {
    FORCESMITH_PHASE(packing);
    in_its_precision(workspace, [&]<class Real>(KernelWorkspace<Real>& w) {
      const auto& variant = variants_.template of<Real>();
      const Tables<Real>& t = tables<Real>();
      const int width = variant.width;
      w.neighbors.pack(block, cutoffs_, t.n_elements, width, Own::pack_elements);
      w.view = w.neighbors.view();
      w.max_packs = w.neighbors.max_packs_per_atom();
      const int n_packs = w.neighbors.n_packs();
      w.scratch = Scratch<Real>::laid_out(t, n_packs, w.max_packs, width, width,
                                          w.kept.reserve(Scratch<Real>::kept_size(t, n_packs) * width),
                                          w.working.reserve(Scratch<Real>::working_size(t, w.max_packs, width) * width),
                                          w.of_part.reserve(Scratch<Real>::part_size(t, w.max_packs, width) * width));
      own().add_scratch(w);
      variant.values(t, w.view, w.scratch, B, stride);
    });
  }
  template <class Real>
  static Real* reserve_pair_gradients(KernelWorkspace<Real>& w) {
    return w.pair_gradients.reserve(static_cast<std::size_t>(3) * w.neighbors.n_packs() * w.view.width);
  }
  /// Calls use() with the first arguments of the functions of jacobian_rows.hpp.
  template <class Use>
  void by_rows(KernelWorkspace<double>& w, const Use& use) const {
    TableArrays arrays;
    double* pair_gradients = reserve_pair_gradients(w);
    use(w.view, unit_betas(*this, tables<double>().n_elements, arrays), pair_gradients, [&](const double* beta) {
      variants_.in_double.backpropagate(tables<double>(), w.view, w.scratch, beta, 0, pair_gradients);
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
