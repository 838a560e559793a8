// From a host's lists of atoms to forces, on every instruction set that this processor has: selecting the
// neighbors within the cutoff, packing them, and adding the gradients of packs to forces and virials.
#include <cstdlib>

#include "core/instruction_set.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "neighbors/select_neighbors_variants.hpp"
#include "random_neighborhoods.hpp"

namespace {

using namespace forcesmith;

constexpr int index_mask = 0xfff, n_host = 400;

/// What select_neighbors should find, pair by pair.
void test_selection(std::mt19937& random, bool one_element) {
  const Numbers positions = random_numbers(random, 3 * n_host);  // -1 to 1
  std::vector<int> elements;
  for (int i = 0; i < n_host; ++i) elements.push_back(one_element ? 0 : i % 5 - 1);
  const double cutoff_squared = 1.0;
  const ListedAtoms atoms{positions.data(), one_element ? nullptr : elements.data(), index_mask, cutoff_squared};
  std::vector<int> neighbors(3 * n_host), types(3 * n_host, 0);
  Numbers x(3 * n_host), y(x), z(x);
  const SelectNeighbors select_neighbors = select_neighbors_in_use();
  int n_pairs = 0, expected = 0;
  for (int n_listed : {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 23, 333}) {
    const int center = n_host - 1 - n_listed;
    std::vector<int> listed;
    for (int k = 0; k < n_listed; ++k) listed.push_back((7 * k + n_listed) % n_host | 0x1000 << k % 3);
    const int first = n_pairs;
    n_pairs = select_neighbors(atoms, center, listed.data(), n_listed,
                               {neighbors.data(), types.data(), x.data(), y.data(), z.data()}, n_pairs);
    expected = first;
    for (int marked : listed) {
      const int j = marked & index_mask;
      double d[3];
      for (int axis = 0; axis < 3; ++axis) d[axis] = positions[3 * j + axis] - positions[3 * center + axis];
      if (elements[j] < 0 || !(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < cutoff_squared)) continue;
      CHECK(neighbors[expected] == j && types[expected] == elements[j]);
      CHECK(x[expected] == d[0] && y[expected] == d[1] && z[expected] == d[2]);
      ++expected;
    }
    CHECK(n_pairs == expected);
  }
  CHECK(n_pairs > 50 && n_pairs < 300);
}

/// Every neighbor inside its cutoff is in a pack of its element, once, and padding is what it should be.
template <class Real>
void test_packs(const Neighborhoods& atoms, int n_elements, int width) {
  NeighborView block = atoms.view();
  std::vector<int> all_of_one(atoms.n_pairs(), 0), centers_of_one(atoms.n_atoms(), 0);
  if (n_elements == 1) {
    block.types = all_of_one.data();
    block.center_types = centers_of_one.data();
  }
  const Numbers cutoffs = n_elements == 1 ? Numbers{4.5} : Numbers{4.5, 5.0, 3.5, 4.0};
  PackedNeighborsOf<Real> packed;
  packed.pack(block, cutoffs, n_elements, width);
  const PackedViewOf<Real> view = packed.view();
  const double rounding = sizeof(Real) == sizeof(float) ? 2e-7 : 1e-15;
  std::vector<int> found(atoms.n_pairs(), 0);
  CHECK(view.n_atoms == atoms.n_atoms() && view.width == width);
  for (int atom = 0; atom < view.n_atoms; ++atom)
    for (int slot = view.pack_offsets[atom] * width; slot < view.pack_offsets[atom + 1] * width; ++slot) {
      const int pair = view.pairs[slot], type = view.pack_types[slot / width];
      if (pair < 0) {
        const double cutoff = cutoffs[block.center_types[atom] * n_elements + type];
        CHECK(view.x[slot] == 0 && view.y[slot] == 0 && view.z[slot] == 1 && view.r[slot] == Real(cutoff));
        continue;
      }
      ++found[pair];
      CHECK(pair >= atoms.offsets[atom] && pair < atoms.offsets[atom + 1] && block.types[pair] == type);
      const double r = atoms.distance(pair);
      CHECK(std::abs(view.r[slot] - r) <= 2 * rounding * r);
      CHECK(std::abs(view.x[slot] - atoms.x[pair] / r) <= 2 * rounding);
      CHECK(std::abs(view.y[slot] - atoms.y[pair] / r) <= 2 * rounding);
      CHECK(std::abs(view.z[slot] - atoms.z[pair] / r) <= 2 * rounding);
    }
  int n_inside = 0;
  for (int atom = 0; atom < view.n_atoms; ++atom)
    for (auto pair = atoms.offsets[atom]; pair < atoms.offsets[atom + 1]; ++pair) {
      const bool inside =
          atoms.distance(pair) < cutoffs[block.center_types[atom] * n_elements + block.types[pair]];
      CHECK(found[pair] == inside);
      n_inside += inside;
    }
  CHECK(n_inside > 50 && n_inside < static_cast<int>(atoms.n_pairs()));

  // Gradients that differ from slot to slot; that of padding must vanish.
  const int n_slots = packed.n_packs() * width;
  AlignedBufferOf<Real> buffer;
  Real* gradients = buffer.reserve(3 * n_slots);
  const int n_rows = atoms.n_atoms() + static_cast<int>(atoms.n_pairs());
  PairForces to;
  Numbers forces(3 * n_rows), virials(6 * n_rows), centroid_virials(9 * n_rows);
  Numbers forces_pair_by_pair(forces), virials_pair_by_pair(virials), centroid_pair_by_pair(centroid_virials), virial(6);
  to.forces = forces.data();
  to.virials = virials.data();
  to.centroid_virials = centroid_virials.data();
  for (int atom = 0; atom < view.n_atoms; ++atom)
    for (int slot = view.pack_offsets[atom] * width; slot < view.pack_offsets[atom + 1] * width; ++slot) {
      const int pair = view.pairs[slot];
      double g[3];
      for (int axis = 0; axis < 3; ++axis) {
        Real& gradient = gradients[(3 * (slot / width) + axis) * width + slot % width];
        gradient = pair < 0 ? Real(0) : Real(0.1 * (axis + 1) + 0.01 * slot);
        g[axis] = gradient;
      }
      if (pair < 0) continue;
      const double r[3] = {atoms.x[pair], atoms.y[pair], atoms.z[pair]};
      const int i = atoms.centers[atom], j = atoms.neighbors[pair];
      static constexpr int entries[9][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2},
                                            {1, 2}, {1, 0}, {2, 0}, {2, 1}};
      for (int c = 0; c < 9; ++c) {
        const double w = -r[entries[c][0]] * g[entries[c][1]];
        centroid_pair_by_pair[9 * j + c] += w;
        if (c >= 6) continue;
        virial[c] += w;
        virials_pair_by_pair[6 * i + c] += 0.5 * w;
        virials_pair_by_pair[6 * j + c] += 0.5 * w;
      }
      for (int axis = 0; axis < 3; ++axis) {
        forces_pair_by_pair[3 * i + axis] += g[axis];
        forces_pair_by_pair[3 * j + axis] -= g[axis];
      }
    }
  packed.add_forces(gradients, to);
  const double relative = 20 * rounding;
  CHECK_CLOSE(forces, forces_pair_by_pair, 1e-14);
  CHECK_CLOSE(virials, virials_pair_by_pair, relative);
  CHECK_CLOSE(centroid_virials, centroid_pair_by_pair, relative);
  CHECK_CLOSE(Numbers(to.virial, to.virial + 6), virial, relative);
  // Nothing but the virial of all pairs is wanted.
  PairForces only_sum;
  packed.add_forces(gradients, only_sum);
  CHECK(std::equal(to.virial, to.virial + 6, only_sum.virial));
}

}  // namespace

int main() {
  std::mt19937 random(5);
  const Neighborhoods atoms(random);
  for (InstructionSet set : available_instruction_sets()) {
    setenv("FORCESMITH_ISA", to_string(set).c_str(), 1);
    CHECK(instruction_set() == set);
    const int width = set == InstructionSet::avx512 ? 8 : set == InstructionSet::avx2 ? 4 : 2;
    std::printf("%s, width %d\n", to_string(set).c_str(), width);
    test_selection(random, true);
    test_selection(random, false);
    for (int n_elements : {1, 2}) {
      test_packs<double>(atoms, n_elements, width);
      test_packs<float>(atoms, n_elements, 2 * width);
    }
  }
  return failures != 0;
}
