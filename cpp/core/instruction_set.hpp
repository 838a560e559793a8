// Which compiled variant of the kernels runs: the widest the processor has, or the one named by the
// environment variable FORCESMITH_ISA (portable, avx2, avx512).
#pragma once

#include <string>
#include <vector>

namespace forcesmith {

enum class InstructionSet { portable, avx2, avx512 };

/// Variants this binary holds and this processor can run, narrowest first.
std::vector<InstructionSet> available_instruction_sets();

/// The variant in use; throws ParameterError if FORCESMITH_ISA names one that is not available.
InstructionSet instruction_set();

std::string to_string(InstructionSet set);

}  // namespace forcesmith
