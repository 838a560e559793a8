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

  Pack() = default;
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

/// A and B of a pack, with their powers A^K, K <= twojmax, and B^L, -twojmax <= L <= twojmax, in memory.
template <class V>
struct Powers {
  Complex<V> A, B;
  V z;
  Registers<V> of_A, of_B;

  /// place: of 3 twojmax + 2 complex numbers.
  FORCESMITH_FUNCTION Powers(const Pack<V>& p, int twojmax, Registers<V> place)
      : A{p.a.re, -p.a.im},
        B{-p.b.re, p.b.im},
        z(p.a.re * p.a.re + p.a.im * p.a.im - p.b.re * p.b.re - p.b.im * p.b.im),
        of_A(place),
        of_B(place + 2 * (2 * twojmax + 1)) {
    avoid_zero(A);
    avoid_zero(B);
    Complex<V> a{V(1.0), V(0.0)}, b = a;
    for (int k = 0; k <= twojmax; ++k) {
      complex_store(of_A, k, a);
      complex_store(of_B, k, b);
      complex_store(of_B, -k, Complex<V>{b.re, -b.im});
      a = a * A;
      b = b * B;
    }
  }

  FORCESMITH_FUNCTION Complex<V> product(const PowerProduct& of) const {
    return complex_load(of_A, of.K) * complex_load(of_B, of.L);
  }

 private:
  /// Derivatives are divided by A and B. What is less than this is rounding.
  FORCESMITH_FUNCTION static void avoid_zero(Complex<V>& x) {
    const V square = x.re * x.re + x.im * x.im, smallest(1e-15);
    x.re = simd_if_less(square, smallest * smallest, smallest, x.re);
  }
};

/// y / x
template <class V>
FORCESMITH_FUNCTION Complex<V> quotient(Complex<V> y, Complex<V> x) {
  return (V(1.0) / (x.re * x.re + x.im * x.im)) * conjugate_times(x, y);
}

/// Calls use(Index<n>, power product) for each of them; n: its polynomials.
template <int most, class Real, class Use>
FORCESMITH_FUNCTION void for_each_power_product(const Tables<Real>& t, const Use& use) {
  if constexpr (most > 0) {
    const int place = t.twojmax / 2 + 1 - most;
    if (place >= 0)
      for (int i = place > 0 ? t.power_products_end[place - 1] : 0; i < t.power_products_end[place]; ++i)
        use(Index<most>{}, t.power_products[i]);
    for_each_power_product<most - 1>(t, use);
  }
}
inline constexpr int most_polynomials = 11;  // of twojmax 20

/// Adds the polynomials of `count` packs times their weights to sums.
template <int count, class V, class Real>
FORCESMITH_FUNCTION void add_polynomials(const Tables<Real>& t, const PackedViewOf<Real>& neighbors, int center,
                                         int pack, Registers<V> place, Registers<V> sums) {
  V z[count];
  Registers<V> of_A[count], of_B[count];
  for (int k = 0; k < count; ++k) {
    FORCESMITH_PHASE(radial);
    const Pack<V> p(t, neighbors, center, pack + k);
    const Powers<V> powers(p, t.twojmax, place + 2 * (3 * t.twojmax + 2) * k);
    for (int K = 0; K <= t.twojmax; ++K) complex_store(powers.of_A, K, p.weight * complex_load(powers.of_A, K));
    z[k] = powers.z;
    of_A[k] = powers.of_A;
    of_B[k] = powers.of_B;
  }
  FORCESMITH_PHASE(moments);
  for_each_power_product<most_polynomials>(t, [&](auto n, const PowerProduct& of) FORCESMITH_INLINE_LAMBDA {
    Complex<V> term[count];
    for (int k = 0; k < count; ++k) term[k] = complex_load(of_A[k], of.K) * complex_load(of_B[k], of.L);
    const auto sum = sums + 2 * of.first;
    unrolled<n.value>([&](auto power) FORCESMITH_INLINE_LAMBDA {
      constexpr int p = power.value;
      Complex<V> total = complex_load(sum, p) + term[0];
      for (int k = 1; k < count; ++k) total = total + term[k];
      complex_store(sum, p, total);
      if constexpr (p + 1 < n.value)
        for (int k = 0; k < count; ++k) term[k] = z[k] * term[k];
    });
  });
}

