// From a LAMMPS neighbor list to the NeighborView of the core. Nothing is copied but one block of
// atoms at a time, into the buffer of the thread that works on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "atom.h"
#include "hidden_atoms.hpp"
#include "lmptype.h"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/select_neighbors_variants.hpp"
#include "potentials/short_range.hpp"

namespace forcesmith::lammps {

/// A full neighbor list of this pair style, a sub-list under hybrid.
struct NeighborRows {
  int n_centers;
  const int* centers;       // [n_centers]
  const int* counts;        // by atom of the host
  const int* const* first;  // by atom of the host: its neighbors, by index
};

template <class Real>
class NeighborAdapter final : public NeighborSourceOf<Real> {
 public:
  /// element_of_type[atom type] is the index in Potential::elements(), -1 for types mapped to NULL:
  /// their atoms, and hidden ones, are neither central atoms nor neighbors. short_range: of the potential, or
  /// null.
  NeighborAdapter(const NeighborRows& list, const LAMMPS_NS::Atom& atom, const HiddenAtoms& hidden,
                  const std::vector<int>& element_of_type, double cutoff, const ShortRange* short_range)
      : list_(list), cutoff_(cutoff) {
    const int n_host = atom.nlocal + atom.nghost;
    elements_.resize(n_host);
    for (int i = 0; i < n_host; ++i) elements_[i] = element_of_type[atom.type[i]];
    one_element_ =
        std::all_of(element_of_type.begin() + 1, element_of_type.end(), [](int element) { return element == 0; });
    for (int i = 0; i < n_host && hidden.possible(); ++i) {
      if (!hidden.contains(atom.type[i], atom.mask[i])) continue;
      elements_[i] = -1;
      one_element_ = false;
    }
    const double* positions = &atom.x[0][0];
    const Real cutoff_squared = static_cast<Real>(cutoff * cutoff);
    const CloseLimits<Real> close = short_range ? short_range->close_limits<Real>() : CloseLimits<Real>{};
    const SelectNeighborsVariant variant = select_neighbors_in_use();
    select_neighbors_ = variant.of<Real>();
    if constexpr (std::is_same_v<Real, float>) {
      const double step = grid_step(cutoff);
      int* rows = rows_.reserve(4 * static_cast<std::size_t>(n_host));
      variant.set_rows(positions, elements_.data(), 0, n_host, step, rows);
      atoms_ = {rows, one_element_, NEIGHMASK, static_cast<float>(step), cutoff_squared, close};
    } else {
      atoms_ = {positions, one_element_ ? nullptr : elements_.data(), NEIGHMASK, cutoff_squared, close};
    }
    set_centers([](int) { return true; });
  }

  /// Central atoms are the listed ones of this style for which is_center(index of the atom) is true; all at first.
  template <class IsCenter>
  void set_centers(const IsCenter& is_center) {
    centers_.clear();
    centers_.reserve(list_.n_centers);
    for (int a = 0; a < list_.n_centers; ++a)
      if (const int i = list_.centers[a]; elements_[i] >= 0 && is_center(i)) centers_.push_back(i);
  }

  int n_atoms() const override { return static_cast<int>(centers_.size()); }

  NeighborViewOf<Real> block(int first, int count, NeighborBufferOf<Real>& buffer) const override {
    const int* centers = centers_.data() + first;
    std::size_t n_listed = select_padding;
    for (int a = 0; a < count; ++a) n_listed += list_.counts[centers[a]];
    buffer.center_types.resize(count);
    buffer.offsets.resize(count + 1);
    const PairArrays<Real> pairs{buffer.neighbors.reserve(n_listed), buffer.types.reserve(n_listed),
                                 buffer.x.reserve(n_listed), buffer.y.reserve(n_listed), buffer.z.reserve(n_listed)};
    int n_pairs = 0;
    bool close = false;
    for (int a = 0; a < count; ++a) {
      const int i = centers[a];
      buffer.center_types[a] = elements_[i];
      buffer.offsets[a] = n_pairs;
      n_pairs = select_neighbors_(atoms_, i, list_.first[i], list_.counts[i], pairs, n_pairs, close);
    }
    buffer.offsets[count] = n_pairs;
    if (one_element_) std::fill_n(pairs.types, n_pairs, 0);
    return {count,
            centers,
            buffer.center_types.data(),
            buffer.offsets.data(),
            pairs.neighbors,
            pairs.types,
            pairs.x,
            pairs.y,
            pairs.z,
            close,
            cutoff_};
  }

 private:
  NeighborRows list_;
  SelectNeighbors<Real> select_neighbors_;
  std::vector<int> elements_;  // [n_host] -1: not this style's business
  std::vector<int> centers_;   // [n_atoms] index of the central atom
  bool one_element_;           // all atoms are of element 0
  double cutoff_;              // angstrom
  ListedAtoms<Real> atoms_;
  AlignedBufferOf<int> rows_;  // of atoms_ in single precision
};

}  // namespace forcesmith::lammps
