// Extrapolation grades of the atoms of a launch, on any Kokkos execution space: gamma = max_k |b A^-1|_k, see
// active_set.hpp. On a CPU, ActiveSet::compute_grades does this.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "core/device_arrays.hpp"
#include "extrapolation/active_set.hpp"
#include "neighbors/device_block.hpp"
#include "neighbors/device_launch.hpp"

namespace forcesmith {

namespace FORCESMITH_ISA {

/// Columns of A^-1 at once, what a thread has registers for.
inline constexpr int columns_of_tile = 8;

/// Inverses of elements, [tile of columns][row][columns_of_tile], filled up with zeros.
struct InverseTiles {
  const double* numbers;
  const std::size_t* begin;  // [element]
  const int* sizes;          // [element]
};

/// Sets the grades of atoms to zero.
struct ClearGrades {
  const int* centers;
  double* grades;  // by atom of the host
  KOKKOS_FUNCTION void operator()(int atom) const { grades[centers[atom]] = 0.0; }
};

/// Raises the grade of an atom to the largest |b A^-1| of some columns. The largest does not depend on the order.
struct RaiseGrades {
  InverseTiles inverses;
  const int *centers, *types;
  const double* features;  // b, by device_slot(stride, atom, k)
  int stride;
  double* grades;  // by atom of the host

  KOKKOS_FUNCTION void operator()(int atom, Part part) const {
    const int size = inverses.sizes[types[atom]];
    const double* b = features + device_slot(stride, atom, 0);
    double largest = 0.0;
    for (int tile = part.index; tile * columns_of_tile < size; tile += part.count) {
      const double* row =
          inverses.numbers + inverses.begin[types[atom]] + static_cast<std::size_t>(tile) * size * columns_of_tile;
      double sums[columns_of_tile] = {};
      for (int k = 0; k < size; ++k, row += columns_of_tile) {
        const double own = b[k * device_slice];
        for (int column = 0; column < columns_of_tile; ++column) sums[column] += own * row[column];
      }
      for (const double sum : sums) {
        const double grade = Kokkos::abs(sum);
        // What is not a number extrapolates as far as can be.
        if (!(grade <= largest)) largest = grade > largest ? grade : Kokkos::Experimental::infinity_v<double>;
      }
    }
    Kokkos::atomic_max(grades + centers[atom], largest);
  }
};

}  // namespace FORCESMITH_ISA

/// Of an active set of neighborhoods whose parameters are those in which E_i is linear.
template <class ExecSpace>
class DeviceGrades {
 public:
  DeviceGrades(const ActiveSet& set, int n_elements) : stride_(set.n_columns()) {
    using FORCESMITH_ISA::columns_of_tile;
    std::vector<double> numbers;
    std::vector<std::size_t> begin;
    std::vector<int> sizes;
    for (int element = 0; element < n_elements; ++element) {
      const extrapolation::InverseMatrix inverse = set.inverse(set.matrix_of(element));
      begin.push_back(numbers.size());
      sizes.push_back(inverse.size);
      for (int first = 0; first < inverse.size; first += columns_of_tile)
        for (int row = 0; row < inverse.size; ++row)
          for (int column = first; column < first + columns_of_tile; ++column)
            numbers.push_back(
                column < inverse.size ? inverse.numbers[static_cast<std::size_t>(row) * inverse.stride + column] : 0.0);
    }
    d_numbers_ = device_copy<ExecSpace>("forcesmith::extrapolation::inverses", numbers);
    d_begin_ = device_copy<ExecSpace>("forcesmith::extrapolation::begin", begin);
    d_sizes_ = device_copy<ExecSpace>("forcesmith::extrapolation::sizes", sizes);
  }

  /// Bytes of memory that so many atoms ask for.
  std::size_t bytes(int n_atoms) const { return sizeof(double) * device_slots(stride_, n_atoms); }
  int stride() const { return stride_; }
  /// Memory for the features of a block, by device_slot(stride(), atom, k).
  double* features(int n_atoms) {
    return reserve(d_features_, "forcesmith::extrapolation::features", device_slots(stride_, n_atoms));
  }
  /// Sets the grades of the block's atoms, by atom of the host, from these features.
  template <class Real>
  void compute(const DeviceBlock<Real>& block, double* grades) const {
    Kokkos::parallel_for("forcesmith::extrapolation::clear_grades", atom_range<ExecSpace>(block.n_atoms),
                         FORCESMITH_ISA::ClearGrades{block.centers, grades});
    launch_parts<ExecSpace>("forcesmith::extrapolation::raise_grades", block.n_atoms, block.parts,
                            FORCESMITH_ISA::RaiseGrades{{d_numbers_.data(), d_begin_.data(), d_sizes_.data()},
                                                        block.centers,
                                                        block.center_types,
                                                        d_features_.data(),
                                                        stride_,
                                                        grades});
  }

 private:
  int stride_;
  DeviceArray<ExecSpace, double> d_numbers_, d_features_;
  DeviceArray<ExecSpace, std::size_t> d_begin_;
  DeviceArray<ExecSpace, int> d_sizes_;
};

}  // namespace forcesmith
