// Simd: the number type of every kernel. Simd<double, 8> and Simd<float, 16> are one AVX-512 register,
// Simd<double, 4> and Simd<float, 8> one AVX2 register, Simd<double, 1> a plain number. Kernels are written once,
// templated on V, a Simd; its slots are called lanes. Numbers that kernels broadcast within loops, from tables for
// example, are of the same precision as the lanes.
//
// On devices V is Simd<Real, 1, 32>: a thread works with plain numbers, and in memory those of 32 threads alternate, so
// that a warp touches neighboring addresses. Kernels that index memory take this into account, see simd/registers.hpp.
//
// Everything that is compiled per instruction set lives in a namespace FORCESMITH_ISA: portable, avx2, avx512,
// counting (plain numbers that count operations), or device where a compiler for devices is at work. So code compiled for
// a wider processor can never be linked into a narrower path. It is forcesmith::FORCESMITH_ISA for what all kernels share, and for the kernels of a descriptor or
// model forcesmith::<its namespace>::FORCESMITH_ISA, with a using-directive for the former.
#pragma once

#include "core/variants.hpp"

#define FORCESMITH_HOST_FUNCTION inline __attribute__((always_inline))
#if defined(__CUDACC__)
#define FORCESMITH_FUNCTION __host__ __device__ inline
#define FORCESMITH_INLINE_LAMBDA
#else
#define FORCESMITH_FUNCTION FORCESMITH_HOST_FUNCTION
#define FORCESMITH_INLINE_LAMBDA __attribute__((always_inline))
#endif

#if defined(__CUDACC__)
#define FORCESMITH_ISA device
#elif !defined(FORCESMITH_ISA)
#define FORCESMITH_ISA portable
#endif

namespace forcesmith::FORCESMITH_ISA {

#if !defined(__CUDACC__)
template <class Real, int Width>
struct VectorOf;
// clang-format off
template <> struct VectorOf<double, 2> { typedef double Type __attribute__((vector_size(16))); };
template <> struct VectorOf<double, 4> { typedef double Type __attribute__((vector_size(32))); };
template <> struct VectorOf<double, 8> { typedef double Type __attribute__((vector_size(64))); };
template <> struct VectorOf<float, 2> { typedef float Type __attribute__((vector_size(8))); };
template <> struct VectorOf<float, 4> { typedef float Type __attribute__((vector_size(16))); };
template <> struct VectorOf<float, 8> { typedef float Type __attribute__((vector_size(32))); };
template <> struct VectorOf<float, 16> { typedef float Type __attribute__((vector_size(64))); };
template <> struct VectorOf<int, 2> { typedef int Type __attribute__((vector_size(8))); };
template <> struct VectorOf<int, 4> { typedef int Type __attribute__((vector_size(16))); };
template <> struct VectorOf<int, 8> { typedef int Type __attribute__((vector_size(32))); };
template <> struct VectorOf<int, 16> { typedef int Type __attribute__((vector_size(64))); };
template <> struct VectorOf<unsigned, 4> { typedef unsigned Type __attribute__((vector_size(16))); };
template <> struct VectorOf<unsigned, 8> { typedef unsigned Type __attribute__((vector_size(32))); };
template <> struct VectorOf<unsigned, 16> { typedef unsigned Type __attribute__((vector_size(64))); };
// clang-format on

template <class Real, int Width, int Threads = 1>
struct Simd {
  using Number = Real;
  static constexpr int width = Width, threads = Threads, stride = Width * Threads;
  using Vector = typename VectorOf<Real, Width>::Type;
  Vector v;

  Simd() = default;
  FORCESMITH_FUNCTION Simd(Vector vector) : v(vector) {}
  FORCESMITH_FUNCTION Simd(Real value) : v(value - Vector{}) {}  // broadcast

  FORCESMITH_FUNCTION Real operator[](int i) const { return v[i]; }
  FORCESMITH_FUNCTION void set(int i, Real value) { v[i] = value; }
  // clang-format off
  FORCESMITH_FUNCTION Simd& operator+=(Simd b) { v += b.v; return *this; }
  FORCESMITH_FUNCTION Simd& operator-=(Simd b) { v -= b.v; return *this; }
  FORCESMITH_FUNCTION Simd& operator*=(Simd b) { v *= b.v; return *this; }
  // clang-format on
  friend FORCESMITH_FUNCTION Simd operator+(Simd a, Simd b) { return a.v + b.v; }
  friend FORCESMITH_FUNCTION Simd operator-(Simd a, Simd b) { return a.v - b.v; }
  friend FORCESMITH_FUNCTION Simd operator*(Simd a, Simd b) { return a.v * b.v; }
  friend FORCESMITH_FUNCTION Simd operator/(Simd a, Simd b) { return a.v / b.v; }
  friend FORCESMITH_FUNCTION Simd operator-(Simd a) { return -a.v; }
};
#else
template <class Real, int Width, int Threads = 1>
struct Simd;
#endif

/// The result of an operation.
template <class Real>
FORCESMITH_FUNCTION Real counted(Real result) {
#if defined(FORCESMITH_COUNT_OPERATIONS)
  ++operations;
#endif
  return result;
}

/// threads: whose registers alternate in memory; stride: numbers from one register of a thread to its next.
template <class Real, int Threads>
struct Simd<Real, 1, Threads> {
  using Number = Real;
  static constexpr int width = 1, threads = Threads, stride = Threads;
  Real v;

  Simd() = default;
  FORCESMITH_FUNCTION Simd(Real value) : v(value) {}

