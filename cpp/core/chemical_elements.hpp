// The chemical elements.
#pragma once

#include <string>
#include <vector>

namespace forcesmith {

/// Atomic number of an element symbol; 0 if there is no such element.
int atomic_number(const std::string& symbol);

/// Throws ParameterError if a name is there twice, or if there are more names than elements. of: whose elements
/// they are, for the message.
void check_different(const std::vector<std::string>& elements, const std::string& of);

}  // namespace forcesmith
