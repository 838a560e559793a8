// Kernels of the bispectrum descriptor, written once for all processors (see simd/simd.hpp).
//
// A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015) ("SNAP"); explicit multi-element form: M. A.
// Cusentino, M. A. Wood, A. P. Thompson, J. Phys. Chem. A 124, 5456 (2020). Conventions of LAMMPS'
// ML-SNAP; VMK: D. A. Varshalovich et al., Quantum Theory of Angular Momentum (1988).
//   U^j = u^j(self) + sum_neighbors w s(r) u^j(a, b)             density on the 3-sphere
//   Z^j_{j1 j2} = sum C C u^{j1} u^{j2}                          coupled products
//   B_{j1 j2 j} = Re(conj(U^j) . Z^j_{j1 j2})
// Lanes run over neighbors of one element for u and pair gradients, and over the atoms of a block for Z
// and B. Lengths in angstrom.
//
// Verbs: compute_values, then any of reverse_values (MD), compute_tangent (training), compute_gradients
// (design matrix), on the same block and scratch.
#pragma once

#include "core/phase.hpp"
#include "descriptors/bispectrum/rows.hpp"
#include "descriptors/bispectrum/tables.hpp"
#include "descriptors/kernel_variants.hpp"
#include "math/complex.hpp"
#include "math/cutoff_functions.hpp"
#include "neighbors/packed_view.hpp"
#include "simd/part.hpp"
#include "simd/sums.hpp"
#include "simd/trigonometry.hpp"

namespace forcesmith::bispectrum::FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

/// One pack of neighbors on the 3-sphere, with derivatives.
template <class V>
struct Pack {
  V n[3], r;               // unit vector and distance
  V sine, cosine, dtheta;  // of theta0(r), and dtheta0/dr
  Complex<V> a, b;         // Cayley-Klein parameters, VMK 1.4.3
  V weight, dweight;       // w s(r) and its derivative with r

  template <class Real>
  FORCESMITH_FUNCTION Pack(const Tables<Real>& t, const PackedViewOf<Real>& neighbors, int center, int pack) {
    const int at = pack * V::stride, element = neighbors.pack_types[pack * V::threads];
    const int pair = center * t.n_elements + element;
    n[0] = simd_load<V>(neighbors.x + at);
    n[1] = simd_load<V>(neighbors.y + at);
    n[2] = simd_load<V>(neighbors.z + at);
    r = simd_load<V>(neighbors.r + at);
    constexpr double pi = 3.14159265358979323846;
    const Real cutoff = t.cutoffs[pair], slope = t.rfac0 * Real(pi) / (cutoff - t.rmin0);
    dtheta = V(slope);
    const V theta = (r - V(t.rmin0)) * dtheta;
    // LAMMPS takes the positive root r0 = r / |sin theta0|: below rmin0, a and b change their signs.
    simd_sin_cos(simd_if_less(theta, V(0.0), theta + V(pi), theta), sine, cosine);
    a = {cosine, -n[2] * sine};
    b = {n[1] * sine, -n[0] * sine};
    compute_weight(t, cutoff, pair, t.weights[element]);
  }

  /// Derivatives of a and b when the neighbors move: r_dot along r, n_dot of the unit vector.
  FORCESMITH_FUNCTION void move(V r_dot, const V* n_dot, Complex<V>& a_dot, Complex<V>& b_dot) const {
    const V theta_dot = dtheta * r_dot;
    const V sine_dot = cosine * theta_dot, cosine_dot = -sine * theta_dot;
    a_dot = {cosine_dot, -n_dot[2] * sine - n[2] * sine_dot};
    b_dot = {n_dot[1] * sine + n[1] * sine_dot, -n_dot[0] * sine - n[0] * sine_dot};
  }

 private:
  template <class Real>
  FORCESMITH_FUNCTION void compute_weight(const Tables<Real>& t, Real cutoff, int pair, Real element_weight) {
    constexpr double pi = 3.14159265358979323846;
    const V zero(0.0), one(1.0);
    if (t.switchflag) {
      // 1 up to rmin0, then down to 0 at the cutoff; the slope vanishes at both ends.
      const Real width = cutoff - t.rmin0;  // the quotient is exactly 1 for padding
      const V x = simd_clamp((r - V(t.rmin0)) / V(width), zero, one);
      cosine_cutoff(x, V(Real(-0.5 * pi) / width), weight, dweight);
    } else {
      weight = simd_if_less(r, V(cutoff), one, zero);
      dweight = zero;
    }
    if (t.switchinnerflag) {
      // 0 below sinner - dinner, 1 above sinner + dinner.
      const Real inverse = Real(1.0) / t.dinner[pair];
      const V x = simd_clamp((r - V(t.sinner[pair])) * V(inverse), -one, one);
      V inner, dinner;
      sine_switch(x, V(Real(0.25 * pi) * inverse), inner, dinner);
      dweight = dweight * inner + weight * dinner;
      weight = weight * inner;
    }
    weight *= V(element_weight);
    dweight *= V(element_weight);
  }
};

