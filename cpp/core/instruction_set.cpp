#include "core/instruction_set.hpp"

#include <cstdlib>

#include "core/error.hpp"

namespace forcesmith {

std::string to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::counting: return "counting";
    case InstructionSet::avx2: return "avx2";
    case InstructionSet::avx512: return "avx512";
    default: return "portable";
  }
}

std::vector<InstructionSet> available_instruction_sets() {
  std::vector<InstructionSet> sets;
#if defined(FORCESMITH_HAVE_COUNTING)
  sets.push_back(InstructionSet::counting);
#endif
  sets.push_back(InstructionSet::portable);
#if defined(FORCESMITH_HAVE_AVX2)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back(InstructionSet::avx2);
#endif
#if defined(FORCESMITH_HAVE_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw"))
    sets.push_back(InstructionSet::avx512);
#endif
  return sets;
}

InstructionSet instruction_set() {
  const std::vector<InstructionSet> sets = available_instruction_sets();
  const char* wanted = std::getenv("FORCESMITH_ISA");
  if (wanted == nullptr || *wanted == '\0') return sets.back();
  std::string known;
  for (InstructionSet set : sets) {
    if (to_string(set) == wanted) return set;
    known += (known.empty() ? "" : ", ") + to_string(set);
  }
  throw ParameterError("The environment variable FORCESMITH_ISA is \"" + std::string(wanted) +
                       "\", but this processor and build offer " + known + "; unset it to use the widest.");
}

}  // namespace forcesmith
