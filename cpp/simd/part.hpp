// Work of one atom that several threads of a device share.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith {

/// One thread's part of the work of an atom, out of `count`, a power of two.
struct Part {
  int index, count;

  /// Its share of n things, one after the other: begin(n) .. end(n) - 1.
  FORCESMITH_FUNCTION int begin(int n) const { return n * index / count; }
  FORCESMITH_FUNCTION int end(int n) const { return n * (index + 1) / count; }
  /// Its share of things that need more work the earlier they come.
  FORCESMITH_FUNCTION bool has(int thing) const { return (thing & (count - 1)) == index; }
};

FORCESMITH_FUNCTION Part whole_atom() { return {0, 1}; }

}  // namespace forcesmith
