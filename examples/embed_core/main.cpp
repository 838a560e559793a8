// A forcesmith potential in a C++ program of one's own: energy and forces of a small crystal.
//
//   embed_core potential.json
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <vector>

#include "core/kokkos_scope.hpp"
#include "potentials/evaluate.hpp"
#include "potentials/registry.hpp"

namespace {

/// The rock salt structure of the potential's first and last element, with one atom out of its place.
struct Crystal {
  static constexpr double edge = 4.2;  // of the periodic cube, angstrom
  std::vector<std::array<double, 3>> positions;
  std::vector<int> elements;  // in Potential::elements()

  explicit Crystal(int n_elements) {
    for (int n = 0; n < 8; ++n) {
      const int cell[3] = {n / 4, n / 2 % 2, n % 2};
      positions.push_back({edge / 2 * cell[0], edge / 2 * cell[1], edge / 2 * cell[2]});
      elements.push_back((cell[0] + cell[1] + cell[2]) % 2 * (n_elements - 1));
    }
    positions[0] = {0.10, -0.05, 0.15};
  }
};

/// Every neighbor of every atom, as the core wants them; a program that has many atoms hands them out in blocks, as a
/// NeighborSource of its own.
struct Neighbors {
  std::vector<int> centers, neighbors, types;
  std::vector<std::int64_t> offsets{0};
  std::vector<double> x, y, z;

  Neighbors(const Crystal& crystal, double cutoff) {
    const int n_atoms = static_cast<int>(crystal.positions.size());
    const int n_images = static_cast<int>(cutoff / Crystal::edge) + 2, n_shifts = 2 * n_images + 1;
    for (int i = 0; i < n_atoms; ++i) {
      for (int j = 0; j < n_atoms; ++j)
        for (int n = 0; n < n_shifts * n_shifts * n_shifts; ++n) {
          const int image[3] = {n % n_shifts, n / n_shifts % n_shifts, n / n_shifts / n_shifts};
          double r[3];
          for (int axis = 0; axis < 3; ++axis)
            r[axis] =
                crystal.positions[j][axis] - crystal.positions[i][axis] + Crystal::edge * (image[axis] - n_images);
          const double distance = std::hypot(r[0], r[1], r[2]);
          if (distance == 0.0 || distance > cutoff) continue;
          neighbors.push_back(j);
          types.push_back(crystal.elements[j]);
          x.push_back(r[0]);
          y.push_back(r[1]);
          z.push_back(r[2]);
        }
      centers.push_back(i);
      offsets.push_back(static_cast<std::int64_t>(neighbors.size()));
    }
  }
};

void run(const char* path) {
  const forcesmith::Potential potential = forcesmith::read_potential(path);
  const Crystal crystal(static_cast<int>(potential.elements().size()));
  const Neighbors pairs(crystal, potential.cutoff());
  const int n_atoms = static_cast<int>(pairs.centers.size());
  const forcesmith::NeighborView view{n_atoms,
                                      pairs.centers.data(),
                                      crystal.elements.data(),
                                      pairs.offsets.data(),
                                      pairs.neighbors.data(),
                                      pairs.types.data(),
                                      pairs.x.data(),
                                      pairs.y.data(),
                                      pairs.z.data()};
  std::vector<double> forces(3 * n_atoms, 0.0);
  forcesmith::Evaluation wanted;
  wanted.n_host = n_atoms;
  wanted.forces = forces.data();
  forcesmith::Evaluator(potential).evaluate(forcesmith::StoredNeighbors(view), wanted, forcesmith::max_workers());

  std::printf("cube %.17g angstrom, energy %.17g eV\n", Crystal::edge, wanted.energy);
  std::printf("element, position (angstrom), force (eV/angstrom):\n");
  for (int i = 0; i < n_atoms; ++i) {
    std::printf("%s", potential.elements()[crystal.elements[i]].c_str());
    for (double component : crystal.positions[i]) std::printf(" %.17g", component);
    for (int axis = 0; axis < 3; ++axis) std::printf(" %.17g", forces[3 * i + axis]);
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s potential.json\n", argv[0]);
    return 2;
  }
  forcesmith::ensure_kokkos(0);  // as many threads as there are cores
  int status = 0;
  try {
    run(argv[1]);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    status = 1;
  }
  forcesmith::finalize_kokkos();
  return status;
}
