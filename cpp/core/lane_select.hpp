// Lanes that a comparison selects, and lanes filled from or stored to places that are not consecutive. For code
// that sorts neighbors: Lane<double, native_width> (and integers as wide) only.
//
// A selection is a number with one bit per lane, the lowest for lane 0.
#pragma once

#include "core/lane.hpp"

#if defined(__AVX2__)
#include <immintrin.h>  // functions that are always inlined, so that no wide copy of them can be shared
#endif

namespace forcesmith::FORCESMITH_ISA {

using DoubleLane = Lane<double, native_width>;
using IntLane = Lane<int, native_width>;

/// The lanes where a < b.
FORCESMITH_FUNCTION unsigned lanes_less(DoubleLane a, DoubleLane b) {
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

/// The lanes where a < b.
FORCESMITH_FUNCTION unsigned lanes_less(IntLane a, int b) {
#if defined(__AVX512F__)
  return _mm256_cmplt_epi32_mask((__m256i)a.v, _mm256_set1_epi32(b));
#elif defined(__AVX2__)
  return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(_mm_cmplt_epi32((__m128i)a.v, _mm_set1_epi32(b)))));
#else
  unsigned lanes = 0;
  for (int i = 0; i < native_width; ++i) lanes |= static_cast<unsigned>(a[i] < b) << i;
  return lanes;
#endif
}

/// The lanes where a == b.
FORCESMITH_FUNCTION unsigned lanes_equal(IntLane a, int b) {
#if defined(__AVX512F__)
  return _mm256_cmpeq_epi32_mask((__m256i)a.v, _mm256_set1_epi32(b));
#elif defined(__AVX2__)
  return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32((__m128i)a.v, _mm_set1_epi32(b)))));
#else
  unsigned lanes = 0;
  for (int i = 0; i < native_width; ++i) lanes |= static_cast<unsigned>(a[i] == b) << i;
  return lanes;
#endif
}

FORCESMITH_FUNCTION int count_lanes(unsigned lanes) {
  // Not every processor counts bits.
  if constexpr (native_width <= 2) return static_cast<int>((lanes & 1) + (lanes >> 1));
  return __builtin_popcount(lanes);
}

