// Whole potentials as DevicePotential computes them, run here on the default host space, against Evaluator: energies,
// forces and virial of every registered descriptor with every registered model and the nuclear repulsion, in both
// precisions, in one launch and in many; several descriptors; what devices cannot compute.
#include "potentials/device_potential.hpp"

#include "core/kokkos_scope.hpp"
#include "potentials/evaluate.hpp"
#include "random_neighborhoods.hpp"
#include "registered_examples.hpp"

namespace {

using namespace forcesmith;
using Space = Kokkos::DefaultHostExecutionSpace;

/// Random neighborhoods of atoms that are each other's neighbors.
struct Atoms {
  std::mt19937 random{5};
  Neighborhoods all{random};
  Atoms() {
    for (std::size_t pair = 0; pair < all.n_pairs(); ++pair) all.neighbors[pair] = static_cast<int>(pair) % n_host();
  }
  int n_host() const { return all.n_atoms() + 7; }
};

struct Results {
  Numbers energies, forces, virial = Numbers(6);
  explicit Results(const Atoms& atoms) : energies(atoms.all.n_atoms()), forces(3 * atoms.n_host()) {}
};

Results evaluate(const Potential& potential, const Atoms& atoms) {
  Results found(atoms);
  Numbers energies(atoms.n_host());
  Evaluation evaluation;
  evaluation.n_host = atoms.n_host();
  evaluation.energies = energies.data();
  evaluation.forces = found.forces.data();
  evaluation.virial = found.virial.data();
  Evaluator(potential).evaluate(StoredNeighbors(atoms.all.view()), evaluation);
  std::copy_n(energies.begin(), found.energies.size(), found.energies.begin());  // centers come first
  return found;
}

template <class Real>
Results launch(const Potential& potential, const Atoms& atoms, const NeighborViewOf<Real>& view,
               std::size_t max_bytes) {
  Results found(atoms);
  DevicePotential<Space, Real>(potential, max_bytes)
      .evaluate(view, found.energies.data(), found.forces.data(), found.virial.data());
  return found;
}

void check_same(const Results& found, const Results& expected, double rounding) {
  CHECK_CLOSE(found.energies, expected.energies, rounding);
  CHECK_CLOSE(found.forces, expected.forces, rounding);
  CHECK_CLOSE(found.virial, expected.virial, rounding);
}

/// rounding_of_single: of descriptor values; energies and forces are sums of many of either sign.
void test_potential(const Potential& potential, const Atoms& atoms, double rounding, double rounding_of_single) {
  const Results host = evaluate(potential, atoms);
  for (std::size_t max_bytes : {std::size_t{1} << 30, std::size_t{1} << 17, std::size_t{0}})
    check_same(launch(potential, atoms, atoms.all.view(), max_bytes), host, rounding);
  const GivenNeighborhoods<float> single(atoms.all);
  check_same(launch(potential, atoms, single.view(), 1 << 20), host, rounding_of_single);
}

std::vector<int> sizes_of(const std::vector<std::unique_ptr<Descriptor>>& descriptors) {
  std::vector<int> sizes(2);
  for (const auto& descriptor : descriptors)
    for (int element = 0; element < 2; ++element) sizes[element] += descriptor->size(element);
  return sizes;
}

/// Inputs of models are of order 1.
template <class OwnModel>
Potential make_potential(std::vector<std::unique_ptr<Descriptor>> descriptors, const Example& of_model,
                         std::mt19937& random) {
  auto model = make_model<OwnModel>(of_model.settings, sizes_of(descriptors), random);
  return Potential(example_elements, std::move(descriptors), std::move(model));
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
      const Results without = evaluate(potential, atoms);
      potential.set_terms(repulsion());
      CHECK(evaluate(potential, atoms).forces != without.forces);
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
  const Potential potential = make_potential<LinearModel>(std::move(descriptors), model_examples()[0], random);
  test_potential(potential, atoms, 1e-12, 1e-5);
}

void test_what_devices_cannot_compute() {
  std::mt19937 random(8);
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  descriptors.push_back(make_descriptor<bispectrum::Bispectrum>(descriptor_examples()[0].settings, random));
  Potential potential = make_potential<LinearModel>(std::move(descriptors), model_examples()[0], random);
  const auto pair = [](const char* a, const char* b) {
    return Json{{"elements", {a, b}}, {"distance", 1.8}, {"onset", 1.7}, {"strength", 1.0}};
  };
  const Json pairs{pair("Mg", "Mg"), pair("Mg", "O"), pair("O", "O")};
  potential.set_short_range(ShortRange::create({{"pairs", pairs}}, example_elements, potential.cutoff(), "test"));
  CHECK_THROWS(ParameterError, (DevicePotential<Space, double>(potential)), "wall");
}

}  // namespace

int main() {
  ensure_kokkos(2);
  test_all_pairs_of_descriptor_and_model();
  test_several_descriptors({"symmetry_functions", "bispectrum", "moment_tensor"}, false);
  test_several_descriptors({"bispectrum", "moment_tensor"}, true);
  test_what_devices_cannot_compute();
  finalize_kokkos();
  return failures != 0;
}
