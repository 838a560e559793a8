// A growing array of numbers aligned for the widest SIMD register; its contents are lost on growth.
#pragma once

#include <cstddef>
#include <new>

namespace forcesmith {

template <class Real>
class AlignedBufferOf {
 public:
  AlignedBufferOf() = default;
  AlignedBufferOf(const AlignedBufferOf&) = delete;
  AlignedBufferOf& operator=(const AlignedBufferOf&) = delete;
  ~AlignedBufferOf() { release(); }

  /// At least `size` numbers; what was stored before is kept only if nothing had to grow.
  Real* reserve(std::size_t size) {
    if (size > capacity_) {
      release();
      data_ = static_cast<Real*>(::operator new(size * sizeof(Real), alignment));
      capacity_ = size;
    }
    return data_;
  }
  Real* data() const { return data_; }

 private:
  static constexpr std::align_val_t alignment{64};
  void release() {
    if (data_ != nullptr) ::operator delete(data_, alignment);
    data_ = nullptr;
    capacity_ = 0;
  }
  Real* data_ = nullptr;
  std::size_t capacity_ = 0;
};

using AlignedBuffer = AlignedBufferOf<double>;

}  // namespace forcesmith
