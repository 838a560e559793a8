// The kernels of every registered descriptor on every instruction set. What is special about one, known values for
// example, has a test of its own; most values are checked in Python.
#include "instruction_sets.hpp"
#include "registered_examples.hpp"

int main() {
  for_each_example(forcesmith::RegisteredDescriptors{}, descriptor_examples(), []<class Own>(const Example& example) {
    test_instruction_sets(std::string(Own::name) + " " + example.settings.dump().substr(0, 70),
                          example.rounding_of_single, [&] {
                            std::mt19937 random(1);
                            return make_descriptor<Own>(example.settings, random);
                          });
  });
  return failures != 0;
}
