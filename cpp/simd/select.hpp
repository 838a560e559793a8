// Lanes that a comparison selects, and lanes filled from or stored to places that are not consecutive. For code
// that sorts neighbors: whole registers of doubles or floats, and as many integers.
//
// A selection is a number with one bit per lane, the lowest for lane 0.
#pragma once

#include "simd/indices.hpp"
#include "simd/simd.hpp"

#if defined(__AVX2__)
#include <immintrin.h>  // functions that are always inlined, so that no wide copy of them can be shared
#endif

namespace forcesmith::FORCESMITH_ISA {

/// A register of doubles or floats.
template <class Real>
using NativeSimd = Simd<Real, sizeof(Real) == sizeof(double) ? native_width : native_single_width>;
using DoubleSimd = NativeSimd<double>;
using SingleSimd = NativeSimd<float>;
/// Integers as many as numbers in a register.
template <class V>
using IntegersOf = Simd<int, V::width>;

/// Lane by lane, as other numbers.
template <class To, class From>
FORCESMITH_FUNCTION To simd_convert(From from) {
  if constexpr (To::width == 1) return static_cast<typename To::Number>(from.v);
  else return __builtin_convertvector(from.v, typename To::Vector);
}

/// The selection of the first `count` lanes.
FORCESMITH_FUNCTION unsigned first_lanes(int count) { return (1u << count) - 1; }

/// The lanes where a < b.
FORCESMITH_FUNCTION unsigned lanes_less(DoubleSimd a, DoubleSimd b) {
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask((__m512d)a.v, (__m512d)b.v, _CMP_LT_OQ);
#elif defined(__AVX2__)
  return static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd((__m256d)a.v, (__m256d)b.v, _CMP_LT_OQ)));
#else
  unsigned lanes = 0;
  for (int i = 0; i < native_width; ++i) lanes |= static_cast<unsigned>(a[i] < b[i]) << i;
  return lanes;
#endif
}
FORCESMITH_FUNCTION unsigned lanes_less(SingleSimd a, SingleSimd b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a.v, (__m512)b.v, _CMP_LT_OQ);
#elif defined(__AVX2__)
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps((__m256)a.v, (__m256)b.v, _CMP_LT_OQ)));
#else
  unsigned lanes = 0;
  for (int i = 0; i < native_single_width; ++i) lanes |= static_cast<unsigned>(a[i] < b[i]) << i;
  return lanes;
#endif
}
template <int width>
FORCESMITH_FUNCTION unsigned lanes_less(Simd<int, width> a, int b) {
#if defined(__AVX512F__)
  if constexpr (width == 16) return _mm512_cmplt_epi32_mask((__m512i)a.v, _mm512_set1_epi32(b));
  else return _mm256_cmplt_epi32_mask((__m256i)a.v, _mm256_set1_epi32(b));
#elif defined(__AVX2__)
  const auto less = a.v < Simd<int, width>(b).v;
  if constexpr (width == 8) return static_cast<unsigned>(_mm256_movemask_ps((__m256)less));
  else return static_cast<unsigned>(_mm_movemask_ps((__m128)less));
#else
  unsigned lanes = 0;
  for (int i = 0; i < width; ++i) lanes |= static_cast<unsigned>(a[i] < b) << i;
  return lanes;
#endif
}

/// The lanes where a == b.
template <int width>
FORCESMITH_FUNCTION unsigned lanes_equal(Simd<int, width> a, int b) {
#if defined(__AVX512F__)
  if constexpr (width == 16) return _mm512_cmpeq_epi32_mask((__m512i)a.v, _mm512_set1_epi32(b));
  else return _mm256_cmpeq_epi32_mask((__m256i)a.v, _mm256_set1_epi32(b));
#elif defined(__AVX2__)
  const auto equal = a.v == Simd<int, width>(b).v;
  if constexpr (width == 8) return static_cast<unsigned>(_mm256_movemask_ps((__m256)equal));
  else return static_cast<unsigned>(_mm_movemask_ps((__m128)equal));
#else
  unsigned lanes = 0;
  for (int i = 0; i < width; ++i) lanes |= static_cast<unsigned>(a[i] == b) << i;
  return lanes;
#endif
}