/// The row of u^{j-1} from which row mb of u^j comes; the middle row of an even j comes from a row that is
/// not stored, but mirrors one that is.
struct Row {
  int first;  // element (j - 1, row, 0)
  int j;
  bool mirrored;

  template <class Real>
  FORCESMITH_FUNCTION Row(const Tables<Real>& t, int j_next, int mb)
      : first(t.half_begin[j_next - 1] + (2 * mb == j_next ? mb - 1 : mb) * j_next),
        j(j_next - 1),
        mirrored(2 * mb == j_next) {}
  template <class Array>
  FORCESMITH_FUNCTION auto load(Array u, int ma, int mb) const {
    using V = RegisterOf<Array>;
    if (!mirrored) return complex_load(u, first + ma);
    const Complex<V> p = complex_load(u, first + j - ma);
    return (ma + mb) % 2 == 0 ? Complex<V>{p.re, -p.im} : Complex<V>{-p.re, p.im};
  }
  /// Adds to the adjoint of what load() gives.
  template <class V>
  FORCESMITH_FUNCTION void add(Registers<V> u_bar, int ma, int mb, Complex<V> p) const {
    if (!mirrored) complex_add(u_bar, first + ma, p);
    else if ((ma + mb) % 2 == 0) complex_add(u_bar, first + j - ma, Complex<V>{p.re, -p.im});
    else complex_add(u_bar, first + j - ma, Complex<V>{-p.re, p.im});
  }
};

/// u^j for all j by recursion, VMK 4.8.2: u^j[mb][ma] from u^{j-1}[mb][ma] and u^{j-1}[mb][ma-1].
template <class V, class Real>
FORCESMITH_FUNCTION void compute_u(const Tables<Real>& t, Complex<V> a, Complex<V> b, Registers<V> u) {
  complex_store(u, 0, Complex<V>{V(1.0), V(0.0)});
  for (int j = 1; j <= t.twojmax; ++j)
    for (int mb = 0; 2 * mb <= j; ++mb) {
      const Row row(t, j, mb);
      const Real* roots = t.roots + 2 * (t.roots_begin[j] + mb * j);
      const int first = t.half_begin[j] + mb * (j + 1);
      Complex<V> carried{V(0.0), V(0.0)};
      for (int ma = 0; ma < j; ++ma) {
        const Complex<V> p = row.load(u, ma, mb);
        complex_store(u, first + ma, carried + V(roots[2 * ma]) * conjugate_times(a, p));
        carried = V(-roots[2 * ma + 1]) * conjugate_times(b, p);
      }
      complex_store(u, first + j, carried);
    }
}

/// Directional derivatives of u^j when a and b move with a_dot and b_dot.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_u_dot(const Tables<Real>& t, Complex<V> a, Complex<V> b, Complex<V> a_dot,
                                       Complex<V> b_dot, Registers<const V> u, Registers<V> u_dot) {
  complex_store(u_dot, 0, Complex<V>{V(0.0), V(0.0)});
  for (int j = 1; j <= t.twojmax; ++j)
    for (int mb = 0; 2 * mb <= j; ++mb) {
      const Row row(t, j, mb);
      const Real* roots = t.roots + 2 * (t.roots_begin[j] + mb * j);
      const int first = t.half_begin[j] + mb * (j + 1);
      Complex<V> carried{V(0.0), V(0.0)};
      for (int ma = 0; ma < j; ++ma) {
        const Complex<V> p = row.load(u, ma, mb), p_dot = row.load(u_dot, ma, mb);
        complex_store(u_dot, first + ma,
                      carried + V(roots[2 * ma]) * (conjugate_times(a, p_dot) + conjugate_times(a_dot, p)));
        carried = V(-roots[2 * ma + 1]) * (conjugate_times(b, p_dot) + conjugate_times(b_dot, p));
      }
      complex_store(u_dot, first + j, carried);
    }
}

/// Back through the recursion: u_bar is the adjoint of u (and is used up), a_bar and b_bar those of a, b.
template <class V, class Real>
FORCESMITH_FUNCTION void reverse_u(const Tables<Real>& t, Complex<V> a, Complex<V> b, Registers<const V> u,
                                   Registers<V> u_bar, Complex<V>& a_bar, Complex<V>& b_bar) {
  a_bar = b_bar = {V(0.0), V(0.0)};
  for (int j = t.twojmax; j > 0; --j)
    for (int mb = 0; 2 * mb <= j; ++mb) {
      const Row row(t, j, mb);
      const Real* roots = t.roots + 2 * (t.roots_begin[j] + mb * j);
      const int first = t.half_begin[j] + mb * (j + 1);
      for (int ma = 0; ma < j; ++ma) {
        const Complex<V> p = row.load(u, ma, mb);
        const Complex<V> kept = V(roots[2 * ma]) * complex_load(u_bar, first + ma);
        const Complex<V> shifted = V(-roots[2 * ma + 1]) * complex_load(u_bar, first + ma + 1);
        a_bar = a_bar + conjugate_times(kept, p);
        b_bar = b_bar + conjugate_times(shifted, p);
        row.add(u_bar, ma, mb, a * kept + b * shifted);
      }
    }
}

