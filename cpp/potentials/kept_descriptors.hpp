// Descriptors of blocks that are looked at again and again while only the parameters of the model change: values and
// their gradients stay in memory, as far as that goes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "potentials/potential.hpp"
#include "potentials/stored_gradients_variants.hpp"

namespace forcesmith {

/// What models and their gradients need of the descriptors of a block. Arrays of values have the row length
/// potential.stride().
class BlockValues {
 public:
  virtual ~BlockValues() = default;
  const double* B() const { return B_.data(); }
  /// As BlockDescriptors.
  virtual void backpropagate(const double* beta, const PairForces& to) = 0;
  virtual void tangent(const double* directions, double* B_dot) = 0;

 protected:
  explicit BlockValues(std::size_t size) : B_(size) {}
  std::vector<double> B_;
};

/// Of one block after another.
class ComputedValues : public BlockValues {
 public:
  explicit ComputedValues(const Potential& potential, Precision precision = Precision::double_)
      : BlockValues(static_cast<std::size_t>(potential.block_size(precision)) * potential.stride()),
        descriptors_(potential, precision) {}
  std::size_t size() const { return B_.size(); }
  BlockDescriptors& descriptors() { return descriptors_; }
  template <class Real>
  void compute(const NeighborViewOf<Real>& block) {
    descriptors_.values(block, B_.data());
  }
  void backpropagate(const double* beta, const PairForces& to) override { descriptors_.backpropagate(beta, to); }
  void tangent(const double* directions, double* B_dot) override { descriptors_.tangent(directions, B_dot); }

 private:
  BlockDescriptors descriptors_;
};

/// Of one block, whose arrays stay where they are. Gradients are stored in single precision: forces are those of the
/// descriptors to some 1e-7, and what depends on them agrees with them.
class StoredValues : public BlockValues {
 public:
  /// computed: of this block.
  StoredValues(const Potential& potential, const NeighborView& block, ComputedValues& computed);
  std::size_t bytes() const;
  void backpropagate(const double* beta, const PairForces& to) override;
  void tangent(const double* directions, double* B_dot) override;

 private:
  int rows_of(int atom) const { return row_offsets_[atom + 1] - row_offsets_[atom]; }

  NeighborView block_;
  int value_stride_, row_length_;
  std::vector<int> sizes_;  // [element] values
  StoredGradientsVariant variant_;
  std::vector<int> pairs_;                       // of those within the cutoff, counted from the first of the block
  std::vector<int> pair_offsets_, row_offsets_;  // [n_atoms + 1]
  AlignedBufferOf<float> rows_;                  // three of each of these pairs, then zeros
};

/// The blocks of one source, for a potential whose descriptors stay as they are. Several workers may ask at once, for
/// different blocks.
class KeptDescriptors {
 public:
  /// left: bytes that may still be taken, by this and others. Both arguments outlive it.
  KeptDescriptors(const Potential& potential, int n_atoms, std::atomic<std::int64_t>& left);
  KeptDescriptors(const KeptDescriptors&) = delete;
  KeptDescriptors& operator=(const KeptDescriptors&) = delete;
  ~KeptDescriptors() { left_ += taken_; }

  /// Of the block that begins with central atom `first`; computed each time if there is no room for it.
  BlockValues& values(int first, const NeighborView& block, ComputedValues& computed);

 private:
  const Potential& potential_;
  int block_size_;
  std::atomic<std::int64_t>& left_;
  std::atomic<std::int64_t> taken_ = 0;
  std::vector<std::unique_ptr<StoredValues>> blocks_;
};

}  // namespace forcesmith
