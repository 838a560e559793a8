// What is compiled once per instruction set is declared once, too. No standard headers here: sources that are
// compiled for each of them include this.
#pragma once

/// In the namespace of the functions: the same declaration for every instruction set. The one in use is called
/// through FORCESMITH_VARIANT_IN_USE (core/instruction_set.hpp).
#define FORCESMITH_DECLARE_VARIANTS(declaration) \
  namespace counting {                           \
  declaration;                                   \
  }                                              \
  namespace portable {                           \
  declaration;                                   \
  }                                              \
  namespace avx2 {                               \
  declaration;                                   \
  }                                              \
  namespace avx512 {                             \
  declaration;                                   \
  }                                              \
  static_assert(true)

namespace forcesmith::counting {

/// Of the variant `counting`, in which lanes are plain numbers: how often two were added, subtracted, multiplied or
/// divided, or a square root was taken. Negations, comparisons, selections and conversions do not count, nor does what
/// is done with numbers that are no lanes. Programs that have this variant define it.
extern unsigned long long operations;

}  // namespace forcesmith::counting
