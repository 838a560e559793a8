// From a LAMMPS neighbor list to the NeighborView of the core. Nothing is copied but one block of
// atoms at a time, into the buffer of the thread that works on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "atom.h"
#include "lmptype.h"
#include "neigh_list.h"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/select_neighbors_variants.hpp"

namespace forcesmith::lammps {

class NeighborAdapter final : public NeighborSource {
 public:
  /// list: full list of this pair style, a sub-list under hybrid.
  /// element_of_type[atom type] is the index in Potential::elements(), -1 for types mapped to NULL:
  /// their atoms are neither central atoms nor neighbors.
  NeighborAdapter(const LAMMPS_NS::NeighList &list, const LAMMPS_NS::Atom &atom,
                  const std::vector<int> &element_of_type, double cutoff)
      : list_(list), select_neighbors_(select_neighbors_in_use()) {
    const int n_host = atom.nlocal + atom.nghost;
    elements_.resize(n_host);
    for (int i = 0; i < n_host; ++i) elements_[i] = element_of_type[atom.type[i]];
    const bool one_element = std::all_of(element_of_type.begin() + 1, element_of_type.end(),
                                         [](int element) { return element == 0; });
    atoms_ = {&atom.x[0][0], one_element ? nullptr : elements_.data(), NEIGHMASK, cutoff * cutoff};
    centers_.reserve(list.inum);
    for (int a = 0; a < list.inum; ++a)
      if (elements_[list.ilist[a]] >= 0) centers_.push_back(list.ilist[a]);
  }

  int n_atoms() const override { return static_cast<int>(centers_.size()); }

  NeighborView block(int first, int count, NeighborBuffer &buffer) const override {
    const int *centers = centers_.data() + first;
    std::size_t n_listed = 0;
    for (int a = 0; a < count; ++a) n_listed += list_.numneigh[centers[a]];
    n_listed += select_padding;
    buffer.center_types.resize(count);
    buffer.offsets.resize(count + 1);
    const PairArrays pairs{buffer.neighbors.reserve(n_listed), buffer.types.reserve(n_listed),
                           buffer.x.reserve(n_listed), buffer.y.reserve(n_listed), buffer.z.reserve(n_listed)};
    int n_pairs = 0;
    for (int a = 0; a < count; ++a) {
      const int i = centers[a];
      buffer.center_types[a] = elements_[i];
      buffer.offsets[a] = n_pairs;
      n_pairs = select_neighbors_(atoms_, i, list_.firstneigh[i], list_.numneigh[i], pairs, n_pairs);
    }
    buffer.offsets[count] = n_pairs;
    if (atoms_.elements == nullptr) std::fill_n(pairs.types, n_pairs, 0);

    return {count,
            centers,
            buffer.center_types.data(),
            buffer.offsets.data(),
            buffer.neighbors.data(),
            buffer.types.data(),
            buffer.x.data(),
            buffer.y.data(),
            buffer.z.data()};
  }

 private:
  const LAMMPS_NS::NeighList &list_;
  std::vector<int> elements_;  // [n_host] -1: not this style's business
  ListedAtoms atoms_;
  SelectNeighbors select_neighbors_;
  std::vector<int> centers_;   // [n_atoms] index of the central atom
};

}  // namespace forcesmith::lammps
