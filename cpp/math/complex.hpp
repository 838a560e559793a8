// Complex numbers of lanes; arrays of registers hold real and imaginary parts in turn.
#pragma once

#include "simd/registers.hpp"

namespace forcesmith::FORCESMITH_ISA {

template <class V>
struct Complex {
  V re, im;
};

template <class V>
FORCESMITH_FUNCTION Complex<V> operator*(Complex<V> x, Complex<V> y) {
  return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}
template <class V>
FORCESMITH_FUNCTION Complex<V> operator*(V x, Complex<V> y) {
  return {x * y.re, x * y.im};
}
template <class V>
FORCESMITH_FUNCTION Complex<V> operator+(Complex<V> x, Complex<V> y) {
  return {x.re + y.re, x.im + y.im};
}
/// conj(x) y
template <class V>
FORCESMITH_FUNCTION Complex<V> conjugate_times(Complex<V> x, Complex<V> y) {
  return {x.re * y.re + x.im * y.im, x.re * y.im - x.im * y.re};
}
template <class Array>
FORCESMITH_FUNCTION Complex<RegisterOf<Array>> complex_load(Array u, int element) {
  return {u[2 * element], u[2 * element + 1]};
}
template <class Array>
FORCESMITH_FUNCTION void complex_store(Array u, int element, Complex<RegisterOf<Array>> value) {
  u[2 * element] = value.re;
  u[2 * element + 1] = value.im;
}
template <class Array>
FORCESMITH_FUNCTION void complex_add(Array u, int element, Complex<RegisterOf<Array>> value) {
  u[2 * element] += value.re;
  u[2 * element + 1] += value.im;
}
/// Re(conj(x) . y) of n elements.
template <class Array, class OtherArray>
FORCESMITH_FUNCTION auto complex_dot(Array x, OtherArray y, int n) {
  using V = RegisterOf<Array>;
  V re(0.0), im(0.0);
  for (int e = 0; e < n; ++e) {
    re += x[2 * e] * y[2 * e];
    im += x[2 * e + 1] * y[2 * e + 1];
  }
  return re + im;
}

}  // namespace forcesmith::FORCESMITH_ISA
