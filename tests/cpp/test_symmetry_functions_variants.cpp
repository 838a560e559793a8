// The symmetry function kernels with all cutoff functions, and the number of values. The values are checked in Python.
#include "instruction_sets.hpp"
#include "symmetry_functions_examples.hpp"

namespace {

using namespace forcesmith;

void test_variants(CutoffFunction cutoff_function, double cutoff_alpha) {
  test_instruction_sets(
      "cutoff function " + std::to_string(static_cast<int>(cutoff_function)), 2e-6,
      [&] {
        using symmetry_functions::SymmetryFunctions;
        return std::unique_ptr<SymmetryFunctions>(
            new SymmetryFunctions(example_symmetry_functions(cutoff_function, cutoff_alpha)));
      },
      [](const Descriptor& descriptor, const auto&...) {
        CHECK(descriptor.size(0) == 12 && descriptor.size(1) == 11);
      });
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
