// The kernels of a descriptor on every instruction set that this processor has: they agree with each other whatever the
// size of blocks, in single precision too, and their verbs with one another (backpropagation, tangent and gradients are
// one Jacobian, which is checked by differences).
#pragma once

#include <cstdlib>
#include <optional>

#include "core/instruction_set.hpp"
#include "random_neighborhoods.hpp"

/// make() gives a pointer to the descriptor, the same each time; more(descriptor, atoms, input, output) checks what is
/// its own.
template <class Make, class More>
void test_instruction_sets(const std::string& name, double rounding_of_single, const Make& make, const More& more) {
  std::mt19937 random(7);
  const Neighborhoods atoms(random);
  std::optional<VerbInput> in;
  std::optional<VerbOutput> portable;
  for (forcesmith::InstructionSet set : forcesmith::available_instruction_sets()) {
    setenv("FORCESMITH_ISA", to_string(set).c_str(), 1);
    CHECK(forcesmith::instruction_set() == set);
    const auto descriptor = make();
    std::printf("%s, %s, width %d\n", name.c_str(), to_string(set).c_str(), descriptor->block_size());
    if (!in) in.emplace(random, atoms, std::max(descriptor->size(0), descriptor->size(1)));
    const VerbOutput out = run_verbs(*descriptor, atoms, *in, descriptor->block_size());
    if (!portable) {
      portable = out;
      test_tangent(*descriptor, atoms, *in, out);
    }
    test_same_output(out, *portable, 1e-12);
    test_same_output(out, run_verbs(*descriptor, atoms, *in, 1), 1e-13);
    test_one_jacobian(*descriptor, descriptor->cutoffs(), atoms, *in, out);
    test_single_precision(*descriptor, atoms, *in, out, rounding_of_single);
    more(*descriptor, atoms, *in, out);
  }
}

template <class Make>
void test_instruction_sets(const std::string& name, double rounding_of_single, const Make& make) {
  test_instruction_sets(name, rounding_of_single, make, [](const auto&...) {});
}
