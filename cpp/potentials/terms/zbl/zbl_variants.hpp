// The kernel of zbl_kernels.hpp as one function per instruction set.
#pragma once

#include "core/variants.hpp"
#include "potentials/terms/pair_term_variant.hpp"
#include "potentials/terms/zbl/zbl_tables.hpp"

namespace forcesmith {

using ZblVariant = PairTermVariant<ZblTables>;
FORCESMITH_DECLARE_VARIANTS(ZblVariant zbl_variant());

}  // namespace forcesmith
