// Kernels of proper orthogonal descriptors, written once for all processors (see simd/simd.hpp).
//
// N. C. Nguyen and A. Rohskopf, J. Comput. Phys. 480, 112030 (2023); N. C. Nguyen, Phys. Rev. B 107, 144103 (2023):
//   R_m(r) = sum_k phi_mk s_k(r)                                            radial functions of snapshots
//   U_(mu m)(abc) = sum_(j of element mu) R_m(r_ij) x^a y^b z^c             moments, (x, y, z) = r_ij / |r_ij|
// of which all values are sums of products. Lanes run over neighbors of one element for radial functions, sums and pair
// gradients, and over the atoms of a block for products of moments. Lengths in angstrom.
//
// Since x^2 + y^2 + z^2 = 1, only monomials x^a y^b z^c with c = 0 or 1 are summed over the neighbors; moments with
// higher powers of z are combinations of these ("expansion"), made once per atom.
//
// S is the number of radial functions that all monomials share, n_shared, or 0 if the kernels are compiled for any.
#pragma once

#include "core/phase.hpp"
#include "descriptors/kernel_variants.hpp"
#include "descriptors/pod/tables.hpp"
#include "descriptors/product_kernels.hpp"
#include "neighbors/packed_view.hpp"
#include "simd/exponential.hpp"
#include "simd/part.hpp"
#include "simd/sums.hpp"
#include "simd/transpose.hpp"
#include "simd/trigonometry.hpp"

namespace forcesmith::pod::FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

template <class V>
using TablesOf = Tables<typename V::Number>;
template <class V>
using ScratchOf = Scratch<typename V::Number>;
template <class V>
using NeighborsOf = PackedViewOf<typename V::Number>;

/// A number known to the compiler.
template <int K>
struct Count {
  static constexpr int value = K;
};

/// n_shared, and room for so many registers.
template <int S, class Real>
FORCESMITH_FUNCTION int n_shared(const Tables<Real>& t) {
  return S > 0 ? S : t.n_shared;
}
template <int S>
inline constexpr int room_for_shared = S > 0 ? S : max_radial_functions;

/// Snapshots without their cutoff function and, of sines, without the factor sqrt(2 / range) / i; d: r - inner_cutoff,
/// not 0. ds: their derivatives with r.
template <class V>
FORCESMITH_FUNCTION void compute_snapshots(const TablesOf<V>& t, V r, V d, Registers<V> s, Registers<V> ds) {
  using Real = typename V::Number;
  constexpr double pi = 3.14159265358979323846;
  const V inverse_d = V(1.0) / d;
  for (int a = 0; a < n_bessel_parameters; ++a) {
    // x = (1 - exp(-alpha d / range)) / (1 - exp(-alpha)), with all digits where d is small.
    const V rate(t.bessel_rates[a]), scale(t.bessel_scales[a]);
    V power, rest;
    simd_exponential_parts(-rate * d, power, rest);
    const V x = ((V(1.0) - power) - power * rest) * scale, dx = rate * (power + power * rest) * scale;
    V sine, cosine;
    simd_sin_cos(V(pi) * (x - V(2.0) * simd_round(V(0.5) * x)), sine, cosine);
    // sin((i + 1) z) = 2 cos z sin(i z) - sin((i - 1) z)
    const V dz = V(pi) * dx, twice = V(2.0) * cosine, dtwice = V(-2.0) * sine * dz;
    V value = sine * inverse_d, slope = (cosine * dz - value) * inverse_d, lower(0.0), lower_slope(0.0);
    for (int i = 0; i < t.bessel_degree; ++i) {
      s[0] = value;
      ds[0] = slope;
      s += 1;
      ds += 1;
      const V next = twice * value - lower, next_slope = twice * slope + dtwice * value - lower_slope;
      lower = value;
      lower_slope = slope;
      value = next;
      slope = next_slope;
    }
  }
  const V inverse_r = V(1.0) / r;
  V power = inverse_r;
  for (int i = 0; i < t.inverse_degree; ++i, power *= inverse_r) {
    s[i] = power;
    ds[i] = V(Real(-1 - i)) * power * inverse_r;
  }
}