/// The first `count` lanes from memory, where nothing beyond them is read; the others are 0.
FORCESMITH_FUNCTION DoubleLane lane_load_first(const double* address, int count) {
#if defined(__AVX512F__)
  return (DoubleLane::Vector)_mm512_maskz_loadu_pd((1u << count) - 1, address);
#elif defined(__AVX2__)
  const __m256i first = _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
  return (DoubleLane::Vector)_mm256_maskload_pd(address, first);
#else
  DoubleLane lane(0.0);
  for (int i = 0; i < count; ++i) lane.set(i, address[i]);
  return lane;
#endif
}
FORCESMITH_FUNCTION IntLane lane_load_first(const int* address, int count) {
#if defined(__AVX512F__)
  return (IntLane::Vector)_mm256_maskz_loadu_epi32((1u << count) - 1, address);
#elif defined(__AVX2__)
  const __m128i first = _mm_cmpgt_epi32(_mm_set1_epi32(count), _mm_setr_epi32(0, 1, 2, 3));
  return (IntLane::Vector)_mm_maskload_epi32(address, first);
#else
  IntLane lane(0);
  for (int i = 0; i < count; ++i) lane.set(i, address[i]);
  return lane;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/// For every selection of four lanes, the positions in a vector of four that bring them to the front, as
/// positions of single-precision numbers.
alignas(32) inline constexpr int front_of_doubles[16][8] = {
    {0, 1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7}, {2, 3, 0, 1, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
    {4, 5, 0, 1, 2, 3, 6, 7}, {0, 1, 4, 5, 2, 3, 6, 7}, {2, 3, 4, 5, 0, 1, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
    {6, 7, 0, 1, 2, 3, 4, 5}, {0, 1, 6, 7, 2, 3, 4, 5}, {2, 3, 6, 7, 0, 1, 4, 5}, {0, 1, 2, 3, 6, 7, 4, 5},
    {4, 5, 6, 7, 0, 1, 2, 3}, {0, 1, 4, 5, 6, 7, 2, 3}, {2, 3, 4, 5, 6, 7, 0, 1}, {0, 1, 2, 3, 4, 5, 6, 7}};
alignas(16) inline constexpr int front_of_ints[16][4] = {
    {0, 1, 2, 3}, {0, 1, 2, 3}, {1, 0, 2, 3}, {0, 1, 2, 3}, {2, 0, 1, 3}, {0, 2, 1, 3}, {1, 2, 0, 3}, {0, 1, 2, 3},
    {3, 0, 1, 2}, {0, 3, 1, 2}, {1, 3, 0, 2}, {0, 1, 3, 2}, {2, 3, 0, 1}, {0, 2, 3, 1}, {1, 2, 3, 0}, {0, 1, 2, 3}};
#endif

/// Stores the selected lanes one after the other. The memory of as many numbers as there are lanes is
/// overwritten.
FORCESMITH_FUNCTION void store_selected(double* address, DoubleLane lane, unsigned lanes) {
#if defined(__AVX512F__)
  _mm512_storeu_pd(address, _mm512_maskz_compress_pd(lanes, (__m512d)lane.v));
#elif defined(__AVX2__)
  const __m256i front = _mm256_load_si256(reinterpret_cast<const __m256i*>(front_of_doubles[lanes]));
  _mm256_storeu_ps(reinterpret_cast<float*>(address),
                   _mm256_permutevar8x32_ps(_mm256_castpd_ps((__m256d)lane.v), front));
#else
  for (int i = 0; i < native_width; address += lanes >> i++ & 1) *address = lane[i];
#endif
}
/// The same, rounded to single precision.
FORCESMITH_FUNCTION void store_selected(float* address, DoubleLane lane, unsigned lanes) {
#if defined(__AVX512F__)
  const auto rounded = __builtin_convertvector(lane.v, VectorOf<float, 8>::Type);
  _mm256_storeu_ps(address, _mm256_maskz_compress_ps(lanes, (__m256)rounded));
#elif defined(__AVX2__)
  const __m128i front = _mm_load_si128(reinterpret_cast<const __m128i*>(front_of_ints[lanes]));
  _mm_storeu_ps(address, _mm_permutevar_ps(_mm256_cvtpd_ps((__m256d)lane.v), front));
#else
  for (int i = 0; i < native_width; address += lanes >> i++ & 1) *address = static_cast<float>(lane[i]);
#endif
}
FORCESMITH_FUNCTION void store_selected(int* address, IntLane lane, unsigned lanes) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(address), _mm256_maskz_compress_epi32(lanes, (__m256i)lane.v));
#elif defined(__AVX2__)
  const __m128i front = _mm_load_si128(reinterpret_cast<const __m128i*>(front_of_ints[lanes]));
  _mm_storeu_ps(reinterpret_cast<float*>(address), _mm_permutevar_ps(_mm_castsi128_ps((__m128i)lane.v), front));
#else
  for (int i = 0; i < native_width; address += lanes >> i++ & 1) *address = lane[i];
#endif
}

/// The lanes of a and b by turns, to 2 width numbers: a_0, b_0, a_1, b_1, ..
FORCESMITH_FUNCTION void store_by_turns(double* address, DoubleLane a, DoubleLane b) {
#if defined(__AVX512F__)
  lane_store_unaligned<DoubleLane>(address, __builtin_shufflevector(a.v, b.v, 0, 8, 1, 9, 2, 10, 3, 11));
  lane_store_unaligned<DoubleLane>(address + 8, __builtin_shufflevector(a.v, b.v, 4, 12, 5, 13, 6, 14, 7, 15));
#else
  for (int i = 0; i < native_width; ++i) {
    address[2 * i] = a[i];
    address[2 * i + 1] = b[i];
  }
#endif
}

/// first, first + 1, ..
FORCESMITH_FUNCTION IntLane lane_count_from(int first) {
  IntLane lane(first);
  for (int i = 1; i < native_width; ++i) lane.set(i, first + i);
  return lane;
}

/// values[index(i)] in lane i.
template <class Index>
FORCESMITH_FUNCTION IntLane lane_gather(const int* values, const Index& index) {
  IntLane lane(0);
  for (int i = 0; i < native_width; ++i) lane.set(i, values[index(i)]);
  return lane;
}

/// The points [..][3] number index(i) in lane i, component by component.
template <class Index>
FORCESMITH_FUNCTION void lane_gather_points(const double* points, const Index& index, DoubleLane* components) {
#if defined(__AVX512F__)
  // Point by point, then transposed: quicker than gathering numbers. What a mask leaves out is not read.
  const auto point = [&](int i) FORCESMITH_INLINE_LAMBDA {
    return _mm256_maskz_loadu_pd(7, points + 3 * static_cast<long long>(index(i)));
  };
  DoubleLane::Vector two[4];  // points i and i + 4; without a mask gcc sees uninitialised lanes
  for (int i = 0; i < 4; ++i)
    two[i] = (DoubleLane::Vector)_mm512_maskz_insertf64x4(0xff, _mm512_castpd256_pd512(point(i)), point(i + 4), 1);
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
    return (DoubleLane::Vector)_mm256_maskload_pd(points + 3 * static_cast<long long>(index(i)), three);
  };
  const auto p0 = point(0), p1 = point(1), p2 = point(2), p3 = point(3);
  const auto xz_01 = __builtin_shufflevector(p0, p1, 0, 4, 2, 6), y_01 = __builtin_shufflevector(p0, p1, 1, 5, 3, 7);
  const auto xz_23 = __builtin_shufflevector(p2, p3, 0, 4, 2, 6), y_23 = __builtin_shufflevector(p2, p3, 1, 5, 3, 7);
  components[0] = __builtin_shufflevector(xz_01, xz_23, 0, 1, 4, 5);
  components[1] = __builtin_shufflevector(y_01, y_23, 0, 1, 4, 5);
  components[2] = __builtin_shufflevector(xz_01, xz_23, 2, 3, 6, 7);
#else
  const double* first = points + 3 * static_cast<long long>(index(0));
  for (int axis = 0; axis < 3; ++axis) components[axis] = DoubleLane(first[axis]);
  for (int i = 1; i < native_width; ++i) {
    const double* point = points + 3 * static_cast<long long>(index(i));
    for (int axis = 0; axis < 3; ++axis) components[axis].set(i, point[axis]);
  }
#endif
}

}  // namespace forcesmith::FORCESMITH_ISA
