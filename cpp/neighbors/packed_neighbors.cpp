#include "neighbors/packed_neighbors.hpp"

#include <algorithm>
#include <type_traits>

#include "core/instruction_set.hpp"

namespace forcesmith {

PackingVariants packing_variants_in_use() { return FORCESMITH_VARIANT_IN_USE(packing_variants); }

template <class Real>
PackedNeighborsOf<Real>::PackedNeighborsOf(const PackingVariants& variants) : variant_(variants.of<Real>()) {}

template <class Real>
template <class Given>
void PackedNeighborsOf<Real>::pack(const NeighborViewOf<Given>& block, const std::vector<double>& cutoffs,
                                   int n_elements, int width, PackElements elements) {
  const bool mixed = elements == PackElements::mixed;
  const int n_kinds = mixed ? 1 : n_elements;
  const std::int64_t first_pair = block.offsets[0];
  centers_ = block.centers;
  neighbors_ = block.neighbors + first_pair;
  center_types_.assign(block.center_types, block.center_types + block.n_atoms);
  // A pack may be partly empty: one more per atom and kind, and what append() overwrites.
  const std::size_t n_pairs = block.offsets[block.n_atoms] - first_pair;
  constexpr std::size_t most_lanes = 64 / sizeof(Real);  // in a register of any instruction set
  std::size_t capacity = n_pairs + static_cast<std::size_t>(block.n_atoms) * n_kinds * width;
  capacity = (capacity / most_lanes + 2) * most_lanes;
  Real* components = components_.reserve(4 * capacity);
  const PackSlots<Real> slots{components,
                              components + capacity,
                              components + 2 * capacity,
                              components + 3 * capacity,
                              pairs_.reserve(capacity),
                              mixed && n_elements > 1 ? types_.reserve(capacity) : nullptr};
  int* pack_offsets = pack_offsets_.reserve(block.n_atoms + 1);
  int* pack_types = mixed ? nullptr : pack_types_.reserve(capacity / width);
  const int* types = n_elements > 1 ? block.types + first_pair : nullptr;
  const bool all_are_inside =
      std::is_same_v<Real, Given> && n_kinds == 1 && block.cutoff <= *std::ranges::min_element(cutoffs);
  AppendNeighbors<Real, Given> append = variant_.template append<Given>();
  if constexpr (std::is_same_v<Real, Given>)
    if (all_are_inside) append = variant_.append_all;

  int slot = 0;
  pack_offsets[0] = 0;
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    const int first = static_cast<int>(block.offsets[atom] - first_pair);
    const int end = static_cast<int>(block.offsets[atom + 1] - first_pair);
    const PairRange<Given> pairs{block.x + first_pair, block.y + first_pair, block.z + first_pair, types, first, end};
    for (int element = 0; element < n_kinds; ++element) {
      const double cutoff = cutoffs[block.center_types[atom] * n_elements + element];
      const PackKind kind{mixed ? PackKind::any_element : element, cutoff, width};
      const int first_slot = slot;
      slot = append(pairs, kind, slots, slot);
      if (!mixed) std::fill(pack_types + first_slot / width, pack_types + slot / width, element);
    }
    pack_offsets[atom + 1] = slot / width;
  }
  view_ = {block.n_atoms, width,   center_types_.data(), pack_offsets, pack_types, slots.x, slots.y,
           slots.z,       slots.r, slots.pairs,          slots.types};
  if (!all_are_inside) variant_.normalize(slots, (slot + most_lanes - 1) / most_lanes * most_lanes);
}

template <class Real>
void PackedNeighborsOf<Real>::add_forces(const Real* gradients, const PairForces& to) const {
  variant_.add_forces(view_, centers_, neighbors_, gradients, to);
}

template <class Real>
int PackedNeighborsOf<Real>::max_packs_per_atom() const {
  const int* offsets = pack_offsets_.data();
  int largest = 0;
  for (std::size_t atom = 0; atom < center_types_.size(); ++atom)
    largest = std::max(largest, offsets[atom + 1] - offsets[atom]);
  return largest;
}

template class PackedNeighborsOf<double>;
template class PackedNeighborsOf<float>;
template void PackedNeighborsOf<double>::pack(const NeighborViewOf<double>&, const std::vector<double>&, int, int,
                                              PackElements);
template void PackedNeighborsOf<double>::pack(const NeighborViewOf<float>&, const std::vector<double>&, int, int,
                                              PackElements);
template void PackedNeighborsOf<float>::pack(const NeighborViewOf<double>&, const std::vector<double>&, int, int,
                                             PackElements);
template void PackedNeighborsOf<float>::pack(const NeighborViewOf<float>&, const std::vector<double>&, int, int,
                                             PackElements);

}  // namespace forcesmith
