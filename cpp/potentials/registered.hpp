// THE list of descriptors, models and terms: one line each, alphabetical. The registry (registry.hpp) and the launchers
// of devices (device_potential.hpp) follow from it.
//
// Descriptors from elsewhere are listed by a header of their own, as forcesmith::MoreDescriptors, in programs that
// compile registered.cpp, from a checkout, and themselves with its name in FORCESMITH_MORE_DESCRIPTORS.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

#include "descriptors/ace/ace.hpp"
#include "descriptors/bispectrum/bispectrum.hpp"
#include "descriptors/moment_tensor/moment_tensor.hpp"
#include "descriptors/pod/pod.hpp"
#include "descriptors/symmetry_functions/symmetry_functions.hpp"
#include "models/embedding_model.hpp"
#include "models/environment_model.hpp"
#include "models/linear_model.hpp"
#include "models/neural_network/neural_network.hpp"
#include "models/quadratic_model.hpp"
#include "potentials/terms/core_repulsion/core_repulsion.hpp"
#include "potentials/terms/zbl/zbl.hpp"
#include "potentials/type_list.hpp"

#ifdef FORCESMITH_MORE_DESCRIPTORS
#include FORCESMITH_MORE_DESCRIPTORS
#else
namespace forcesmith {
using MoreDescriptors = TypeList<>;
}
#endif

namespace forcesmith {

// clang-format off
using OwnDescriptors = TypeList<
    ace::Ace,
    bispectrum::Bispectrum,
    moment_tensor::MomentTensor,
    pod::Pod,
    symmetry_functions::SymmetryFunctions>;

using RegisteredModels = TypeList<
    EmbeddingModel,
    EnvironmentModel,
    LinearModel,
    neural_network::NeuralNetwork,
    QuadraticModel>;

using RegisteredTerms = TypeList<
    CoreRepulsion,
    Zbl>;
// clang-format on

using RegisteredDescriptors = Joined<OwnDescriptors, MoreDescriptors>;

template <class... Types>
constexpr bool is_alphabetical(TypeList<Types...>) {
  constexpr std::string_view names[] = {Types::name...};
  return std::is_sorted(std::begin(names), std::end(names));
}
static_assert(is_alphabetical(OwnDescriptors{}));
static_assert(is_alphabetical(RegisteredModels{}));
static_assert(is_alphabetical(RegisteredTerms{}));

}  // namespace forcesmith
