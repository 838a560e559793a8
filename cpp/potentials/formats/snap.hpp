// LAMMPS' .snapcoeff and .snapparam files (pair_style snap, FitSNAP), and those of ML-IAP: a bispectrum descriptor
// with a linear or quadratic model. Two files belong together; each is found beside the other by its name.
#pragma once

#include <string>
#include <vector>

#include "core/files.hpp"
#include "potentials/formats/read_options.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// Whether a text is one of the two files.
bool is_snap(const std::string& text);
/// Under which names the other file may be.
std::vector<std::string> snap_companions(const std::string& text, const std::string& path);
/// The main file is either of both.
Potential parse_snap(const FileBundle& files, const ReadOptions& options);
/// Both files; with a repulsion also a .mod file of LAMMPS commands, as FitSNAP writes, without one such a file
/// of ours is to be removed. Throws FormatError unless LAMMPS computes the same.
FileBundle print_snap(const Potential& potential, const std::string& path);

/// The same for ML-IAP's .mliap.descriptor and .mliap.model files (pair_style mliap with descriptor sna and
/// model linear or quadratic), which are only read.
bool is_mliap(const std::string& text);
std::vector<std::string> mliap_companions(const std::string& text, const std::string& path);
Potential parse_mliap(const FileBundle& files, const ReadOptions& options);

}  // namespace forcesmith
