// The chemical elements.
#pragma once

#include <string>

namespace forcesmith {

/// Atomic number of an element symbol; 0 if there is no such element.
int atomic_number(const std::string& symbol);

}  // namespace forcesmith
