// Kernels of the atomic cluster expansion, written once for all processors (see simd/simd.hpp).
//
// R. Drautz, Phys. Rev. B 99, 014104 (2019); radial functions: Y. Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021),
// and A. Bochkarev et al., Phys. Rev. Mater. 6, 013804 (2022). Here spherical harmonics are real, with Y_00 = 1:
//   A_(mu n l m)(i) = sum_(j of element mu) R_nl(r_ij) Y_lm(r_ij / |r_ij|)    basic moments
//   Y_l0 = Q_l0(z), Y_lm = Q_lm(z) Re (x + iy)^m, Y_l-m = Q_lm(z) Im (x + iy)^m
// Lanes run over neighbors of one element for radial functions, sums and pair gradients, and over the atoms of a block
// for products of moments. Lengths in angstrom.
//
// Verbs: compute_values, then any of reverse_values (MD), compute_tangent and then reverse_parameters (training),
// compute_gradients (design matrix), on the same block and scratch.
#pragma once

#include "core/phase.hpp"
#include "descriptors/ace/tables.hpp"
#include "descriptors/kernel_variants.hpp"
#include "descriptors/pack_motion.hpp"
#include "descriptors/product_kernels.hpp"
#include "math/chebyshev.hpp"
#include "math/cutoff_functions.hpp"
#include "neighbors/packed_view.hpp"
#include "simd/exponential.hpp"
#include "simd/part.hpp"
#include "simd/sums.hpp"
#include "simd/trigonometry.hpp"

namespace forcesmith::ace::FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

template <class V>
using TablesOf = Tables<typename V::Number>;
template <class V>
using ScratchOf = Scratch<typename V::Number>;
template <class V>
using NeighborsOf = PackedViewOf<typename V::Number>;
template <class V>
using BondOf = Bond<typename V::Number>;

constexpr double pi = 3.14159265358979323846;

/// g_k = (1 - T_k(x)) / 2, k = first .. first + count - 1.
template <class V>
FORCESMITH_FUNCTION void compute_chebyshev_basis(V x, V dx, int first, int count, Registers<V> g, Registers<V> dg) {
  ChebyshevDerivatives<V> chebyshev(x, 1);
  for (int k = 0; k < first; ++k) chebyshev.advance();
  for (int k = 0; k < count; ++k, chebyshev.advance()) {
    g[k] = V(0.5) * (V(1.0) - chebyshev.value);
    dg[k] = V(-0.5) * chebyshev.derivative * dx;
  }
}

/// With y = pi (1 - r/R), h_n is +-(sin((n+1) y) / (n+1) - sin((n+2) y) / (n+2)) / (pi - y): near the cutoff, where both
/// sines almost cancel, that has more digits than sines of pi r/R.
template <class V>
FORCESMITH_FUNCTION void compute_bessel_basis(const TablesOf<V>& t, const BondOf<V>& bond, V r, Registers<V> g,
                                              Registers<V> dg) {
  using Real = typename V::Number;
  const V step(Real(pi) / bond.cutoff), y = (V(bond.cutoff) - r) * step, inverse_r = V(1.0) / r;
  const V scale = V(bond.parameter) * inverse_r;
  V half_sine, sine, cosine;
  simd_sin_cos(V(0.5) * y, half_sine, cosine);
  simd_sin_cos(y, sine, cosine);
  // Multiples of y by sin(a + y) = 2 cos y sin a - sin(a - y): of (k + 1) y, and of (k + 3/2) y.
  const V twice = V(2.0) * cosine;
  V lower(0.0), between = half_sine * (twice + V(1.0)), lower_between = half_sine;
  for (int k = 0; k < t.n_basis; ++k) {
    const Real* row = t.bessel + 3 * k;
    const V next = twice * sine - lower, next_between = twice * between - lower_between;
    const V difference = sine * V(Real(1) / Real(k + 1)) - next * V(Real(1) / Real(k + 2));
    // cos((k+1) y) - cos((k+2) y) is a product of sines.
    const V ddifference = V(-2.0) * step * between * half_sine;
    g[k] = V(row[0]) * scale * difference;
    dg[k] = V(row[0]) * scale * (ddifference - difference * inverse_r);
    if (k > 0) {
      g[k] = V(row[2]) * (g[k] + V(row[1]) * g[k - 1]);
      dg[k] = V(row[2]) * (dg[k] + V(row[1]) * dg[k - 1]);
    }
    lower = sine;
    sine = next;
    lower_between = between;
    between = next_between;
  }
}

