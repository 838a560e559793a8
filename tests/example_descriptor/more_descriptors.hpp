// What is registered beside the descriptors of the library (potentials/registered.hpp) in the programs of the tests.
#pragma once

#include "radial_gaussians/radial_gaussians.hpp"

namespace forcesmith {

using MoreDescriptors = TypeList<
    radial_gaussians::RadialGaussians>;

}  // namespace forcesmith