/// All rows of U^j from the stored ones.
template <class V, class Real>
FORCESMITH_FUNCTION void unfold(const Tables<Real>& t, Registers<const V> half, Registers<V> full) {
  for (int j = 0; j <= t.twojmax; ++j)
    for (int mb = 0; 2 * mb <= j; ++mb)
      for (int ma = 0; ma <= j; ++ma) {
        const Complex<V> value = complex_load(half, t.half_begin[j] + mb * (j + 1) + ma);
        if (2 * mb < j) {
          const V sign((ma + mb) % 2 == 0 ? 1.0 : -1.0);
          complex_store(full, t.full_begin[j] + (j - mb) * (j + 1) + j - ma,
                        Complex<V>{sign * value.re, -sign * value.im});
        }
        complex_store(full, t.full_begin[j] + mb * (j + 1) + ma, value);
      }
}

/// Z of one block: sum over m1 + m2 = m of Clebsch-Gordan coefficients times u^{j1} u^{j2}, for rows and
/// for columns.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_z(const Tables<Real>& t, const Block& block, Registers<const V> U_full,
                                   Registers<V> Z) {
  const int j1 = block.j1, j2 = block.j2, j = block.j;
  const auto u1 = U_full + 2 * (block.channel1 * t.n_full + t.full_begin[j1]);
  const auto u2 = U_full + 2 * (block.channel2 * t.n_full + t.full_begin[j2]);
  const Real* coupling = t.clebsch_gordan + block.coupling;
  const int sum = (j1 + j2 - j) / 2;  // m1 + m2 = m + sum, when each counts from 0
  auto z = Z + 2 * block.z;
  for (int mb = 0; 2 * mb <= j; ++mb) {
    const V multiplicity(2 * mb < j ? 2.0 : 1.0);
    for (int ma = 0; ma <= j; ++ma, z += 2) {
      const int first_b = mb + sum > j2 ? mb + sum - j2 : 0, last_b = mb + sum < j1 ? mb + sum : j1;
      const int first_a = ma + sum > j2 ? ma + sum - j2 : 0, last_a = ma + sum < j1 ? ma + sum : j1;
      Complex<V> of_block{V(0.0), V(0.0)};
      for (int mb1 = first_b; mb1 <= last_b; ++mb1) {
        const int mb2 = mb + sum - mb1;
        const auto row1 = u1 + 2 * mb1 * (j1 + 1);
        const auto row2 = u2 + 2 * mb2 * (j2 + 1);
        Complex<V> of_row{V(0.0), V(0.0)};
        for (int ma1 = first_a; ma1 <= last_a; ++ma1) {
          const int ma2 = ma + sum - ma1;
          of_row = of_row + V(coupling[ma1 * (j2 + 1) + ma2]) * complex_load(row1, ma1) * complex_load(row2, ma2);
        }
        of_block = of_block + V(coupling[mb1 * (j2 + 1) + mb2]) * of_row;
      }
      complex_store(z, 0, multiplicity * of_block);
    }
  }
}

/// Elements of u^j in half storage.
FORCESMITH_FUNCTION int half_size(int j) { return (j / 2 + 1) * (j + 1); }

/// The pack's gradient [3][width] from that with the distance and that with the unit vector.
template <class V, class Real>
FORCESMITH_FUNCTION void set_pair_gradients(const Pack<V>& p, V dr, const V* dn, Real* pair_gradients) {
  const V inverse_r = V(1.0) / p.r;
  const V radial = dr - (dn[0] * p.n[0] + dn[1] * p.n[1] + dn[2] * p.n[2]) * inverse_r;
  for (int axis = 0; axis < 3; ++axis)
    simd_store(pair_gradients + axis * V::stride, radial * p.n[axis] + dn[axis] * inverse_r);
}

/// The density to which a pack of neighbors belongs.
template <class V, class Real>
FORCESMITH_FUNCTION int channel_of(const Tables<Real>& t, const PackedViewOf<Real>& neighbors, int pack) {
  return t.n_channels > 1 ? neighbors.pack_types[pack * V::threads] : 0;
}

