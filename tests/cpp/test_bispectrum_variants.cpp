// The bispectrum kernels of every instruction set that this processor has, on random neighborhoods: they
// agree with each other, and their verbs with one another (backpropagation, tangent and gradients are one
// Jacobian, which is checked by differences). Then the Clebsch-Gordan coefficients and the number of
// components. The values themselves are checked in Python, here only those with a short formula.
#include <cstdlib>
#include <numbers>
#include <optional>

#include "core/instruction_set.hpp"
#include "descriptors/bispectrum/bispectrum.hpp"
#include "random_neighborhoods.hpp"

namespace {

using namespace forcesmith;

/// U_0 of an atom alone, in one channel.
double own_density(const BispectrumParameters& p, int center, int channel) {
  return !p.chemflag || p.wselfallflag || channel == center ? 1.0 : 0.0;
}

/// U_0 of an atom, in one channel: the weights of the neighbors are summed.
double density(const BispectrumParameters& p, const Neighborhoods& atoms, int atom, int channel) {
  using std::numbers::pi;
  const int center = atoms.center_types[atom];
  double sum = own_density(p, center, channel);
  for (auto pair = atoms.offsets[atom]; pair < atoms.offsets[atom + 1]; ++pair) {
    const int type = atoms.types[pair];
    const double r = atoms.distance(pair), cutoff = p.rcutfac * (p.radii[center] + p.radii[type]);
    if (r >= cutoff || (p.chemflag && type != channel)) continue;
    double weight = p.weights[type];
    if (p.switchflag && r > p.rmin0) weight *= 0.5 * (1.0 + std::cos(pi * (r - p.rmin0) / (cutoff - p.rmin0)));
    if (p.switchinnerflag) {
      const double x = (2 * r - p.sinner[center] - p.sinner[type]) / (p.dinner[center] + p.dinner[type]);
      weight *= 0.5 * (1.0 + std::sin(0.5 * pi * std::clamp(x, -1.0, 1.0)));
    }
    sum += weight;
  }
  return sum;
}

/// The components with j1 = j2 = j = 0 are products of densities; of an atom without neighbors, all
/// components vanish with bzeroflag.
void test_known_values(const Bispectrum& descriptor, const Neighborhoods& atoms, const VerbInput& in,
                       const Numbers& B) {
  const BispectrumParameters& p = descriptor.settings();
  Numbers known, found;
  for (int atom = 0; atom < atoms.n_atoms(); ++atom)
    for (int k = 0; k < descriptor.size(0); ++k) {
      const BispectrumComponent& component = descriptor.coupling().components[k];
      const double value = B[atom * in.stride + k];
      if (p.bzeroflag && atoms.offsets[atom] == atoms.offsets[atom + 1]) CHECK(std::abs(value) < 1e-12);
      if (component.j > 0) continue;
      double product = 1.0, alone = 1.0;
      for (int channel : component.channels) {
        product *= density(p, atoms, atom, channel);
        alone *= own_density(p, atoms.center_types[atom], channel);
      }
      known.push_back(product - (p.bzeroflag ? alone : 0.0));
      found.push_back(value);
    }
  CHECK_CLOSE(found, known, 1e-13);
}

void test_variants(const char* name, const BispectrumParameters& parameters) {
  std::mt19937 random(7);
  const Neighborhoods atoms(random);
  std::optional<VerbInput> in;
  std::optional<VerbOutput> portable;
  for (InstructionSet set : available_instruction_sets()) {
    setenv("FORCESMITH_ISA", to_string(set).c_str(), 1);
    CHECK(instruction_set() == set);
    const Bispectrum descriptor(parameters, "test");
    std::printf("%s, %s, width %d\n", name, to_string(set).c_str(), descriptor.block_size());
    if (!in) in.emplace(random, atoms, descriptor.size(0));
    const VerbOutput out = run_verbs(descriptor, atoms, *in, descriptor.block_size());
    if (!portable) {
      portable = out;
      test_known_values(descriptor, atoms, *in, out.B);
      test_tangent(descriptor, atoms, *in, out);
    }
    test_same_output(out, *portable, 1e-12);
    test_same_output(out, run_verbs(descriptor, atoms, *in, 1), 1e-13);
    test_one_jacobian(descriptor, descriptor.cutoffs(), atoms, *in, out);
    test_single_precision(descriptor, atoms, *in, out, 2e-6);
  }
}

void test_all_variants() {
  BispectrumParameters plain;
  plain.twojmax = 5;
  plain.rcutfac = 5.0;
  plain.radii = {0.5, 0.5};
  plain.weights = {1.0, -0.6};
  test_variants("plain", plain);

  BispectrumParameters one_value = plain;
  one_value.twojmax = 0;
  test_variants("twojmax 0", one_value);

  BispectrumParameters other_flags = plain;
  other_flags.twojmax = 8;
  other_flags.switchflag = other_flags.bzeroflag = false;
  other_flags.bnormflag = true;
  test_variants("bnormflag, neither switchflag nor bzeroflag", other_flags);

  BispectrumParameters radii = plain;
  radii.radii = {0.35, 0.5};
  radii.rmin0 = 1.6;  // some neighbors are closer
  test_variants("a cutoff per pair", radii);

  BispectrumParameters inner = plain;
  inner.switchinnerflag = true;
  inner.sinner = {1.8, 2.4};
  inner.dinner = {0.3, 0.5};
  test_variants("switchinnerflag", inner);

  BispectrumParameters elements = plain;
  elements.twojmax = 4;
  elements.chemflag = true;
  test_variants("chemflag", elements);
  elements.wselfallflag = true;
  test_variants("chemflag, wselfallflag", elements);

  BispectrumParameters everything = inner;
  everything.chemflag = everything.wselfallflag = everything.bnormflag = true;
  everything.radii = {0.35, 0.5};
  test_variants("everything", everything);
}

/// For given j1 and j2 they are an orthogonal matrix, with rows (j, m) and columns (m1, m2).
void test_clebsch_gordan_orthogonality(int j1, int j2) {
  std::vector<Numbers> rows;
  for (int j = std::abs(j1 - j2); j <= j1 + j2; j += 2)
    for (int m = 0; m <= j; ++m) {
      rows.emplace_back();
      for (int m1 = 0; m1 <= j1; ++m1)
        for (int m2 = 0; m2 <= j2; ++m2) rows.back().push_back(clebsch_gordan(j1, m1, j2, m2, j, m));
    }
  CHECK(rows.size() == rows[0].size());
  double largest = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t k = 0; k <= i; ++k) largest = std::max(largest, std::abs(dot(rows[i], rows[k]) - (i == k)));
  CHECK(largest < 1e-13);
}

