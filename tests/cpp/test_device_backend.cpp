// A device backend, here that of the host, opened as hosts open it: neighbors found on the device against all pairs,
// potentials with neighbors found, listed and given, against Evaluator; chunks, little memory, and what can fail.
#include "core/kokkos_scope.hpp"
#include "devices/device.hpp"
#include "neighbors/device_neighbor_search.hpp"
#include "random_neighborhoods.hpp"
#include "registered_examples.hpp"

namespace {

using namespace forcesmith;

constexpr double potential_cutoff = 5.0;

/// Atoms in a box, some of them local, some of them of no potential.
struct Atoms {
  int n_local;
  Numbers positions;
  std::vector<int> elements;

  Atoms(std::mt19937& random, int n_local, int n_ghost, double x, double y, double z) : n_local(n_local) {
    for (int i = 0; i < n_local + n_ghost; ++i) {
      for (double edge : {x, y, z}) positions.push_back(std::uniform_real_distribution<double>(0.0, edge)(random));
      elements.push_back(i % 7 == 3 ? -1 : i % 3 == 0);
    }
  }
  int n_host() const { return static_cast<int>(elements.size()); }
  DeviceAtoms on_device() const { return {n_host(), positions.data(), elements.data()}; }
  HostAtoms on_host() const { return {n_host(), n_local, positions.data(), elements.data()}; }
  double distance(int i, int j) const {
    return std::hypot(positions[3 * j] - positions[3 * i], positions[3 * j + 1] - positions[3 * i + 1],
                      positions[3 * j + 2] - positions[3 * i + 2]);
  }
  /// By atom; of atoms that are not local, or of no potential, empty.
  std::vector<std::vector<int>> neighbors(double cutoff) const {
    std::vector<std::vector<int>> all(n_host());
    for (int i = 0; i < n_local; ++i)
      for (int j = 0; j < n_host() && elements[i] >= 0; ++j)
        if (j != i && elements[j] >= 0 && distance(i, j) < cutoff) all[i].push_back(j);
    return all;
  }
};

/// The same neighbors as NeighborView.
struct Pairs {
  std::vector<int> centers, center_types, neighbors, types;
  std::vector<std::int64_t> offsets{0};
  Numbers x, y, z;

  Pairs(const Atoms& atoms, double cutoff) {
    const auto all = atoms.neighbors(cutoff);
    for (int i = 0; i < atoms.n_local; ++i) {
      if (atoms.elements[i] < 0) continue;
      centers.push_back(i);
      center_types.push_back(atoms.elements[i]);
      for (int j : all[i]) {
        neighbors.push_back(j);
        types.push_back(atoms.elements[j]);
        x.push_back(atoms.positions[3 * j] - atoms.positions[3 * i]);
        y.push_back(atoms.positions[3 * j + 1] - atoms.positions[3 * i + 1]);
        z.push_back(atoms.positions[3 * j + 2] - atoms.positions[3 * i + 2]);
      }
      offsets.push_back(static_cast<std::int64_t>(types.size()));
    }
  }
  NeighborView view() const {
    return {static_cast<int>(centers.size()),
            centers.data(),
            center_types.data(),
            offsets.data(),
            neighbors.data(),
            types.data(),
            x.data(),
            y.data(),
            z.data()};
  }
};

template <class Space>
void test_search() {
  std::mt19937 random(1);
  DeviceNeighborSearch<Space> search;  // memory is kept
  const double far = 1e5;
  for (const auto& [n_local, n_ghost, x, y, z] :
       std::initializer_list<std::tuple<int, int, double, double, double>>{{300, 200, 20.0, 21.0, 25.0},
                                                                           {1, 0, 1.0, 1.0, 1.0},
                                                                           {0, 5, 9.0, 9.0, 9.0},
                                                                           {0, 0, 1.0, 1.0, 1.0},
                                                                           {200, 0, 4.0, 4.0, 4.0},
                                                                           {40, 20, far, far, far},
                                                                           {200, 100, 3.0, 3.0, 200.0},
                                                                           {50, 50, 0.0, 0.0, 30.0}}) {
    const Atoms atoms(random, n_local, n_ghost, x, y, z);
    const DeviceNeighborList list = search.search(atoms.on_device(), n_local, potential_cutoff);
    Kokkos::fence();
    const auto expected = atoms.neighbors(potential_cutoff);
    std::size_t n_centers = 0, largest = 0;
    for (int i = 0; i < n_local; ++i) n_centers += atoms.elements[i] >= 0;
    CHECK(static_cast<std::size_t>(list.n_centers) == n_centers);
    for (int c = 0; c < list.n_centers; ++c) {
      const int i = list.centers[c];
      std::vector<int> found;
      for (int k = 0; k < list.counts[i]; ++k)
        found.push_back(list.neighbors[i * list.atom_stride + k * list.slot_stride] & list.mask);
      std::sort(found.begin(), found.end());
      CHECK(found == expected[i]);
      largest = std::max(largest, found.size());
    }
    CHECK(static_cast<std::size_t>(list.max_count) == largest);
  }
  Atoms lost(random, 10, 0, 9.0, 9.0, 9.0);
  lost.positions[7] = std::nan("");
  CHECK_THROWS(Error, search.search(lost.on_device(), 10, potential_cutoff), "not finite");
}

struct Results {
  Numbers energies, forces, virials, centroid_virials, grades, virial = Numbers(6);
  std::vector<int> outside, close;
  Evaluation wanted;

