// Whole potentials as DevicePotential computes them, run here on a host space, against Evaluator: energies, forces and
// virials of every registered descriptor with every registered model and the nuclear repulsion, in both precisions, in
// one launch and in many; extrapolation grades; several descriptors; the wall at short range; atoms without neighbors; too little memory.
#include "potentials/device_potential.hpp"

#include "core/kokkos_scope.hpp"
#include "potentials/evaluate.hpp"
#include "random_neighborhoods.hpp"
#include "registered_examples.hpp"

namespace {

using namespace forcesmith;
using Space = Kokkos::FORCESMITH_TEST_SPACE;

/// Random neighborhoods of atoms that are each other's neighbors.
struct Atoms {
  std::mt19937 random{5};
  Neighborhoods all;
  int largest = 0;                                          // number of neighbors
  explicit Atoms(int repeats = 6) : all(random, repeats) {  // three slices of atoms
    for (std::size_t pair = 0; pair < all.n_pairs(); ++pair) all.neighbors[pair] = static_cast<int>(pair) % n_host();
    for (int atom = 0; atom < all.n_atoms(); ++atom)
      largest = std::max(largest, static_cast<int>(all.offsets[atom + 1] - all.offsets[atom]));
  }
  int n_host() const { return all.n_atoms() + 7; }
};

struct Results {
  Numbers energies, forces, virials, centroid_virials, grades, virial = Numbers(6);
  std::vector<int> values_outside, close_neighbors;
  double energy = 0.0;
  explicit Results(int n_host)
      : energies(n_host),
        forces(3 * n_host),
        virials(6 * n_host),
        centroid_virials(9 * n_host),
        grades(n_host),
        values_outside(n_host),
        close_neighbors(n_host) {}
};

Results evaluate(const Potential& potential, const NeighborView& view, int n_host) {
  Results found(n_host);
  Evaluation wanted;
  wanted.n_host = n_host;
  wanted.energies = found.energies.data();
  wanted.forces = found.forces.data();
  wanted.virials = found.virials.data();
  wanted.centroid_virials = found.centroid_virials.data();
  wanted.virial = found.virial.data();
  wanted.values_outside = found.values_outside.data();
  if (potential.short_range()) wanted.close_neighbors = found.close_neighbors.data();
  if (potential.active_set()) wanted.grades = found.grades.data();
  Evaluator(potential).evaluate(StoredNeighbors(view), wanted);
  found.energy = wanted.energy;
  return found;
}

template <class Real, class Pairs>
Results launch(const Potential& potential, const Pairs& pairs, int n_host, std::size_t max_bytes) {
  Results found(n_host);
  DeviceEvaluation wanted{
      {found.energies.data(), found.forces.data(), found.virials.data(), found.centroid_virials.data()},
      found.values_outside.data(),
      potential.short_range() ? found.close_neighbors.data() : nullptr,
      potential.active_set() ? found.grades.data() : nullptr};
  DevicePotential<Space, Real>(potential, max_bytes).evaluate(pairs, wanted);
  found.energy = wanted.energy;
  std::copy_n(wanted.virial, 6, found.virial.begin());
  return found;
}

void check_same(const Results& found, const Results& expected, double rounding) {
  CHECK_CLOSE(Numbers{found.energy}, Numbers{expected.energy}, rounding);
  CHECK_CLOSE(found.energies, expected.energies, rounding);
  CHECK_CLOSE(found.forces, expected.forces, rounding);
  CHECK_CLOSE(found.virials, expected.virials, rounding);
  CHECK_CLOSE(found.centroid_virials, expected.centroid_virials, rounding);
  CHECK_CLOSE(found.virial, expected.virial, rounding);
  CHECK_CLOSE(found.grades, expected.grades, rounding);
  CHECK(found.close_neighbors == expected.close_neighbors);
}

/// rounding_of_single: of descriptor values; energies and forces are sums of many of either sign.
void test_potential(const Potential& potential, const Atoms& atoms, double rounding, double rounding_of_single) {
  const Results host = evaluate(potential, atoms.all.view(), atoms.n_host());
  const auto n_grades = std::count_if(host.grades.begin(), host.grades.end(), [](double grade) { return grade > 0.0; });
  CHECK(n_grades == (potential.active_set() ? atoms.all.n_atoms() : 0));
  const GivenPairs pairs{atoms.all.view(), atoms.largest};
  for (std::size_t max_bytes : {std::size_t{1} << 30, std::size_t{0}}) {
    const Results found = launch<double>(potential, pairs, atoms.n_host(), max_bytes);
    check_same(found, host, rounding);
    CHECK(found.values_outside == host.values_outside);
  }
  check_same(launch<float>(potential, pairs, atoms.n_host(), 1 << 20), host, rounding_of_single);
}

std::vector<int> sizes_of(const std::vector<std::unique_ptr<Descriptor>>& descriptors) {
  std::vector<int> sizes(2);
  for (const auto& descriptor : descriptors)
    for (int element = 0; element < 2; ++element) sizes[element] += descriptor->size(element);
  return sizes;
}

/// With an active set. Inputs of models are of order 1.
template <class OwnModel>
Potential make_potential(std::vector<std::unique_ptr<Descriptor>> descriptors, const Example& of_model,
                         std::mt19937& random) {
  auto model = make_model<OwnModel>(of_model.settings, sizes_of(descriptors), random);
  Potential potential(example_elements, std::move(descriptors), std::move(model));
  set_example_active_set(potential);
  return potential;
}

std::vector<std::unique_ptr<Term>> repulsion() {
  std::vector<std::unique_ptr<Term>> terms;
  terms.push_back(Zbl::create({{"inner", 1.5}, {"outer", 2.5}}, example_elements, "test"));
  return terms;
}

void test_all_pairs_of_descriptor_and_model() {
  const Atoms atoms;
  std::mt19937 random(6);
  for_each_example(RegisteredDescriptors{}, descriptor_examples(), [&]<class Own>(const Example& example) {
    for_each_example(RegisteredModels{}, model_examples(), [&]<class OwnModel>(const Example& of_model) {
      std::vector<std::unique_ptr<Descriptor>> descriptors;
      descriptors.push_back(make_descriptor<Own>(example.settings, random));
      Potential potential = make_potential<OwnModel>(std::move(descriptors), of_model, random);
      const Results without = evaluate(potential, atoms.all.view(), atoms.n_host());
      potential.set_terms(repulsion());
      CHECK(evaluate(potential, atoms.all.view(), atoms.n_host()).forces != without.forces);
      test_potential(potential, atoms, 1e-11, 1e-4);
    });
  });
}

/// The values of the second descriptor begin in another column for each element.
/// in_place: the values of all elements stand in the same columns.
void test_several_descriptors(const std::vector<std::string>& names, bool in_place) {
  const Atoms atoms;
  std::mt19937 random(7);
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  for (const std::string& name : names) {
    bool found = false;
    for_each_example(RegisteredDescriptors{}, descriptor_examples(), [&]<class Own>(const Example& example) {
      if (name != Own::name || found) return;
      descriptors.push_back(make_descriptor<Own>(example.settings, random));
      found = true;
    });
  }
  CHECK(descriptors.size() == names.size() && in_place == (descriptors[0]->size(0) == descriptors[0]->size(1)));
  const Potential potential = make_potential<LinearModel>(std::move(descriptors), model_example("linear"), random);
  test_potential(potential, atoms, 1e-12, 1e-5);
}

/// A wall where a third of the pairs are, of two of three pairs of elements.
void test_wall() {
  const Atoms atoms;
  std::mt19937 random(8);
  for_each_example(RegisteredDescriptors{}, descriptor_examples(), [&]<class Own>(const Example& example) {
    std::vector<std::unique_ptr<Descriptor>> descriptors;
    descriptors.push_back(make_descriptor<Own>(example.settings, random));
    Potential potential = make_potential<LinearModel>(std::move(descriptors), model_example("linear"), random);
    const Json pairs{{{"elements", {"Mg", "Mg"}}, {"distance", 2.8}},
                     {{"elements", {"Mg", "O"}}, {"distance", 2.6}, {"onset", 2.4}, {"strength", 1.0}},
                     {{"elements", {"O", "O"}}, {"distance", 2.5}, {"onset", 2.7}, {"strength", 0.5}}};
    potential.set_short_range(ShortRange::create({{"pairs", pairs}}, example_elements, potential.cutoff(), "test"));
    const Results host = evaluate(potential, atoms.all.view(), atoms.n_host());
    CHECK(std::count_if(host.close_neighbors.begin(), host.close_neighbors.end(), [](int n) { return n > 0; }) > 4);
    test_potential(potential, atoms, 1e-11, 1e-4);
  });
}

/// Atoms that have no neighbors at all.
void test_isolated_atoms() {
  constexpr int n_atoms = device_slice + 3;
  std::vector<int> centers, types;
  for (int atom = 0; atom < n_atoms; ++atom) {
    centers.push_back(atom);
    types.push_back(atom % 2);
  }
  const std::vector<std::int64_t> offsets(n_atoms + 1);
  const NeighborView view{n_atoms, centers.data(), types.data(), offsets.data(), nullptr,
                          nullptr, nullptr,        nullptr,      nullptr};
  std::mt19937 random(9);
  for_each_example(RegisteredDescriptors{}, descriptor_examples(), [&]<class Own>(const Example& example) {
    std::vector<std::unique_ptr<Descriptor>> descriptors;
    descriptors.push_back(make_descriptor<Own>(example.settings, random));
    Potential potential = make_potential<LinearModel>(std::move(descriptors), model_example("linear"), random);
    potential.set_terms(repulsion());
    const Results host = evaluate(potential, view, n_atoms);
    CHECK(host.energies[0] != 0.0);
    check_same(launch<double>(potential, GivenPairs{view, 0}, n_atoms, 0), host, 1e-12);
  });
}

/// Grades of all parameters are for the CPU; changed parameters are those of no active set.
void test_grades_that_cannot_be_had() {
  const Atoms atoms;
  std::mt19937 random(11);
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  for_each_example(RegisteredDescriptors{}, descriptor_examples(), [&]<class Own>(const Example& example) {
    if (descriptors.empty() && std::string(Own::name) == "moment_tensor")
      descriptors.push_back(make_descriptor<Own>(example.settings, random));
  });
  Potential potential = make_potential<LinearModel>(std::move(descriptors), model_example("linear"), random);
  DevicePotential<Space, double> on_device(potential);
  Results found(atoms.n_host());
  DeviceEvaluation wanted;
  wanted.grades = found.grades.data();
  on_device.evaluate(GivenPairs{atoms.all.view(), atoms.largest}, wanted);
  CHECK(found.grades[0] > 0.0);
  potential.set_model_parameters(potential.model_parameters());
  on_device.update();
  CHECK_THROWS(ParameterError, on_device.evaluate(GivenPairs{atoms.all.view(), atoms.largest}, wanted), "device cpu");
  potential.set_active_set(std::make_shared<const ActiveSet>(ActiveSet::Settings{ActiveSet::Parameters::all},
                                                             std::vector{example_matrix(3)}));
  CHECK_THROWS(ParameterError, (launch<double>(potential, GivenPairs{atoms.all.view(), atoms.largest}, 1, 0)),
               "device cpu");
}

/// The memory that Kokkos may take.
class LimitedMemory {
 public:
  explicit LimitedMemory(std::uint64_t most) {
    free_ = most;
    n_refused = 0;
    Kokkos::Tools::Experimental::set_allocate_data_callback(take);
    Kokkos::Tools::Experimental::set_deallocate_data_callback(give_back);
  }
  ~LimitedMemory() {
    Kokkos::Tools::Experimental::set_allocate_data_callback(nullptr);
    Kokkos::Tools::Experimental::set_deallocate_data_callback(nullptr);
  }
  static inline int n_refused = 0;