/// The pack's gradient from the adjoints of a and b, without the weight, and sum Y u.
template <class V, class Real>
FORCESMITH_FUNCTION void reverse_pack(const Pack<V>& p, Complex<V> a_bar, Complex<V> b_bar, V energy,
                                      Real* pair_gradients) {
  const V dtheta = p.cosine * (p.n[1] * b_bar.re - p.n[0] * b_bar.im - p.n[2] * a_bar.im) - p.sine * a_bar.re;
  const V scale = p.weight * p.sine;
  const V dn[3] = {-scale * b_bar.im, scale * b_bar.re, -scale * a_bar.im};
  set_pair_gradients(p, p.weight * p.dtheta * dtheta + p.dweight * energy, dn, pair_gradients);
}

/// u_dot, then the derivative of w s u, of one pack moving with r_dot and n_dot; u is computed too.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_density_dot(const Tables<Real>& t, const Pack<V>& p, V r_dot, const V* n_dot,
                                             Registers<V> u, Registers<V> u_dot) {
  Complex<V> a_dot, b_dot;
  p.move(r_dot, n_dot, a_dot, b_dot);
  compute_u(t, p.a, p.b, u);
  compute_u_dot(t, p.a, p.b, a_dot, b_dot, u, u_dot);
  const V weight_dot = p.dweight * r_dot;
  for (int i = 0; i < 2 * t.n_half; ++i) u_dot[i] = p.weight * u_dot[i] + weight_dot * u[i];
}

/// Adds w s(r) u of packs `pack` to end - 1 of an atom to sums over neighbors, one value per lane.
template <class V, class Real>
FORCESMITH_FUNCTION void add_densities(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                       const Scratch<Real>& s, int atom, int pack, int end) {
  const auto u = registers_at<V>(s.u), sums = registers_at<V>(s.sums);
  const int n = 2 * t.n_half, center = neighbors.center_types[atom];
  for (; pack < end; ++pack) {
    FORCESMITH_PHASE(radial);
    const Pack<V> p(t, neighbors, center, pack);
    FORCESMITH_PHASE(moments);
    compute_u(t, p.a, p.b, u);
    const auto sum = sums + channel_of<V>(t, neighbors, pack) * n;
    for (int i = 0; i < n; ++i) sum[i] += p.weight * u[i];
  }
}

/// Sets the sums to those of packs `pack` to end - 1 of a device's atom, with rows of up to max_row elements in
/// registers. Several packs of one density at once, as many as there are registers for, so that few sums are read.
template <int max_row, class V, class Real>
FORCESMITH_FUNCTION void sum_densities(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                       const Scratch<Real>& s, int pack, int end) {
  constexpr int at_once = (max_row <= 9 ? 2 : 1) * (simd_is_single<V> ? 2 : 1);
  // second: [ma][at_once] second row of a chain, up to ma = twojmax - 1; s.u and s.u_dot are long enough.
  const auto second = registers_at<V>(s.u), sums = registers_at<V>(s.sums);
  const int n = 2 * t.n_half, center = neighbors.center_types[0];
  const bool zeroed = t.n_channels > 1 || pack == end;
  if (zeroed)
    for (int i = 0; i < t.n_channels * n; ++i) sums[i] = V(0.0);
  for (bool adds = zeroed; pack < end; adds = true) {
    const int channel = channel_of<V>(t, neighbors, pack);
    Complex<V> a[at_once], b[at_once], rows[at_once][max_row];
    V weights[at_once];
    int count = 0;
    for (int k = 0; k < at_once; ++k) {
      const bool one_more = count == k && pack + k < end && channel_of<V>(t, neighbors, pack + k) == channel;
      count += one_more;
      const Pack<V> p(t, neighbors, center, one_more ? pack + k : pack);
      a[k] = p.a;
      b[k] = p.b;
      weights[k] = one_more ? p.weight : V(0.0);
    }
    pack += count;
    for (int mb = 0; 2 * mb <= t.twojmax; ++mb)
      unrolled<max_row>([&](auto level) FORCESMITH_INLINE_LAMBDA {
        constexpr int j = level.value;
        if (j < 2 * mb || j > t.twojmax) return;
        const auto sum = sums + channel * n + 2 * (t.half_begin[j] + mb * (j + 1));
        unrolled<at_once>([&](auto pack_index) FORCESMITH_INLINE_LAMBDA {
          constexpr int k = pack_index.value;
          if constexpr (j == 0) rows[k][0] = {weights[k], V(0.0)};
          else {
            if constexpr (j % 2 == 0)
              if (j == 2 * mb)
                unrolled<j>([&](auto ma) FORCESMITH_INLINE_LAMBDA {
                  rows[k][ma.value] = mirrored<j>(complex_load(second, (j - 1 - ma.value) * at_once + k), ma.value);
                });
            step_up<j>(t.roots + 2 * (t.roots_begin[j] + mb * j), a[k], b[k], rows[k]);
          }
        });
        unrolled<j + 1>([&](auto index) FORCESMITH_INLINE_LAMBDA {
          constexpr int ma = index.value;
          Complex<V> total = rows[0][ma];
          for (int k = 1; k < at_once; ++k) total = total + rows[k][ma];
          if (adds) total = total + complex_load(sum, ma);
          complex_store(sum, ma, total);
        });
        if constexpr (j % 2 == 1)
          if (j == 2 * mb + 1 && j < t.twojmax)
            unrolled<at_once*(j + 1)>([&](auto index) FORCESMITH_INLINE_LAMBDA {
              constexpr int i = index.value;
              complex_store(second, i, rows[i % at_once][i / at_once]);
            });
      });
  }
}