/// Derivatives of the weight times the polynomials of one pack that moves with r_dot and n_dot: use(i, derivative).
template <class V, class Real, class Use>
FORCESMITH_FUNCTION void for_each_polynomial_dot(const Tables<Real>& t, const Pack<V>& p, V r_dot, const V* n_dot,
                                                 Registers<V> place, const Use& use) {
  Complex<V> a_dot, b_dot;
  p.move(r_dot, n_dot, a_dot, b_dot);
  const Powers<V> powers(p, t.twojmax, place);
  const Complex<V> A_rate = quotient(Complex<V>{a_dot.re, -a_dot.im}, powers.A);
  const Complex<V> B_rate = quotient(Complex<V>{-b_dot.re, b_dot.im}, powers.B);
  const V z_dot = V(2.0) * (p.a.re * a_dot.re + p.a.im * a_dot.im - p.b.re * b_dot.re - p.b.im * b_dot.im);
  const V weight_dot = p.dweight * r_dot;
  for_each_power_product<most_polynomials>(t, [&](auto n, const PowerProduct& of) FORCESMITH_INLINE_LAMBDA {
    const V K(of.K), L(of.L), length(of.L < 0 ? -of.L : of.L);
    Complex<V> term = powers.product(of);
    const Complex<V> rate{K * A_rate.re + length * B_rate.re, K * A_rate.im + L * B_rate.im};
    Complex<V> term_dot = p.weight * (term * rate) + weight_dot * term;
    term = p.weight * term;
    unrolled<n.value>([&](auto power) FORCESMITH_INLINE_LAMBDA {
      use(of.first + power.value, term_dot);
      term_dot = powers.z * term_dot + z_dot * term;
      term = powers.z * term;
    });
  });
}

/// Elements of u from (sums of) the polynomials.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_elements(const Tables<Real>& t, Registers<const V> polynomials, Registers<V> u) {
  for (int e = 0; e < t.n_half; ++e) {
    const Element& element = t.elements[e];
    const Real* c = t.element_coefficients + element.coefficients;
    Complex<V> sum{V(0.0), V(0.0)};
    for (int i = 0; i < element.n; ++i) sum = sum + V(c[i]) * complex_load(polynomials, element.first + i);
    complex_store(u, e, Complex<V>{sum.re, element.is_conjugate ? -sum.im : sum.im});
  }
}

/// The adjoint of compute_elements().
template <class V, class Real>
FORCESMITH_FUNCTION void reverse_elements(const Tables<Real>& t, Registers<const V> u_bar, Registers<V> polynomials) {
  for (int i = 0; i < 2 * t.n_half; ++i) polynomials[i] = V(0.0);
  for (int e = 0; e < t.n_half; ++e) {
    const Element& element = t.elements[e];
    const Real* c = t.element_coefficients + element.coefficients;
    const Complex<V> own = complex_load(u_bar, e), bar{own.re, element.is_conjugate ? -own.im : own.im};
    for (int i = 0; i < element.n; ++i) complex_add(polynomials, element.first + i, V(c[i]) * bar);
  }
}

/// All rows of U^j from the stored elements.
template <class V, class Real>
FORCESMITH_FUNCTION void unfold(const Tables<Real>& t, Registers<const V> half, Registers<V> full) {
  for (int j = 0; j <= t.twojmax; ++j)
    for (int mb = 0; 2 * mb <= j; ++mb)
      for (int ma = 0; ma <= (2 * mb < j ? j : mb); ++ma) {
        const Complex<V> value = complex_load(half, t.half_begin[j] + mb * (j + 1) + ma);
        const V sign((ma + mb) % 2 == 0 ? 1.0 : -1.0);
        complex_store(full, t.full_begin[j] + (j - mb) * (j + 1) + j - ma,
                      Complex<V>{sign * value.re, -sign * value.im});
        complex_store(full, t.full_begin[j] + mb * (j + 1) + ma, value);
      }
}

