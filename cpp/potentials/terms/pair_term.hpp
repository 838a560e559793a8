// What terms share that are sums over pairs: neighbors are packed, and their kernel is called.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "potentials/terms/pair_term_variant.hpp"
#include "potentials/terms/term.hpp"

namespace forcesmith {

template <class Tables>
class PairTerm : public LocalTerm {
 public:
  explicit PairTerm(const PairTermVariant<Tables>& variant) : variant_(variant) {}

  double cutoff() const override { return *std::max_element(cutoffs_.begin(), cutoffs_.end()); }
  std::unique_ptr<Workspace> make_workspace() const override { return std::make_unique<PairWorkspace>(packing_); }
  void add(const NeighborView& block, Workspace& workspace, double* energies, const PairForces& forces) const override {
    pack_and_add(block, workspace, energies, forces);
  }
  void add(const NeighborViewOf<float>& block, Workspace& workspace, double* energies,
           const PairForces& forces) const override {
    pack_and_add(block, workspace, energies, forces);
  }

  const std::vector<double>& cutoffs() const { return cutoffs_; }
  virtual Tables tables() const = 0;

 protected:
  std::vector<double> cutoffs_;  // [center element][neighbor element], angstrom

 private:
  struct PairWorkspace : Workspace {
    explicit PairWorkspace(const PackingVariants& packing) : neighbors(packing) {}
    PackedNeighbors neighbors;
    AlignedBuffer pair_gradients;
  };

  template <class Real>
  void pack_and_add(const NeighborViewOf<Real>& block, Workspace& workspace, double* energies,
                    const PairForces& forces) const {
    auto& w = static_cast<PairWorkspace&>(workspace);
    const Tables t = tables();
    w.neighbors.pack(block, cutoffs_, t.n_elements, variant_.width);
    double* gradients = w.pair_gradients.reserve(static_cast<std::size_t>(3) * w.neighbors.n_packs() * variant_.width);
    variant_.add(t, w.neighbors.view(), energies, gradients);
    w.neighbors.add_forces(gradients, forces);
  }

  PairTermVariant<Tables> variant_;
  PackingVariants packing_ = packing_variants_in_use();  // of the same instruction set
};

}  // namespace forcesmith
