// In which precision the kernels of descriptors work. Values, their adjoints, models and sums over atoms are always of
// double precision; neighbors come in either.
#pragma once

#include <string>
#include <tuple>

#include "core/error.hpp"

namespace forcesmith {

enum class Precision { double_, single };  // double is a word of the language

template <class Real>
inline constexpr Precision precision_of = sizeof(Real) == sizeof(float) ? Precision::single : Precision::double_;

/// "double" or "single"; throws ParameterError for another word.
inline Precision precision_named(const std::string& name) {
  if (name == "double") return Precision::double_;
  if (name == "single") return Precision::single;
  throw ParameterError("The precision must be \"double\" or \"single\", not \"" + name + "\".");
}

/// What kernels read, once for each precision; std::get<Of<Real>>() is that of Real.
template <template <class> class Of>
using InBothPrecisions = std::tuple<Of<double>, Of<float>>;

}  // namespace forcesmith