/// g_k and dg_k/dr of a pack of neighbors, 0 at the cutoff.
template <class V>
FORCESMITH_FUNCTION void compute_radial_basis(const TablesOf<V>& t, const BondOf<V>& bond, V r, Registers<V> g,
                                              Registers<V> dg) {
  using Real = typename V::Number;
  const V zero(0.0), one(1.0), cutoff(bond.cutoff);
  // The basis is multiplied with an envelope, which vanishes from the cutoff on.
  V envelope = simd_if_less(r, cutoff, one, zero), denvelope = zero;
  if (bond.basis == RadialBasis::ChebExpCos) {
    const Real rate = bond.parameter / bond.cutoff;
    const V decay = simd_exp(V(-rate) * r), last = simd_exp(V(-bond.parameter)), scale = V(2.0) / (one - last);
    g[0] = one;
    dg[0] = zero;
    if (t.n_basis > 1)
      compute_chebyshev_basis<V>(one - (decay - last) * scale, V(rate) * decay * scale, 1, t.n_basis - 1, g + 1,
                                 dg + 1);
    cosine_cutoff(r / cutoff, V(Real(-0.5 * pi) / bond.cutoff), envelope, denvelope);
    if (bond.cutoff_width > 0) {
      const V width(bond.cutoff_width), beyond = r - V(bond.cutoff - bond.cutoff_width);
      V f, df;
      cosine_cutoff(simd_if_less(zero, beyond, beyond, zero) / width, V(Real(-0.5 * pi)) / width, f, df);
      denvelope = denvelope * f + envelope * df;
      envelope = envelope * f;
    }
  } else if (bond.basis == RadialBasis::ChebPow) {
    const V rest = one - r / cutoff, y = simd_if_less(zero, rest, rest, zero);
    const V power = bond.parameter == Real(2) ? y : simd_exp(V(bond.parameter - 1) * simd_log(y));
    compute_chebyshev_basis<V>(one - V(2.0) * power * y, V(2 * bond.parameter / bond.cutoff) * power, 1, t.n_basis, g,
                               dg);
  } else {
    compute_bessel_basis<V>(t, bond, r, g, dg);
  }
  if (bond.inner_width > 0) {  // times a polynomial that rises from 0 to 1
    const V half_width(bond.inner_width / 2);
    V x = (r - V(bond.inner_cutoff)) / half_width + one;
    x = simd_if_less(x, -one, -one, simd_if_less(x, one, x, one));
    const V square = x * x, flank = one - square;
    const V f = V(0.5) + x * (V(15.0 / 16) + square * (V(-10.0 / 16) + square * V(3.0 / 16)));
    const V df = V(15.0 / 16) * flank * flank / half_width;
    denvelope = denvelope * f + envelope * df;
    envelope = envelope * f;
  }
  for (int k = 0; k < t.n_basis; ++k) {
    dg[k] = dg[k] * envelope + g[k] * denvelope;
    g[k] = g[k] * envelope;
  }
}

/// All radial functions of a pack, and their derivatives with r.
template <class V>
FORCESMITH_FUNCTION void compute_radial(const TablesOf<V>& t, int center, int neighbor, V r, Registers<V> f,
                                        Registers<V> df) {
  const int pair = center * t.n_elements + neighbor, n = t.n_basis;
  compute_radial_basis<V>(t, t.bonds[pair], r, f, df);
  const auto* row = t.coefficients + static_cast<std::ptrdiff_t>(pair) * t.n_combined * n;
  constexpr int tile = 4;
  int function = 0;
  for (; function + tile <= t.n_combined; function += tile, row += tile * n) {
    V sum[tile], dsum[tile];
    for (int i = 0; i < tile; ++i) sum[i] = dsum[i] = V(0.0);
    for (int k = 0; k < n; ++k) {
      const V g = f[k], dg = df[k];
      for (int i = 0; i < tile; ++i) {
        const V c(row[i * n + k]);
        sum[i] += c * g;
        dsum[i] += c * dg;
      }
    }
    for (int i = 0; i < tile; ++i) {
      f[n + function + i] = sum[i];
      df[n + function + i] = dsum[i];
    }
  }
  for (; function < t.n_combined; ++function, row += n) {
    V sum(0.0), dsum(0.0);
    for (int k = 0; k < n; ++k) {
      sum += V(row[k]) * f[k];
      dsum += V(row[k]) * df[k];
    }
    f[n + function] = sum;
    df[n + function] = dsum;
  }
}

/// Walks through Q_lm(z) of one m and their derivatives: l = m, m + 1, ..
template <class V>
struct Legendre {
  const typename V::Number* factors;  // the next
  V z, value, slope, lower, lower_slope;

