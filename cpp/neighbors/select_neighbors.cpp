// Which variant of select_neighbors is in use.
#include "core/instruction_set.hpp"
#include "neighbors/select_neighbors_variants.hpp"

namespace forcesmith {

SelectNeighbors select_neighbors_in_use() {
  return FORCESMITH_VARIANT_IN_USE(select_neighbors_variant);
}

}  // namespace forcesmith
