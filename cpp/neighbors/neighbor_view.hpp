// The one boundary between hosts (LAMMPS, Python, tests) and the core: atoms with their neighbors.
#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned_buffer.hpp"

namespace forcesmith {

/// Neighbors of some central atoms, in compressed-row order. Full list: every neighbor of a central
/// atom is there. r_ij = r_j - r_i in angstrom. Pairs may lie beyond the cutoff.
struct NeighborView {
  int n_atoms = 0;                        // central atoms
  const int* centers = nullptr;           // [n_atoms] index of the central atom in the host's arrays
  const int* center_types = nullptr;      // [n_atoms] element index in Potential::elements()
  const std::int64_t* offsets = nullptr;  // [n_atoms + 1] pairs of atom a: offsets[a] .. offsets[a + 1] - 1
  const int* neighbors = nullptr;         // [n_pairs] index of the neighbor in the host's arrays
  const int* types = nullptr;             // [n_pairs] element index of the neighbor
  const double* x = nullptr;              // [n_pairs] components of r_ij, angstrom
  const double* y = nullptr;
  const double* z = nullptr;
  /// The same in place of x, y and z, from hosts that know single precision to be enough.
  const float* x_single = nullptr;
  const float* y_single = nullptr;
  const float* z_single = nullptr;
  bool may_have_close_pairs = true;  // false: no pair is closer than its ShortRange::limit()
};

/// Storage a host may use to assemble a block.
struct NeighborBuffer {
  std::vector<int> centers, center_types;
  std::vector<std::int64_t> offsets;
  AlignedBufferOf<int> neighbors, types;
  AlignedBuffer x, y, z;
  AlignedBufferOf<float> x_single, y_single, z_single;
};

/// One adapter per host: hands out central atoms in blocks, so that no host has to hold all pairs.
class NeighborSource {
 public:
  virtual ~NeighborSource() = default;
  virtual int n_atoms() const = 0;  // number of central atoms
  /// Central atoms first .. first + count - 1. Called from several threads, each with its own buffer.
  virtual NeighborView block(int first, int count, NeighborBuffer& buffer) const = 0;
};

/// All pairs are in memory already (Python, tests).
class StoredNeighbors : public NeighborSource {
 public:
  explicit StoredNeighbors(const NeighborView& all) : all_(all) {}
  int n_atoms() const override { return all_.n_atoms; }
  NeighborView block(int first, int count, NeighborBuffer&) const override {
    NeighborView view = all_;
    view.n_atoms = count;
    view.centers += first;
    view.center_types += first;
    view.offsets += first;
    return view;
  }

 private:
  NeighborView all_;
};

}  // namespace forcesmith