FORCESMITH_FUNCTION int count_lanes(unsigned lanes) {
#if defined(__AVX2__)
  return __builtin_popcount(lanes);
#else
  lanes = (lanes & 5) + (lanes >> 1 & 5);  // of at most four; not every processor counts bits
  return static_cast<int>((lanes & 3) + (lanes >> 2));
#endif
}

/// Lanes from consecutive, aligned memory of either precision.
FORCESMITH_FUNCTION DoubleSimd load_as_double(const double* address) { return simd_load<DoubleSimd>(address); }
FORCESMITH_FUNCTION DoubleSimd load_as_double(const float* address) {
#if defined(__AVX512F__)
  // As a conversion of vectors, gcc makes two of it; without a mask, it sees uninitialised lanes.
  return (DoubleSimd::Vector)_mm512_maskz_cvtps_pd(0xff, _mm256_load_ps(address));
#else
  return simd_convert<DoubleSimd>(simd_load_unaligned<Simd<float, native_width>>(address));
#endif
}

/// The first `count` lanes from memory, where nothing beyond them is read; the others are 0.
template <class V>
FORCESMITH_FUNCTION V simd_load_first(const typename V::Number* address, int count) {
#if defined(__AVX512F__)
  const unsigned lanes = first_lanes(count);
  if constexpr (sizeof(V) == 32) return (typename V::Vector)_mm256_maskz_loadu_ps(lanes, address);
  else if constexpr (V::width == 16) return (typename V::Vector)_mm512_maskz_loadu_ps(lanes, address);
  else return (typename V::Vector)_mm512_maskz_loadu_pd(lanes, address);
#elif defined(__AVX2__)
  const auto* numbers = reinterpret_cast<const int*>(address);
  if constexpr (V::width == 8) {
    const __m256i first = _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    return (typename V::Vector)_mm256_maskload_epi32(numbers, first);
  } else if constexpr (sizeof(V) == 16) {
    const __m128i first = _mm_cmpgt_epi32(_mm_set1_epi32(count), _mm_setr_epi32(0, 1, 2, 3));
    return (typename V::Vector)_mm_maskload_epi32(numbers, first);
  } else {
    const __m256i first = _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
    return (typename V::Vector)_mm256_maskload_pd(address, first);
  }
#else
  V value(0);
  for (int i = 0; i < count; ++i) value.set(i, address[i]);
  return value;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/// For every selection of lanes, the positions that bring them to the front, of four or eight numbers.
template <int width>
struct Front {
  int of[1 << width][width];
  constexpr Front() : of{} {
    for (int lanes = 0; lanes < 1 << width; ++lanes)
      for (int i = 0, next = 0; i < width; ++i)
        if (lanes >> i & 1) of[lanes][next++] = i;
  }
};
alignas(16) inline constexpr Front<4> front_of_four;
alignas(32) inline constexpr Front<8> front_of_eight;
/// Of four doubles, as positions of halves.
struct FrontOfDoubles {
  int of[16][8];
  constexpr FrontOfDoubles() : of{} {
    for (int lanes = 0; lanes < 16; ++lanes)
      for (int i = 0, next = 0; i < 8; ++i)
        if (lanes >> i / 2 & 1) of[lanes][next++] = i;
  }
};
alignas(32) inline constexpr FrontOfDoubles front_of_doubles;
FORCESMITH_FUNCTION __m256 permute(__m256 numbers, const int* positions) {
  return _mm256_permutevar8x32_ps(numbers, _mm256_load_si256(reinterpret_cast<const __m256i*>(positions)));
}
FORCESMITH_FUNCTION __m128 permute(__m128 numbers, const int* positions) {
  return _mm_permutevar_ps(numbers, _mm_load_si128(reinterpret_cast<const __m128i*>(positions)));
}
#endif

/// Stores the selected lanes one after the other. The memory of as many numbers as there are lanes is
/// overwritten.
FORCESMITH_FUNCTION void store_selected(double* address, DoubleSimd value, unsigned lanes) {
#if defined(__AVX512F__)
  _mm512_storeu_pd(address, _mm512_maskz_compress_pd(lanes, (__m512d)value.v));
#elif defined(__AVX2__)
  _mm256_storeu_ps(reinterpret_cast<float*>(address), permute((__m256)value.v, front_of_doubles.of[lanes]));
#else
  for (int i = 0; i < native_width; address += lanes >> i++ & 1) *address = value[i];
#endif
}
/// The same of floats or integers.
template <class Number, int width>
FORCESMITH_FUNCTION void store_selected(Number* address, Simd<Number, width> value, unsigned lanes) {
#if defined(__AVX512F__)
  if constexpr (width == 16) _mm512_storeu_ps(address, _mm512_maskz_compress_ps(lanes, (__m512)value.v));
  else _mm256_storeu_ps(reinterpret_cast<float*>(address), _mm256_maskz_compress_ps(lanes, (__m256)value.v));
#elif defined(__AVX2__)
  auto* numbers = reinterpret_cast<float*>(address);
  if constexpr (width == 8) _mm256_storeu_ps(numbers, permute((__m256)value.v, front_of_eight.of[lanes]));
  else _mm_storeu_ps(numbers, permute((__m128)value.v, front_of_four.of[lanes]));
#else
  for (int i = 0; i < width; address += lanes >> i++ & 1) *address = value[i];
#endif
}
/// The same of doubles, rounded to single precision.
FORCESMITH_FUNCTION void store_selected(float* address, DoubleSimd value, unsigned lanes) {
  store_selected(address, simd_convert<Simd<float, native_width>>(value), lanes);
}

/// The same of floats, in double precision.
FORCESMITH_FUNCTION void store_selected(double* address, SingleSimd value, unsigned lanes) {
  alignas(64) float numbers[native_single_width];
  simd_store(numbers, value);
  const unsigned low = lanes & first_lanes(native_width);
  store_selected(address, load_as_double(numbers), low);
  if constexpr (native_single_width > native_width)
    store_selected(address + count_lanes(low), load_as_double(numbers + native_width), lanes >> native_width);
}

/// A row of an array [..][4]: one register, or two.
#if defined(__AVX2__)
using ForceRow = Simd<double, 4>;
#else
struct ForceRow {
  Simd<double, 2> xy, z;
  friend FORCESMITH_FUNCTION ForceRow operator+(ForceRow a, ForceRow b) { return {a.xy + b.xy, a.z + b.z}; }
  friend FORCESMITH_FUNCTION ForceRow operator-(ForceRow a, ForceRow b) { return {a.xy - b.xy, a.z - b.z}; }
};
#endif

/// Points given component by component as rows: x_i, y_i, z_i and anything.
template <class V>
FORCESMITH_FUNCTION void lanes_to_force_rows(const V* components, ForceRow* rows) {
  const auto x = components[0].v, y = components[1].v, z = components[2].v;
#if defined(__AVX512F__)
  const auto even = __builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14);
  const auto odd = __builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15);
  const auto rows_02 = __builtin_shufflevector(even, z, 0, 1, 8, 9, 2, 3, 10, 11);
  const auto rows_13 = __builtin_shufflevector(odd, z, 0, 1, 9, 9, 2, 3, 11, 11);
  const auto rows_46 = __builtin_shufflevector(even, z, 4, 5, 12, 13, 6, 7, 14, 15);
  const auto rows_57 = __builtin_shufflevector(odd, z, 4, 5, 13, 13, 6, 7, 15, 15);
  rows[0] = __builtin_shufflevector(rows_02, rows_02, 0, 1, 2, 3);
  rows[1] = __builtin_shufflevector(rows_13, rows_13, 0, 1, 2, 3);
  rows[2] = __builtin_shufflevector(rows_02, rows_02, 4, 5, 6, 7);
  rows[3] = __builtin_shufflevector(rows_13, rows_13, 4, 5, 6, 7);
  rows[4] = __builtin_shufflevector(rows_46, rows_46, 0, 1, 2, 3);
  rows[5] = __builtin_shufflevector(rows_57, rows_57, 0, 1, 2, 3);
  rows[6] = __builtin_shufflevector(rows_46, rows_46, 4, 5, 6, 7);
  rows[7] = __builtin_shufflevector(rows_57, rows_57, 4, 5, 6, 7);
