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

/// Memory of a std::vector, aligned likewise.
template <class Number>
struct AlignedAllocator {
  using value_type = Number;
  static constexpr std::align_val_t alignment{64};

  AlignedAllocator() = default;
  template <class Other>
  AlignedAllocator(const AlignedAllocator<Other>&) {}
  Number* allocate(std::size_t n) { return static_cast<Number*>(::operator new(n * sizeof(Number), alignment)); }
  void deallocate(Number* memory, std::size_t) { ::operator delete(memory, alignment); }
  bool operator==(const AlignedAllocator&) const = default;
};

}  // namespace forcesmith