/// The cutoff function, exp(1 - 1 / sqrt((1 - y^3)^2 + 1e-6)) of y = (r - inner_cutoff) / range, and its derivative with
/// r; both are 0 at the cutoff.
template <class V>
FORCESMITH_FUNCTION void compute_cutoff(const TablesOf<V>& t, V r, V& f, V& df) {
  const V zero(0.0), one(1.0), range(t.cutoff - t.inner_cutoff), cutoff(t.cutoff);
  const V rest = (cutoff - r) / range, y = one - rest;
  const V cube = rest * (one + y + y * y);  // 1 - y^3
  const V inverse = one / simd_sqrt(cube * cube + V(1e-6));
  const V value = simd_exp(one - inverse);
  f = simd_if_less(r, cutoff, value, zero);
  df = simd_if_less(r, cutoff, V(-3.0) * y * y * cube * inverse * inverse * inverse * value / range, zero);
}

/// R_m and dR_m/dr of a pack of neighbors.
template <class V>
FORCESMITH_FUNCTION void compute_radial(const TablesOf<V>& t, const ScratchOf<V>& s, V r, Registers<V> f,
                                        Registers<V> df) {
  // Close to the inner cutoff, where sines are divided by 0, functions are taken as linear.
  const V zero(0.0), close(simd_is_single<V> ? 1e-3 : 1e-7), inner(t.inner_cutoff);
  V d = r - inner;
  d = simd_if_less(simd_if_less(d, zero, -d, d), close, close, d);
  const V at = inner + d, beyond = (r - inner) - d;
  const int n = t.n_snapshots();
  const auto snapshots = registers_at<V>(s.snapshots), slopes = snapshots + n;
  compute_snapshots<V>(t, at, d, snapshots, slopes);
  V cutoff, dcutoff;
  compute_cutoff<V>(t, at, cutoff, dcutoff);
  const auto* row = t.coefficients;
  const auto tile = [&](auto count, int m) FORCESMITH_INLINE_LAMBDA {
    constexpr int rows = count.value;
    V sum[rows], dsum[rows];
    for (int i = 0; i < rows; ++i) sum[i] = dsum[i] = V(0.0);
    for (int k = 0; k < n; ++k) {
      const V value = snapshots[k], slope = slopes[k];
      for (int i = 0; i < rows; ++i) {
        const V c(row[i * n + k]);
        sum[i] += c * value;
        dsum[i] += c * slope;
      }
    }
    for (int i = 0; i < rows; ++i) {
      const V slope = cutoff * dsum[i] + dcutoff * sum[i];
      f[m + i] = cutoff * sum[i] + slope * beyond;
      df[m + i] = slope;
    }
    row += rows * n;
  };
  int m = 0;
  for (; m + 4 <= t.n_radial; m += 4) tile(Count<4>{}, m);
  for (; m < t.n_radial; ++m) tile(Count<1>{}, m);
}

/// N packs of neighbors of one atom.
template <class V, int N>
struct Packs {
  V u[N][3], r[N];

  FORCESMITH_FUNCTION Packs(const NeighborsOf<V>& neighbors, int first) {
    for (int n = 0; n < N; ++n) {
      const int at = (first + n) * V::stride;
      u[n][0] = simd_load<V>(neighbors.x + at);
      u[n][1] = simd_load<V>(neighbors.y + at);
      u[n][2] = simd_load<V>(neighbors.z + at);
      r[n] = simd_load<V>(neighbors.r + at);
    }
  }
};