  FORCESMITH_FUNCTION Real operator[](int) const { return v; }
  FORCESMITH_FUNCTION void set(int, Real value) { v = value; }
  FORCESMITH_FUNCTION Simd& operator+=(Simd b) { return *this = *this + b; }
  FORCESMITH_FUNCTION Simd& operator-=(Simd b) { return *this = *this - b; }
  FORCESMITH_FUNCTION Simd& operator*=(Simd b) { return *this = *this * b; }
  friend FORCESMITH_FUNCTION Simd operator+(Simd a, Simd b) { return counted(a.v + b.v); }
  friend FORCESMITH_FUNCTION Simd operator-(Simd a, Simd b) { return counted(a.v - b.v); }
  friend FORCESMITH_FUNCTION Simd operator*(Simd a, Simd b) { return counted(a.v * b.v); }
  friend FORCESMITH_FUNCTION Simd operator/(Simd a, Simd b) { return counted(a.v / b.v); }
  friend FORCESMITH_FUNCTION Simd operator-(Simd a) { return -a.v; }
};

template <class V>
inline constexpr bool simd_is_single = sizeof(typename V::Number) == sizeof(float);

/// Lane by lane: `yes` where a < b, else `no`.
#if !defined(__CUDACC__)
template <class Real, int Width>
  requires(Width > 1)
FORCESMITH_FUNCTION Simd<Real, Width> simd_if_less(Simd<Real, Width> a, Simd<Real, Width> b, Simd<Real, Width> yes,
                                                   Simd<Real, Width> no) {
  return a.v < b.v ? yes.v : no.v;
}
#endif
template <class Real, int Threads>
FORCESMITH_FUNCTION Simd<Real, 1, Threads> simd_if_less(Simd<Real, 1, Threads> a, Simd<Real, 1, Threads> b,
                                                        Simd<Real, 1, Threads> yes, Simd<Real, 1, Threads> no) {
  return a.v < b.v ? yes : no;
}

/// `value` kept between `low` and `high`.
template <class V>
FORCESMITH_FUNCTION V simd_clamp(V value, V low, V high) {
  return simd_if_less(value, low, low, simd_if_less(high, value, high, value));
}

/// Layout of the bits of a number: sign, biased exponent, fraction.
template <class Real>
struct NumberFormat;
template <>
struct NumberFormat<double> {
  using Bits = unsigned long long;
  static constexpr int fraction_bits = 52, bias = 1023;
  static constexpr double one_and_a_half = 6755399441055744.0;  // 1.5 2^fraction_bits
};
template <>
struct NumberFormat<float> {
  using Bits = unsigned int;
  static constexpr int fraction_bits = 23, bias = 127;
  static constexpr float one_and_a_half = 12582912.0f;
};

/// The nearest whole number, for |x| < 2^51, in single precision 2^22. (Added to 1.5 2^52, a number loses its
/// fraction.)
template <class V>
FORCESMITH_FUNCTION V simd_round(V x) {
  const V shift(NumberFormat<typename V::Number>::one_and_a_half);
  return (x.v + shift.v) - shift.v;
}

/// Square root of each lane.
#if defined(__CUDACC__)
FORCESMITH_FUNCTION double square_root(double x) { return sqrt(x); }
FORCESMITH_FUNCTION float square_root(float x) { return sqrtf(x); }
#else
FORCESMITH_FUNCTION double square_root(double x) { return __builtin_sqrt(x); }
FORCESMITH_FUNCTION float square_root(float x) { return __builtin_sqrtf(x); }
template <class Real, int Width>
  requires(Width > 1)
FORCESMITH_FUNCTION Simd<Real, Width> simd_sqrt(Simd<Real, Width> a) {
  for (int i = 0; i < Width; ++i) a.v[i] = square_root(a.v[i]);
  return a;
}
#endif
template <class Real, int Threads>
FORCESMITH_FUNCTION Simd<Real, 1, Threads> simd_sqrt(Simd<Real, 1, Threads> a) {
  return counted(square_root(a.v));
}

/// Sum over the lanes.
template <class V>
FORCESMITH_FUNCTION typename V::Number lane_sum(V a) {
  typename V::Number sum = a[0];
  for (int i = 1; i < V::width; ++i) sum += a[i];
  return sum;
}

/// Lanes from consecutive, aligned memory, which is written and read as such lanes, or as numbers.
template <class V, class Real>
FORCESMITH_FUNCTION V simd_load(const Real* address) {
  return *reinterpret_cast<const V*>(address);
}

template <class V, class Real>
FORCESMITH_FUNCTION void simd_store(Real* address, V value) {
  *reinterpret_cast<V*>(address) = value;
}

/// The same from and to memory of any alignment, and as lanes of any width.
template <class V, class Real>
FORCESMITH_FUNCTION V simd_load_unaligned(const Real* address) {
  V value;
  __builtin_memcpy(&value, address, sizeof(V));
  return value;
}

template <class V, class Real>
FORCESMITH_FUNCTION void simd_store_unaligned(Real* address, V value) {
  __builtin_memcpy(address, &value, sizeof(V));
}

#if defined(FORCESMITH_COUNT_OPERATIONS)
inline constexpr int native_width = 1, native_single_width = 1;
#else
#if defined(__AVX512F__)
inline constexpr int native_width = 8;  // doubles per register
#elif defined(__AVX2__)
inline constexpr int native_width = 4;
#else
inline constexpr int native_width = 2;
#endif
inline constexpr int native_single_width = 2 * native_width;  // floats per register
#endif

}  // namespace forcesmith::FORCESMITH_ISA
