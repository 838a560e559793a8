// Gaussians of the distance, summed over the neighbors of every element: with the cutoff R and s_k = R k / n,
//   B_(e,k) = sum_(j of element e) g_k(r_ij),  g_k(r) = exp(-(n/R)^2 (r - s_k)^2) (1 + cos(pi r/R)) / 2
// Written once for all processors (see simd/simd.hpp); lanes run over neighbors of one element.
#pragma once

#include <cstddef>

#include "descriptors/kernel_variants.hpp"
#include "math/cutoff_functions.hpp"
#include "simd/exponential.hpp"

namespace forcesmith::radial_gaussians {

/// Real: the precision of the kernels.
template <class Real>
struct Tables {
  int n_elements, n_gaussians;
  Real cutoff, eta;     // angstrom, 1/angstrom^2
  const Real* centers;  // [n_gaussians] angstrom
};

/// The list of arrays, see core/table_arrays.hpp.
template <class From, class To, class Visit>
void for_each_array(const Tables<From>& from, Tables<To>& to, const Visit& visit) {
  visit("centers", from.centers, to.centers, from.n_gaussians);
}

template <class Real>
using Scratch = NoScratch<Real>;

}  // namespace forcesmith::radial_gaussians

namespace forcesmith::radial_gaussians::FORCESMITH_ISA {

using namespace forcesmith::FORCESMITH_ISA;

/// g_k and dg_k/dr.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_gaussian(const Tables<Real>& t, int k, V r, V& g, V& dg) {
  constexpr double pi = 3.14159265358979323846;
  V fc, dfc;
  cosine_cutoff(r / V(t.cutoff), V(Real(-0.5 * pi) / t.cutoff), fc, dfc);
  const V d = r - V(t.centers[k]), gaussian = simd_exp(V(-t.eta) * d * d);
  g = gaussian * fc;
  dg = gaussian * (dfc - V(Real(2.0) * t.eta) * d * fc);
}

/// The verbs, as variants and launches call them.
struct Kernels {
  template <class Real>
  using Tables = radial_gaussians::Tables<Real>;
  template <class Real>
  using Scratch = radial_gaussians::Scratch<Real>;

  /// values: [n_atoms][stride].
  template <class V, class Real>
  static FORCESMITH_FUNCTION void compute_values(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                 const Scratch<Real>&, double* values, int stride) {
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      double* B = values + static_cast<std::ptrdiff_t>(atom) * stride;
      for (int k = 0; k < t.n_elements * t.n_gaussians; ++k) B[k * V::threads] = 0.0;
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const int first = neighbors.pack_types[pack * V::threads] * t.n_gaussians;
        const V r = simd_load<V>(neighbors.r + pack * V::stride);
        for (int k = 0; k < t.n_gaussians; ++k) {
          V g, dg;
          compute_gaussian(t, k, r, g, dg);
          B[(first + k) * V::threads] += lane_sum(g);
        }
      }
    }
  }

  /// Sets dE_i/dr_ij = sum_k beta_k dB_k/dr_ij, pair_gradients [n_packs][3][width]; beta: [n_atoms][stride].
  template <class V, class Real>
  static FORCESMITH_FUNCTION void reverse_values(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                 const Scratch<Real>&, const double* beta, int stride,
                                                 Real* pair_gradients) {
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const double* own = beta + static_cast<std::ptrdiff_t>(atom) * stride;
        const int at = pack * V::stride, first = neighbors.pack_types[pack * V::threads] * t.n_gaussians;
        V slope(0.0);
        for (int k = 0; k < t.n_gaussians; ++k) {
          V g, dg;
          compute_gaussian(t, k, simd_load<V>(neighbors.r + at), g, dg);
          slope += V(own[(first + k) * V::threads]) * dg;
        }
        simd_store(pair_gradients + 3 * at, slope * simd_load<V>(neighbors.x + at));
        simd_store(pair_gradients + 3 * at + V::stride, slope * simd_load<V>(neighbors.y + at));
        simd_store(pair_gradients + 3 * at + 2 * V::stride, slope * simd_load<V>(neighbors.z + at));
      }
  }
};

}  // namespace forcesmith::radial_gaussians::FORCESMITH_ISA

FORCESMITH_DECLARE_KERNEL_VARIANTS(radial_gaussians);
