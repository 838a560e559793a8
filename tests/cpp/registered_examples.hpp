// Settings of every registered descriptor and model, for the tests that loop over the lists of registered.hpp. What is
// registered without an example here fails these tests.
#pragma once

#include "check.hpp"
#include "potentials/potential.hpp"
#include "potentials/registered.hpp"
#include "random_numbers.hpp"
#include "symmetry_functions_examples.hpp"

inline const std::vector<std::string> example_elements{"Mg", "O"};

struct Example {
  std::string name;  // of what is registered
  forcesmith::Json settings;
  double rounding, rounding_of_single;  // relative
};

/// With cutoffs of at most 5 angstrom.
inline std::vector<Example> descriptor_examples() {
  using forcesmith::CutoffFunction;
  using forcesmith::Json;
  const Json bispectrum{{"twojmax", 5}, {"rcutfac", 5.0}, {"radii", {0.4, 0.5}}, {"weights", {1.0, -0.6}}};
  Json one_value = bispectrum, all_flags = bispectrum, long_rows = bispectrum, rows_in_memory = bispectrum;
  one_value["twojmax"] = 0;
  for (const char* flag : {"switchinnerflag", "chemflag", "wselfallflag"}) all_flags[flag] = true;
  all_flags["sinner"] = {1.8, 2.4};
  all_flags["dinner"] = {0.3, 0.5};
  long_rows["twojmax"] = 10;
  rows_in_memory["twojmax"] = 15;
  for (Json* large : {&long_rows, &rows_in_memory}) (*large)["rcutfac"] = 3.6;
  const Json ace{{"cutoff", 5.0}, {"radial_basis", "ChebExpCos"}, {"nmax", {6, 3, 2, 1}}, {"lmax", {0, 3, 2, 1}}};
  Json power = ace, bessel = ace;
  power["radial_basis"] = "ChebPow";
  power["radial_parameter"] = 2.5;
  bessel["radial_basis"] = "SBessel";
  bessel["inner_cutoff"] = 4.9;
  bessel["inner_width"] = 4.6;
  const Json pod{{"cutoff", 5.0}, {"inner_cutoff", 0.9}, {"nmax", {6, 4, 3, 2, 2, 2}}, {"lmax", {0, 4, 3, 3, 2, 3}}};
  const Json two_bodies{{"cutoff", 5.0}, {"inner_cutoff", 0.9}, {"nmax", {6}}, {"lmax", {0}}};
  const Json many_radial{{"cutoff", 5.0}, {"inner_cutoff", 0.9}, {"nmax", {3, 7, 2}}, {"lmax", {0, 2, 1}}};
  return {{"ace", ace, 1e-12, 1e-5},
          {"ace", power, 1e-12, 1e-5},
          {"ace", bessel, 1e-12, 1e-5},
          {"bispectrum", bispectrum, 1e-12, 2e-6},
          {"bispectrum", one_value, 1e-12, 2e-6},
          {"bispectrum", all_flags, 1e-12, 2e-6},
          {"bispectrum", long_rows, 1e-12, 1e-5},
          {"bispectrum", rows_in_memory, 1e-12, 1e-5},
          {"moment_tensor", {{"level", 12}, {"cutoff", 5.0}, {"min_distance", 1.5}, {"scaling", 0.1}}, 1e-11, 1e-5},
          {"pod", pod, 1e-12, 1e-5},
          {"pod", two_bodies, 1e-12, 1e-5},
          {"pod", many_radial, 1e-12, 1e-5},
          {"radial_gaussians", {{"cutoff", 5.0}, {"count", 6}}, 1e-12, 2e-6},
          {"symmetry_functions", example_symmetry_functions(CutoffFunction::cos, 0.0).to_json(), 1e-12, 2e-6},
          {"symmetry_functions", example_symmetry_functions(CutoffFunction::tanhu, 0.0).to_json(), 1e-12, 2e-6}};
}

/// For any numbers of descriptor values. Models know double precision only.
inline std::vector<Example> model_examples() {
  return {{"embedding", {{"seed", 3}}, 1e-13, 0.0},
          {"environments", {{"clusters", 3}, {"seed", 5}}, 1e-12, 0.0},
          {"linear", {{"shared", false}}, 1e-14, 0.0},
          {"neural_network", {{"hidden_layers", {7, 3}}, {"activation", "silu"}}, 1e-13, 0.0},
          {"quadratic", {{"shared", false}}, 1e-14, 0.0}};
}

/// The first of this type.
inline Example model_example(const std::string& name) {
  for (const Example& example : model_examples())
    if (example.name == name) return example;
  throw std::logic_error("there is no example of " + name);
}

/// Calls test.template operator()<Own>(example) for the examples of every type of the list.
template <class... Types, class Test>
void for_each_example(forcesmith::TypeList<Types...> list, const std::vector<Example>& examples, const Test& test) {
  forcesmith::for_each_type(list, [&]<class Own>() {
    int count = 0;
    for (const Example& example : examples)
      if (example.name == Own::name) {
        test.template operator()<Own>(example);
        ++count;
      }
    if (count == 0) std::printf("give an example of %s in registered_examples.hpp\n", Own::name);
    CHECK(count > 0);
  });
}

/// With random parameters, if it has any.
template <class Own>
std::unique_ptr<Own> make_descriptor(const forcesmith::Json& settings, std::mt19937& random) {
  std::unique_ptr<forcesmith::Descriptor> descriptor = Own::create(settings, example_elements, "test");
  descriptor->set_parameters(random_numbers(random, descriptor->parameters().size()));
  return std::unique_ptr<Own>(static_cast<Own*>(descriptor.release()));
}

/// With random parameters; sizes: numbers of descriptor values [element].
template <class Own>
std::unique_ptr<Own> make_model(const forcesmith::Json& settings, const std::vector<int>& sizes, std::mt19937& random) {
  std::unique_ptr<forcesmith::Model> model = Own::create(settings, sizes, "test");
  model->set_parameters(random_numbers(random, model->parameters().size()));
  return std::unique_ptr<Own>(static_cast<Own*>(model.release()));
}

/// 1 on the diagonal of A, -1/2 beside it.
inline forcesmith::ActiveSet::Matrix example_matrix(int size) {
  forcesmith::ActiveSet::Matrix matrix{size, Numbers(size * size), Numbers(size * size)};
  for (int i = 0; i < size; ++i)
    for (int j = i; j < size; ++j) {
      matrix.rows[i * size + j] = j == i ? 1.0 : j == i + 1 ? -0.5 : 0.0;
      matrix.inverse[i * size + j] = std::pow(0.5, j - i);
    }
  return matrix;
}

/// Of parameters in which energies are linear, unless they are so many that it would take gigabytes.
inline void set_example_active_set(forcesmith::Potential& potential) {
  std::vector<forcesmith::ActiveSet::Matrix> matrices;
  for (int element = 0; element < 2; ++element) {
    const int size = potential.model().n_features(element);
    if (size > 500) return;
    matrices.push_back(example_matrix(size));
  }
  potential.set_active_set(
      std::make_shared<const forcesmith::ActiveSet>(forcesmith::ActiveSet::Settings{}, std::move(matrices)));
}
