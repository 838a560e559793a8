// The kernel of zbl_kernels.hpp as one function per instruction set.
#pragma once

#include "core/variants.hpp"
#include "neighbors/packed_view.hpp"
#include "potentials/terms/zbl/zbl_tables.hpp"

namespace forcesmith {

struct ZblVariant {
  int width;  // neighbors per pack
  void (*add)(const ZblTables& tables, const PackedView& neighbors, double* energies, double* pair_gradients);
};

FORCESMITH_DECLARE_VARIANTS(ZblVariant zbl_variant());

}  // namespace forcesmith