  FORCESMITH_FUNCTION Legendre(V z, const typename V::Number* harmonics, int m, int lmax) : z(z) {
    // m' < m have 1 + 2 (lmax - m') numbers.
    factors = harmonics + m * (2 * lmax + 1) - m * (m - 1);
    value = V(*factors++);
    slope = lower = lower_slope = V(0.0);
  }
  FORCESMITH_FUNCTION void advance() {
    const V a(factors[0]), b(factors[1]);
    factors += 2;
    const V next = a * z * value + b * lower, next_slope = a * (value + z * slope) + b * lower_slope;
    lower = value;
    lower_slope = slope;
    value = next;
    slope = next_slope;
  }
};

/// Y_lm of unit vectors u, in the order l, m.
template <class V>
FORCESMITH_FUNCTION void compute_harmonics(const TablesOf<V>& t, const V* u, Registers<V> Y) {
  V re(1.0), im(0.0);
  for (int m = 0; m <= t.lmax; ++m) {
    Legendre<V> Q(u[2], t.harmonics, m, t.lmax);
    for (int l = m;; ++l) {
      const int middle = l * (l + 1);
      Y[middle + m] = Q.value * re;
      if (m > 0) Y[middle - m] = Q.value * im;
      if (l == t.lmax) break;
      Q.advance();
    }
    const V next = u[0] * re - u[1] * im;
    im = u[0] * im + u[1] * re;
    re = next;
  }
}

/// The same, and their derivatives when the unit vectors move with u_dot.
template <class V>
FORCESMITH_FUNCTION void compute_harmonics_dot(const TablesOf<V>& t, const V* u, const V* u_dot, Registers<V> Y,
                                               Registers<V> Y_dot) {
  V re(1.0), im(0.0), re_dot(0.0), im_dot(0.0);
  for (int m = 0; m <= t.lmax; ++m) {
    Legendre<V> Q(u[2], t.harmonics, m, t.lmax);
    for (int l = m;; ++l) {
      const int middle = l * (l + 1);
      const V slope = Q.slope * u_dot[2];
      Y[middle + m] = Q.value * re;
      Y_dot[middle + m] = slope * re + Q.value * re_dot;
      if (m > 0) {
        Y[middle - m] = Q.value * im;
        Y_dot[middle - m] = slope * im + Q.value * im_dot;
      }
      if (l == t.lmax) break;
      Q.advance();
    }
    const V next = u[0] * re - u[1] * im;
    const V next_dot = u_dot[0] * re + u[0] * re_dot - u_dot[1] * im - u[1] * im_dot;
    im_dot = u_dot[0] * im + u[0] * im_dot + u_dot[1] * re + u[1] * re_dot;
    im = u[0] * im + u[1] * re;
    re = next;
    re_dot = next_dot;
  }
}

/// The unit vectors of a pack.
template <class V>
FORCESMITH_FUNCTION void load_directions(const NeighborsOf<V>& neighbors, int pack, V* u) {
  u[0] = simd_load<V>(neighbors.x + pack * V::stride);
  u[1] = simd_load<V>(neighbors.y + pack * V::stride);
  u[2] = simd_load<V>(neighbors.z + pack * V::stride);
}

/// Radial functions with l, beginning with those of the basis where l = 0.
template <class V>
FORCESMITH_FUNCTION int functions_of(const TablesOf<V>& t, int l) {
  return t.n_of_l[l] + (l == 0 ? t.n_basis : 0);
}

/// Adds sum f Y of a pack to the moment sums (still one value per lane) of its element.
template <class V>
FORCESMITH_FUNCTION void add_moments(const TablesOf<V>& t, Registers<const V> f, Registers<const V> Y,
                                     Registers<V> sums) {
  for (int l = 0, harmonic = 0; l <= t.lmax; ++l) {
    const int n = functions_of<V>(t, l);
    for (int m = 0; m < 2 * l + 1; ++m, ++harmonic, sums += n) {
      const V y = Y[harmonic];
      for (int i = 0; i < n; ++i) sums[i] += f[i] * y;
    }
    f += n;
  }
}

