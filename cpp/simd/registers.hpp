// Registers in working memory, one after the other. On CPUs an array of registers is just that, V*. On devices those of
// V::threads threads alternate: what each of them calls registers[i] stands side by side, so that a warp that runs along
// with them touches neighboring addresses.
//
// Kernels index memory by these rules, which hold for both:
//   Registers<V>                         from the first number of a thread, see registers_at()
//   numbers + i * V::stride              the same registers, as numbers; lane l is at [i * V::stride + l]
//   numbers + k * V::threads             numbers, of which a thread has one after the other: rows of values, for example
// Where V::threads is not 1, V::width is.
#pragma once

#include "simd/simd.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// What V* is to the registers of one thread out of several.
template <class V>
class AlternatingRegisters {
 public:
  AlternatingRegisters() = default;
  FORCESMITH_FUNCTION explicit AlternatingRegisters(V* first) : first_(first) {}
  template <class Other>
  FORCESMITH_FUNCTION AlternatingRegisters(AlternatingRegisters<Other> other) : first_(&other[0]) {}

  template <class Index>
  FORCESMITH_FUNCTION V& operator[](Index i) const {
    return first_[i * V::threads];
  }
  template <class Index>
  FORCESMITH_FUNCTION AlternatingRegisters operator+(Index i) const {
    return AlternatingRegisters(first_ + i * V::threads);
  }
  template <class Index>
  FORCESMITH_FUNCTION AlternatingRegisters& operator+=(Index i) {
    first_ += i * V::threads;
    return *this;
  }
  FORCESMITH_FUNCTION bool operator==(decltype(nullptr)) const { return first_ == nullptr; }

 private:
  V* first_;
};

template <class V, bool alternate>
struct ChooseRegisters {
  using Type = V*;
};
template <class V>
struct ChooseRegisters<V, true> {
  using Type = AlternatingRegisters<V>;
};
template <class V>
using Registers = typename ChooseRegisters<V, (V::threads > 1)>::Type;

/// The registers whose first number (that of the thread) is given.
template <class V>
FORCESMITH_FUNCTION Registers<V> registers_at(typename V::Number* numbers) {
  return Registers<V>(reinterpret_cast<V*>(numbers));
}

template <class V>
V copy_of(const V& value);
/// V of Registers<V>, V* and constant ones.
template <class Array>
using RegisterOf = decltype(copy_of(Array()[0]));

/// Lane `slot` of registers, counted through from the first.
template <class Array>
FORCESMITH_FUNCTION auto lane_at(Array registers, int slot) {
  using V = RegisterOf<Array>;
  return reinterpret_cast<const typename V::Number*>(&registers[0])[slot * V::threads];
}

}  // namespace forcesmith::FORCESMITH_ISA