/// Adds sum_n R_m x^a y^b z^c of N packs to the moment sums (still one value per lane) of their element, of rows with
/// has_row(row). Those of equal b and c are a row, and after these, each R_m without angles.
template <class V, int S, int N, class HasRow>
FORCESMITH_FUNCTION void add_moments(const TablesOf<V>& t, const Packs<V, N>& packs, Registers<const V> f,
                                     Registers<V> sums, const HasRow& has_row) {
  const int shared = n_shared<S>(t);
  V radial[N][room_for_shared<S>];
  for (int n = 0; n < N; ++n)
    for (int m = 0; m < shared; ++m) radial[n][m] = f[n * t.n_radial + m];
  int row = 0;
  for (int c = 0; c < 2; ++c) {
    V first[N];  // y^b z^c
    for (int n = 0; n < N; ++n) first[n] = c == 0 ? V(1.0) : packs.u[n][2];
    for (int b = 0; b + c <= t.degree; ++b, ++row) {
      const int length = t.degree - b - c + 1;
      if (has_row(row)) {
        auto own = sums;
        V monomial[N];
        for (int n = 0; n < N; ++n) monomial[n] = first[n];
        for (int a = 0; a < length; ++a, own += shared) {
          for (int m = 0; m < shared; ++m) {
            V sum = own[m];
            for (int n = 0; n < N; ++n) sum += radial[n][m] * monomial[n];
            own[m] = sum;
          }
          for (int n = 0; n < N; ++n) monomial[n] *= packs.u[n][0];
        }
      }
      sums += length * shared;
      for (int n = 0; n < N; ++n) first[n] *= packs.u[n][1];
    }
  }
  for (int m = shared; m < t.n_radial; ++m, ++row)
    if (has_row(row))
      for (int n = 0; n < N; ++n) sums[m - shared] += f[n * t.n_radial + m];
}

/// Gradient of sum_basic adjoint U with r_ij of N packs of an element, for one atom (lane `atom` of the adjoints).
///
/// At a neighbor, sum adjoint U is F = sum_m R_m P_m with polynomials P_m(x, y, z) whose coefficients are the adjoints.
/// F, its gradient with the unit vector and, with dR_m in place of R_m, its derivative with r come from nested
/// multiplication in x, then y, then z.
template <class V, int S, int N>
FORCESMITH_FUNCTION void reverse_moments(const TablesOf<V>& t, const NeighborsOf<V>& neighbors, const ScratchOf<V>& s,
                                         int atom, int first, typename V::Number* pair_gradients) {
  const int shared = n_shared<S>(t);
  const Packs<V, N> packs(neighbors, first);
  const auto f_of_packs = registers_at<V>(s.f) + first * t.n_radial;
  const auto df_of_packs = registers_at<V>(s.df) + first * t.n_radial;
  V f[N][room_for_shared<S>], df[N][room_for_shared<S>];
  for (int n = 0; n < N; ++n)
    for (int m = 0; m < shared; ++m) {
      f[n][m] = f_of_packs[n * t.n_radial + m];
      df[n][m] = df_of_packs[n * t.n_radial + m];
    }
  V du[N][3], dr[N];
  for (int n = 0; n < N; ++n) du[n][0] = du[n][1] = du[n][2] = dr[n] = V(0.0);
  const auto* adjoints = s.adjoints + atom + neighbors.pack_types[first * V::threads] * t.n_of_element * V::stride;
  const auto* own = adjoints + (t.n_of_element - (t.n_radial - shared)) * V::stride;  // one past those of monomials
  for (int c = t.degree > 0 ? 1 : 0; c >= 0; --c) {
    // Of the polynomial in x and y that z^c is multiplied with: value, derivatives with x, y and r.
    V value[N], dx[N], dy[N], dradial[N];
    for (int n = 0; n < N; ++n) value[n] = dx[n] = dy[n] = dradial[n] = V(0.0);
    for (int b = t.degree - c; b >= 0; --b) {
      V row_value[N], row_dx[N], row_dradial[N];
      for (int n = 0; n < N; ++n) row_value[n] = row_dx[n] = row_dradial[n] = V(0.0);
      for (int a = t.degree - c - b; a >= 0; --a) {
        own -= shared * V::stride;
        V coefficient[N], dcoefficient[N];
        for (int n = 0; n < N; ++n) coefficient[n] = dcoefficient[n] = V(0.0);
        for (int m = 0; m < shared; ++m) {
          const V adjoint(own[m * V::stride]);
          for (int n = 0; n < N; ++n) {
            coefficient[n] += adjoint * f[n][m];
            dcoefficient[n] += adjoint * df[n][m];
          }
        }
        for (int n = 0; n < N; ++n) {
          const V x = packs.u[n][0];
          row_dx[n] = row_dx[n] * x + row_value[n];
          row_value[n] = row_value[n] * x + coefficient[n];
          row_dradial[n] = row_dradial[n] * x + dcoefficient[n];
        }
      }
      for (int n = 0; n < N; ++n) {
        const V y = packs.u[n][1];
        dy[n] = dy[n] * y + value[n];
        value[n] = value[n] * y + row_value[n];
        dx[n] = dx[n] * y + row_dx[n];
        dradial[n] = dradial[n] * y + row_dradial[n];
      }
    }
    for (int n = 0; n < N; ++n) {
      const V z = packs.u[n][2];
      du[n][0] = du[n][0] * z + dx[n];
      du[n][1] = du[n][1] * z + dy[n];
      if (c == 1) du[n][2] = value[n];
      dr[n] = dr[n] * z + dradial[n];
    }
  }
  own = adjoints + (t.n_of_element - t.n_radial) * V::stride;
  for (int m = shared; m < t.n_radial; ++m)
    for (int n = 0; n < N; ++n) dr[n] += V(own[m * V::stride]) * df_of_packs[n * t.n_radial + m];

  for (int n = 0; n < N; ++n) {
    const V* u = packs.u[n];
    const V inverse_r = V(1.0) / packs.r[n];
    const V along = du[n][0] * u[0] + du[n][1] * u[1] + du[n][2] * u[2], radial = dr[n] - along * inverse_r;
    for (int axis = 0; axis < 3; ++axis)
      simd_store(pair_gradients + (3 * (first + n) + axis) * V::stride, radial * u[axis] + du[n][axis] * inverse_r);
  }
}

