#include "potentials/check_potential.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "core/error.hpp"
#include "core/text.hpp"
#include "potentials/evaluate.hpp"

namespace forcesmith {

namespace {

/// Of parameters, of energies in eV, and of forces in eV/angstrom.
constexpr double absurd = 1e30;

bool is_absurd(double value) { return !(std::abs(value) < absurd); }

/// Shells of neighbors, as fractions of the cutoff. A sound potential may overflow far outside its training set,
/// but not in all of them.
struct Shell {
  double inner, outer;
  int n_neighbors;
};
constexpr std::array<Shell, 3> shells{{{0.85, 0.95, 2}, {0.5, 0.97, 14}, {0.35, 0.97, 30}}};

/// Neighbors of one atom, of all elements in turn, spread over the directions.
struct Neighborhood {
  Neighborhood(int n_elements, double cutoff, const Shell& shell) {
    const int n = std::max(shell.n_neighbors, 2 * n_elements);
    for (int k = 0; k < n; ++k) {
      const double r = cutoff * (shell.inner + (shell.outer - shell.inner) * (k + 0.5) / n);
      const double height = 1.0 - 2.0 * std::fmod(0.37 + 0.618 * k, 1.0), angle = 2.4 * k + 0.1;
      const double flat = std::sqrt(1.0 - height * height);
      neighbors.push_back(1 + k);
      types.push_back(k % n_elements);
      x.push_back(r * flat * std::cos(angle));
      y.push_back(r * flat * std::sin(angle));
      z.push_back(r * height);
    }
    offsets[1] = n;
  }

  NeighborView around(const int& element) const {
    return {1, &center, &element, offsets.data(), neighbors.data(), types.data(), x.data(), y.data(), z.data()};
  }

  int center = 0;
  std::array<std::int64_t, 2> offsets{};
  std::vector<int> neighbors, types;
  std::vector<double> x, y, z;
};

/// An element for whose atoms energies or forces are absurd in every shell. Global terms are no matter of neighborhoods.
std::optional<int> absurd_element(const Potential& potential, Precision precision) {
  const int n_elements = static_cast<int>(potential.elements().size());
  std::vector<bool> sound(n_elements, false);
  std::vector<double> forces;
  Evaluator evaluator = Evaluator::without_global_terms(potential, precision);
  for (const Shell& shell : shells) {
    const Neighborhood neighborhood(n_elements, potential.cutoff(), shell);
    for (int element = 0; element < n_elements; ++element) {
      if (sound[element]) continue;
      Evaluation evaluation;
      evaluation.n_host = 1 + static_cast<int>(neighborhood.neighbors.size());
      forces.assign(3 * static_cast<std::size_t>(evaluation.n_host), 0.0);
      evaluation.forces = forces.data();
      evaluator.evaluate(StoredNeighbors(neighborhood.around(element)), evaluation);
      sound[element] = !is_absurd(evaluation.energy) && std::none_of(forces.begin(), forces.end(), is_absurd);
    }
  }
  const auto found = std::find(sound.begin(), sound.end(), false);
  if (found == sound.end()) return {};
  return static_cast<int>(found - sound.begin());
}

}  // namespace

void check_cutoff(const Potential& potential, const std::string& where) {
  if (!(potential.cutoff() <= largest_cutoff))
    throw ParameterError(where + ": the cutoff of " + printed(potential.cutoff()) + " angstrom is too large; at most " +
                         printed(largest_cutoff) + " angstrom are supported.");
}

void check_soundness(const Potential& potential, const std::string& where) {
  for (const auto& descriptor : potential.descriptors()) descriptor->check(where);
  for (const std::vector<double>& parameters : {potential.descriptor_parameters(), potential.model_parameters()})
    for (const double parameter : parameters)
      if (is_absurd(parameter))
        throw FormatError(where + " holds the coefficient " + printed(parameter) +
                          ", which no energy can come from; the file is damaged, or its fit diverged.");
  for (const Precision precision : {Precision::double_, Precision::single}) {
    const std::optional<int> element = absurd_element(potential, precision);
    if (element)
      throw FormatError(where + " gives no finite energy and forces for atoms of " + potential.elements()[*element] +
                        (precision == Precision::single ? " in single precision" : "") +
                        ": some of its numbers are far too large or too small, or were damaged.");
  }
}

}  // namespace forcesmith
