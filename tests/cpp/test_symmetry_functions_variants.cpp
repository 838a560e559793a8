// The symmetry function kernels of every instruction set that this processor has, on random neighborhoods:
// they agree with each other, and their verbs with one another (backpropagation, tangent and gradients are
// one Jacobian, which is checked by differences). The values are checked in Python.
#include <cstdlib>
#include <optional>

#include "core/instruction_set.hpp"
#include "random_neighborhoods.hpp"
#include "symmetry_functions_examples.hpp"

namespace {

using namespace forcesmith;

void test_variants(CutoffFunction cutoff_function, double cutoff_alpha) {
  std::mt19937 random(7);
  const Neighborhoods atoms(random);
  std::optional<VerbInput> in;
  std::optional<VerbOutput> portable;
  for (InstructionSet set : available_instruction_sets()) {
    setenv("FORCESMITH_ISA", to_string(set).c_str(), 1);
    CHECK(instruction_set() == set);
    const symmetry_functions::SymmetryFunctions descriptor = example_symmetry_functions(cutoff_function, cutoff_alpha);
    CHECK(descriptor.size(0) == 12 && descriptor.size(1) == 11);
    std::printf("cutoff function %d, %s, width %d\n", static_cast<int>(cutoff_function), to_string(set).c_str(),
                descriptor.block_size());
    if (!in) in.emplace(random, atoms, 12);
    const VerbOutput out = run_verbs(descriptor, atoms, *in, descriptor.block_size());
    if (!portable) {
      portable = out;
      test_tangent(descriptor, atoms, *in, out);
    }
    test_same_output(out, *portable, 1e-12);
    test_same_output(out, run_verbs(descriptor, atoms, *in, 1), 1e-13);
    test_one_jacobian(descriptor, descriptor.cutoffs(), atoms, *in, out);
    test_single_precision(descriptor, atoms, *in, out, 2e-6);
  }
}

}  // namespace

int main() {
  for (CutoffFunction function : {CutoffFunction::tanhu, CutoffFunction::tanh}) test_variants(function, 0.0);
  for (CutoffFunction function : {CutoffFunction::cos, CutoffFunction::exp, CutoffFunction::poly1,
                                  CutoffFunction::poly2, CutoffFunction::poly3, CutoffFunction::poly4}) {
    test_variants(function, 0.0);
    test_variants(function, 0.6);
  }
  return failures != 0;
}
