// Terms of the energy in an evaluation: local ones, computed with the blocks, and global ones, which need more of
// their host than neighbors. Toy terms, so that the sums are known.
#include "potentials/terms/term.hpp"

#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "core/error.hpp"
#include "core/kokkos_scope.hpp"
#include "potentials/check_potential.hpp"
#include "potentials/evaluate.hpp"
#include "potentials/registry.hpp"

namespace {

using namespace forcesmith;
using Numbers = std::vector<double>;

constexpr double reach = 6.5;  // angstrom, beyond the cutoff of the descriptors

/// Every atom has the energy `strength` times its number of neighbors within reach.
class NeighborCount : public LocalTerm {
 public:
  explicit NeighborCount(double strength) : strength_(strength) {}
  std::string type() const override { return "neighbor_count"; }
  double cutoff() const override { return reach; }
  Json to_json() const override { return {{"strength", strength_}}; }
  std::unique_ptr<Workspace> make_workspace() const override { return std::make_unique<Calls>(); }
  void add(const NeighborView& block, Workspace& workspace, double* energies, const PairForces&) const override {
    count(block, workspace, energies);
  }
  void add(const NeighborViewOf<float>& block, Workspace& workspace, double* energies,
           const PairForces&) const override {
    count(block, workspace, energies);
  }

 private:
  template <class Real>
  void count(const NeighborViewOf<Real>& block, Workspace& workspace, double* energies) const {
    ++dynamic_cast<Calls&>(workspace).number;
    for (int atom = 0; atom < block.n_atoms; ++atom)
      for (auto pair = block.offsets[atom]; pair < block.offsets[atom + 1]; ++pair)
        if (std::hypot(block.x[pair], block.y[pair], block.z[pair]) < reach) energies[atom] += strength_;
  }
  struct Calls : Workspace {
    int number = 0;
  };
  double strength_;
};

/// Charges of 1 + neighbors / 10 that repel each other: E = 1/2 (sum of all charges)^2. Needs all that a host offers.
class TotalCharge : public GlobalTerm {
 public:
  std::string type() const override { return "total_charge"; }
  double cutoff() const override { return 1.0; }
  Json to_json() const override { return Json::object(); }
  void add(const NeighborSource& source, const GlobalHost& host, Evaluation& evaluation, int) const override {
    repel(source, host, evaluation);
  }
  void add(const NeighborSourceOf<float>& source, const GlobalHost& host, Evaluation& evaluation, int) const override {
    repel(source, host, evaluation);
  }

 private:
  template <class Real>
  void repel(const NeighborSourceOf<Real>& source, const GlobalHost& host, Evaluation& evaluation) const {
    NeighborBufferOf<Real> buffer;
    Numbers charges(evaluation.n_host, 0.0);
    double own = 0.0;
    for (int atom = 0; atom < source.n_atoms(); ++atom) {
      const NeighborViewOf<Real> one = source.block(atom, 1, buffer);
      own += charges[one.centers[0]] = 1.0 + 0.1 * static_cast<double>(one.offsets[1] - one.offsets[0]);
    }
    host.copy_to_ghosts(charges.data(), 1);
    CHECK(charges[1] == charges[0]);
    charges[0] = 0.0;
    host.add_from_ghosts(charges.data(), 1);
    double total = charges[0];
    host.sum_over_processes(&total, 1);
    CHECK_CLOSE(total, 3 * own, 1e-15);
    evaluation.energy += 0.5 * total * own;
    if (evaluation.forces)
      for (int axis = 0; axis < 3; ++axis) evaluation.forces[axis] += host.cell()[4 * axis] * host.positions()[axis];
  }
};

/// Of one atom and a ghost, an image of it, on one of three processes that are all alike.
class ThreeProcesses : public GlobalHost {
 public:
  const double* cell() const override { return cell_; }
  const double* positions() const override { return positions_; }
  void copy_to_ghosts(double* numbers, int components) const override {
    std::copy_n(numbers, components, numbers + components);
  }
  void add_from_ghosts(double* numbers, int components) const override {
    for (int c = 0; c < components; ++c) numbers[c] += numbers[components + c];
  }
  void sum_over_processes(double* numbers, int size) const override {
    for (int i = 0; i < size; ++i) numbers[i] *= 3.0;
  }

