// Copies between the memory of a host, which is not pinned, and that of a device: in pieces through pinned memory, so
// that one piece is on its way while the next is read or written.
#pragma once

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "core/device_arrays.hpp"

namespace forcesmith {

template <class ExecSpace>
class StagedCopies {
 public:
  template <class T>
  void to_device(const T* host, T* device, std::size_t size) {
    prepare();
    const std::size_t most = piece_bytes / sizeof(T);
    for (std::size_t first = 0, piece = 0; first < size; first += most, ++piece) {
      const std::size_t count = std::min(most, size - first);
      ExecSpace& stream = streams_[piece % 2];
      stream.fence();  // its buffer is free again
      T* buffer = reinterpret_cast<T*>(buffers_[piece % 2].data());
      std::memcpy(buffer, host + first, count * sizeof(T));
      Kokkos::deep_copy(stream, Device<T>(device + first, count), Pinned<const T>(buffer, count));
    }
    for (ExecSpace& stream : streams_) stream.fence();
  }

  /// take(first, numbers, how many of them)
  template <class T, class Take>
  void from_device(const T* device, std::size_t size, const Take& take) {
    prepare();
    const std::size_t most = piece_bytes / sizeof(T), n_pieces = (size + most - 1) / most;
    const auto begin = [&](std::size_t piece) {
      if (piece >= n_pieces) return;
      const std::size_t first = piece * most, count = std::min(most, size - first);
      Kokkos::deep_copy(streams_[piece % 2], Pinned<T>(reinterpret_cast<T*>(buffers_[piece % 2].data()), count),
                        Device<const T>(device + first, count));
    };
    begin(0);
    begin(1);
    for (std::size_t piece = 0; piece < n_pieces; ++piece) {
      streams_[piece % 2].fence();
      take(piece * most, reinterpret_cast<const T*>(buffers_[piece % 2].data()), std::min(most, size - piece * most));
      begin(piece + 2);
    }
  }

 private:
#if defined(KOKKOS_ENABLE_CUDA)
  static constexpr bool on_cuda = std::is_same_v<ExecSpace, Kokkos::Cuda>;
#else
  static constexpr bool on_cuda = false;
#endif
#if defined(KOKKOS_ENABLE_CUDA)
  using PinnedSpace = std::conditional_t<on_cuda, Kokkos::CudaHostPinnedSpace, Kokkos::HostSpace>;
#else
  using PinnedSpace = Kokkos::HostSpace;
#endif
  template <class T>
  using Device = Kokkos::View<T*, typename ExecSpace::memory_space, Kokkos::MemoryUnmanaged>;
  template <class T>
  using Pinned = Kokkos::View<T*, PinnedSpace, Kokkos::MemoryUnmanaged>;
  static constexpr std::size_t piece_bytes = std::size_t{1} << 20;

  void prepare() {
    if (buffers_[0].extent(0) > 0) return;
    // All or nothing, should there be no memory.
    const Buffer first("forcesmith::copies::buffer", piece_bytes / sizeof(double));
    const Buffer second("forcesmith::copies::buffer", piece_bytes / sizeof(double));
    if constexpr (on_cuda) {
      const auto streams = Kokkos::Experimental::partition_space(ExecSpace(), 1, 1);
      std::copy(streams.begin(), streams.end(), streams_);
    }
    buffers_[0] = first;
    buffers_[1] = second;
  }

  using Buffer = Kokkos::View<double*, PinnedSpace>;
  Buffer buffers_[2];
  ExecSpace streams_[2];
};

}  // namespace forcesmith
