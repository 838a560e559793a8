// Which compiled variant of the kernels runs: the widest the processor has, or the one named by the
// environment variable FORCESMITH_ISA (portable, avx2, avx512; in the program of bench/ also counting).
#pragma once

#include <string>
#include <vector>

namespace forcesmith {

/// counting: plain numbers that count the operations done with them.
enum class InstructionSet { counting, portable, avx2, avx512 };

/// Variants this binary holds and this processor can run, narrowest first.
std::vector<InstructionSet> available_instruction_sets();

/// The variant in use; throws ParameterError if FORCESMITH_ISA names one that is not available.
InstructionSet instruction_set();

std::string to_string(InstructionSet set);

}  // namespace forcesmith

/// In sources of the core: what `function` of the namespace of the variant in use returns.
#define FORCESMITH_VARIANT_IN_USE(function) \
  (::forcesmith::instruction_set(), FORCESMITH_IF_WIDE(function) FORCESMITH_IF_COUNTING(function) portable::function())

#define FORCESMITH_IF(set, function) \
  ::forcesmith::instruction_set() == ::forcesmith::InstructionSet::set ? set::function():
#if defined(FORCESMITH_HAVE_AVX2) && defined(FORCESMITH_HAVE_AVX512)
#define FORCESMITH_IF_WIDE(function) FORCESMITH_IF(avx512, function) FORCESMITH_IF(avx2, function)
#else
#define FORCESMITH_IF_WIDE(function)
#endif
#if defined(FORCESMITH_HAVE_COUNTING)
#define FORCESMITH_IF_COUNTING(function) FORCESMITH_IF(counting, function)
#else
#define FORCESMITH_IF_COUNTING(function)
#endif
