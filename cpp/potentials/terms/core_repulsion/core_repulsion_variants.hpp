// The kernel of core_repulsion_kernels.hpp as one function per instruction set.
#pragma once

#include "core/variants.hpp"
#include "potentials/terms/core_repulsion/core_repulsion_tables.hpp"
#include "potentials/terms/pair_term_variant.hpp"

namespace forcesmith {

using CoreRepulsionVariant = PairTermVariant<CoreRepulsionTables>;
FORCESMITH_DECLARE_VARIANTS(CoreRepulsionVariant core_repulsion_variant());

}  // namespace forcesmith
