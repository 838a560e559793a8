// A growing array of doubles aligned for the widest SIMD register; its contents are lost on growth.
#pragma once

#include <cstddef>
#include <new>

namespace forcesmith {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() { release(); }

  /// At least `size` doubles; what was stored before is kept only if nothing had to grow.
  double* reserve(std::size_t size) {
    if (size > capacity_) {
      release();
      data_ = static_cast<double*>(::operator new(size * sizeof(double), alignment));
      capacity_ = size;
    }
    return data_;
  }
  double* data() const { return data_; }

 private:
  static constexpr std::align_val_t alignment{64};
  void release() {
    if (data_ != nullptr) ::operator delete(data_, alignment);
    data_ = nullptr;
    capacity_ = 0;
  }
  double* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace forcesmith