/// Calls compute(Count<N>, pack) for packs `pack` to end - 1 of an atom, N of the same element at once (so that their sums
/// and adjoints are loaded once) or one.
template <int N, class V, class Compute>
FORCESMITH_FUNCTION void for_packs(const NeighborsOf<V>& neighbors, int pack, int end, const Compute& compute) {
  const int* types = neighbors.pack_types;
  while (pack < end) {
    // Packs of an element follow each other.
    if (pack + N <= end && types[(pack + N - 1) * V::threads] == types[pack * V::threads]) {
      compute(Count<N>{}, pack);
      pack += N;
    } else {
      compute(Count<1>{}, pack++);
    }
  }
}

/// Moments with higher powers of z than the first, by z^2 = 1 - x^2 - y^2; the part's share of them.
template <class V, int S>
FORCESMITH_FUNCTION void expand_moments(const TablesOf<V>& t, Registers<V> moments, Part part) {
  if (t.n_expanded == 0) return;
  const int n_sets = t.n_elements * n_shared<S>(t), size = t.n_expanded / n_sets;
  for (int e = part.begin(n_sets) * size; e < part.end(n_sets) * size; ++e) {
    const int* from = t.expansion + 3 * e;
    moments[t.n_basic + e] = moments[from[0]] - moments[from[1]] - moments[from[2]];
  }
}
template <class V, int S>
FORCESMITH_FUNCTION void reverse_expansion(const TablesOf<V>& t, Registers<V> adjoints, Part part) {
  if (t.n_expanded == 0) return;
  const int n_sets = t.n_elements * n_shared<S>(t), size = t.n_expanded / n_sets;
  for (int e = part.end(n_sets) * size - 1; e >= part.begin(n_sets) * size; --e) {
    const int* to = t.expansion + 3 * e;
    const V adjoint = adjoints[t.n_basic + e];
    adjoints[to[0]] += adjoint;
    adjoints[to[1]] -= adjoint;
    adjoints[to[2]] -= adjoint;
  }
}

/// The verbs for S, as launches call them.
template <int S>
struct KernelsOf {
  /// Packs at once on devices, as many as the registers of a thread are enough for: in sums, and in pair gradients.
  static constexpr int sum_packs = S == 0 ? 1 : S <= 4 ? 4 : 2;
  template <class V>
  static constexpr int gradient_packs = simd_is_single<V> || sum_packs == 1 ? sum_packs : 2;
  static constexpr int blocks_at_once = S > 0 && S <= 4 ? 2 : 1;  // see launch_parts()

