// Lists of symmetry functions for the tests of their kernels.
#pragma once

#include "descriptors/symmetry_functions/symmetry_functions.hpp"

/// Of two elements, with cutoffs of at most 5 angstrom: every type, twelve of the first, eleven of the second
/// element. Those with a kink of second order have it at a cutoff, 0 or 180 degrees.
inline forcesmith::symmetry_functions::SymmetryFunctions example_symmetry_functions(
    forcesmith::CutoffFunction cutoff_function, double cutoff_alpha) {
  const std::vector<std::string> elements{"Mg", "O"};
  forcesmith::symmetry_functions::Parameters parameters;
  parameters.cutoff = 5.0;
  parameters.cutoff_function = cutoff_function;
  parameters.cutoff_alpha = cutoff_alpha;
  parameters.functions = forcesmith::symmetry_functions::parse_functions(forcesmith::Json::parse(R"([
        {"type": 2, "center": "Mg", "neighbors": ["Mg"], "eta": 0.1, "rs": 2.0},
        {"type": 2, "center": "Mg", "neighbors": ["O"], "eta": 0.05, "cutoff": 4.0},
        {"type": 3, "center": "Mg", "neighbors": ["O", "Mg"], "eta": 0.02, "lambda": 1, "zeta": 1},
        {"type": 3, "center": "Mg", "neighbors": ["O", "O"], "eta": 0.02, "lambda": -1, "zeta": 4},
        {"type": 3, "center": "Mg", "neighbors": ["O", "O"], "eta": 0.02, "lambda": 1, "zeta": 16},
        {"type": 3, "center": "Mg", "neighbors": ["Mg", "Mg"], "eta": 0.05, "rs": 0.5, "lambda": 1, "zeta": 1.5},
        {"type": 9, "center": "Mg", "neighbors": ["Mg", "O"], "eta": 0.05, "lambda": -1, "zeta": 2},
        {"type": 20, "center": "Mg", "neighbors": ["O"], "rl": -5.0, "cutoff": 5.0, "subtype": "p1"},
        {"type": 20, "center": "Mg", "neighbors": ["O"], "rl": 1.0, "cutoff": 4.0, "subtype": "p2a"},
        {"type": 21, "center": "Mg", "neighbors": ["O", "O"], "rl": -5.0, "cutoff": 5.0, "angle_left": 30, "angle_right": 180, "subtype": "p3a"},
        {"type": 22, "center": "Mg", "neighbors": ["O", "Mg"], "rl": -4.5, "cutoff": 4.5, "angle_left": 0, "angle_right": 180, "subtype": "p4"},
        {"type": 22, "center": "Mg", "neighbors": ["O", "Mg"], "rl": -4.5, "cutoff": 4.5, "angle_left": 40, "angle_right": 320, "subtype": "p4"},
        {"type": 12, "center": "O", "eta": 0.1, "rs": 1.0},
        {"type": 12, "center": "O", "eta": 0.3, "cutoff": 4.0},
        {"type": 13, "center": "O", "eta": 0.02, "lambda": 1, "zeta": 3},
        {"type": 9, "center": "O", "neighbors": ["O", "O"], "eta": 0.1, "lambda": 1, "zeta": 1},
        {"type": 9, "center": "O", "neighbors": ["O", "O"], "eta": 0.1, "cutoff": 4.5, "lambda": 1, "zeta": 1},
        {"type": 3, "center": "O", "neighbors": ["O", "O"], "eta": 0.1, "cutoff": 4.5, "lambda": 1, "zeta": 2},
        {"type": 23, "center": "O", "rl": -2.0, "cutoff": 4.5, "subtype": "p4a"},
        {"type": 24, "center": "O", "rl": -5.0, "cutoff": 5.0, "angle_left": -180, "angle_right": 180, "subtype": "p1a"},
        {"type": 24, "center": "O", "rl": -4.8, "cutoff": 4.8, "angle_left": 0, "angle_right": 150, "subtype": "p2"},
        {"type": 25, "center": "O", "rl": 0.5, "cutoff": 5.0, "angle_left": 40, "angle_right": 180, "subtype": "e"},
        {"type": 25, "center": "O", "rl": -5.0, "cutoff": 5.0, "angle_left": -120, "angle_right": 120, "subtype": "p3"}
      ])"),
                                                                         parameters.cutoff, elements, "test");
  return forcesmith::symmetry_functions::SymmetryFunctions(parameters, elements, "test");
}