/// Adds the atom itself, at the pole of the sphere: the unit matrix.
template <class V, class Real>
FORCESMITH_FUNCTION void add_self(const Tables<Real>& t, const Scratch<Real>& s, int atom, int center) {
  for (int channel = 0; channel < t.n_channels; ++channel) {
    if (t.n_channels > 1 && channel != center && !t.wselfallflag) continue;
    for (int j = 0; j <= t.twojmax; ++j)
      for (int mb = 0; 2 * mb <= j; ++mb)
        s.U[2 * (channel * t.n_half + t.half_begin[j] + mb * (j + 2)) * V::stride + atom] += 1.0;
  }
}

/// B_k of a block, from U and Z.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_value(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                       const Scratch<Real>& s, int k, double* values, int stride) {
  const auto U = registers_at<V>(s.U), Z = registers_at<V>(s.Z);
  const Block& block = t.blocks[t.value_block[k]];
  const V value =
      complex_dot(U + 2 * (t.value_channel[k] * t.n_half + t.half_begin[block.j]), Z + 2 * block.z, half_size(block.j));
  for (int atom = 0; atom < neighbors.n_atoms; ++atom)
    values[(atom * stride + k) * V::threads] = value[atom] - t.shift[neighbors.center_types[atom] * t.n_values + k];
}

/// Elements of Y = dE/dU of a block: all or, where threads share the work, those of a part. They are zero before.
template <class V, class Real>
FORCESMITH_FUNCTION void add_projections(const Tables<Real>& t, const Scratch<Real>& s, int n_atoms, const double* beta,
                                         int stride, int first, int step) {
  const auto Y = registers_at<V>(s.Y), Z = registers_at<V>(s.Z);
  for (int index = 0; index < t.n_projections; ++index) {
    const Projection& projection = t.projections[index];
    const Block& block = t.blocks[projection.block];
    V coefficient(0.0);
    for (int entry = projection.begin; entry < projection.end; ++entry) {
      V of_value(0.0);
      for (int atom = 0; atom < n_atoms; ++atom)
        of_value.set(atom, beta[(atom * stride + t.entry_value[entry]) * V::threads]);
      coefficient += V(t.entry_factor[entry]) * of_value;
    }
    const auto z = Z + 2 * block.z;
    const auto y = Y + 2 * (projection.channel * t.n_half + t.half_begin[block.j]);
    for (int i = first; i < 2 * half_size(block.j); i += step) y[i] += coefficient * z[i];
  }
}

/// Sets dE_i/dr_ij of packs `pack` to end - 1 of an atom (lane `atom` of Y).
template <class V, class Real>
FORCESMITH_FUNCTION void reverse_densities(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                           const Scratch<Real>& s, int atom, int pack, int end, Real* pair_gradients) {
  const auto u = registers_at<V>(s.u), u_bar = registers_at<V>(s.u_dot);
  const int n = 2 * t.n_half, center = neighbors.center_types[atom];
  for (; pack < end; ++pack) {
    FORCESMITH_PHASE(radial);
    const Pack<V> p(t, neighbors, center, pack);
    FORCESMITH_PHASE(pair_gradients);
    compute_u(t, p.a, p.b, u);
    const Real* y = s.Y + channel_of<V>(t, neighbors, pack) * n * V::stride + atom;
    V energy(0.0);
    for (int i = 0; i < n; ++i) {
      u_bar[i] = V(y[i * V::stride]);
      energy += u_bar[i] * u[i];
    }
    Complex<V> a_bar, b_bar;
    reverse_u(t, p.a, p.b, u, u_bar, a_bar, b_bar);
    reverse_pack(p, a_bar, b_bar, energy, pair_gradients + 3 * pack * V::stride);
  }
}

