// Lists of symmetry functions for the tests of their kernels.
#pragma once

#include "descriptors/symmetry_functions/symmetry_functions.hpp"

/// Of two elements, with cutoffs of at most 5 angstrom: every type, seven of the first, six of the second
/// element.
inline forcesmith::SymmetryFunctions example_symmetry_functions(forcesmith::CutoffFunction cutoff_function,
                                                                double cutoff_alpha) {
  const std::vector<std::string> elements{"Mg", "O"};
  forcesmith::SymmetryFunctionsParameters parameters;
  parameters.cutoff = 5.0;
  parameters.cutoff_function = cutoff_function;
  parameters.cutoff_alpha = cutoff_alpha;
  parameters.functions = forcesmith::parse_symmetry_functions(
      forcesmith::Json::parse(R"([
        {"type": 2, "center": "Mg", "neighbors": ["Mg"], "eta": 0.1, "rs": 2.0},
        {"type": 2, "center": "Mg", "neighbors": ["O"], "eta": 0.05, "cutoff": 4.0},
        {"type": 3, "center": "Mg", "neighbors": ["O", "Mg"], "eta": 0.02, "lambda": 1, "zeta": 1},
        {"type": 3, "center": "Mg", "neighbors": ["O", "O"], "eta": 0.02, "lambda": -1, "zeta": 4},
        {"type": 3, "center": "Mg", "neighbors": ["O", "O"], "eta": 0.02, "lambda": 1, "zeta": 16},
        {"type": 3, "center": "Mg", "neighbors": ["Mg", "Mg"], "eta": 0.05, "rs": 0.5, "lambda": 1, "zeta": 1.5},
        {"type": 9, "center": "Mg", "neighbors": ["Mg", "O"], "eta": 0.05, "lambda": -1, "zeta": 2},
        {"type": 12, "center": "O", "eta": 0.1, "rs": 1.0},
        {"type": 12, "center": "O", "eta": 0.3, "cutoff": 4.0},
        {"type": 13, "center": "O", "eta": 0.02, "lambda": 1, "zeta": 3},
        {"type": 9, "center": "O", "neighbors": ["O", "O"], "eta": 0.1, "lambda": 1, "zeta": 1},
        {"type": 9, "center": "O", "neighbors": ["O", "O"], "eta": 0.1, "cutoff": 4.5, "lambda": 1, "zeta": 1},
        {"type": 3, "center": "O", "neighbors": ["O", "O"], "eta": 0.1, "cutoff": 4.5, "lambda": 1, "zeta": 2}
      ])"),
      parameters.cutoff, elements, "test");
  return forcesmith::SymmetryFunctions(parameters, elements, "test");
}