#elif defined(__AVX2__)
  const auto even = __builtin_shufflevector(x, y, 0, 4, 2, 6), odd = __builtin_shufflevector(x, y, 1, 5, 3, 7);
  const auto odd_z = __builtin_shufflevector(z, z, 1, 1, 3, 3);
  rows[0] = __builtin_shufflevector(even, z, 0, 1, 4, 5);
  rows[1] = __builtin_shufflevector(odd, odd_z, 0, 1, 4, 5);
  rows[2] = __builtin_shufflevector(even, z, 2, 3, 6, 7);
  rows[3] = __builtin_shufflevector(odd, odd_z, 2, 3, 6, 7);
#else
  if constexpr (V::width == 1) {
    rows[0] = {VectorOf<double, 2>::Type{x, y}, z};
  } else {
    rows[0] = {__builtin_shufflevector(x, y, 0, 2), __builtin_shufflevector(z, z, 0, 0)};
    rows[1] = {__builtin_shufflevector(x, y, 1, 3), __builtin_shufflevector(z, z, 1, 1)};
  }
#endif
}

/// first, first + 1, ..
template <class V, int... i>
FORCESMITH_FUNCTION V simd_count_from(int first, Indices<i...>) {
  return typename V::Vector{i...} + V(first).v;
}
template <class V>
FORCESMITH_FUNCTION V simd_count_from(int first) {
  if constexpr (V::width == 1) return first;
  else return simd_count_from<V>(first, typename IndicesUpTo<V::width>::Type{});
}