/// The same for a device's atom, with rows of up to max_row elements in registers: chain by chain, the last first, up
/// and, with the adjoint, down again to the second row of the chain before. Every Y is read once.
template <int max_row, class V, class Real>
FORCESMITH_FUNCTION void reverse_densities(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                           const Scratch<Real>& s, int pack, int end, Real* pair_gradients) {
  const int n = 2 * t.n_half, center = neighbors.center_types[0], last = t.twojmax / 2;
  const Complex<V> zero{V(0.0), V(0.0)};
  for (; pack < end; ++pack) {
    const Pack<V> p(t, neighbors, center, pack);
    const auto Y = registers_at<V>(s.Y) + channel_of<V>(t, neighbors, pack) * n;
    V energy(0.0);
    Complex<V> a_bar = zero, b_bar = zero;
    Complex<V> row[max_row], row_bar[max_row];
    Complex<V> second_bar[max_row];  // adjoint of a chain's second row, from the chain after it
    unrolled<max_row>([&](auto ma) FORCESMITH_INLINE_LAMBDA { second_bar[ma.value] = zero; });
    const V inverse_norm = V(1.0) / (p.a.re * p.a.re + p.a.im * p.a.im + p.b.re * p.b.re + p.b.im * p.b.im);
    row[0] = {V(1.0), V(0.0)};
    unrolled<max_row>([&](auto level) FORCESMITH_INLINE_LAMBDA {  // to the first row of the last chain
      constexpr int j = level.value;
      if (j == 0 || j > 2 * last) return;
      if constexpr (j % 2 == 0) mirror<j>(row);
      step_up<j>(t.roots + 2 * (t.roots_begin[j] + j / 2 * j), p.a, p.b, row);
    });
    for (int mb = last; mb >= 0; --mb) {
      const int reached = mb == last ? 2 * mb : 2 * mb + 1;
      unrolled<max_row>([&](auto level) FORCESMITH_INLINE_LAMBDA {
        constexpr int j = level.value;
        if (j <= reached || j > t.twojmax) return;
        step_up<j>(t.roots + 2 * (t.roots_begin[j] + mb * j), p.a, p.b, row);
      });
      unrolled<max_row>([&](auto ma) FORCESMITH_INLINE_LAMBDA { row_bar[ma.value] = zero; });
      unrolled_backwards<max_row>([&](auto level) FORCESMITH_INLINE_LAMBDA {
        constexpr int j = level.value;
        if (j < 2 * mb || j > t.twojmax) return;
        if (j == 2 * mb + 1 && mb < last)
          unrolled<j + 1>([&](auto index) FORCESMITH_INLINE_LAMBDA {
            constexpr int ma = index.value;
            row_bar[ma] = row_bar[ma] + second_bar[ma];
          });
        const auto y = Y + 2 * (t.half_begin[j] + mb * (j + 1));
        unrolled<j + 1>([&](auto index) FORCESMITH_INLINE_LAMBDA {
          constexpr int ma = index.value;
          const Complex<V> of_element = complex_load(y, ma);
          energy += of_element.re * row[ma].re + of_element.im * row[ma].im;
          row_bar[ma] = row_bar[ma] + of_element;
        });
        step_down<j>(t.roots + 2 * (t.roots_begin[j] + mb * j), p.a, p.b, inverse_norm, row, row_bar, a_bar, b_bar);
        if constexpr (j % 2 == 0)
          if (j == 2 * mb) {
            mirror_back<j>(row);
            mirror_back<j>(row_bar);
            unrolled<j>([&](auto ma) FORCESMITH_INLINE_LAMBDA { second_bar[ma.value] = row_bar[ma.value]; });
          }
      });
    }
    reverse_pack(p, a_bar, b_bar, energy, pair_gradients + 3 * pack * V::stride);
  }
}

/// The verbs. max_row: on devices, elements of the longest row of u^j or more; 0: any number, in memory.
template <int max_row>
struct KernelsOf {
  static constexpr int blocks_at_once = max_row < 15 ? 2 : 1;  // see launch_parts()

  template <class Real>
  using Tables = bispectrum::Tables<Real>;
  template <class Real>
  using Scratch = bispectrum::Scratch<Real>;

