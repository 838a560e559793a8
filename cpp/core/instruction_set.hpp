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

/// In sources of the core: what `function` of the namespace of the variant in use returns.
#if defined(FORCESMITH_HAVE_AVX2) && defined(FORCESMITH_HAVE_AVX512)
#define FORCESMITH_VARIANT_IN_USE(function)                                       \
  (::forcesmith::instruction_set() == InstructionSet::avx512 ? avx512::function() \
   : ::forcesmith::instruction_set() == InstructionSet::avx2 ? avx2::function()   \
                                                             : portable::function())
#else
#define FORCESMITH_VARIANT_IN_USE(function) (::forcesmith::instruction_set(), portable::function())
#endif
