// Complex numbers of lanes; arrays hold real and imaginary parts in turn.
#pragma once

#include "simd/simd.hpp"

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
template <class V>
FORCESMITH_FUNCTION Complex<V> complex_load(const V* u, int element) {
  return {u[2 * element], u[2 * element + 1]};
}
template <class V>
FORCESMITH_FUNCTION void complex_store(V* u, int element, Complex<V> value) {
  u[2 * element] = value.re;
  u[2 * element + 1] = value.im;
}
template <class V>
FORCESMITH_FUNCTION void complex_add(V* u, int element, Complex<V> value) {
  u[2 * element] += value.re;
  u[2 * element + 1] += value.im;
}
/// Re(conj(x) . y) of n elements.
template <class V>
FORCESMITH_FUNCTION V complex_dot(const V* x, const V* y, int n) {
  V re(0.0), im(0.0);
  for (int e = 0; e < n; ++e) {
    re += x[2 * e] * y[2 * e];
    im += x[2 * e + 1] * y[2 * e + 1];
  }
  return re + im;
}

}  // namespace forcesmith::FORCESMITH_ISA
