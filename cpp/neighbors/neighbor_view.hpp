// The one boundary between hosts (LAMMPS, Python, tests) and the core: atoms with their neighbors.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "core/aligned_buffer.hpp"

namespace forcesmith {

/// Neighbors of some central atoms, in compressed-row order. Full list: every neighbor of a central
/// atom is there. r_ij = r_j - r_i in angstrom. Pairs may lie beyond the cutoff of the potential.
/// Real: double, or float from hosts that know single precision to be enough.
template <class Real>
struct NeighborViewOf {
  int n_atoms = 0;                        // central atoms
  const int* centers = nullptr;           // [n_atoms] index of the central atom in the host's arrays
  const int* center_types = nullptr;      // [n_atoms] element index in Potential::elements()
  const std::int64_t* offsets = nullptr;  // [n_atoms + 1] pairs of atom a: offsets[a] .. offsets[a + 1] - 1
  const int* neighbors = nullptr;         // [n_pairs] index of the neighbor in the host's arrays
  const int* types = nullptr;             // [n_pairs] element index of the neighbor
  const Real* x = nullptr;                // [n_pairs] components of r_ij, angstrom
  const Real* y = nullptr;
  const Real* z = nullptr;
  bool may_have_close_pairs = true;                         // false: no pair is closer than its ShortRange::limit()
  double cutoff = std::numeric_limits<double>::infinity();  // angstrom; no pair is longer
};

/// Storage a host may use to assemble a block.
template <class Real>
struct NeighborBufferOf {
  std::vector<int> centers, center_types;
  std::vector<std::int64_t> offsets;
  AlignedBufferOf<int> neighbors, types;
  AlignedBufferOf<Real> x, y, z;
};

/// One adapter per host: hands out central atoms in blocks, so that no host has to hold all pairs.
template <class Real>
class NeighborSourceOf {
 public:
  virtual ~NeighborSourceOf() = default;
  virtual int n_atoms() const = 0;  // number of central atoms
  /// Central atoms first .. first + count - 1. Called from several threads, each with its own buffer.
  virtual NeighborViewOf<Real> block(int first, int count, NeighborBufferOf<Real>& buffer) const = 0;
};

using NeighborView = NeighborViewOf<double>;
using NeighborBuffer = NeighborBufferOf<double>;
using NeighborSource = NeighborSourceOf<double>;

/// All pairs are in memory already (Python, tests).
template <class Real>
class StoredNeighbors : public NeighborSourceOf<Real> {
 public:
  explicit StoredNeighbors(const NeighborViewOf<Real>& all) : all_(all) {}
  int n_atoms() const override { return all_.n_atoms; }
  NeighborViewOf<Real> block(int first, int count, NeighborBufferOf<Real>&) const override {
    NeighborViewOf<Real> view = all_;
    view.n_atoms = count;
    view.centers += first;
    view.center_types += first;
    view.offsets += first;
    return view;
  }

 private:
  NeighborViewOf<Real> all_;
};

}  // namespace forcesmith