/// `count` elements of Z from the products that they share.
template <int count, class V, class Real>
FORCESMITH_FUNCTION void sum_products(const Tables<Real>& t, const SumsOfProducts& sums, Registers<const V> U_full,
                                      Registers<V> Z) {
  const auto u1 = U_full + 2 * sums.u1, u2 = U_full + 2 * sums.u2;
  const Real* coefficients = t.coupling + sums.coefficients;
  Complex<V> z[count];
  for (int i = 0; i < count; ++i) z[i] = {V(0.0), V(0.0)};
  for (int k = 0; k < sums.n_products; ++k, coefficients += count) {
    const Product factors = t.products[sums.products + k];
    const Complex<V> product = complex_load(u1, factors.first) * complex_load(u2, factors.second);
    for (int i = 0; i < count; ++i) z[i] = z[i] + V(coefficients[i]) * product;
  }
  for (int i = 0; i < count; ++i) complex_store(Z, t.z_places[sums.z + i], z[i]);
}

/// Z of all blocks or, where threads share the work, of a part.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_z(const Tables<Real>& t, const Scratch<Real>& s, Part part) {
  const auto U_full = registers_at<V>(s.U_full), Z = registers_at<V>(s.Z);
  unrolled<max_shared>([&](auto size) FORCESMITH_INLINE_LAMBDA {
    const int begin = size.value > 0 ? t.sums_end[size.value - 1] : 0, end = t.sums_end[size.value];
    for (int i = begin + part.index; i < end; i += part.count)
      sum_products<size.value + 1, V>(t, t.sums_of_products[i], U_full, Z);
  });
}

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

/// Calls work(Index<count>) with the next packs of one density, count of them, until the last one: at most `at_once`.
template <int at_once, class V, class Real, class Work>
FORCESMITH_FUNCTION void for_each_packs(const Tables<Real>& t, const PackedViewOf<Real>& neighbors, int& pack, int end,
                                        const Work& work) {
  while (pack < end) {
    int count = 1;
    while (count < at_once && pack + count < end &&
           channel_of<V>(t, neighbors, pack + count) == channel_of<V>(t, neighbors, pack))
      ++count;
    unrolled<at_once>([&](auto index) FORCESMITH_INLINE_LAMBDA {
      if (index.value + 1 == count) work(Index<index.value + 1>{});
    });
    pack += count;
  }
}

/// Packs of an atom that are worked on at once.
template <class V>
inline constexpr int packs_at_once = V::threads > 1 ? 1 : 4;