/// Sets the moments with m and -m of an atom, one neighbor per pack.
template <class V>
FORCESMITH_FUNCTION void set_moments_of_order(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                              const ScratchOf<V>& s, int m, Registers<V> moments) {
  int first_function = 0, first_moment = 0;  // of l = m
  for (int l = 0; l < m; ++l) {
    first_function += functions_of<V>(t, l);
    first_moment += (2 * l + 1) * functions_of<V>(t, l);
  }
  for (int element = 0; element < t.n_elements; ++element) {
    auto own = moments + (element * t.n_of_element + first_moment);
    for (int l = m; l <= t.lmax; ++l) {
      const int n = functions_of<V>(t, l);
      for (int i = 0; i < n; ++i) own[(l + m) * n + i] = own[(l - m) * n + i] = V(0.0);
      own += (2 * l + 1) * n;
    }
  }
  for (int pack = 0; pack < neighbors.pack_offsets[1]; ++pack) {
    V u[3], re(1.0), im(0.0);
    load_directions<V>(neighbors, pack, u);
    for (int power = 0; power < m; ++power) {
      const V next = u[0] * re - u[1] * im;
      im = u[0] * im + u[1] * re;
      re = next;
    }
    auto own = moments + (neighbors.pack_types[pack * V::threads] * t.n_of_element + first_moment);
    auto f = registers_at<V>(s.f) + (pack * t.n_functions() + first_function);
    Legendre<V> Q(u[2], t.harmonics, m, t.lmax);
    for (int l = m;; ++l) {
      const int n = functions_of<V>(t, l);
      const V plus = Q.value * re, minus = Q.value * im;
      for (int i = 0; i < n; ++i) own[(l + m) * n + i] += f[i] * plus;
      if (m > 0)
        for (int i = 0; i < n; ++i) own[(l - m) * n + i] += f[i] * minus;
      if (l == t.lmax) break;
      own += (2 * l + 1) * n;
      f += n;
      Q.advance();
    }
  }
}

/// Adds the derivative of the moment sums of its element when distances of a pack change with r_dot and harmonics with
/// Y_dot.
template <class V>
FORCESMITH_FUNCTION void add_moments_dot(const TablesOf<V>& t, Registers<const V> f, Registers<const V> df, V r_dot,
                                         Registers<const V> Y, Registers<const V> Y_dot, Registers<V> sums) {
  for (int l = 0, harmonic = 0; l <= t.lmax; ++l) {
    const int n = functions_of<V>(t, l);
    for (int m = 0; m < 2 * l + 1; ++m, ++harmonic, sums += n) {
      const V y = Y[harmonic] * r_dot, y_dot = Y_dot[harmonic];
      for (int i = 0; i < n; ++i) sums[i] += df[i] * y + f[i] * y_dot;
    }
    f += n;
    df += n;
  }
}

/// Adds to sums [n_combined][n_basis] the derivatives with the radial coefficients that a pack of an atom gives, from the
/// adjoints of the moments and of their derivatives.
template <class V>
FORCESMITH_FUNCTION void reverse_radial(const TablesOf<V>& t, Registers<const V> g, Registers<const V> dg, V r_dot,
                                        const typename V::Number* bar, const typename V::Number* dot_bar,
                                        Registers<const V> Y, Registers<const V> Y_dot, Registers<V> sums) {
  for (int l = 0, harmonic = 0; l <= t.lmax; harmonic += 2 * l + 1, ++l) {
    const int n = functions_of<V>(t, l);
    for (int i = n - t.n_of_l[l]; i < n; ++i, sums += t.n_basis) {
      V f_bar(0.0), f_dot_bar(0.0);
      for (int m = 0; m < 2 * l + 1; ++m) {
        const V moment_bar(bar[(m * n + i) * V::stride]), moment_dot_bar(dot_bar[(m * n + i) * V::stride]);
        f_bar += moment_bar * Y[harmonic + m] + moment_dot_bar * Y_dot[harmonic + m];
        f_dot_bar += moment_dot_bar * Y[harmonic + m];
      }
      f_dot_bar *= r_dot;
      for (int k = 0; k < t.n_basis; ++k) sums[k] += f_bar * g[k] + f_dot_bar * dg[k];
    }
    bar += n * (2 * l + 1) * V::stride;
    dot_bar += n * (2 * l + 1) * V::stride;
  }
}

/// dB_k/d(basic moment) of value k of a center element, all atoms of a block at once, to `row`, in the order of
/// t.dependences.
template <class V>
FORCESMITH_FUNCTION void compute_jacobian_row(const TablesOf<V>& t, Registers<const V> moments, Registers<V> adjoints,
                                              int center, int k, Registers<V> row) {
  const int value = center * t.largest_size + k;
  const int *begin = t.dependences + t.dependence_begin[value * t.n_elements],
            *end = t.dependences + t.dependence_begin[(value + 1) * t.n_elements];
  const int *first = t.reachable + t.reachable_begin[value], *last = t.reachable + t.reachable_begin[value + 1];
  for (const int* basic = begin; basic < end; ++basic) adjoints[*basic] = V(0.0);
  for (const int* target = first; target < last; ++target) adjoints[*target] = V(0.0);
  adjoints[t.mapping[value]] = V(1.0);
  for (const int* target = first; target < last; ++target) {
    const V adjoint = adjoints[*target];
    const int product_end = t.product_begin[*target - t.first_product + 1];
    for (int p = t.product_begin[*target - t.first_product]; p < product_end; ++p) {
      const V scaled = adjoint * V(t.product_factor[p]);
      const int left = t.product_left[p], right = t.product_right[p];
      adjoints[left] += scaled * moments[right];
      adjoints[right] += scaled * moments[left];
    }
  }
  for (const int* basic = begin; basic < end; ++basic) row[basic - begin] = adjoints[*basic];
}

