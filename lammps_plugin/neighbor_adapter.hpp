// From a LAMMPS neighbor list to the NeighborView of the core. Nothing is copied but one block of
// atoms at a time, into the buffer of the thread that works on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "atom.h"
#include "lmptype.h"
#include "neigh_list.h"
#include "neighbors/neighbor_view.hpp"

namespace forcesmith::lammps {

class NeighborAdapter final : public NeighborSource {
 public:
  /// list: full list of this pair style, a sub-list under hybrid.
  /// element_of_type[atom type] is the index in Potential::elements(), -1 for types mapped to NULL:
  /// their atoms are neither central atoms nor neighbors.
  NeighborAdapter(const LAMMPS_NS::NeighList &list, const LAMMPS_NS::Atom &atom,
                  const std::vector<int> &element_of_type, double cutoff)
      : list_(list),
        positions_(&atom.x[0][0]),
        cutoff_squared_(cutoff * cutoff) {
    const int n_host = atom.nlocal + atom.nghost;
    elements_.resize(n_host);
    for (int i = 0; i < n_host; ++i) elements_[i] = element_of_type[atom.type[i]];
    centers_.reserve(list.inum);
    for (int a = 0; a < list.inum; ++a)
      if (elements_[list.ilist[a]] >= 0) centers_.push_back(list.ilist[a]);
  }

  int n_atoms() const override { return static_cast<int>(centers_.size()); }

  NeighborView block(int first, int count, NeighborBuffer &buffer) const override {
    const int *centers = centers_.data() + first;
    std::size_t n_listed = 0;
    for (int a = 0; a < count; ++a) n_listed += list_.numneigh[centers[a]];
    grow(buffer.center_types, count);
    grow(buffer.offsets, count + 1);
    grow(buffer.neighbors, n_listed);
    grow(buffer.types, n_listed);
    grow(buffer.displacements, 3 * n_listed);

    std::size_t n_pairs = 0;
    int *neighbors = buffer.neighbors.data(), *types = buffer.types.data();
    double *displacements = buffer.displacements.data();
    const double *positions = positions_;
    const int *elements = elements_.data();
    const double cutoff_squared = cutoff_squared_;
    for (int a = 0; a < count; ++a) {
      const int i = centers[a];
      const double center_x = positions[3 * i], center_y = positions[3 * i + 1], center_z = positions[3 * i + 2];
      const int *listed = list_.firstneigh[i];
      const int n_listed_here = list_.numneigh[i];
      buffer.center_types[a] = elements[i];
      buffer.offsets[a] = static_cast<std::int64_t>(n_pairs);
      for (int k = 0; k < n_listed_here; ++k) {
        const int j = listed[k] & NEIGHMASK;  // the other bits mark bonded neighbors
        const int element = elements[j];
        const double x = positions[3 * j] - center_x;
        const double y = positions[3 * j + 1] - center_y;
        const double z = positions[3 * j + 2] - center_z;
        neighbors[n_pairs] = j;
        types[n_pairs] = element;
        displacements[3 * n_pairs] = x;
        displacements[3 * n_pairs + 1] = y;
        displacements[3 * n_pairs + 2] = z;
        // Written first and kept only if wanted: no branch to mispredict.
        n_pairs += (x * x + y * y + z * z < cutoff_squared) & (element >= 0);
      }
    }
    buffer.offsets[count] = static_cast<std::int64_t>(n_pairs);

    NeighborView view;
    view.n_atoms = count;
    view.centers = centers;
    view.center_types = buffer.center_types.data();
    view.offsets = buffer.offsets.data();
    view.neighbors = buffer.neighbors.data();
    view.types = buffer.types.data();
    view.displacements = buffer.displacements.data();
    return view;
  }

 private:
  /// Buffers only grow, since resize() clears what it adds.
  template <class Vector>
  static void grow(Vector &vector, std::size_t size) {
    if (vector.size() < size) vector.resize(size);
  }

  const LAMMPS_NS::NeighList &list_;
  const double *positions_;    // [n_host][3], contiguous in LAMMPS
  std::vector<int> elements_;  // [n_host] -1: not this style's business
  double cutoff_squared_;
  std::vector<int> centers_;   // [n_atoms] index of the central atom
};

}  // namespace forcesmith::lammps
