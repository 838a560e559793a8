// From a LAMMPS neighbor list to the NeighborView of the core. Nothing is copied but one block of
// atoms at a time, into the buffer of the thread that works on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "atom.h"
#include "core/precision.hpp"
#include "hidden_atoms.hpp"
#include "lmptype.h"
#include "neigh_list.h"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/select_neighbors_variants.hpp"
#include "potentials/short_range.hpp"

namespace forcesmith::lammps {

class NeighborAdapter final : public NeighborSource {
 public:
  /// list: full list of this pair style, a sub-list under hybrid.
  /// element_of_type[atom type] is the index in Potential::elements(), -1 for types mapped to NULL:
  /// their atoms, and hidden ones, are neither central atoms nor neighbors. short_range: of the potential, or
  /// null.
  NeighborAdapter(const LAMMPS_NS::NeighList& list, const LAMMPS_NS::Atom& atom, const HiddenAtoms& hidden,
                  const std::vector<int>& element_of_type, double cutoff, const ShortRange* short_range,
                  Precision precision)
      : list_(list), precision_(precision) {
    const int n_host = atom.nlocal + atom.nghost;
    elements_.resize(n_host);
    for (int i = 0; i < n_host; ++i) elements_[i] = element_of_type[atom.type[i]];
    bool one_element =
        std::all_of(element_of_type.begin() + 1, element_of_type.end(), [](int element) { return element == 0; });
    for (int i = 0; i < n_host && hidden.possible(); ++i) {
      if (!hidden.contains(atom.type[i], atom.mask[i])) continue;
      elements_[i] = -1;
      one_element = false;
    }
    const double* positions = &atom.x[0][0];
    if (precision == Precision::single) {
      const double step = grid_step(cutoff);
      int* rows = rows_.reserve(4 * static_cast<std::size_t>(n_host));
      select_.set_rows(positions, elements_.data(), 0, n_host, step, rows);
      atoms_on_grid_ = {rows,
                        one_element,
                        NEIGHMASK,
                        static_cast<float>(step),
                        static_cast<float>(cutoff * cutoff),
                        short_range ? short_range->close_limits_single() : CloseLimits<float>{}};
    }
    atoms_ = {positions, one_element ? nullptr : elements_.data(), NEIGHMASK, cutoff * cutoff,
              short_range ? short_range->close_limits() : CloseLimits<double>{}};
    set_centers([](int) { return true; });
  }

  /// Central atoms are the listed ones of this style for which is_center(index of the atom) is true; all at first.
  template <class IsCenter>
  void set_centers(const IsCenter& is_center) {
    centers_.clear();
    centers_.reserve(list_.inum);
    for (int a = 0; a < list_.inum; ++a)
      if (const int i = list_.ilist[a]; elements_[i] >= 0 && is_center(i)) centers_.push_back(i);
  }

  int n_atoms() const override { return static_cast<int>(centers_.size()); }

  NeighborView block(int first, int count, NeighborBuffer& buffer) const override {
    NeighborView view;
    bool close = false;
    if (precision_ == Precision::single) {
      select(select_.in_single, atoms_on_grid_, first, count, buffer, buffer.x_single, buffer.y_single, buffer.z_single,
             close);
      view.x_single = buffer.x_single.data();
      view.y_single = buffer.y_single.data();
      view.z_single = buffer.z_single.data();
    } else {
      select(select_.in_double, atoms_, first, count, buffer, buffer.x, buffer.y, buffer.z, close);
      view.x = buffer.x.data();
      view.y = buffer.y.data();
      view.z = buffer.z.data();
    }
    view.n_atoms = count;
    view.centers = centers_.data() + first;
    view.center_types = buffer.center_types.data();
    view.offsets = buffer.offsets.data();
    view.neighbors = buffer.neighbors.data();
    view.types = buffer.types.data();
    view.may_have_close_pairs = close;
    return view;
  }

 private:
  template <class Atoms, class Real>
  void select(SelectNeighbors<Atoms, Real> select_neighbors, const Atoms& atoms, int first, int count,
              NeighborBuffer& buffer, AlignedBufferOf<Real>& x, AlignedBufferOf<Real>& y, AlignedBufferOf<Real>& z,
              bool& close) const {
    const int* centers = centers_.data() + first;
    std::size_t n_listed = select_padding;
    for (int a = 0; a < count; ++a) n_listed += list_.numneigh[centers[a]];
    buffer.center_types.resize(count);
    buffer.offsets.resize(count + 1);
    const PairArrays<Real> pairs{buffer.neighbors.reserve(n_listed), buffer.types.reserve(n_listed),
                                 x.reserve(n_listed), y.reserve(n_listed), z.reserve(n_listed)};
    int n_pairs = 0;
    for (int a = 0; a < count; ++a) {
      const int i = centers[a];
      buffer.center_types[a] = elements_[i];
      buffer.offsets[a] = n_pairs;
      n_pairs = select_neighbors(atoms, i, list_.firstneigh[i], list_.numneigh[i], pairs, n_pairs, close);
    }
    buffer.offsets[count] = n_pairs;
    if (atoms_.elements == nullptr) std::fill_n(pairs.types, n_pairs, 0);
  }

  const LAMMPS_NS::NeighList& list_;
  Precision precision_;
  SelectNeighborsVariant select_ = select_neighbors_in_use();
  std::vector<int> elements_;  // [n_host] -1: not this style's business
  std::vector<int> centers_;   // [n_atoms] index of the central atom
  AlignedBufferOf<int> rows_;  // of atoms_on_grid_
  ListedAtoms atoms_;
  ListedAtomsOnGrid atoms_on_grid_{};
};

}  // namespace forcesmith::lammps