/// Tables of textbooks; here every j is doubled, and m counts from 0.
void test_clebsch_gordan_values() {
  CHECK_CLOSE(clebsch_gordan(0, 0, 0, 0, 0, 0), 1.0, 1e-15);
  CHECK_CLOSE(clebsch_gordan(1, 1, 1, 0, 0, 0), std::sqrt(1 / 2.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(1, 0, 1, 1, 0, 0), -std::sqrt(1 / 2.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(1, 1, 1, 1, 2, 2), 1.0, 1e-15);
  CHECK_CLOSE(clebsch_gordan(3, 3, 1, 0, 2, 2), std::sqrt(3 / 4.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(3, 2, 1, 1, 2, 2), -std::sqrt(1 / 4.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(2, 2, 2, 0, 2, 1), std::sqrt(1 / 2.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(2, 1, 2, 1, 0, 0), -std::sqrt(1 / 3.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(2, 1, 2, 1, 4, 2), std::sqrt(2 / 3.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(4, 2, 4, 2, 4, 2), -std::sqrt(2 / 7.0), 1e-15);
  CHECK_CLOSE(clebsch_gordan(4, 2, 4, 2, 8, 4), std::sqrt(18 / 35.0), 1e-15);
  CHECK(clebsch_gordan(2, 1, 2, 1, 2, 1) == 0.0);  // by symmetry
  CHECK(clebsch_gordan(2, 2, 2, 1, 2, 1) == 0.0);  // m1 + m2 is not m
  CHECK(clebsch_gordan(2, 2, 2, 2, 2, 3) == 0.0);  // there is no such m
}

void test_component_counts() {
  for (const auto& [twojmax, count] : {std::pair{0, 1}, {2, 5}, {6, 30}, {8, 55}, {14, 204}})
    for (int n_channels : {1, 2})
      CHECK(static_cast<int>(make_bispectrum_coupling(twojmax, n_channels, false).components.size()) ==
            count * n_channels * n_channels * n_channels);
}

}  // namespace

int main() {
  test_all_variants();
  for (int j1 = 0; j1 <= 6; ++j1)
    for (int j2 = 0; j2 <= 6; ++j2) test_clebsch_gordan_orthogonality(j1, j2);
  test_clebsch_gordan_orthogonality(14, 14);
  test_clebsch_gordan_orthogonality(20, 9);
  test_clebsch_gordan_values();
  test_component_counts();
  return failures != 0;
}