  /// Descriptor values B of a block; keeps U and Z in the scratch. values: [n_atoms][stride].
  template <class V, class Real>
  static FORCESMITH_FUNCTION void compute_values(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                 const Scratch<Real>& s, double* values, int stride) {
    const int n = 2 * t.n_half;
    const auto sums = registers_at<V>(s.sums), U = registers_at<V>(s.U);
    const auto U_full = registers_at<V>(s.U_full), Z = registers_at<V>(s.Z);
    for (int i = 0; i < t.n_channels * n; ++i) U[i] = V(0.0);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      for (int i = 0; i < t.n_channels * n; ++i) sums[i] = V(0.0);
      add_densities<V>(t, neighbors, s, atom, neighbors.pack_offsets[atom], neighbors.pack_offsets[atom + 1]);
      store_lane_sums(sums, t.n_channels * n, s.U + atom, V::stride);
      add_self<V>(t, s, atom, neighbors.center_types[atom]);
    }
    FORCESMITH_PHASE(contraction);
    for (int channel = 0; channel < t.n_channels; ++channel)
      unfold<V>(t, U + channel * n, U_full + 2 * channel * t.n_full);
    for (int block = 0; block < t.n_blocks; ++block) compute_z<V>(t, t.blocks[block], U_full, Z);
    for (int k = 0; k < t.n_values; ++k) compute_value<V>(t, neighbors, s, k, values, stride);
  }

  /// The same for one atom in stages: densities of parts of the neighbors, of all, products, values.
  static constexpr bool values_shared[] = {true, true, false, true, true};
  template <class V, int stage, class Real>
  static FORCESMITH_FUNCTION void compute_values_stage(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                       const Scratch<Real>& s, Part part, double* values, int stride) {
    const int n = 2 * t.n_half, n_packs = neighbors.pack_offsets[1];
    const auto U = registers_at<V>(s.U), U_full = registers_at<V>(s.U_full);
    if constexpr (stage == 0) {
      const int begin = part.begin(n_packs), end = part.end(n_packs);
      if constexpr (max_row > 0) sum_densities<max_row, V>(t, neighbors, s, begin, end);
      else {
        const auto sums = registers_at<V>(s.sums);
        for (int i = 0; i < t.n_channels * n; ++i) sums[i] = V(0.0);
        add_densities<V>(t, neighbors, s, 0, begin, end);
      }
    } else if constexpr (stage == 1) {
      const auto of_part = static_cast<std::ptrdiff_t>(Scratch<Real>::part_size(t, 0, 1)) * V::stride;
      for (int i = part.index; i < t.n_channels * n; i += part.count) {
        V sum(0.0);
        for (int other = 0; other < part.count; ++other)
          sum += registers_at<V>(s.sums + (other - part.index) * of_part)[i];
        U[i] = sum;
      }
    } else if constexpr (stage == 2) {
      add_self<V>(t, s, 0, neighbors.center_types[0]);
      for (int channel = 0; channel < t.n_channels; ++channel)
        unfold<V>(t, U + channel * n, U_full + 2 * channel * t.n_full);
    } else if constexpr (stage == 3) {
      for (int block = part.index; block < t.n_blocks; block += part.count)
        compute_z<V>(t, t.blocks[block], U_full, registers_at<V>(s.Z));
    } else {
      for (int k = part.index; k < t.n_values; k += part.count) compute_value<V>(t, neighbors, s, k, values, stride);
    }
  }

  /// Sets dE_i/dr_ij = sum_k beta_k dB_k/dr_ij, pair_gradients [n_packs][3][width]; beta: [n_atoms][stride].
  template <class V, class Real>
  static FORCESMITH_FUNCTION void reverse_values(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                 const Scratch<Real>& s, const double* beta, int stride,
                                                 Real* pair_gradients) {
    FORCESMITH_PHASE(adjoint);
    const auto Y = registers_at<V>(s.Y);
    for (int i = 0; i < 2 * t.n_channels * t.n_half; ++i) Y[i] = V(0.0);
    add_projections<V>(t, s, neighbors.n_atoms, beta, stride, 0, 1);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      reverse_densities<V>(t, neighbors, s, atom, neighbors.pack_offsets[atom], neighbors.pack_offsets[atom + 1],
                           pair_gradients);
  }

  static constexpr bool reverse_shared[] = {true, true};
  template <class V, int stage, class Real>
  static FORCESMITH_FUNCTION void reverse_values_stage(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                       const Scratch<Real>& s, Part part, const double* beta,
                                                       int stride, Real* pair_gradients) {
    if constexpr (stage == 0) {
      const auto Y = registers_at<V>(s.Y);
      // Those that the part adds to: they are counted from the first of every channel and j.
      for (int channel = 0; channel < t.n_channels; ++channel)
        for (int j = 0; j <= t.twojmax; ++j)
          for (int i = part.index; i < 2 * half_size(j); i += part.count)
            Y[2 * (channel * t.n_half + t.half_begin[j]) + i] = V(0.0);
      add_projections<V>(t, s, 1, beta, stride, part.index, part.count);
    } else {
      const int n_packs = neighbors.pack_offsets[1], begin = part.begin(n_packs), end = part.end(n_packs);
      if constexpr (max_row > 0) reverse_densities<max_row, V>(t, neighbors, s, begin, end, pair_gradients);
      else reverse_densities<V>(t, neighbors, s, 0, begin, end, pair_gradients);
    }
  }

  /// Derivatives of the values along directions [n_pairs][3] of r_ij: values_dot [n_atoms][stride].
  /// After compute_values on the same block.
  template <class V, class Real>
  static FORCESMITH_FUNCTION void compute_tangent(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                  const Scratch<Real>& s, const double* directions, double* values_dot,
                                                  int stride) {
    const int n = 2 * t.n_half;
    const auto u = registers_at<V>(s.u);
    const auto u_dot = registers_at<V>(s.u_dot);
    const auto sums = registers_at<V>(s.sums);
    const auto U_dot = registers_at<V>(s.Y);
    const auto Z = registers_at<V>(s.Z);
    for (int i = 0; i < t.n_channels * n; ++i) U_dot[i] = V(0.0);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      const int center = neighbors.center_types[atom];
      for (int i = 0; i < t.n_channels * n; ++i) sums[i] = V(0.0);
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const Pack<V> p(t, neighbors, center, pack);
        V d[3] = {V(0.0), V(0.0), V(0.0)}, n_dot[3];
        const int* pairs = neighbors.pairs + pack * V::stride;
        for (int lane = 0; lane < V::width; ++lane)
          if (pairs[lane] >= 0)
            for (int axis = 0; axis < 3; ++axis) d[axis].set(lane, directions[3 * pairs[lane] + axis]);
        const V r_dot = p.n[0] * d[0] + p.n[1] * d[1] + p.n[2] * d[2];
        for (int axis = 0; axis < 3; ++axis) n_dot[axis] = (d[axis] - p.n[axis] * r_dot) / p.r;
        compute_density_dot(t, p, r_dot, n_dot, u, u_dot);
        const auto sum = sums + channel_of<V>(t, neighbors, pack) * n;
        for (int i = 0; i < n; ++i) sum[i] += u_dot[i];
      }
      store_lane_sums(sums, t.n_channels * n, s.Y + atom, V::stride);
    }
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      for (int k = 0; k < t.n_values; ++k) values_dot[(atom * stride + k) * V::threads] = 0.0;
    for (int index = 0; index < t.n_projections; ++index) {
      const Projection& projection = t.projections[index];
      const Block& block = t.blocks[projection.block];
      const V along =
          complex_dot(U_dot + projection.channel * n + 2 * t.half_begin[block.j], Z + 2 * block.z, half_size(block.j));
      for (int entry = projection.begin; entry < projection.end; ++entry)
        for (int atom = 0; atom < neighbors.n_atoms; ++atom)
          values_dot[(atom * stride + t.entry_value[entry]) * V::threads] += t.entry_factor[entry] * along[atom];
    }
  }

  /// Sets dB_k/dr_ij in gradients [n_pairs][3][stride] for pairs inside the cutoff. After compute_values.
  template <class V, class Real>
  static FORCESMITH_FUNCTION void compute_gradients(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                    const Scratch<Real>& s, double* gradients, int stride) {
    const auto u = registers_at<V>(s.u);
    const auto u_dot = registers_at<V>(s.u_dot);
    const auto dB = registers_at<V>(s.for_gradients);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      const int center = neighbors.center_types[atom];
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const Pack<V> p(t, neighbors, center, pack);
        const int channel = channel_of<V>(t, neighbors, pack);
        const V inverse_r = V(1.0) / p.r;
        for (int i = 0; i < 3 * t.n_values; ++i) dB[i] = V(0.0);
        for (int axis = 0; axis < 3; ++axis) {
          const V r_dot = p.n[axis];
          V n_dot[3];
          for (int other = 0; other < 3; ++other)
            n_dot[other] = (V(other == axis ? 1.0 : 0.0) - p.n[other] * r_dot) * inverse_r;
          compute_density_dot(t, p, r_dot, n_dot, u, u_dot);
          for (int index = 0; index < t.n_projections; ++index) {
            const Projection& projection = t.projections[index];
            if (projection.channel != channel) continue;
            const Block& block = t.blocks[projection.block];
            const Real* z = s.Z + 2 * block.z * V::stride + atom;
            const auto du = u_dot + 2 * t.half_begin[block.j];
            V along(0.0), along_odd(0.0);
            for (int i = 0; i < 2 * half_size(block.j); i += 2) {
              along += V(z[i * V::stride]) * du[i];
              along_odd += V(z[(i + 1) * V::stride]) * du[i + 1];
            }
            along += along_odd;
            for (int entry = projection.begin; entry < projection.end; ++entry)
              dB[axis * t.n_values + t.entry_value[entry]] += V(t.entry_factor[entry]) * along;
          }
        }
        const int* pairs = neighbors.pairs + pack * V::stride;
        for (int lane = 0; lane < V::width; ++lane) {
          if (pairs[lane] < 0) continue;
          for (int axis = 0; axis < 3; ++axis) {
            double* row = gradients + (3 * static_cast<std::ptrdiff_t>(pairs[lane]) + axis) * stride;
            for (int k = 0; k < t.n_values; ++k) row[k] = dB[axis * t.n_values + k][lane];
          }
        }
      }
    }
  }
};

/// The verbs as variants call them.
struct Kernels : KernelsOf<0> {
  /// Calls run(kernels) with those that launches use for the tables.
  template <class Real, class Run>
  static FORCESMITH_HOST_FUNCTION void with_shape(const Tables<Real>& t, const Run& run) {
    if (t.twojmax < 9) run(KernelsOf<9>{});
    else if (t.twojmax < 15) run(KernelsOf<15>{});
    else run(KernelsOf<0>{});
  }
};

}  // namespace forcesmith::bispectrum::FORCESMITH_ISA

FORCESMITH_DECLARE_KERNEL_VARIANTS(bispectrum);
