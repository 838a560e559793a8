// The bispectrum kernels with all options; the number of components, and those values that have a short formula. The
// others are checked in Python.
#include <numbers>

#include "descriptors/bispectrum/bispectrum.hpp"
#include "instruction_sets.hpp"

namespace {

using namespace forcesmith;

/// U_0 of an atom alone, in one channel.
double own_density(const bispectrum::Parameters& p, int center, int channel) {
  return !p.chemflag || p.wselfallflag || channel == center ? 1.0 : 0.0;
}

/// U_0 of an atom, in one channel: the weights of the neighbors are summed.
double density(const bispectrum::Parameters& p, const Neighborhoods& atoms, int atom, int channel) {
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
void test_known_values(const bispectrum::Bispectrum& descriptor, const Neighborhoods& atoms, const VerbInput& in,
                       const Numbers& B) {
  const bispectrum::Parameters& p = descriptor.settings();
  Numbers known, found;
  for (int atom = 0; atom < atoms.n_atoms(); ++atom)
    for (int k = 0; k < descriptor.size(0); ++k) {
      const bispectrum::Component& component = descriptor.coupling().components[k];
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

void test_variants(const char* name, const bispectrum::Parameters& parameters) {
  test_instruction_sets(
      name, 2e-6, [&] { return std::make_unique<bispectrum::Bispectrum>(parameters, "test"); },
      [](const bispectrum::Bispectrum& descriptor, const Neighborhoods& atoms, const VerbInput& in,
         const VerbOutput& out) { test_known_values(descriptor, atoms, in, out.B); });
}

void test_all_variants() {
  bispectrum::Parameters plain;
  plain.twojmax = 5;
  plain.rcutfac = 5.0;
  plain.radii = {0.5, 0.5};
  plain.weights = {1.0, -0.6};
  test_variants("plain", plain);

  bispectrum::Parameters one_value = plain;
  one_value.twojmax = 0;
  test_variants("twojmax 0", one_value);

  bispectrum::Parameters other_flags = plain;
  other_flags.twojmax = 8;
  other_flags.switchflag = other_flags.bzeroflag = false;
  other_flags.bnormflag = true;
  test_variants("bnormflag, neither switchflag nor bzeroflag", other_flags);

  bispectrum::Parameters radii = plain;
  radii.radii = {0.35, 0.5};
  radii.rmin0 = 1.6;  // some neighbors are closer
  test_variants("a cutoff per pair", radii);

  bispectrum::Parameters inner = plain;
  inner.switchinnerflag = true;
  inner.sinner = {1.8, 2.4};
  inner.dinner = {0.3, 0.5};
  test_variants("switchinnerflag", inner);

  bispectrum::Parameters elements = plain;
  elements.twojmax = 4;
  elements.chemflag = true;
  test_variants("chemflag", elements);
  elements.wselfallflag = true;
  test_variants("chemflag, wselfallflag", elements);

  bispectrum::Parameters everything = inner;
  everything.chemflag = everything.wselfallflag = everything.bnormflag = true;
  everything.radii = {0.35, 0.5};
  test_variants("everything", everything);
}

void test_component_counts() {
  for (const auto& [twojmax, count] : {std::pair{0, 1}, {2, 5}, {6, 30}, {8, 55}, {14, 204}})
    for (int n_channels : {1, 2})
      CHECK(static_cast<int>(bispectrum::make_coupling(twojmax, n_channels, false).components.size()) ==
            count * n_channels * n_channels * n_channels);
}

}  // namespace

int main() {
  test_all_variants();
  test_component_counts();
  return failures != 0;
}