  /// Descriptor values B of a block; keeps moments and radial functions in the scratch.
  /// values: [n_atoms][stride].
  template <class V>
  static FORCESMITH_FUNCTION void compute_values(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                 const ScratchOf<V>& s, double* values, int stride) {
    const auto moments = registers_at<V>(s.moments), sums = registers_at<V>(s.sums);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      for (int basic = 0; basic < t.n_basic; ++basic) sums[basic] = V(0.0);
      for_packs<2, V>(neighbors, neighbors.pack_offsets[atom], neighbors.pack_offsets[atom + 1],
                      [&](auto count, int pack) FORCESMITH_INLINE_LAMBDA {
                        constexpr int n = count.value;
                        const Packs<V, n> packs(neighbors, pack);
                        const auto f = registers_at<V>(s.f) + pack * t.n_radial;
                        const auto df = registers_at<V>(s.df) + pack * t.n_radial;
                        FORCESMITH_PHASE(radial);
                        for (int i = 0; i < n; ++i)
                          compute_radial<V>(t, s, packs.r[i], f + i * t.n_radial, df + i * t.n_radial);
                        FORCESMITH_PHASE(moments);
                        add_moments<V, S, n>(t, packs, f,
                                             sums + neighbors.pack_types[pack * V::threads] * t.n_of_element,
                                             [](int) FORCESMITH_INLINE_LAMBDA { return true; });
                      });
      store_sums_of_atom(sums, t.n_basic, atom, moments);
    }
    sums_to_lanes(moments, t.n_basic, neighbors.n_atoms);
    FORCESMITH_PHASE(contraction);
    expand_moments<V, S>(t, moments, whole_atom());
    compute_all_products<V>(t, moments);
    lanes_to_rows(moments, t.mapping, t.n_values, neighbors.n_atoms, values, stride);
  }

  /// The same for one atom in stages: radial functions, moment sums, their expansion, products by their depth (there are
  /// no deeper ones), values.
  static constexpr bool values_shared[] = {true, true, true, true, true, true, true};
  template <class V, int stage>
  static FORCESMITH_FUNCTION void compute_values_stage(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                       const ScratchOf<V>& s, Part part, double* values, int) {
    static_assert(shared_depths == 3);
    const auto moments = registers_at<V>(s.moments);
    const int n_packs = neighbors.pack_offsets[1];
    if constexpr (stage == 0) {
      for (int basic = part.index; basic < t.n_basic; basic += part.count) moments[basic] = V(0.0);
      for (int pack = part.begin(n_packs); pack < part.end(n_packs); ++pack)
        compute_radial<V>(t, s, simd_load<V>(neighbors.r + pack * V::stride), registers_at<V>(s.f) + pack * t.n_radial,
                          registers_at<V>(s.df) + pack * t.n_radial);
    } else if constexpr (stage == 1) {
      for_packs<sum_packs, V>(neighbors, 0, n_packs, [&](auto count, int pack) {
        constexpr int n = count.value;
        add_moments<V, S, n>(t, Packs<V, n>(neighbors, pack), registers_at<V>(s.f) + pack * t.n_radial,
                             moments + neighbors.pack_types[pack * V::threads] * t.n_of_element,
                             [part](int row) { return part.has(row); });
      });
    } else if constexpr (stage == 2) {
      expand_moments<V, S>(t, moments, part);
    } else if constexpr (stage < 3 + shared_depths) {
      compute_products<V>(t, moments, t.depth_begin[stage - 3], t.depth_begin[stage - 2], part);
    } else {
      for (int k = part.index; k < t.n_values; k += part.count) values[k * V::threads] = moments[t.mapping[k]][0];
    }
  }

  /// Sets dE_i/dr_ij = sum_k beta_k dB_k/dr_ij, pair_gradients [n_packs][3][width]; beta: [n_atoms][stride].
  template <class V>
  static FORCESMITH_FUNCTION void reverse_values(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                 const ScratchOf<V>& s, const double* beta, int stride,
                                                 typename V::Number* pair_gradients) {
    FORCESMITH_PHASE(adjoint);
    const auto moments = registers_at<V>(s.moments), adjoints = registers_at<V>(s.adjoints);
    for (int moment = 0; moment < t.n_moments; ++moment) adjoints[moment] = V(0.0);
    add_rows_to_lanes(beta, stride, t.mapping, t.n_values, neighbors.n_atoms, adjoints);
    reverse_all_products<V>(t, moments, adjoints);
    reverse_expansion<V, S>(t, adjoints, whole_atom());
    FORCESMITH_PHASE(pair_gradients);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      for_packs<(S > 0 && S <= 5 ? 2 : 1), V>(neighbors, neighbors.pack_offsets[atom], neighbors.pack_offsets[atom + 1],
                                              [&](auto count, int pack) FORCESMITH_INLINE_LAMBDA {
                                                reverse_moments<V, S, count.value>(t, neighbors, s, atom, pack,
                                                                                   pair_gradients);
                                              });
  }

  /// The same for one atom in stages: adjoints of the values, of factors by their height, of moments; pair gradients.
  static constexpr bool reverse_shared[] = {true, true, true, true, true, true};
  template <class V, int stage>
  static FORCESMITH_FUNCTION void reverse_values_stage(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                       const ScratchOf<V>& s, Part part, const double* beta, int,
                                                       typename V::Number* pair_gradients) {
    static_assert(shared_depths == 3);
    const auto moments = registers_at<V>(s.moments), adjoints = registers_at<V>(s.adjoints);
    if constexpr (stage == 0) {
      for (int moment = part.index; moment < t.n_moments; moment += part.count) adjoints[moment] = V(0.0);
      for (int k = 0; k < t.n_values; ++k)
        if (part.has(t.mapping[k])) adjoints[t.mapping[k]] += V(beta[k * V::threads]);
    } else if constexpr (stage <= shared_depths) {
      reverse_products<V>(t, moments, adjoints, t.height_begin[stage - 1], t.height_begin[stage], part);
    } else if constexpr (stage == shared_depths + 1) {
      reverse_expansion<V, S>(t, adjoints, part);
    } else {
      const int n_packs = neighbors.pack_offsets[1];
      for_packs<gradient_packs<V>, V>(neighbors, part.begin(n_packs), part.end(n_packs), [&](auto count, int pack) {
        reverse_moments<V, S, count.value>(t, neighbors, s, 0, pack, pair_gradients);
      });
    }
  }
};

