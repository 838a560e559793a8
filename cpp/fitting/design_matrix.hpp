// Rows of the linear least-squares problem: what energy, forces and virial of a configuration are as a
// linear function of the model's parameters. Rows are handed out configuration by configuration, so
// that memory does not grow with the data set.
#pragma once

#include "neighbors/neighbor_view.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// Central atoms first .. first + count - 1 of the source make up one configuration; the host's arrays
/// number its atoms the same way.
struct ConfigurationRange {
  int first, count;
};

/// Rows per configuration: 1 energy, 6 virial (xx yy zz xy xz yz), 3 * count forces (atom by atom).
inline std::size_t design_rows(const ConfigurationRange& range) {
  return 7 + 3 * static_cast<std::size_t>(range.count);
}

/// rows: [sum of design_rows][parameters of the model], overwritten. Throws ParameterError if the model
/// is not linear in its parameters.
void design_matrix(const Potential& potential, const NeighborSource& source,
                   const std::vector<ConfigurationRange>& ranges, double* rows, int n_workers);

}  // namespace forcesmith
