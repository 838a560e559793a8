// THE list of descriptors, models and terms: one line each, alphabetical. The registry (registry.hpp) and the launchers
// of devices (device_potential.hpp) follow from it.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

#include "descriptors/bispectrum/bispectrum.hpp"
#include "descriptors/moment_tensor/moment_tensor.hpp"
#include "descriptors/symmetry_functions/symmetry_functions.hpp"
#include "models/linear_model.hpp"
#include "models/neural_network/neural_network.hpp"
#include "models/quadratic_model.hpp"
#include "potentials/terms/zbl/zbl.hpp"

namespace forcesmith {

template <class... Types>
struct TypeList {};

// clang-format off
using RegisteredDescriptors = TypeList<
    bispectrum::Bispectrum,
    moment_tensor::MomentTensor,
    symmetry_functions::SymmetryFunctions>;

using RegisteredModels = TypeList<
    LinearModel,
    neural_network::NeuralNetwork,
    QuadraticModel>;

using RegisteredTerms = TypeList<
    Zbl>;
// clang-format on

template <class... Types>
constexpr bool is_alphabetical(TypeList<Types...>) {
  constexpr std::string_view names[] = {Types::name...};
  return std::is_sorted(std::begin(names), std::end(names));
}
static_assert(is_alphabetical(RegisteredDescriptors{}));
static_assert(is_alphabetical(RegisteredModels{}));
static_assert(is_alphabetical(RegisteredTerms{}));

/// Calls use.template operator()<Type>() for every type of the list.
template <class... Types, class Use>
void for_each_type(TypeList<Types...>, const Use& use) {
  (use.template operator()<Types>(), ...);
}

}  // namespace forcesmith