/// Gradient of sum_basic adjoint M with r_ij of a pack, for one atom (lane `atom` of the adjoints).
template <class V>
FORCESMITH_FUNCTION void reverse_moments(const TablesOf<V>& t, const NeighborsOf<V>& neighbors, const ScratchOf<V>& s,
                                         int atom, int pack, typename V::Number* pair_gradients) {
  V u[3];
  load_directions<V>(neighbors, pack, u);
  const auto* adjoints = s.adjoints + atom + neighbors.pack_types[pack * V::threads] * t.n_of_element * V::stride;
  const int n_functions = t.n_functions();
  const auto f = registers_at<V>(s.f) + pack * n_functions, df = registers_at<V>(s.df) + pack * n_functions;
  // With functions F = sum adjoint f and dF of every l and m: derivatives of sum F Y with u, and of sum dF Y.
  V du[3] = {V(0.0), V(0.0), V(0.0)}, dr(0.0);
  V re(1.0), im(0.0), lower_re(0.0), lower_im(0.0);  // (x + iy)^m, (x + iy)^(m - 1)
  int begin_function = 0, begin_adjoint = 0;         // of l = m
  for (int m = 0; m <= t.lmax; ++m) {
    Legendre<V> Q(u[2], t.harmonics, m, t.lmax);
    V sum[2], slope[2], radial[2];  // sum_l F Q, F dQ/dz, dF Q for Re and Im
    for (int part = 0; part < 2; ++part) sum[part] = slope[part] = radial[part] = V(0.0);
    int first = begin_function, first_adjoint = begin_adjoint;
    for (int l = m;; ++l) {
      const int n = functions_of<V>(t, l);
      for (int part = 0; part < (m > 0 ? 2 : 1); ++part) {
        const auto* own = adjoints + (first_adjoint + (part == 0 ? l + m : l - m) * n) * V::stride;
        V F(0.0), dF(0.0);
        for (int i = 0; i < n; ++i) {
          const V adjoint(own[i * V::stride]);
          F += adjoint * f[first + i];
          dF += adjoint * df[first + i];
        }
        sum[part] += F * Q.value;
        slope[part] += F * Q.slope;
        radial[part] += dF * Q.value;
      }
      if (l == m) {
        begin_function = first + n;
        begin_adjoint = first_adjoint + (2 * l + 1) * n;
      }
      first += n;
      first_adjoint += (2 * l + 1) * n;
      if (l == t.lmax) break;
      Q.advance();
    }
    const V power(static_cast<typename V::Number>(m));
    du[0] += power * (lower_re * sum[0] + lower_im * sum[1]);
    du[1] += power * (lower_re * sum[1] - lower_im * sum[0]);
    du[2] += re * slope[0] + im * slope[1];
    dr += re * radial[0] + im * radial[1];
    lower_re = re;
    lower_im = im;
    re = u[0] * lower_re - u[1] * lower_im;
    im = u[0] * lower_im + u[1] * lower_re;
  }
  const V inverse_r = V(1.0) / simd_load<V>(neighbors.r + pack * V::stride);
  const V along = du[0] * u[0] + du[1] * u[1] + du[2] * u[2], outward = dr - along * inverse_r;
  for (int axis = 0; axis < 3; ++axis)
    simd_store(pair_gradients + (3 * pack + axis) * V::stride, outward * u[axis] + du[axis] * inverse_r);
}

/// The verbs, as variants and launches call them.
struct Kernels {
  template <class Real>
  using Tables = ace::Tables<Real>;
  template <class Real>
  using Scratch = ace::Scratch<Real>;