 private:
  double cell_[9] = {2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0}, positions_[6] = {0.1, 0.2, 0.3, 2.1, 0.2, 0.3};
};

/// One atom, its ghost at 2 angstrom.
struct Pair {
  int center = 0, ghost = 1, types[2] = {0, 0};
  std::int64_t offsets[2] = {0, 1};
  double x = 2.0, y = 0.0, z = 0.0;
  NeighborView view() const { return {1, &center, types, offsets, &ghost, types + 1, &x, &y, &z}; }
};

Potential potential_with(std::vector<std::unique_ptr<Term>> terms) {
  Potential potential = read_potential(FORCESMITH_TEST_DATA "/mgo_small.json");
  potential.set_terms(std::move(terms));
  return potential;
}

template <class... Terms>
std::vector<std::unique_ptr<Term>> list_of(Terms... terms) {
  std::vector<std::unique_ptr<Term>> list;
  (list.push_back(std::make_unique<Terms>(std::move(terms))), ...);
  return list;
}

struct Results {
  double energy;
  Numbers forces;
};

Results evaluated(const Potential& potential, const GlobalHost* host = nullptr) {
  const Pair pair;
  Results results{0.0, Numbers(6)};
  Evaluation evaluation;
  evaluation.n_host = 2;
  evaluation.forces = results.forces.data();
  Evaluator(potential, Precision::double_, host).evaluate(StoredNeighbors(pair.view()), evaluation);
  results.energy = evaluation.energy;
  return results;
}

void test_local() {
  const Potential without = potential_with({});
  const double cutoff = without.cutoff();
  CHECK(cutoff < reach);
  const Potential with = potential_with(list_of(NeighborCount(0.5), NeighborCount(0.25)));
  CHECK(with.cutoff() == reach);
  const Results a = evaluated(without), b = evaluated(with);
  CHECK_CLOSE(b.energy - a.energy, 0.75, 1e-12);
  CHECK(a.forces == b.forces);
}

void test_global() {
  const Potential without = potential_with(list_of(NeighborCount(0.5)));
  const Potential with = potential_with(list_of(TotalCharge(), NeighborCount(0.5)));
  CHECK(with.cutoff() == reach);
  CHECK_THROWS(ParameterError, evaluated(with), "term \"total_charge\" of the potential acts between all atoms");
  const ThreeProcesses host;
  const Results a = evaluated(without), b = evaluated(with, &host);
  CHECK_CLOSE(b.energy - a.energy, 0.5 * 3.3 * 1.1, 1e-12);
  for (int axis = 0; axis < 3; ++axis) {
    CHECK_CLOSE(b.forces[axis] - a.forces[axis], 0.2 * (axis + 1), 1e-12);
    CHECK(b.forces[3 + axis] == a.forces[3 + axis]);
  }
  // It can be read everywhere; nobody who has no host for it evaluates it by accident.
  check_soundness(with, "The potential");
  CHECK_THROWS(ParameterError, Evaluator(with, Precision::single), "total_charge");
}

/// What is in no list of a format is not lost in silence.
void test_writing() {
  const Potential with = potential_with(list_of(NeighborCount(0.5)));
  for (const char* path : {"a.json", "a.mtp"})
    CHECK_THROWS(FormatError, print_potential(with, path), "no place for its term \"neighbor_count\"");
  CHECK(print_potential(potential_with({}), "a.mtp").files.size() == 1);
}

}  // namespace

int main() {
  ensure_kokkos(1);
  test_local();
  test_global();
  test_writing();
  finalize_kokkos();
  return failures != 0;
}