/// values[index(i)] in lane i.
template <class V, class Index>
FORCESMITH_FUNCTION V simd_gather(const typename V::Number* values, const Index& index) {
  V value(0);
  for (int i = 0; i < V::width; ++i) value.set(i, values[index(i)]);
  return value;
}

/// The points [..][3] number index(i) in lane i, component by component.
template <class Index>
FORCESMITH_FUNCTION void simd_gather_points(const double* points, const Index& index, DoubleSimd* components) {
#if defined(__AVX512F__)
  // Point by point, then transposed: quicker than gathering numbers. What a mask leaves out is not read.
  const auto point = [&](int i) FORCESMITH_INLINE_LAMBDA {
    return _mm256_maskz_loadu_pd(7, points + 3 * static_cast<long long>(index(i)));
  };
  DoubleSimd::Vector two[4];  // points i and i + 4; without a mask gcc sees uninitialised lanes
  for (int i = 0; i < 4; ++i)
    two[i] = (DoubleSimd::Vector)_mm512_maskz_insertf64x4(0xff, _mm512_castpd256_pd512(point(i)), point(i + 4), 1);
  const auto xz_01 = __builtin_shufflevector(two[0], two[1], 0, 8, 2, 10, 4, 12, 6, 14);
  const auto xz_23 = __builtin_shufflevector(two[2], two[3], 0, 8, 2, 10, 4, 12, 6, 14);
  const auto y_01 = __builtin_shufflevector(two[0], two[1], 1, 9, 3, 11, 5, 13, 7, 15);
  const auto y_23 = __builtin_shufflevector(two[2], two[3], 1, 9, 3, 11, 5, 13, 7, 15);
  components[0] = __builtin_shufflevector(xz_01, xz_23, 0, 1, 8, 9, 4, 5, 12, 13);
  components[1] = __builtin_shufflevector(y_01, y_23, 0, 1, 8, 9, 4, 5, 12, 13);
  components[2] = __builtin_shufflevector(xz_01, xz_23, 2, 3, 10, 11, 6, 7, 14, 15);
#elif defined(__AVX2__)
  const __m256i three = _mm256_setr_epi64x(-1, -1, -1, 0);
  const auto point = [&](int i) FORCESMITH_INLINE_LAMBDA {
    return (DoubleSimd::Vector)_mm256_maskload_pd(points + 3 * static_cast<long long>(index(i)), three);
  };
  const auto p0 = point(0), p1 = point(1), p2 = point(2), p3 = point(3);
  const auto xz_01 = __builtin_shufflevector(p0, p1, 0, 4, 2, 6), y_01 = __builtin_shufflevector(p0, p1, 1, 5, 3, 7);
  const auto xz_23 = __builtin_shufflevector(p2, p3, 0, 4, 2, 6), y_23 = __builtin_shufflevector(p2, p3, 1, 5, 3, 7);
  components[0] = __builtin_shufflevector(xz_01, xz_23, 0, 1, 4, 5);
  components[1] = __builtin_shufflevector(y_01, y_23, 0, 1, 4, 5);
  components[2] = __builtin_shufflevector(xz_01, xz_23, 2, 3, 6, 7);
#else
  const double* first = points + 3 * static_cast<long long>(index(0));
  for (int axis = 0; axis < 3; ++axis) components[axis] = DoubleSimd(first[axis]);
  for (int i = 1; i < native_width; ++i) {
    const double* point = points + 3 * static_cast<long long>(index(i));
    for (int axis = 0; axis < 3; ++axis) components[axis].set(i, point[axis]);
  }
#endif
}

