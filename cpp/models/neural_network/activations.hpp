// The activation functions of neural networks, with their first two derivatives, on lanes.
#pragma once

#include "models/neural_network/tables.hpp"
#include "simd/exponential.hpp"
#include "simd/trigonometry.hpp"

namespace forcesmith::neural_network::FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

/// f(z), slope = f'(z), curvature = f''(z). What is not used is not computed.
template <Activation function, class V>
FORCESMITH_FUNCTION V activation(V z, V& slope, V& curvature) {
  const V one(1.0), two(2.0);
  if constexpr (function == Activation::cosine) {
    V sine, cosine;
    simd_sin_cos(simd_wrapped_angle(z), sine, cosine);
    slope = -sine;
    curvature = -cosine;
    return cosine;
  } else if constexpr (function == Activation::exponential) {  // exp(-z)
    const V value = simd_exp(-z);
    slope = -value;
    curvature = value;
    return value;
  } else if constexpr (function == Activation::gaussian) {  // exp(-z^2/2)
    const V value = simd_exp(V(-0.5) * z * z);
    slope = -z * value;
    curvature = (z * z - one) * value;
    return value;
  } else if constexpr (function == Activation::identity) {
    slope = one;
    curvature = V(0.0);
    return z;
  } else if constexpr (function == Activation::logistic) {
    V rest;
    const V value = simd_logistic(z, rest);
    slope = value * rest;
    curvature = slope * (rest - value);
    return value;
  } else if constexpr (function == Activation::silu) {  // z logistic(z)
    V rest;
    const V logistic = simd_logistic(z, rest);
    slope = logistic * (one + z * rest);
    curvature = logistic * rest * (two + z * (rest - logistic));
    return z * logistic;
  } else if constexpr (function == Activation::softplus) {  // ln(1 + exp(z))
    // With e = exp(-|z|), which cannot overflow: max(z, 0) + ln(1 + e).
    const V zero(0.0), e = simd_exp(simd_if_less(z, zero, z, -z));
    const V larger = one / (one + e), smaller = e * larger;  // logistic of |z| and -|z|
    slope = simd_if_less(z, zero, smaller, larger);
    curvature = larger * smaller;
    return simd_if_less(z, zero, zero, z) + simd_log1p(e);
  } else if constexpr (function == Activation::square) {
    slope = two * z;
    curvature = two;
    return z * z;
  } else {
    static_assert(function == Activation::tanh);
    const V value = simd_tanh(z, slope);
    curvature = -two * value * slope;
    return value;
  }
}

template <Activation name>
struct ActivationName {
  static constexpr Activation value = name;
};

/// Calls body(ActivationName<which>{}).
template <class Body>
FORCESMITH_FUNCTION void with_activation(Activation which, const Body& body) {
  switch (which) {
    case Activation::cosine: return body(ActivationName<Activation::cosine>{});
    case Activation::exponential: return body(ActivationName<Activation::exponential>{});
    case Activation::gaussian: return body(ActivationName<Activation::gaussian>{});
    case Activation::identity: return body(ActivationName<Activation::identity>{});
    case Activation::logistic: return body(ActivationName<Activation::logistic>{});
    case Activation::silu: return body(ActivationName<Activation::silu>{});
    case Activation::softplus: return body(ActivationName<Activation::softplus>{});
    case Activation::square: return body(ActivationName<Activation::square>{});
    case Activation::tanh: return body(ActivationName<Activation::tanh>{});
  }
}

}  // namespace forcesmith::neural_network::FORCESMITH_ISA