  /// Arrays hold something: results are added.
  explicit Results(int n) : energies(n, 1.0), forces(3 * n, 2.0), virials(6 * n, 3.0), centroid_virials(9 * n, 4.0) {
    grades.resize(n);
    outside.resize(n);
    close.resize(n);
    wanted.n_host = n;
    wanted.energies = energies.data();
    wanted.forces = forces.data();
    wanted.virials = virials.data();
    wanted.centroid_virials = centroid_virials.data();
    wanted.virial = virial.data();
    wanted.grades = grades.data();
    wanted.values_outside = outside.data();
    wanted.close_neighbors = close.data();
    wanted.energy = 5.0;
  }
};

void check_same(const Results& found, const Results& expected, double rounding) {
  CHECK_CLOSE(Numbers{found.wanted.energy}, Numbers{expected.wanted.energy}, rounding);
  CHECK_CLOSE(found.energies, expected.energies, rounding);
  CHECK_CLOSE(found.forces, expected.forces, rounding);
  CHECK_CLOSE(found.virials, expected.virials, rounding);
  CHECK_CLOSE(found.centroid_virials, expected.centroid_virials, rounding);
  CHECK_CLOSE(found.virial, expected.virial, rounding);
  CHECK_CLOSE(found.grades, expected.grades, rounding);
  CHECK(found.close == expected.close);
}

Potential make_potential(std::mt19937& random) {
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  for_each_example(RegisteredDescriptors{}, descriptor_examples(), [&]<class Own>(const Example& example) {
    if (std::string(Own::name) == "moment_tensor" && descriptors.empty())
      descriptors.push_back(make_descriptor<Own>(example.settings, random));
  });
  const std::vector<int> sizes{descriptors[0]->size(0), descriptors[0]->size(1)};
  Potential potential(example_elements, std::move(descriptors),
                      make_model<LinearModel>(model_example("linear").settings, sizes, random));
  const Json pairs{{{"elements", {"Mg", "Mg"}}, {"distance", 2.0}, {"onset", 1.9}, {"strength", 1.0}},
                   {{"elements", {"Mg", "O"}}, {"distance", 1.8}},
                   {{"elements", {"O", "O"}}, {"distance", 1.5}}};
  potential.set_short_range(ShortRange::create({{"pairs", pairs}}, example_elements, potential.cutoff(), "test"));
  set_example_active_set(potential);
  return potential;
}

void test_potential() {
  std::mt19937 random(2);
  const Potential potential = make_potential(random);
  const Atoms atoms(random, 150, 100, 14.0, 13.0, 15.0);
  const Pairs pairs(atoms, potential.cutoff() + 1.0);
  Results expected(atoms.n_host());
  Evaluator(potential).evaluate(StoredNeighbors(pairs.view()), expected.wanted);
  CHECK(*std::max_element(expected.close.begin(), expected.close.end()) > 0);
  CHECK(*std::max_element(expected.grades.begin(), expected.grades.end()) > 0.0);

  const std::shared_ptr<const Device> device = Device::open_cuda();
  CHECK(device->name().find("Kokkos") != std::string::npos && Device::open_cuda(3) == device);
  for (Precision precision : {Precision::double_, Precision::single}) {
    const double rounding = precision == Precision::single ? 1e-4 : 1e-11;
    DeviceEvaluator evaluator(device, potential, precision);
    const auto compare = [&](const double* positions) {
      for (int repeat = 0; repeat < 2; ++repeat) {
        Results found(atoms.n_host());
        evaluator.evaluate(positions, found.wanted);
        check_same(found, expected, rounding);
        if (precision == Precision::double_) CHECK(found.outside == expected.outside);
      }
    };
    const HostAtoms on_host = atoms.on_host();
    evaluator.search_neighbors(on_host, potential.cutoff() + 0.5);
    compare(atoms.positions.data());
    evaluator.set_pairs(atoms.n_host(), pairs.view());
    compare(nullptr);

    // High bits of neighbors are not theirs.
    auto listed = atoms.neighbors(potential.cutoff() + 1.0);
    std::vector<int> counts;
    std::vector<const int*> first;
    for (auto& own : listed) {
      for (int& j : own) j |= j % 2 << 29;
      counts.push_back(static_cast<int>(own.size()));
      first.push_back(own.data());
    }
    const HostNeighborList list{static_cast<int>(pairs.centers.size()), pairs.centers.data(), counts.data(),
                                first.data(), 0x1FFFFFFF};
    evaluator.set_list(on_host, list);
    compare(atoms.positions.data());
    // Energy and forces alone, as in most steps.
    Numbers forces(3 * atoms.n_host(), 2.0);
    Evaluation wanted;
    wanted.n_host = atoms.n_host();
    wanted.forces = forces.data();
    evaluator.evaluate(atoms.positions.data(), wanted);
    CHECK_CLOSE(forces, expected.forces, rounding);
    const DeviceTimes times = evaluator.take_times();
    CHECK(times.list > 0.0 && times.copy > 0.0 && times.kernels > 0.0 && evaluator.take_times().kernels == 0.0);
    // No atoms.
    const HostAtoms none{0, 0, nullptr, nullptr};
    evaluator.search_neighbors(none, potential.cutoff());
    Evaluation nothing;
    evaluator.evaluate(nullptr, nothing);
    CHECK(nothing.energy == 0.0);
  }
}

void test_choice() {
  CHECK(device_kind_named("auto") == DeviceKind::automatic && device_kind_named("cuda") == DeviceKind::cuda);
  CHECK_THROWS(ParameterError, device_kind_named("gpu"), "auto, cpu or cuda");
  CHECK(choose_device(DeviceKind::cpu).device == nullptr);
  CHECK(choose_device(DeviceKind::automatic).device != nullptr);
}

}  // namespace

int main() {
  ensure_kokkos(2);
  test_search<Kokkos::DefaultHostExecutionSpace>();
  test_search<Kokkos::Serial>();
  test_potential();
  test_choice();
  finalize_kokkos();
  return failures != 0;
}
