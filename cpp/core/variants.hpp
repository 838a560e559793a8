// What is compiled once per instruction set is declared once, too. No standard headers here: sources that are
// compiled for each of them include this.
#pragma once

/// In the namespace of the functions: the same declaration for every instruction set. The one in use is called
/// through FORCESMITH_VARIANT_IN_USE (core/instruction_set.hpp).
#define FORCESMITH_DECLARE_VARIANTS(declaration) \
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