 private:
  static void take(Kokkos_Profiling_SpaceHandle, const char*, const void* memory, std::uint64_t size) {
    if (size > free_) {
      ++n_refused;
      operator delete(const_cast<void*>(memory), std::align_val_t(Kokkos::Impl::MEMORY_ALIGNMENT));
      throw std::bad_alloc();
    }
    free_ -= size;
  }
  static void give_back(Kokkos_Profiling_SpaceHandle, const char*, const void*, std::uint64_t size) { free_ += size; }
  static inline std::uint64_t free_ = 0;
};

/// What was taken is given back before less is tried; what cannot be done leaves nothing behind.
void test_too_little_memory() {
  const Atoms atoms(300);
  std::mt19937 random(10);
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  for_each_example(RegisteredDescriptors{}, descriptor_examples(), [&]<class Own>(const Example& example) {
    if (descriptors.empty() && std::string(Own::name) == "moment_tensor")
      descriptors.push_back(make_descriptor<Own>(example.settings, random));
  });
  const Potential potential = make_potential<LinearModel>(std::move(descriptors), model_example("linear"), random);
  const GivenPairs pairs{atoms.all.view(), atoms.largest};
  constexpr std::size_t megabyte = 1 << 20;
  DevicePotential<Space, double> on_device(potential, 128 * megabyte);
  Results found(atoms.n_host());
  DeviceEvaluation wanted{{found.energies.data(), found.forces.data()}};
  const auto evaluate_with = [&](std::uint64_t most) {
    const LimitedMemory limited(most);
    with_less_memory([&] { on_device.evaluate(pairs, wanted); }, [&] { return on_device.use_less_memory(); });
  };
  evaluate_with(20 * megabyte);
  CHECK(LimitedMemory::n_refused > 1 && on_device.max_bytes() < 20 * megabyte);
  const Results host = evaluate(potential, atoms.all.view(), atoms.n_host());
  CHECK_CLOSE(found.energies, host.energies, 1e-12);
  CHECK_CLOSE(found.forces, host.forces, 1e-12);
  const Numbers forces = found.forces;
  on_device = DevicePotential<Space, double>(potential, 128 * megabyte);
  CHECK_THROWS(std::bad_alloc, evaluate_with(megabyte), "");
  CHECK(found.forces == forces && on_device.max_bytes() == least_working_memory);
}

}  // namespace

int main() {
  ensure_kokkos(2);
  test_grades_that_cannot_be_had();
  test_too_little_memory();
  test_all_pairs_of_descriptor_and_model();
  test_several_descriptors({"symmetry_functions", "bispectrum", "moment_tensor"}, false);
  test_several_descriptors({"bispectrum", "moment_tensor"}, true);
  test_wall();
  test_isolated_atoms();
  finalize_kokkos();
  return failures != 0;
}