/// Adds the polynomials of packs `pack` to end - 1 of an atom to sums over neighbors, one value per lane.
template <class V, class Real>
FORCESMITH_FUNCTION void add_densities(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                       const Scratch<Real>& s, int atom, int pack, int end) {
  const auto place = registers_at<V>(s.powers), sums = registers_at<V>(s.sums);
  for_each_packs<packs_at_once<V>, V>(t, neighbors, pack, end, [&](auto count) FORCESMITH_INLINE_LAMBDA {
    add_polynomials<count.value, V>(t, neighbors, neighbors.center_types[atom], pack, place,
                                    sums + channel_of<V>(t, neighbors, pack) * 2 * t.n_half);
  });
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
          if (2 * ma > j && 2 * mb == j) return;
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

/// The adjoint of the sums of polynomials of a channel, from Y.
template <class V, class Real>
FORCESMITH_FUNCTION void reverse_channel(const Tables<Real>& t, const Scratch<Real>& s, int channel) {
  const int first = channel * 2 * t.n_half;
  reverse_elements<V>(t, registers_at<V>(s.Y) + first, registers_at<V>(s.polynomials) + first);
}

/// Sets dE_i/dr_ij of `count` packs from coefficients of the polynomials of their atom, strided numbers.
template <int count, class V, class Real>
FORCESMITH_FUNCTION void reverse_polynomials(const Tables<Real>& t, const PackedViewOf<Real>& neighbors, int center,
                                             int pack, Registers<V> place, const Real* coefficients,
                                             Real* pair_gradients) {
  const Complex<V> zero{V(0.0), V(0.0)};
  Pack<V> packs[count];
  V z[count], energy[count], z_bar[count];
  Complex<V> of_A[count], of_B[count];  // sums of K and L times terms: A and B times the derivatives with them
  Registers<V> A[count], B[count];
  for (int k = 0; k < count; ++k) {
    FORCESMITH_PHASE(radial);
    packs[k] = Pack<V>(t, neighbors, center, pack + k);
    const Powers<V> powers(packs[k], t.twojmax, place + 2 * (3 * t.twojmax + 2) * k);
    z[k] = powers.z;
    A[k] = powers.of_A;
    B[k] = powers.of_B;
    energy[k] = z_bar[k] = V(0.0);
    of_A[k] = of_B[k] = zero;
  }
  {
    FORCESMITH_PHASE(pair_gradients);
    for_each_power_product<most_polynomials>(t, [&](auto n, const PowerProduct& of) FORCESMITH_INLINE_LAMBDA {
      const Real* c = coefficients + 2 * of.first * V::stride;
      const V K(of.K), L(of.L), length(of.L < 0 ? -of.L : of.L);
      // g(z), the polynomial of the coefficients, and its derivative
      Complex<V> g[count], dg[count];
      for (int k = 0; k < count; ++k) g[k] = dg[k] = zero;
      unrolled_backwards<n.value>([&](auto power) FORCESMITH_INLINE_LAMBDA {
        constexpr int p = power.value;
        const Complex<V> own{V(c[2 * p * V::stride]), V(c[(2 * p + 1) * V::stride])};
        for (int k = 0; k < count; ++k) {
          if constexpr (p + 2 < n.value) dg[k] = z[k] * dg[k] + g[k];
          else if constexpr (p + 2 == n.value) dg[k] = g[k];
          if constexpr (p + 1 < n.value) g[k] = z[k] * g[k] + own;
          else g[k] = own;
        }
      });
      for (int k = 0; k < count; ++k) {
        const Complex<V> product = complex_load(A[k], of.K) * complex_load(B[k], of.L);
        const Complex<V> term = conjugate_times(g[k], product);
        energy[k] += term.re;
        if constexpr (n.value > 1) z_bar[k] += dg[k].re * product.re + dg[k].im * product.im;
        of_A[k] = of_A[k] + K * term;
        of_B[k].re += length * term.re;
        of_B[k].im += L * term.im;
      }
    });
  }
  FORCESMITH_PHASE(pair_gradients);
  for (int k = 0; k < count; ++k) {
    const Pack<V>& p = packs[k];
    const Complex<V> A_bar = quotient(of_A[k], complex_load(A[k], t.twojmax > 0 ? 1 : 0));
    const Complex<V> B_bar = quotient(of_B[k], complex_load(B[k], t.twojmax > 0 ? 1 : 0));
    const V twice = V(2.0) * z_bar[k];
    // dE = Re(A_bar dA + B_bar dB) + z_bar dz
    reverse_pack(p, {A_bar.re + twice * p.a.re, A_bar.im + twice * p.a.im},
                 {V(0.0) - B_bar.re - twice * p.b.re, V(0.0) - B_bar.im - twice * p.b.im}, energy[k],
                 pair_gradients + 3 * (pack + k) * V::stride);
  }
}

/// Sets dE_i/dr_ij of packs `pack` to end - 1 of an atom (lane `atom` of the coefficients).
template <class V, class Real>
FORCESMITH_FUNCTION void reverse_densities(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                           const Scratch<Real>& s, int atom, int pack, int end, Real* pair_gradients) {
  const auto place = registers_at<V>(s.powers);
  for_each_packs<(packs_at_once<V> + 1) / 2, V>(t, neighbors, pack, end, [&](auto count) FORCESMITH_INLINE_LAMBDA {
    const Real* coefficients = s.polynomials + channel_of<V>(t, neighbors, pack) * 2 * t.n_half * V::stride + atom;
    reverse_polynomials<count.value, V>(t, neighbors, neighbors.center_types[atom], pack, place, coefficients,
                                        pair_gradients);
  });
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
          if (2 * ma > j && 2 * mb == j) return;
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
    const auto sums = registers_at<V>(s.sums), U = registers_at<V>(s.U), polynomials = registers_at<V>(s.polynomials);
    const auto U_full = registers_at<V>(s.U_full);
    for (int i = 0; i < t.n_channels * n; ++i) polynomials[i] = V(0.0);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      for (int i = 0; i < t.n_channels * n; ++i) sums[i] = V(0.0);
      add_densities<V>(t, neighbors, s, atom, neighbors.pack_offsets[atom], neighbors.pack_offsets[atom + 1]);
      store_lane_sums(sums, t.n_channels * n, s.polynomials + atom, V::stride);
    }
    FORCESMITH_PHASE(contraction);
    for (int channel = 0; channel < t.n_channels; ++channel)
      compute_elements<V>(t, polynomials + channel * n, U + channel * n);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) add_self<V>(t, s, atom, neighbors.center_types[atom]);
    for (int channel = 0; channel < t.n_channels; ++channel)
      unfold<V>(t, U + channel * n, U_full + 2 * channel * t.n_full);
    compute_z<V>(t, s, whole_atom());
    for (int k = 0; k < t.n_values; ++k) compute_value<V>(t, neighbors, s, k, values, stride);
  }

  /// The same for one atom in stages: densities of parts of the neighbors, of all, products, values.
  static constexpr bool values_shared[] = {true, true, false, true, true};
  template <class V, int stage, class Real>
  static FORCESMITH_FUNCTION void compute_values_stage(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                       const Scratch<Real>& s, Part part, double* values, int stride) {
    const int n = 2 * t.n_half, n_packs = neighbors.pack_offsets[1];
    const auto U = registers_at<V>(s.U), U_full = registers_at<V>(s.U_full);
    const auto polynomials = registers_at<V>(s.polynomials);
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
        (max_row > 0 ? U : polynomials)[i] = sum;
      }
    } else if constexpr (stage == 2) {
      if constexpr (max_row == 0)
        for (int channel = 0; channel < t.n_channels; ++channel)
          compute_elements<V>(t, polynomials + channel * n, U + channel * n);
      add_self<V>(t, s, 0, neighbors.center_types[0]);
      for (int channel = 0; channel < t.n_channels; ++channel)
        unfold<V>(t, U + channel * n, U_full + 2 * channel * t.n_full);
    } else if constexpr (stage == 3) {
      compute_z<V>(t, s, part);
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
    for (int channel = 0; channel < t.n_channels; ++channel) reverse_channel<V>(t, s, channel);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      reverse_densities<V>(t, neighbors, s, atom, neighbors.pack_offsets[atom], neighbors.pack_offsets[atom + 1],
                           pair_gradients);
  }

  static constexpr bool reverse_shared[] = {true, max_row > 0, true};
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
    } else if constexpr (stage == 1) {
      if constexpr (max_row == 0)
        for (int channel = 0; channel < t.n_channels; ++channel) reverse_channel<V>(t, s, channel);
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
    const auto powers = registers_at<V>(s.powers), sums = registers_at<V>(s.sums);
    const auto polynomials_dot = registers_at<V>(s.polynomials);
    const auto U_dot = registers_at<V>(s.Y), Z = registers_at<V>(s.Z);
    for (int i = 0; i < t.n_channels * n; ++i) polynomials_dot[i] = V(0.0);
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
        const auto sum = sums + channel_of<V>(t, neighbors, pack) * n;
        for_each_polynomial_dot(t, p, r_dot, n_dot, powers,
                                [&](int i, Complex<V> term) FORCESMITH_INLINE_LAMBDA { complex_add(sum, i, term); });
      }
      store_lane_sums(sums, t.n_channels * n, s.polynomials + atom, V::stride);
    }
    for (int channel = 0; channel < t.n_channels; ++channel)
      compute_elements<V>(t, polynomials_dot + channel * n, U_dot + channel * n);
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
    const auto polynomials_dot = registers_at<V>(s.u), u_dot = registers_at<V>(s.u_dot);
    const auto powers = registers_at<V>(s.powers);
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
          for_each_polynomial_dot(t, p, r_dot, n_dot, powers, [&](int i, Complex<V> term) FORCESMITH_INLINE_LAMBDA {
            complex_store(polynomials_dot, i, term);
          });
          compute_elements<V>(t, polynomials_dot, u_dot);
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
