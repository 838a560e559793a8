// From a host's lists of atoms to forces, on every instruction set that this processor has and with plain numbers that
// count: selecting the neighbors within the cutoff, packing them, and adding the gradients of packs to forces and
// virials.
#include <cstdlib>

#include "core/instruction_set.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "neighbors/select_neighbors_variants.hpp"
#include "random_neighborhoods.hpp"

namespace {

using namespace forcesmith;

constexpr int index_mask = 0xfff, n_host = 400;

/// A crowd of atoms in a box of 2 angstrom around a point, and lists of some of them.
struct Crowd {
  static constexpr double cutoff_squared = 1.0;
  /// [center element][neighbor element]; on the grid the same, rounded.
  static constexpr double close_squares[16] = {0.03, 0.01, 0.0,  0.04, 0.01, 0.05, 0.02, 0.0,
                                               0.0,  0.02, 0.03, 0.03, 0.04, 0.0,  0.03, 0.02};
  static constexpr double largest_square = 0.05;
  Numbers positions;
  std::vector<int> elements;

  Crowd(std::mt19937& random, bool one_element, double offset) : positions(random_numbers(random, 3 * n_host)) {
    for (double& x : positions) x += offset;
    for (int i = 0; i < n_host; ++i) elements.push_back(one_element ? 0 : i % 5 - 1);
  }
  double component(int i, int j, int axis) const { return positions[3 * j + axis] - positions[3 * i + axis]; }
};

/// What select_neighbors should find, pair by pair, with components of r_ij to `rounding` of the cutoff.
template <class Real>
void test_selection(const Crowd& crowd, const ListedAtoms<Real>& atoms, SelectNeighbors<Real> select_neighbors,
                    double rounding) {
  constexpr int room = 3 * n_host;
  std::vector<int> neighbors(room), types(room, 0);
  std::vector<Real> x(room), y(room), z(room);
  int n_pairs = 0;
  bool close = false, expected_close = false;
  for (int n_listed : {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 23, 333}) {
    int center = n_host - 1 - n_listed;
    if (crowd.elements[center] < 0) --center;  // centers have an element
    std::vector<int> listed;
    for (int k = 0; k < n_listed; ++k) listed.push_back((7 * k + n_listed) % n_host | 0x1000 << k % 3);
    int expected = n_pairs;
    n_pairs = select_neighbors(atoms, center, listed.data(), n_listed,
                               {neighbors.data(), types.data(), x.data(), y.data(), z.data()}, n_pairs, close);
    for (int marked : listed) {
      const int j = marked & index_mask;
      const double d[3] = {crowd.component(center, j, 0), crowd.component(center, j, 1), crowd.component(center, j, 2)};
      const double r_squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
      CHECK(std::abs(r_squared - Crowd::cutoff_squared) > 10 * rounding);  // no pair is in doubt
      if (crowd.elements[j] < 0 || !(r_squared < Crowd::cutoff_squared)) continue;
      CHECK(neighbors[expected] == j && types[expected] == crowd.elements[j]);
      CHECK(std::abs(x[expected] - d[0]) <= rounding);
      CHECK(std::abs(y[expected] - d[1]) <= rounding);
      CHECK(std::abs(z[expected] - d[2]) <= rounding);
      ++expected;
      expected_close =
          expected_close || r_squared < Crowd::close_squares[4 * crowd.elements[center] + crowd.elements[j]];
    }
    CHECK(n_pairs == expected);
    CHECK(close == expected_close);
  }
  CHECK(n_pairs > 50 && n_pairs < 300);
}

/// In double precision the components are exact; on the grid they are good to its step, wherever the atoms are:
/// 30000 angstrom are many times the range of its whole numbers.
void test_selections(const SelectNeighborsVariant& variant, std::mt19937& random, bool one_element) {
  const double cutoff = std::sqrt(Crowd::cutoff_squared), step = grid_step(cutoff);
  for (double offset : {0.0, 15.9, -16.0, 30000.0, -30016.25}) {
    const Crowd crowd(random, one_element, offset);
    const ListedAtoms<double> atoms{crowd.positions.data(),
                                    one_element ? nullptr : crowd.elements.data(),
                                    index_mask,
                                    Crowd::cutoff_squared,
                                    {Crowd::close_squares, Crowd::largest_square, 4}};
    test_selection(crowd, atoms, variant.in_double, 0.0);

    std::vector<int> rows(4 * n_host, -7);
    for (int first : {0, 123})
      variant.set_rows(crowd.positions.data(), crowd.elements.data(), first, first == 0 ? 123 : n_host, step,
                       rows.data());
    const std::vector<float> close_single(std::begin(Crowd::close_squares), std::end(Crowd::close_squares));
    const ListedAtoms<float> on_grid{rows.data(),
                                     one_element,
                                     index_mask,
                                     static_cast<float>(step),
                                     static_cast<float>(Crowd::cutoff_squared),
                                     {close_single.data(), static_cast<float>(Crowd::largest_square), 4}};
    test_selection(crowd, on_grid, variant.in_single, 1.1 * step + 1e-7 * cutoff);
  }
}

void test_grid_step() {
  for (double cutoff : {0.5, 3.0, 8.0, 8.1, 12.0, 100.0}) {
    const double step = grid_step(cutoff), range = std::max(4 * cutoff, 32.0);
    CHECK(std::exp2(std::round(std::log2(step))) == step);
    CHECK(std::exp2(31) * step >= range && std::exp2(31) * step < 2 * range);
  }
}

/// Every neighbor inside its cutoff is in a pack of its element, once, and padding is what it should be. The
/// packs are of numbers Real, what a host gives is Given. all_inside: as the host says, no pair is beyond a cutoff.
template <class Real, class Given = double>
void test_packs(const PackingVariants& variants, const Neighborhoods& atoms, int n_elements, int width,
                PackElements elements = PackElements::one, bool all_inside = false) {
  const GivenNeighborhoods<Given> given(atoms);
  NeighborViewOf<Given> block = given.view();
  std::vector<int> all_of_one(atoms.n_pairs(), 0), centers_of_one(atoms.n_atoms(), 0);
  if (n_elements == 1) {
    block.types = all_of_one.data();
    block.center_types = centers_of_one.data();
  }
  const bool mixed = elements == PackElements::mixed;
  Numbers cutoffs{4.5};
  if (n_elements > 1) cutoffs = mixed ? Numbers{4.5, 4.5, 4.0, 4.0} : Numbers{4.5, 5.0, 3.5, 4.0};
  if (all_inside) {
    for (double& cutoff : cutoffs) cutoff += 10.0;
    block.cutoff = 14.0;
  }
  PackedNeighborsOf<Real> packed(variants);
  packed.pack(block, cutoffs, n_elements, width, elements);
  const PackedViewOf<Real> view = packed.view();
  const double rounding = sizeof(Real) + sizeof(Given) < 2 * sizeof(double) ? 2e-7 : 1e-15;
  std::vector<int> found(atoms.n_pairs(), 0);
  CHECK(view.n_atoms == atoms.n_atoms() && view.width == width);
  CHECK((view.pack_types == nullptr) == mixed && (view.types != nullptr) == (mixed && n_elements > 1));
  for (int atom = 0; atom < view.n_atoms; ++atom)
    for (int slot = view.pack_offsets[atom] * width; slot < view.pack_offsets[atom + 1] * width; ++slot) {
      const int pair = view.pairs[slot];
      const int type = !mixed ? view.pack_types[slot / width] : n_elements > 1 ? view.types[slot] : 0;
      if (pair < 0) {
        const double cutoff = cutoffs[block.center_types[atom] * n_elements + type];
        CHECK(view.x[slot] == 0 && view.y[slot] == 0 && view.r[slot] == Real(cutoff));
        CHECK(std::abs(view.z[slot] - 1.0) <= rounding);
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
      const bool inside = atoms.distance(pair) < cutoffs[block.center_types[atom] * n_elements + block.types[pair]];
      CHECK(found[pair] == inside);
      n_inside += inside;
    }
  CHECK(n_inside > 50 && (n_inside == static_cast<int>(atoms.n_pairs())) == all_inside);

  // Gradients that differ from slot to slot; that of padding must vanish.
  const int n_slots = packed.n_packs() * width;
  AlignedBufferOf<Real> buffer;
  Real* gradients = buffer.reserve(3 * n_slots);
  const int n_rows = atoms.n_atoms() + static_cast<int>(atoms.n_pairs());
  PairForces to;
  ForceRows forces(n_rows);
  Numbers virials(6 * n_rows), centroid_virials(9 * n_rows);
  Numbers forces_pair_by_pair(3 * n_rows), virials_pair_by_pair(virials), centroid_pair_by_pair(centroid_virials);
  Numbers virial(6), virial_pair_by_pair(6);
  to.forces = forces.data();
  to.virials = virials.data();
  to.centroid_virials = centroid_virials.data();
  to.virial = virial.data();
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
      static constexpr int entries[9][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}, {1, 0}, {2, 0}, {2, 1}};
      for (int c = 0; c < 9; ++c) {
        const double w = -r[entries[c][0]] * g[entries[c][1]];
        centroid_pair_by_pair[9 * j + c] += w;
        if (c >= 6) continue;
        virial_pair_by_pair[c] += w;
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
  CHECK_CLOSE(forces.forces(), forces_pair_by_pair, 1e-14);
  CHECK_CLOSE(virials, virials_pair_by_pair, relative);
  CHECK_CLOSE(centroid_virials, centroid_pair_by_pair, relative);
  CHECK_CLOSE(virial, virial_pair_by_pair, relative);
  // Nothing but the virial of all pairs is wanted.
  Numbers alone(6);
  PairForces only_virial;
  only_virial.virial = alone.data();
  packed.add_forces(gradients, only_virial);
  CHECK(alone == virial);
}

/// width, single_width: doubles and floats per register.
void test_variant(const SelectNeighborsVariant& select_neighbors, const PackingVariants& packing, int width,
                  int single_width, std::mt19937& random) {
  const Neighborhoods atoms(random);
  for (bool one_element : {true, false}) test_selections(select_neighbors, random, one_element);
  for (int n_elements : {1, 2}) {
    test_packs<double>(packing, atoms, n_elements, width);
    test_packs<float>(packing, atoms, n_elements, single_width);
    test_packs<double, float>(packing, atoms, n_elements, width);
    test_packs<float, float>(packing, atoms, n_elements, single_width);
    test_packs<double>(packing, atoms, n_elements, width, PackElements::mixed);
    for (const PackElements elements : {PackElements::one, PackElements::mixed}) {
      test_packs<double>(packing, atoms, n_elements, width, elements, true);
      test_packs<float, float>(packing, atoms, n_elements, single_width, elements, true);
      test_packs<float>(packing, atoms, n_elements, single_width, elements, true);
    }
    test_packs<float, float>(packing, atoms, n_elements, single_width, PackElements::mixed);
  }
}

/// Of n distances: 5 operations for each square, and 1 square root, 1 division, 3 products for each unit vector.
void test_counting() {
  alignas(64) double x[3] = {1.0, 2.0, 3.0}, y[3] = {}, z[3] = {}, r[3];
  counting::operations = 0;
  counting::packing_variants().in_double.normalize({x, y, z, r, nullptr, nullptr}, 3);
  CHECK(counting::operations == 3 * (5 + 1 + 1 + 3));
  CHECK(x[2] == 1.0 && r[2] == 3.0);
}

}  // namespace

unsigned long long forcesmith::counting::operations = 0;

int main() {
  test_grid_step();
  test_counting();
  std::mt19937 random(5);
  for (InstructionSet set : available_instruction_sets()) {
    setenv("FORCESMITH_ISA", to_string(set).c_str(), 1);
    CHECK(instruction_set() == set);
    const int width = set == InstructionSet::avx512 ? 8 : set == InstructionSet::avx2 ? 4 : 2;
    std::printf("%s, width %d\n", to_string(set).c_str(), width);
    test_variant(select_neighbors_in_use(), packing_variants_in_use(), width, 2 * width, random);
  }
  test_variant(counting::select_neighbors_variant(), counting::packing_variants(), 1, 1, random);
  return failures != 0;
}
