// Evaluation as a molecular dynamics code asks for it: a potential file, ghost atoms, pairs beyond the
// cutoff, atoms that take no part, results added to arrays, any number of workers.
#include "potentials/evaluate.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>

#include "check.hpp"
#include "core/error.hpp"
#include "core/kokkos_scope.hpp"
#include "potentials/registry.hpp"

namespace {

using namespace forcesmith;
using Numbers = std::vector<double>;

constexpr double skin = 0.6;

/// A rattled rocksalt crystal: local atoms first, then one unknown to the potential, then ghosts.
struct Host {
  Numbers positions;
  std::vector<int> types;  // [host rows] element, -1: not ours
  std::vector<int> local;  // [host rows] row of the local atom this is an image of
  std::vector<int> centers;
  int n_host() const { return static_cast<int>(types.size()); }

  Host(double cutoff, const Numbers& moved) {
    const double a = 4.2, box = 2 * a;
    std::mt19937 random(3);
    std::uniform_real_distribution<double> rattle(-0.15, 0.15);
    for (int n = 0; n < 64; ++n) {
      const int cell[3] = {n % 4, n / 4 % 4, n / 16};
      for (int axis = 0; axis < 3; ++axis) positions.push_back(0.5 * a * cell[axis] + rattle(random));
      types.push_back((cell[0] + cell[1] + cell[2]) % 2);
      local.push_back(n);
      centers.push_back(n);
    }
    for (std::size_t i = 0; i < moved.size(); ++i) positions[i] += moved[i];
    std::shuffle(centers.begin(), centers.end(), random);
    positions.insert(positions.end(), {0.9, 1.0, 1.1});
    types.push_back(-1);
    local.push_back(64);
    for (int image = 0; image < 27; ++image) {
      const double shift[3] = {(image % 3 - 1) * box, (image / 3 % 3 - 1) * box, (image / 9 - 1) * box};
      if (image == 13) continue;
      for (int n = 0; n < 64; ++n) {
        double r[3];
        bool near = true;
        for (int axis = 0; axis < 3; ++axis) {
          r[axis] = positions[3 * n + axis] + shift[axis];
          near = near && r[axis] > -cutoff - skin - 1.0 && r[axis] < box + cutoff + skin;
        }
        if (!near) continue;
        positions.insert(positions.end(), r, r + 3);
        types.push_back(types[n]);
        local.push_back(n);
      }
    }
  }
};

/// Hands out blocks the way LAMMPS does: gathered into the buffer, offsets from 0.
class GatheredNeighbors : public NeighborSource {
 public:
  GatheredNeighbors(const Host& host, double range) : host_(host), range_(range) {}
  int n_atoms() const override { return static_cast<int>(host_.centers.size()); }
  NeighborView block(int first, int count, NeighborBuffer& buffer) const override {
    buffer.centers.clear();
    buffer.center_types.clear();
    buffer.offsets.assign(1, 0);
    const std::size_t most_pairs = static_cast<std::size_t>(count) * host_.n_host();
    int *neighbors = buffer.neighbors.reserve(most_pairs), *types = buffer.types.reserve(most_pairs);
    double* components[3] = {buffer.x.reserve(most_pairs), buffer.y.reserve(most_pairs), buffer.z.reserve(most_pairs)};
    std::int64_t n_pairs = 0;
    for (int a = first; a < first + count; ++a) {
      const int i = host_.centers[a];
      buffer.centers.push_back(i);
      buffer.center_types.push_back(host_.types[i]);
      for (int j = 0; j < host_.n_host(); ++j) {
        double d[3], square = 0.0;
        for (int axis = 0; axis < 3; ++axis) {
          d[axis] = host_.positions[3 * j + axis] - host_.positions[3 * i + axis];
          square += d[axis] * d[axis];
        }
        if (j == i || host_.types[j] < 0 || square > range_ * range_) continue;
        neighbors[n_pairs] = j;
        types[n_pairs] = host_.types[j];
        for (int axis = 0; axis < 3; ++axis) components[axis][n_pairs] = d[axis];
        ++n_pairs;
      }
      buffer.offsets.push_back(n_pairs);
    }
    return {count,
            buffer.centers.data(),
            buffer.center_types.data(),
            buffer.offsets.data(),
            neighbors,
            types,
            components[0],
            components[1],
            components[2]};
  }

