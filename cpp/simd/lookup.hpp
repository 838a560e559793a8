// Numbers that each lane looks up with an index of its own in a row that all lanes share.
#pragma once

#include "simd/simd.hpp"

#if defined(__AVX2__)
#include <immintrin.h>  // functions that are always inlined, so that no wide copy of them can be shared
#endif

namespace forcesmith::FORCESMITH_ISA {

/// row[index] in each lane.
template <class V>
class LaneLookup {
 public:
  /// Of lane i, indices[first + i].
  FORCESMITH_FUNCTION LaneLookup(const int* indices, int first) : indices_(indices + first) {}
  FORCESMITH_FUNCTION V operator()(const typename V::Number* row) const {
    V found(row[indices_[0]]);
    for (int i = 1; i < V::width; ++i) found.set(i, row[indices_[i]]);
    return found;
  }

 private:
  const int* indices_;
};

/// The same for indices below the width, in rows of a whole register.
template <class V>
class RegisterLookup : public LaneLookup<V> {
 public:
  using LaneLookup<V>::LaneLookup;
};

#if defined(__AVX512F__)
template <>
class RegisterLookup<Simd<double, 8>> {
 public:
  FORCESMITH_FUNCTION RegisterLookup(const int* indices, int first) {
    const auto narrow = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(indices + first));
    indices_ = _mm512_maskz_cvtepi32_epi64(0xff, narrow);
  }
  FORCESMITH_FUNCTION Simd<double, 8> operator()(const double* row) const {
    return (Simd<double, 8>::Vector)_mm512_maskz_permutexvar_pd(0xff, indices_, _mm512_loadu_pd(row));
  }

 private:
  __m512i indices_;
};
template <>
class RegisterLookup<Simd<float, 16>> {
 public:
  FORCESMITH_FUNCTION RegisterLookup(const int* indices, int first) : indices_(_mm512_loadu_si512(indices + first)) {}
  FORCESMITH_FUNCTION Simd<float, 16> operator()(const float* row) const {
    return (Simd<float, 16>::Vector)_mm512_maskz_permutexvar_ps(0xffff, indices_, _mm512_loadu_ps(row));
  }

 private:
  __m512i indices_;
};
#elif defined(__AVX2__)
template <>
class RegisterLookup<Simd<double, 4>> {
 public:
  FORCESMITH_FUNCTION RegisterLookup(const int* indices, int first) {
    const __m256i doubles = _mm256_cvtepi32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(indices + first)));
    const __m256i twice = _mm256_slli_epi64(doubles, 1);  // indices of halves, one above the other
    halves_ = _mm256_or_si256(twice, _mm256_slli_epi64(_mm256_add_epi64(twice, _mm256_set1_epi64x(1)), 32));
  }
  FORCESMITH_FUNCTION Simd<double, 4> operator()(const double* row) const {
    const __m256 halves = (__m256)_mm256_loadu_pd(row);
    return (Simd<double, 4>::Vector)_mm256_permutevar8x32_ps(halves, halves_);
  }

 private:
  __m256i halves_;
};
template <>
class RegisterLookup<Simd<float, 8>> {
 public:
  FORCESMITH_FUNCTION RegisterLookup(const int* indices, int first)
      : indices_(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(indices + first))) {}
  FORCESMITH_FUNCTION Simd<float, 8> operator()(const float* row) const {
    return (Simd<float, 8>::Vector)_mm256_permutevar8x32_ps(_mm256_loadu_ps(row), indices_);
  }

 private:
  __m256i indices_;
};
#endif

}  // namespace forcesmith::FORCESMITH_ISA