/// The verbs for any number of them, as variants call them.
struct Kernels {
  template <class Real>
  using Tables = pod::Tables<Real>;
  template <class Real>
  using Scratch = pod::Scratch<Real>;

  /// Calls run(KernelsOf<S>{}) for the tables.
  template <class Real, class Run>
  static FORCESMITH_HOST_FUNCTION void with_shape(const Tables<Real>& t, const Run& run) {
    switch (t.n_shared) {
      case 1: return run(KernelsOf<1>{});
      case 2: return run(KernelsOf<2>{});
      case 3: return run(KernelsOf<3>{});
      case 4: return run(KernelsOf<4>{});
      case 5: return run(KernelsOf<5>{});
      case 6: return run(KernelsOf<6>{});
      default: return run(KernelsOf<0>{});
    }
  }

  template <class V>
  static FORCESMITH_HOST_FUNCTION void compute_values(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                      const ScratchOf<V>& s, double* values, int stride) {
    with_shape(t, [&](auto kernels) FORCESMITH_INLINE_LAMBDA {
      kernels.template compute_values<V>(t, neighbors, s, values, stride);
    });
  }
  template <class V>
  static FORCESMITH_HOST_FUNCTION void reverse_values(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                      const ScratchOf<V>& s, const double* beta, int stride,
                                                      typename V::Number* pair_gradients) {
    with_shape(t, [&](auto kernels) FORCESMITH_INLINE_LAMBDA {
      kernels.template reverse_values<V>(t, neighbors, s, beta, stride, pair_gradients);
    });
  }
};

}  // namespace forcesmith::pod::FORCESMITH_ISA

FORCESMITH_DECLARE_KERNEL_VARIANTS(pod);
