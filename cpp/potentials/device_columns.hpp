// Where the values of one descriptor are among those of all descriptors of a potential, on a device: in the same columns
// for every element, or in rows of their own and copied.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "core/device_arrays.hpp"
#include "neighbors/device_block.hpp"
#include "potentials/potential.hpp"

namespace forcesmith {

/// Arrays are in the memory of the device, by device_slot(). `all`: rows of all values, potential.stride() long.
template <class ExecSpace>
class DeviceColumns {
 public:
  /// Of the potential's descriptor `number`.
  DeviceColumns(const Potential& potential, std::size_t number) : all_stride_(potential.stride()) {
    std::vector<int> columns, sizes;
    for (int element = 0; element < static_cast<int>(potential.elements().size()); ++element) {
      columns.push_back(0);
      for (std::size_t d = 0; d < number; ++d) columns.back() += potential.descriptors()[d]->size(element);
      sizes.push_back(potential.descriptors()[number]->size(element));
    }
    first_ = columns[0];
    in_place_ = std::all_of(columns.begin(), columns.end(), [&](int column) { return column == first_; });
    stride_ = in_place_ ? all_stride_ : *std::max_element(sizes.begin(), sizes.end());
    d_columns_ = device_copy<ExecSpace>("forcesmith::potential::columns", columns);
    d_sizes_ = device_copy<ExecSpace>("forcesmith::potential::sizes", sizes);
  }

  /// Of the rows that the descriptor sees.
  int stride() const { return stride_; }
  /// Bytes of memory that so many atoms ask for, for each buffer.
  std::size_t bytes(int n_atoms) const { return in_place_ ? 0 : sizeof(double) * device_slots(stride_, n_atoms); }
  /// The rows that the descriptor sees, of `all` or of a buffer, of which there are two.
  double* rows(double* all, int n_atoms, int buffer = 0) {
    if (in_place_) return all + device_slot(0, 0, first_);
    return reserve(d_buffers_[buffer], "forcesmith::potential::buffer", device_slots(stride_, n_atoms));
  }
  /// From these rows to all, unless they are the same.
  void put(double* own, double* all, int n_atoms, const int* types) const {
    if (!in_place_) copy(true, own, all, n_atoms, types);
  }
  /// From all to these rows.
  void take(double* own, double* all, int n_atoms, const int* types) const {
    if (!in_place_) copy(false, own, all, n_atoms, types);
  }

  /// As put() and take(); public because nvcc asks for that.
  void copy(bool to_all, double* own, double* all, int n_atoms, const int* types) const {
    const int stride = stride_, all_stride = all_stride_;
    const int *columns = d_columns_.data(), *sizes = d_sizes_.data();
    Kokkos::parallel_for(
        "forcesmith::potential::copy_columns", Kokkos::RangePolicy<ExecSpace>(0, n_atoms), KOKKOS_LAMBDA(int atom) {
          double* in_all = all + device_slot(all_stride, atom, columns[types[atom]]);
          double* in_own = own + device_slot(stride, atom, 0);
          for (int k = 0; k < sizes[types[atom]] * device_slice; k += device_slice) {
            if (to_all) in_all[k] = in_own[k];
            else in_own[k] = in_all[k];
          }
        });
  }

 private:
  int all_stride_, stride_, first_;
  bool in_place_;
  DeviceArray<ExecSpace, int> d_columns_, d_sizes_;  // [element]
  std::array<DeviceArray<ExecSpace, double>, 2> d_buffers_;
};

}  // namespace forcesmith
