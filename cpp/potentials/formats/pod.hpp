// Files of LAMMPS' pair_style pod and fitpod: parameters, *_param.pod, and coefficients, *_coeff.pod, of proper
// orthogonal descriptors with a linear model. Two files belong together; each is found beside the other by its name.
#pragma once

#include <string>
#include <vector>

#include "core/files.hpp"
#include "potentials/formats/read_options.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// Whether a text is one of the two files.
bool is_pod(const std::string& text);
/// Under which names the other file may be.
std::vector<std::string> pod_companions(const std::string& text, const std::string& path);
/// The main file is either of both.
Potential parse_pod(const FileBundle& files, const ReadOptions& options);
/// Both files. Throws FormatError unless LAMMPS computes the same.
FileBundle print_pod(const Potential& potential, const std::string& path);

}  // namespace forcesmith