 private:
  const Host& host_;
  double range_;
};

/// Those of another source, but for the last block.
class InterruptedNeighbors : public NeighborSource {
 public:
  explicit InterruptedNeighbors(const NeighborSource& source) : source_(source) {}
  int n_atoms() const override { return source_.n_atoms(); }
  NeighborView block(int first, int count, NeighborBuffer& buffer) const override {
    if (first + count == n_atoms()) throw std::runtime_error("interrupted");
    return source_.block(first, count, buffer);
  }

 private:
  const NeighborSource& source_;
};

struct Results {
  Numbers energies, forces, virials, centroid_virials, virial;
  double energy;
};

Results results(Evaluator& evaluator, const NeighborSource& source, int n_host, int n_workers, double before = 0.0) {
  Results r{Numbers(n_host, before),     Numbers(3 * n_host, before), Numbers(6 * n_host, before),
            Numbers(9 * n_host, before), Numbers(6, before),          0.0};
  Evaluation evaluation;
  evaluation.n_host = n_host;
  evaluation.energies = r.energies.data();
  evaluation.forces = r.forces.data();
  evaluation.virials = r.virials.data();
  evaluation.centroid_virials = r.centroid_virials.data();
  evaluation.virial = r.virial.data();
  evaluator.evaluate(source, evaluation, n_workers);
  r.energy = evaluation.energy;
  return r;
}

double sum(const Numbers& values, int components, int component) {
  double total = 0.0;
  for (std::size_t i = component; i < values.size(); i += components) total += values[i];
  return total;
}

void test_crystal(const Potential& potential) {
  const double range = potential.cutoff() + skin;
  const Host host(potential.cutoff(), {});
  const GatheredNeighbors source(host, range);
  Evaluator evaluator(potential);
  const Results one = results(evaluator, source, host.n_host(), 1);

  // The sums are those of the parts.
  CHECK_CLOSE(one.energy, sum(one.energies, 1, 0), 1e-13);
  const int transposed[6] = {0, 1, 2, 6, 7, 8};
  for (int c = 0; c < 6; ++c) {
    CHECK_CLOSE(one.virial[c], sum(one.virials, 6, c), 1e-11);
    CHECK_CLOSE(one.virial[c], sum(one.centroid_virials, 9, c), 1e-11);
    CHECK_CLOSE(one.virial[c], sum(one.centroid_virials, 9, transposed[c]), 1e-9);
  }
  // Ghosts have forces but no energies; the stranger has nothing.
  for (int j = 64; j < host.n_host(); ++j) CHECK(one.energies[j] == 0.0);
  for (int axis = 0; axis < 3; ++axis) CHECK(one.forces[3 * 64 + axis] == 0.0);
  CHECK(*std::max_element(one.forces.begin() + 3 * 65, one.forces.end()) > 0.0);

  // Forces folded back onto the local atoms are the derivative of the energy, with all images moving.
  Numbers folded(3 * 65);
  for (int j = 0; j < host.n_host(); ++j)
    for (int axis = 0; axis < 3; ++axis) folded[3 * host.local[j] + axis] += one.forces[3 * j + axis];
  auto energy_at = [&](int coordinate, double step) {
    Numbers moved(3 * 64);
    moved[coordinate] = step;
    const Host there(potential.cutoff(), moved);
    Evaluation evaluation;
    Evaluator(potential).evaluate(GatheredNeighbors(there, range), evaluation);
    return evaluation.energy;
  };
  const double h = 1e-3;
  int tested = 0;
  for (int atom = 0; atom < 64 && tested < 4; ++atom) {
    // No pair at the cutoff, where the second derivative may jump.
    bool smooth = true;
    for (int j = 0; j < host.n_host(); ++j) {
      double square = 0.0;
      for (int axis = 0; axis < 3; ++axis)
        square += std::pow(host.positions[3 * j + axis] - host.positions[3 * atom + axis], 2);
      smooth = smooth && std::abs(std::sqrt(square) - potential.cutoff()) > 3 * h;
    }
    if (!smooth) continue;
    const int coordinate = 3 * atom + tested++ % 3;
    const double derivative = (8 * (energy_at(coordinate, h) - energy_at(coordinate, -h)) -
                               (energy_at(coordinate, 2 * h) - energy_at(coordinate, -2 * h))) /
                              (12 * h);
    CHECK(std::abs(folded[coordinate]) > 1e-3);
    CHECK(std::abs(folded[coordinate] + derivative) < 1e-7);
  }
  CHECK(tested == 4);

  for (int n_workers : {2, 3, 5, 100}) {
    const Results several = results(evaluator, source, host.n_host(), n_workers);
    CHECK_CLOSE(several.energy, one.energy, 1e-13);
    CHECK(several.energies == one.energies);
    CHECK_CLOSE(several.forces, one.forces, 1e-12);
    CHECK_CLOSE(several.virials, one.virials, 1e-12);
    CHECK_CLOSE(several.centroid_virials, one.centroid_virials, 1e-12);
    CHECK_CLOSE(several.virial, one.virial, 1e-11);
    // The order of summation is fixed.
    CHECK(several.forces == results(evaluator, source, host.n_host(), n_workers).forces);
    Evaluator another(potential);
    CHECK(several.forces == results(another, source, host.n_host(), n_workers).forces);
  }

  // Results are added to what is there.
  for (int n_workers : {1, 3}) {
    Results added = results(evaluator, source, host.n_host(), n_workers, 5.0);
    for (Numbers* values : {&added.energies, &added.forces, &added.virials, &added.centroid_virials})
      for (double& value : *values) value -= 5.0;
    CHECK_CLOSE(added.energies, one.energies, 1e-12);
    CHECK_CLOSE(added.forces, one.forces, 1e-11);
    CHECK_CLOSE(added.virials, one.virials, 1e-11);
    CHECK_CLOSE(added.centroid_virials, one.centroid_virials, 1e-11);
    for (double& value : added.virial) value -= 5.0;
    CHECK_CLOSE(added.virial, one.virial, 1e-11);
    CHECK_CLOSE(added.energy, one.energy, 1e-13);
  }

  // Nothing remains of an evaluation that failed.
  CHECK_THROWS(std::runtime_error, results(evaluator, InterruptedNeighbors(source), host.n_host(), 3), "interrupted");
  CHECK(results(evaluator, source, host.n_host(), 1).forces == one.forces);
  // Nor of a larger one.
  Numbers larger = results(evaluator, source, host.n_host() + 7, 1).forces;
  CHECK(Numbers(larger.end() - 21, larger.end()) == Numbers(21));
  larger.resize(one.forces.size());
  CHECK(larger == one.forces);
  CHECK(results(evaluator, source, host.n_host(), 1).forces == one.forces);

  // Pairs beyond the cutoff change nothing, nor does the form of the list.
  const Results near = results(evaluator, GatheredNeighbors(host, potential.cutoff()), host.n_host(), 1);
  CHECK_CLOSE(near.forces, one.forces, 1e-13);
  CHECK_CLOSE(near.energy, one.energy, 1e-14);
  NeighborBuffer everything;
  const StoredNeighbors stored(source.block(0, source.n_atoms(), everything));
  CHECK(results(evaluator, stored, host.n_host(), 1).forces == one.forces);
  CHECK_CLOSE(results(evaluator, stored, host.n_host(), 3).forces, one.forces, 1e-12);
}

void test_no_atoms(const Potential& potential) {
  for (int n_workers : {1, 4}) {
    const std::int64_t offset = 0;
    Evaluator evaluator(potential);
    NeighborView none;
    none.offsets = &offset;
    const Results r = results(evaluator, StoredNeighbors(none), 2, n_workers);
    CHECK(r.energy == 0.0 && r.forces == Numbers(6) && r.virial == Numbers(6));
  }
}

void test_first_of_worker() {
  for (int n_atoms : {0, 1, 7, 8, 9, 1000})
    for (int n_workers : {1, 2, 3, 11}) {
      CHECK(first_of_worker(n_atoms, 8, 0, n_workers) == 0);
      CHECK(first_of_worker(n_atoms, 8, n_workers, n_workers) == n_atoms);
      for (int worker = 0; worker < n_workers; ++worker) {
        const int first = first_of_worker(n_atoms, 8, worker, n_workers);
        CHECK(first <= first_of_worker(n_atoms, 8, worker + 1, n_workers));
        CHECK(first % 8 == 0 || first == n_atoms);
      }
    }
  // Many atoms times many workers need 64 bits.
  CHECK(first_of_worker(2'000'000'000, 8, 1000, 1000) == 2'000'000'000);
}

}  // namespace

int main() {
  ensure_kokkos(3);
  const Potential potential = read_potential(FORCESMITH_TEST_DATA "/mgo_small.json");
  CHECK(potential.elements() == (std::vector<std::string>{"Mg", "O"}));
  test_crystal(potential);
  test_no_atoms(potential);
  test_first_of_worker();
  CHECK_THROWS(FormatError, read_potential(FORCESMITH_TEST_DATA "/missing.json"), "missing.json");
  finalize_kokkos();
  return failures != 0;
}
