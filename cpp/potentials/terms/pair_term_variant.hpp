// The kernel of a term that is a sum over pairs, as a function. Included by sources that are compiled per instruction
// set: no standard headers here.
#pragma once

#include "neighbors/packed_view.hpp"

namespace forcesmith {

template <class Tables>
struct PairTermVariant {
  int width;  // neighbors per pack
  void (*add)(const Tables& tables, const PackedView& neighbors, double* energies, double* pair_gradients);
};

}  // namespace forcesmith