/// Every other lane of a and b, group by group of four, in pairs: a_0 b_0 a_1 b_1 or, of the upper half,
/// a_2 b_2 a_3 b_3. `size` numbers at a time, 1 or 2: a_0 a_1 b_0 b_1.
template <int size, int half, class V, int... i>
FORCESMITH_FUNCTION V interleave(V a, V b, Indices<i...>) {
  return __builtin_shufflevector(
      a.v, b.v, (i / size % 2 * V::width + i / 4 * 4 + 2 * half + i % 4 / (2 * size) * size + i % size)...);
}

/// a - b modulo 2^32, between -2^31 and 2^31, as floats.
template <int width>
FORCESMITH_FUNCTION Simd<float, width> simd_difference(Simd<int, width> a, int b) {
  using Unsigned = typename VectorOf<unsigned, width>::Type;  // these may overflow
  const auto difference = (Unsigned)a.v - (Unsigned)Simd<int, width>(b).v;
  return __builtin_convertvector((typename Simd<int, width>::Vector)difference, typename Simd<float, width>::Vector);
}
FORCESMITH_FUNCTION Simd<float, 1> simd_difference(Simd<int, 1> a, int b) {
  return static_cast<float>(static_cast<int>(static_cast<unsigned>(a.v) - static_cast<unsigned>(b)));
}

/// The rows [..][4] number index(i) in lane i, column by column.
template <class Index>
FORCESMITH_FUNCTION void simd_gather_rows(const int* rows, const Index& index, Simd<int, 1>* columns) {
  for (int k = 0; k < 4; ++k) columns[k] = rows[4 * static_cast<long long>(index(0)) + k];
}
template <int width, class Index>
FORCESMITH_FUNCTION void simd_gather_rows(const int* rows, const Index& index, Simd<int, width>* columns) {
  using V = Simd<int, width>;
  const auto address = [&](int i) FORCESMITH_INLINE_LAMBDA {
    return reinterpret_cast<const VectorOf<int, 4>::Type*>(rows + 4 * static_cast<long long>(index(i)));
  };
  V every_fourth[4];  // rows i, i + 4, ..
  for (int i = 0; i < 4; ++i) {
#if defined(__AVX512F__)
    const auto row = [&](int k) FORCESMITH_INLINE_LAMBDA { return (__m128i)*address(i + 4 * k); };
    __m512i four = _mm512_maskz_broadcast_i32x4(0xffff, row(0));  // without a mask gcc sees uninitialised lanes
    four = _mm512_mask_broadcast_i32x4(four, 0x00f0, row(1));
    four = _mm512_mask_broadcast_i32x4(four, 0x0f00, row(2));
    every_fourth[i] = (typename V::Vector)_mm512_mask_broadcast_i32x4(four, 0xf000, row(3));
#elif defined(__AVX2__)
    every_fourth[i] = __builtin_shufflevector(*address(i), *address(i + 4), 0, 1, 2, 3, 4, 5, 6, 7);
#else
    every_fourth[i] = *address(i);
#endif
  }
  const typename IndicesUpTo<width>::Type all{};
  const V xy_01 = interleave<1, 0>(every_fourth[0], every_fourth[1], all);
  const V xy_23 = interleave<1, 0>(every_fourth[2], every_fourth[3], all);
  const V zw_01 = interleave<1, 1>(every_fourth[0], every_fourth[1], all);
  const V zw_23 = interleave<1, 1>(every_fourth[2], every_fourth[3], all);
  columns[0] = interleave<2, 0>(xy_01, xy_23, all);
  columns[1] = interleave<2, 1>(xy_01, xy_23, all);
  columns[2] = interleave<2, 0>(zw_01, zw_23, all);
  columns[3] = interleave<2, 1>(zw_01, zw_23, all);
}

}  // namespace forcesmith::FORCESMITH_ISA