  /// Descriptor values B of a block; keeps moments and radial functions in the scratch.
  /// values: [n_atoms][stride].
  template <class V>
  static FORCESMITH_FUNCTION void compute_values(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                 const ScratchOf<V>& s, double* values, int stride) {
    const auto moments = registers_at<V>(s.moments), sums = registers_at<V>(s.sums), Y = registers_at<V>(s.Y);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      for (int basic = 0; basic < t.n_basic; ++basic) sums[basic] = V(0.0);
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const int neighbor = neighbors.pack_types[pack * V::threads];
        const auto f = registers_at<V>(s.f) + pack * t.n_functions();
        const auto df = registers_at<V>(s.df) + pack * t.n_functions();
        FORCESMITH_PHASE(radial);
        compute_radial<V>(t, neighbors.center_types[atom], neighbor, simd_load<V>(neighbors.r + pack * V::stride), f,
                          df);
        FORCESMITH_PHASE(moments);
        V u[3];
        load_directions<V>(neighbors, pack, u);
        compute_harmonics<V>(t, u, Y);
        add_moments<V>(t, f, Y, sums + neighbor * t.n_of_element);
      }
      store_sums_of_atom(sums, t.n_basic, atom, moments);
    }
    sums_to_lanes(moments, t.n_basic, neighbors.n_atoms);
    FORCESMITH_PHASE(contraction);
    compute_all_products<V>(t, moments);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      values_of_atom(t, s.moments + atom, V::stride, neighbors.center_types[atom],
                     values + static_cast<std::ptrdiff_t>(atom) * stride, V::threads);
  }

  /// The same for one atom in stages: radial functions, moment sums, products by their depth, values.
  static constexpr bool values_shared[] = {true, true, true, true, true, false};
  template <class V, int stage>
  static FORCESMITH_FUNCTION void compute_values_stage(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                       const ScratchOf<V>& s, Part part, double* values, int stride) {
    const auto moments = registers_at<V>(s.moments);
    const int center = neighbors.center_types[0], n_packs = neighbors.pack_offsets[1];
    if constexpr (stage == 0) {
      for (int pack = part.begin(n_packs); pack < part.end(n_packs); ++pack)
        compute_radial<V>(t, center, neighbors.pack_types[pack * V::threads],
                          simd_load<V>(neighbors.r + pack * V::stride), registers_at<V>(s.f) + pack * t.n_functions(),
                          registers_at<V>(s.df) + pack * t.n_functions());
    } else if constexpr (stage == 1) {
      for (int m = part.index; m <= t.lmax; m += part.count) set_moments_of_order<V>(t, neighbors, s, m, moments);
    } else if constexpr (stage < 2 + shared_depths) {
      compute_products<V>(t, moments, t.depth_begin[stage - 2], t.depth_begin[stage - 1], part);
    } else {
      compute_products<V>(t, moments, t.depth_begin[shared_depths], t.n_moments - t.first_product, part);
      values_of_atom(t, s.moments, V::stride, center, values, V::threads);
    }
  }

  /// Sets dE_i/dr_ij = sum_k beta_k dB_k/dr_ij, pair_gradients [n_packs][3][width]; beta: [n_atoms][stride].
  template <class V>
  static FORCESMITH_FUNCTION void reverse_values(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                 const ScratchOf<V>& s, const double* beta, int stride,
                                                 typename V::Number* pair_gradients) {
    FORCESMITH_PHASE(adjoint);
    set_adjoints<V>(t, neighbors, beta, stride, s.adjoints);
    reverse_all_products<V>(t, registers_at<V>(s.moments), registers_at<V>(s.adjoints));
    FORCESMITH_PHASE(pair_gradients);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack)
        reverse_moments<V>(t, neighbors, s, atom, pack, pair_gradients);
  }

  /// The same for one atom in stages: adjoints of the values, of factors by their height, pair gradients.
  static constexpr bool reverse_shared[] = {true, true, true, true, false, true};
  template <class V, int stage>
  static FORCESMITH_FUNCTION void reverse_values_stage(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                       const ScratchOf<V>& s, Part part, const double* beta, int,
                                                       typename V::Number* pair_gradients) {
    const auto moments = registers_at<V>(s.moments), adjoints = registers_at<V>(s.adjoints);
    if constexpr (stage == 0) {
      const int center = neighbors.center_types[0];
      const int* mapping = t.mapping + center * t.largest_size;
      for (int moment = part.index; moment < t.n_moments; moment += part.count) adjoints[moment] = V(0.0);
      for (int k = 0; k < t.sizes[center]; ++k)
        if (part.has(mapping[k])) adjoints[mapping[k]] += V(beta[k * V::threads]);
    } else if constexpr (stage <= shared_depths) {
      reverse_products<V>(t, moments, adjoints, t.height_begin[stage - 1], t.height_begin[stage], part);
    } else if constexpr (stage == shared_depths + 1) {
      reverse_products<V>(t, moments, adjoints, t.height_begin[shared_depths], t.n_factors, part);
    } else {
      const int n_packs = neighbors.pack_offsets[1];
      for (int pack = part.begin(n_packs); pack < part.end(n_packs); ++pack)
        reverse_moments<V>(t, neighbors, s, 0, pack, pair_gradients);
    }
  }

  /// Derivatives of the values along directions [n_pairs][3] of r_ij: values_dot [n_atoms][stride].
  /// After compute_values on the same block.
  template <class V>
  static FORCESMITH_FUNCTION void compute_tangent(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                  const ScratchOf<V>& s, const double* directions, double* values_dot,
                                                  int stride) {
    const auto moments = registers_at<V>(s.moments), dot = registers_at<V>(s.moments_dot);
    const auto sums = registers_at<V>(s.sums), Y = registers_at<V>(s.Y), Y_dot = registers_at<V>(s.Y_dot);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      for (int basic = 0; basic < t.n_basic; ++basic) sums[basic] = V(0.0);
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        V u[3];
        load_directions<V>(neighbors, pack, u);
        const Motion<V> motion(u, simd_load<V>(neighbors.r + pack * V::stride), neighbors.pairs + pack * V::stride,
                               directions);
        compute_harmonics_dot<V>(t, u, motion.u_dot, Y, Y_dot);
        add_moments_dot<V>(t, registers_at<V>(s.f) + pack * t.n_functions(),
                           registers_at<V>(s.df) + pack * t.n_functions(), motion.r_dot, Y, Y_dot,
                           sums + neighbors.pack_types[pack * V::threads] * t.n_of_element);
      }
      store_sums_of_atom(sums, t.n_basic, atom, dot);
    }
    sums_to_lanes(dot, t.n_basic, neighbors.n_atoms);
    compute_all_products_dot<V>(t, moments, dot);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      values_of_atom(t, s.moments_dot + atom, V::stride, neighbors.center_types[atom],
                     values_dot + static_cast<std::ptrdiff_t>(atom) * stride, V::threads);
  }

  /// Adds to parameter_gradient (shape of `coefficients`), of each atom gradient_stride after that of the one before,
  /// the derivative with the radial coefficients of sum (values_bar . B + values_dot_bar . dB/dt). After
  /// compute_tangent on the same block and directions.
  template <class V>
  static FORCESMITH_FUNCTION void reverse_parameters(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                     const ScratchOf<V>& s, const double* directions,
                                                     const double* values_bar, const double* values_dot_bar, int stride,
                                                     double* parameter_gradient, int gradient_stride) {
    if (!t.trains_coefficients) return;
    const auto bar = registers_at<V>(s.adjoints), dot_bar = registers_at<V>(s.adjoints_dot);
    const auto Y = registers_at<V>(s.Y), Y_dot = registers_at<V>(s.Y_dot), sums = registers_at<V>(s.coefficient_sums);
    set_adjoints<V>(t, neighbors, values_bar, stride, s.adjoints);
    set_adjoints<V>(t, neighbors, values_dot_bar, stride, s.adjoints_dot);
    reverse_all_products_dot<V>(t, registers_at<V>(s.moments), registers_at<V>(s.moments_dot), bar, dot_bar);
    const int n_coefficients = t.n_combined * t.n_basis;
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      const int end = neighbors.pack_offsets[atom + 1];
      for (int pack = neighbors.pack_offsets[atom]; pack < end;) {  // packs of the same element follow each other
        const int neighbor = neighbors.pack_types[pack * V::threads];
        const std::ptrdiff_t first = neighbor * t.n_of_element * V::stride + atom;
        for (int i = 0; i < n_coefficients; ++i) sums[i] = V(0.0);
        for (; pack < end && neighbors.pack_types[pack * V::threads] == neighbor; ++pack) {
          V u[3];
          load_directions<V>(neighbors, pack, u);
          const Motion<V> motion(u, simd_load<V>(neighbors.r + pack * V::stride), neighbors.pairs + pack * V::stride,
                                 directions);
          compute_harmonics_dot<V>(t, u, motion.u_dot, Y, Y_dot);
          reverse_radial<V>(t, registers_at<V>(s.f) + pack * t.n_functions(),
                            registers_at<V>(s.df) + pack * t.n_functions(), motion.r_dot, s.adjoints + first,
                            s.adjoints_dot + first, Y, Y_dot, sums);
        }
        double* of_pair = parameter_gradient + static_cast<std::ptrdiff_t>(atom) * gradient_stride +
                          (neighbors.center_types[atom] * t.n_elements + neighbor) * n_coefficients;
        for (int i = 0; i < n_coefficients; i += V::width) {
          const V group = lane_sums(&sums[i]);
          for (int k = 0; k < V::width && i + k < n_coefficients; ++k) of_pair[i + k] += group[k];
        }
      }
    }
  }

  /// dB_k/dr_ij for every value: gradients [n_pairs][3][stride], rows of pairs inside the cutoff only
  /// (the caller clears the others). After compute_values on the same block.
  template <class V>
  static FORCESMITH_FUNCTION void compute_gradients(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                    const ScratchOf<V>& s, double* gradients, int stride) {
    const auto Y = registers_at<V>(s.Y), Y_dot = registers_at<V>(s.Y_dot);
    const auto jacobian = registers_at<V>(s.for_gradients), dbasic = jacobian + t.largest_dependence;
    for (int center = 0; center < t.n_elements; ++center) {
      int first = 0;  // atom of the element
      while (first < neighbors.n_atoms && neighbors.center_types[first] != center) ++first;
      if (first == neighbors.n_atoms) continue;
      const int* begin = t.dependence_begin + center * t.largest_size * t.n_elements;
      for (int k = 0; k < t.sizes[center]; ++k)
        compute_jacobian_row<V>(t, registers_at<V>(s.moments), registers_at<V>(s.adjoints), center, k,
                                jacobian + (begin[k * t.n_elements] - begin[0]));
      for (int atom = first; atom < neighbors.n_atoms; ++atom) {
        if (neighbors.center_types[atom] != center) continue;
        for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
          const int neighbor = neighbors.pack_types[pack * V::threads];
          V u[3];
          load_directions<V>(neighbors, pack, u);
          const V inverse_r = V(1.0) / simd_load<V>(neighbors.r + pack * V::stride);
          for (int axis = 0; axis < 3; ++axis) {
            V u_dot[3];
            for (int other = 0; other < 3; ++other)
              u_dot[other] = (V(other == axis ? 1.0 : 0.0) - u[other] * u[axis]) * inverse_r;
            compute_harmonics_dot<V>(t, u, u_dot, Y, Y_dot);
            const auto own = dbasic + axis * t.n_of_element;
            for (int basic = 0; basic < t.n_of_element; ++basic) own[basic] = V(0.0);
            add_moments_dot<V>(t, registers_at<V>(s.f) + pack * t.n_functions(),
                               registers_at<V>(s.df) + pack * t.n_functions(), u[axis], Y, Y_dot, own);
          }
          const int first_basic = neighbor * t.n_of_element;
          for (int k = 0; k < t.sizes[center]; ++k) {
            V sum[3] = {V(0.0), V(0.0), V(0.0)};
            const int* range = begin + k * t.n_elements + neighbor;
            for (int d = range[0]; d < range[1]; ++d) {
              const V slope(s.for_gradients[(d - begin[0]) * V::stride + atom]);
              const int basic = t.dependences[d] - first_basic;
              for (int axis = 0; axis < 3; ++axis) sum[axis] += slope * dbasic[axis * t.n_of_element + basic];
            }
            for (int lane = 0; lane < V::width; ++lane) {
              const std::ptrdiff_t pair = neighbors.pairs[pack * V::stride + lane];
              if (pair < 0) continue;
              for (int axis = 0; axis < 3; ++axis) gradients[(3 * pair + axis) * stride + k] = sum[axis][lane];
            }
          }
        }
      }
    }
  }

  /// Of the gradient that reverse_parameters adds to.
  static int n_parameters(const Tables<double>& t) {
    return t.trains_coefficients ? t.n_elements * t.n_elements * t.n_combined * t.n_basis : 0;
  }

 private:
  /// Values of an atom out of its moments, which are `moment_stride` apart.
  template <class Real>
  static FORCESMITH_FUNCTION void values_of_atom(const Tables<Real>& t, const Real* moments, int moment_stride,
                                                 int center, double* values, int threads) {
    const int* mapping = t.mapping + center * t.largest_size;
    for (int k = 0; k < t.sizes[center]; ++k) values[k * threads] = moments[mapping[k] * moment_stride];
  }
  /// Adjoints of all moments of a block: those of the values [n_atoms][stride], or 0.
  template <class V>
  static FORCESMITH_FUNCTION void set_adjoints(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                               const double* values, int stride, typename V::Number* adjoints) {
    for (int moment = 0; moment < t.n_moments; ++moment) registers_at<V>(adjoints)[moment] = V(0.0);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      const int center = neighbors.center_types[atom];
      const int* mapping = t.mapping + center * t.largest_size;
      const double* own = values + static_cast<std::ptrdiff_t>(atom) * stride;
      for (int k = 0; k < t.sizes[center]; ++k)
        adjoints[mapping[k] * V::stride + atom] += static_cast<typename V::Number>(own[k * V::threads]);
    }
  }
};

}  // namespace forcesmith::ace::FORCESMITH_ISA

FORCESMITH_DECLARE_KERNEL_VARIANTS(ace);
