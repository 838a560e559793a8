// The closest pair of atoms without a list of neighbors: the search of devices, on the CPU.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "neighbors/device_neighbor_search.hpp"
#include "potentials/short_range.hpp"

namespace forcesmith {

ClosestPair closest_pair(const ShortRange& short_range, const DeviceAtoms& atoms, int n_local) {
  double largest = 0.0;
  for (int a = 0; a < short_range.n_elements(); ++a)
    for (int b = 0; b < short_range.n_elements(); ++b) largest = std::max(largest, short_range.limit(a, b));
  DeviceNeighborSearch<Kokkos::DefaultHostExecutionSpace> search;
  const DeviceNeighborList list = search.search(atoms, n_local, largest);
  Kokkos::fence();
  std::vector<int> center_types, neighbors, types;
  std::vector<std::int64_t> offsets{0};
  std::vector<double> x, y, z;
  for (int c = 0; c < list.n_centers; ++c) {
    const std::ptrdiff_t i = list.centers[c];
    const double* own = atoms.positions + 3 * i;
    center_types.push_back(atoms.elements[i]);
    for (int k = 0; k < list.counts[i]; ++k) {
      const int j = list.neighbors[i * list.atom_stride + k * list.slot_stride];
      const double* other = atoms.positions + 3 * static_cast<std::ptrdiff_t>(j);
      neighbors.push_back(j);
      types.push_back(atoms.elements[j]);
      x.push_back(other[0] - own[0]);
      y.push_back(other[1] - own[1]);
      z.push_back(other[2] - own[2]);
    }
    offsets.push_back(static_cast<std::int64_t>(neighbors.size()));
  }
  return closest_pair(short_range,
                      StoredNeighbors(NeighborView{list.n_centers, list.centers, center_types.data(), offsets.data(),
                                                   neighbors.data(), types.data(), x.data(), y.data(), z.data()}));
}

}  // namespace forcesmith
