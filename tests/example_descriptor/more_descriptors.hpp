// What is registered in programs of the tests beside the descriptors of the library, see potentials/registered.hpp.
#pragma once

#include "potentials/type_list.hpp"
#include "radial_gaussians/radial_gaussians.hpp"

namespace forcesmith {

using MoreDescriptors = TypeList<radial_gaussians::RadialGaussians>;

}  // namespace forcesmith
