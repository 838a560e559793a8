// The activation functions of neural networks, with their first two derivatives, on lanes.
#pragma once

#include "math/lane_exponential.hpp"
#include "math/lane_trigonometry.hpp"
#include "models/neural_network_tables.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// f(z), slope = f'(z), curvature = f''(z). What is not used is not computed.
template <Activation function, class L>
FORCESMITH_FUNCTION L activation(L z, L& slope, L& curvature) {
  const L one(1.0), two(2.0);
  if constexpr (function == Activation::cosine) {
    L sine, cosine;
    lane_sin_cos(lane_wrapped_angle(z), sine, cosine);
    slope = -sine;
    curvature = -cosine;
    return cosine;
  } else if constexpr (function == Activation::exponential) {  // exp(-z)
    const L value = lane_exp(-z);
    slope = -value;
    curvature = value;
    return value;
  } else if constexpr (function == Activation::gaussian) {  // exp(-z^2/2)
    const L value = lane_exp(L(-0.5) * z * z);
    slope = -z * value;
    curvature = (z * z - one) * value;
    return value;
  } else if constexpr (function == Activation::identity) {
    slope = one;
    curvature = L(0.0);
    return z;
  } else if constexpr (function == Activation::logistic) {
    L rest;
    const L value = lane_logistic(z, rest);
    slope = value * rest;
    curvature = slope * (rest - value);
    return value;
  } else if constexpr (function == Activation::silu) {  // z logistic(z)
    L rest;
    const L logistic = lane_logistic(z, rest);
    slope = logistic * (one + z * rest);
    curvature = logistic * rest * (two + z * (rest - logistic));
    return z * logistic;
  } else if constexpr (function == Activation::softplus) {  // ln(1 + exp(z))
    // With e = exp(-|z|), which cannot overflow: max(z, 0) + ln(1 + e).
    const L zero(0.0), e = lane_exp(lane_if_less(z, zero, z, -z));
    const L larger = one / (one + e), smaller = e * larger;  // logistic of |z| and -|z|
    slope = lane_if_less(z, zero, smaller, larger);
    curvature = larger * smaller;
    return lane_if_less(z, zero, zero, z) + lane_log1p(e);
  } else if constexpr (function == Activation::square) {
    slope = two * z;
    curvature = two;
    return z * z;
  } else {
    static_assert(function == Activation::tanh);
    const L value = lane_tanh(z, slope);
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

}  // namespace forcesmith::FORCESMITH_ISA
