// Which variant of select_neighbors is in use.
#include <algorithm>
#include <cmath>

#include "core/instruction_set.hpp"
#include "neighbors/select_neighbors_variants.hpp"

namespace forcesmith {

SelectNeighborsVariant select_neighbors_in_use() { return FORCESMITH_VARIANT_IN_USE(select_neighbors_variant); }

double grid_step(double cutoff) { return std::exp2(std::ceil(std::log2(std::max(4.0 * cutoff, 32.0))) - 31.0); }

}  // namespace forcesmith
