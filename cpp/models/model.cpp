#include "models/model.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace forcesmith {

std::string to_string(ParameterRole role) {
  switch (role) {
    case ParameterRole::offset: return "offset";
    case ParameterRole::weight: return "weight";
    case ParameterRole::bias: return "bias";
  }
  return "";
}

int Model::values_outside(int element, const double* B) const {
  const std::optional<InputRange> range = input_range(element);
  if (!range) return -1;
  int count = 0;
  for (std::size_t k = 0; k < range->min.size(); ++k) count += B[k] < range->min[k] || B[k] > range->max[k];
  return count;
}

void Model::set_energy_offsets(std::span<const double> offsets) {
  const std::vector<ParameterBlock> blocks = parameter_blocks();
  const auto block = std::find_if(blocks.begin(), blocks.end(),
                                  [](const ParameterBlock& own) { return own.role == ParameterRole::offset; });
  if (offsets.size() != block->size)
    throw ParameterError("The model has " + std::to_string(block->size) + " energy offsets, one per element, but " +
                         std::to_string(offsets.size()) + " were given.");
  std::vector<double> values = parameters();
  std::copy(offsets.begin(), offsets.end(), values.begin() + static_cast<std::ptrdiff_t>(block->begin));
  set_parameters(values);
}

void Model::set_linear_part(const std::vector<std::vector<double>>&) {
  throw ParameterError("The model \"" + type() + "\" has no linear part.");
}

void Model::standardize_inputs(InputStatistics) {
  throw ParameterError("The model \"" + type() + "\" has no input scale of its own to be set.");
}

}  // namespace forcesmith
