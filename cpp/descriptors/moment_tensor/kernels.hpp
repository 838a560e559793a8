// Kernels of the moment tensor descriptor, written once for all processors (see simd/simd.hpp).
//
// A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016); I. S. Novikov et al., Mach. Learn.: Sci.
// Technol. 2, 025002 (2021):
//   M_{mu,nu}(i) = sum_j f_mu(r_ij) u_ij^{(x) nu},  u = r_ij / |r_ij|        basic moments
//   f_mu(r) = sum_b c_b Q_b(r),  Q_b(r) = scaling T_b(xi) (Rcut - r)^2
// Lanes run over neighbors of any elements for radial functions, moment sums and pair gradients, and over
// the atoms of a block for the contraction program. Lengths in angstrom.
//
// Since x^2 + y^2 + z^2 = 1, only monomials x^a y^b z^c with c = 0 or 1 are summed over the neighbors; moments
// with higher powers of z are combinations of these ("expansion"), made once per atom. The monomials of
// equal b and c form a row, which the kernels walk along in registers.
//
// R is the number of radial functions, rounded up to one the kernels are compiled for (dispatch_radial).
//
// Verbs: compute_values, then any of reverse_values (MD), compute_tangent and then
// reverse_parameters (training), compute_gradients (design matrix), on the same block and scratch.
#pragma once

#include "core/phase.hpp"
#include "descriptors/kernel_variants.hpp"
#include "descriptors/moment_tensor/tables.hpp"
#include "descriptors/pack_motion.hpp"
#include "descriptors/product_kernels.hpp"
#include "math/chebyshev.hpp"
#include "neighbors/packed_view.hpp"
#include "simd/lookup.hpp"
#include "simd/part.hpp"
#include "simd/sums.hpp"
#include "simd/transpose.hpp"

namespace forcesmith::moment_tensor::FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

// Tables, scratch and neighbors in the precision of the lanes.
template <class V>
using TablesOf = Tables<typename V::Number>;
template <class V>
using ScratchOf = Scratch<typename V::Number>;
template <class V>
using NeighborsOf = PackedViewOf<typename V::Number>;

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

/// The number for each lane out of a row of one for every neighbor element, where there is only one.
template <class V>
struct OfOneElement {
  FORCESMITH_FUNCTION OfOneElement(const int*, int) {}
  FORCESMITH_FUNCTION V operator()(const typename V::Number* row) const { return V(*row); }
};

/// Numbers from one such row to the next; most often known to the compiler.
template <class V>
FORCESMITH_FUNCTION int neighbor_stride(const TablesOf<V>&, OfOneElement<V>) {
  return 1;
}
template <class V>
FORCESMITH_FUNCTION int neighbor_stride(const TablesOf<V>&, RegisterLookup<V>) {
  return V::width;
}
template <class V>
FORCESMITH_FUNCTION int neighbor_stride(const TablesOf<V>& t, LaneLookup<V>) {
  return t.neighbor_stride;
}

/// The argument of the Chebyshev polynomials: -1 at the smallest distance, 1 at the cutoff.
template <class V>
FORCESMITH_FUNCTION V compute_xi(const TablesOf<V>& t, V r) {
  return (r - V(t.min_distance)) * V(2 / (t.cutoff - t.min_distance)) - V(1.0);
}

/// f_mu and df_mu/dr, mu < R, of a pack of neighbors of a center element.
template <class V, int R, class OfElements>
FORCESMITH_FUNCTION void compute_radial(const TablesOf<V>& t, int center, const OfElements& of_elements, V r,
                                        Registers<V> f, Registers<V> df) {
  const int stride = neighbor_stride<V>(t, of_elements), last = t.n_polynomials - 1;
  const auto* rows = t.radial + center * t.n_polynomials * 2 * R * stride;
  V sum[R], dsum[R];
  for (int mu = 0; mu < R; ++mu) {
    sum[mu] = of_elements(rows + 2 * mu * stride);
    dsum[mu] = of_elements(rows + (2 * mu + 1) * stride);
  }
  ChebyshevValues<V> chebyshev(compute_xi<V>(t, r));
  for (int b = 1; b < last; ++b) {
    chebyshev.advance();
    rows += 2 * R * stride;
    for (int mu = 0; mu < R; ++mu) {
      sum[mu] += of_elements(rows + 2 * mu * stride) * chebyshev.value;
      dsum[mu] += of_elements(rows + (2 * mu + 1) * stride) * chebyshev.value;
    }
  }
  if (last > 0) {  // the derivative has one polynomial less
    chebyshev.advance();
    rows += 2 * R * stride;
    for (int mu = 0; mu < R; ++mu) sum[mu] += of_elements(rows + 2 * mu * stride) * chebyshev.value;
  }
  const V gap = V(t.cutoff) - r;
  const V envelope = gap * gap * V(t.scaling), denvelope = gap * V(-2 * t.scaling);
  for (int mu = 0; mu < R; ++mu) {
    f[mu] = envelope * sum[mu];
    df[mu] = envelope * dsum[mu] + denvelope * sum[mu];
  }
}

/// A type as an argument.
template <class T>
struct Type {};

/// A number known to the compiler.
template <int K>
struct Count {
  static constexpr int value = K;
};

/// Calls visit(Count<K>, basic) for the monomials of a row, powers of x ascending: each is summed with
/// the first K radial functions, into the moments basic .. basic + K - 1.
template <int K, class Visit>
FORCESMITH_FUNCTION void visit_row(const int* ends, int power, int basic, const Visit& visit) {
  for (; power < ends[K - 1]; ++power, basic += K) visit(Count<K>{}, basic);
  if constexpr (K > 1) visit_row<K - 1>(ends, power, basic, visit);
}

/// Adds sum_n f_mu monomial of N packs to the moment sums (still one value per lane), of rows with has_row(row).
template <class V, int R, int N, class HasRow>
FORCESMITH_FUNCTION void add_moments(const TablesOf<V>& t, const Packs<V, N>& packs, Registers<const V> f,
                                     Registers<V> sums, const HasRow& has_row) {
  V radial[N][R];
  for (int n = 0; n < N; ++n)
    for (int mu = 0; mu < R; ++mu) radial[n][mu] = f[n * R + mu];
  const int* ends = t.row_ends;
  int row = 0;
  for (int c = 0; c < 2; ++c) {
    V first[N];  // y^b z^c
    for (int n = 0; n < N; ++n) first[n] = c == 0 ? V(1.0) : packs.u[n][2];
    for (int b = 0; b < t.n_rows[c]; ++b, ++row, ends += R) {
      if (has_row(row)) {
        V monomial[N];
        for (int n = 0; n < N; ++n) monomial[n] = first[n];
        visit_row<R>(ends, 0, t.row_begin[row], [&](auto count, int basic) FORCESMITH_INLINE_LAMBDA {
          for (int mu = 0; mu < count.value; ++mu) {
            V sum = sums[basic + mu];
            for (int n = 0; n < N; ++n) sum += radial[n][mu] * monomial[n];
            sums[basic + mu] = sum;
          }
          for (int n = 0; n < N; ++n) monomial[n] *= packs.u[n][0];
        });
      }
      for (int n = 0; n < N; ++n) first[n] *= packs.u[n][1];
    }
  }
}

/// Adds the derivative of the moment sums of one pack when its unit vectors move with u_dot and its radial
/// functions with f_dot.
template <class V, int R>
FORCESMITH_FUNCTION void add_moments_dot(const TablesOf<V>& t, const V* u, const V* u_dot, const V* f, const V* f_dot,
                                         Registers<V> sums) {
  const int* ends = t.row_ends;
  int row = 0;
  for (int c = 0; c < 2; ++c) {
    V first = c == 0 ? V(1.0) : u[2], first_dot = c == 0 ? V(0.0) : u_dot[2];
    for (int b = 0; b < t.n_rows[c]; ++b, ++row, ends += R) {
      V monomial = first, monomial_dot = first_dot;
      visit_row<R>(ends, 0, t.row_begin[row], [&](auto count, int basic) FORCESMITH_INLINE_LAMBDA {
        for (int mu = 0; mu < count.value; ++mu) sums[basic + mu] += f_dot[mu] * monomial + f[mu] * monomial_dot;
        monomial_dot = monomial_dot * u[0] + monomial * u_dot[0];
        monomial *= u[0];
      });
      first_dot = first_dot * u[1] + first * u_dot[1];
      first *= u[1];
    }
  }
}

/// f_mu and df_mu/dr of N packs, to the scratch.
template <class V, int R, int N>
FORCESMITH_FUNCTION void compute_radial_of_packs(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                 const ScratchOf<V>& s, int center, int first) {
  const auto f = registers_at<V>(s.f) + first * R, df = registers_at<V>(s.df) + first * R;
  const auto radial = [&]<class OfElements>(Type<OfElements>) FORCESMITH_INLINE_LAMBDA {
    for (int n = 0; n < N; ++n) {
      const int at = (first + n) * V::stride;
      compute_radial<V, R>(t, center, OfElements(neighbors.types, at), simd_load<V>(neighbors.r + at), f + n * R,
                           df + n * R);
    }
  };
  if (t.n_elements == 1) radial(Type<OfOneElement<V>>{});
  else if (t.n_elements <= V::width) radial(Type<RegisterLookup<V>>{});
  else radial(Type<LaneLookup<V>>{});
}

/// Moments with higher powers of z than the first, by z^2 = 1 - x^2 - y^2.
template <class V>
FORCESMITH_FUNCTION void expand_moments(const TablesOf<V>& t, Registers<V> moments) {
  for (int e = 0; e < t.n_expanded; ++e) {
    const int* from = t.expansion + 3 * e;
    moments[t.n_basic + e] = moments[from[0]] - moments[from[1]] - moments[from[2]];
  }
}

template <class V>
FORCESMITH_FUNCTION void reverse_expansion(const TablesOf<V>& t, Registers<V> adjoints) {
  for (int e = t.n_expanded - 1; e >= 0; --e) {
    const int* to = t.expansion + 3 * e;
    const V adjoint = adjoints[t.n_basic + e];
    adjoints[to[0]] += adjoint;
    adjoints[to[1]] -= adjoint;
    adjoints[to[2]] -= adjoint;
  }
}

/// Carries the adjoint of one moment to its factors; lanes run over something else than atoms here, moments
/// [..][stride] are those of one of them.
template <class V>
FORCESMITH_FUNCTION void reverse_product(const TablesOf<V>& t, const typename V::Number* moments, int target,
                                         Registers<V> adjoints) {
  const V adjoint = adjoints[target];
  const int end = t.product_begin[target - t.first_product + 1];
  for (int p = t.product_begin[target - t.first_product]; p < end; ++p) {
    const V scaled = adjoint * V(t.product_factor[p]);
    const int left = t.product_left[p], right = t.product_right[p];
    const V left_value(moments[left * V::stride]), right_value(moments[right * V::stride]);
    adjoints[left] += scaled * right_value;
    adjoints[right] += scaled * left_value;
  }
}

/// Calls compute(Count<N>, pack) for packs `pack` to end - 1, N at once (so that their sums and adjoints are
/// loaded once) or, at the end, one.
template <int N, class Compute>
FORCESMITH_FUNCTION void for_packs(int pack, int end, const Compute& compute) {
  for (; pack + N <= end; pack += N) compute(Count<N>{}, pack);
  for (; pack < end; ++pack) compute(Count<1>{}, pack);
}

/// A polynomial in x and y and its derivatives, of N packs.
template <class V, int N>
struct Polynomial {
  V value[N], dx[N], dy[N];
};

/// The polynomial in x and y that z^c is multiplied with, its coefficients the adjoints of the moments of radial function
/// mu: by nested multiplication in x, then y. Its rows have 1, 2, .. monomials; `nested` moves on to what follows.
template <class V, int N>
FORCESMITH_FUNCTION void compute_polynomial(const TablesOf<V>& t, const Packs<V, N>& packs,
                                            const typename V::Number* adjoints, int c, int mu, const int*& nested,
                                            Polynomial<V, N>& p) {
  const auto next = [&]() FORCESMITH_INLINE_LAMBDA { return V(adjoints[*nested++ * V::stride]); };
  const int n_rows = t.row_ends[mu] - c;
  const V constant = n_rows > 0 ? next() : V(0.0);
  for (int n = 0; n < N; ++n) {
    p.value[n] = constant;
    p.dx[n] = p.dy[n] = V(0.0);
  }
  for (int length = 2; length <= n_rows; ++length) {
    const V first = next(), second = next();
    V row_value[N], row_dx[N];
    for (int n = 0; n < N; ++n) {
      row_dx[n] = first;
      row_value[n] = first * packs.u[n][0] + second;
    }
    for (int i = 2; i < length; ++i) {
      const V coefficient = next();
      for (int n = 0; n < N; ++n) {
        row_dx[n] = row_dx[n] * packs.u[n][0] + row_value[n];
        row_value[n] = row_value[n] * packs.u[n][0] + coefficient;
      }
    }
    for (int n = 0; n < N; ++n) {
      const V y = packs.u[n][1];
      p.dy[n] = p.dy[n] * y + p.value[n];
      p.value[n] = p.value[n] * y + row_value[n];
      p.dx[n] = p.dx[n] * y + row_dx[n];
    }
  }
}

/// Gradient of sum_basic adjoint M with r_ij of N packs, for one atom (lane `atom` of the adjoints): at a neighbor, that
/// is sum_mu f_mu P_mu with polynomials P_mu(x, y, z) whose coefficients are the adjoints.
template <class V, int R, int N>
FORCESMITH_FUNCTION void reverse_moments_of_packs(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                  const ScratchOf<V>& s, int atom, int first,
                                                  typename V::Number* pair_gradients) {
  const Packs<V, N> packs(neighbors, first);
  V du[N][3], dr[N];
  for (int n = 0; n < N; ++n) du[n][0] = du[n][1] = du[n][2] = dr[n] = V(0.0);
  const int* nested = t.nested;
  for (int mu = 0; mu < t.n_radial; ++mu) {
    Polynomial<V, N> p, of_z;
    compute_polynomial<V, N>(t, packs, s.adjoints + atom, 1, mu, nested, of_z);
    compute_polynomial<V, N>(t, packs, s.adjoints + atom, 0, mu, nested, p);
    for (int n = 0; n < N; ++n) {
      const V z = packs.u[n][2];
      const V f = registers_at<V>(s.f)[(first + n) * R + mu], df = registers_at<V>(s.df)[(first + n) * R + mu];
      du[n][0] += f * (p.dx[n] + z * of_z.dx[n]);
      du[n][1] += f * (p.dy[n] + z * of_z.dy[n]);
      du[n][2] += f * of_z.value[n];
      dr[n] += df * (p.value[n] + z * of_z.value[n]);
    }
  }

  for (int n = 0; n < N; ++n) {
    const V* u = packs.u[n];
    const V inverse_r = V(1.0) / packs.r[n];
    const V along = du[n][0] * u[0] + du[n][1] * u[1] + du[n][2] * u[2];
    const V radial = dr[n] - along * inverse_r;
    for (int axis = 0; axis < 3; ++axis)
      simd_store(pair_gradients + (3 * (first + n) + axis) * V::stride, radial * u[axis] + du[n][axis] * inverse_r);
  }
}

/// Adjoints of the radial functions of one pack and of their motion, from those of the moments of an atom.
template <class V, int R>
FORCESMITH_FUNCTION void reverse_radial(const TablesOf<V>& t, const ScratchOf<V>& s, int atom, const V* u,
                                        const V* u_dot, V* f_bar, V* f_dot_bar) {
  const auto *bar = s.adjoints + atom, *dot_bar = s.adjoints_dot + atom;
  for (int mu = 0; mu < R; ++mu) f_bar[mu] = f_dot_bar[mu] = V(0.0);
  const int* ends = t.row_ends;
  int row = 0;
  for (int c = 0; c < 2; ++c) {
    V first = c == 0 ? V(1.0) : u[2], first_dot = c == 0 ? V(0.0) : u_dot[2];
    for (int b = 0; b < t.n_rows[c]; ++b, ++row, ends += R) {
      V monomial = first, monomial_dot = first_dot;
      visit_row<R>(ends, 0, t.row_begin[row], [&](auto count, int basic) FORCESMITH_INLINE_LAMBDA {
        for (int mu = 0; mu < count.value; ++mu) {
          const V moment_dot_bar(dot_bar[(basic + mu) * V::stride]);
          f_bar[mu] += V(bar[(basic + mu) * V::stride]) * monomial + moment_dot_bar * monomial_dot;
          f_dot_bar[mu] += moment_dot_bar * monomial;
        }
        monomial_dot = monomial_dot * u[0] + monomial * u_dot[0];
        monomial *= u[0];
      });
      first_dot = first_dot * u[1] + first * u_dot[1];
      first *= u[1];
    }
  }
}

template <class V>
FORCESMITH_FUNCTION typename V::Number* dbasic_of(const TablesOf<V>& t, const ScratchOf<V>& s) {
  return s.for_gradients + ScratchOf<V>::jacobian_size(t, V::width) * V::stride;
}

/// d(basic moment)/dr_ij of all neighbors of one atom, to dbasic_of().
template <class V, int R>
FORCESMITH_FUNCTION void compute_basic_gradients(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                 const ScratchOf<V>& s, int atom) {
  const int begin = neighbors.pack_offsets[atom];
  const int n_packs = neighbors.pack_offsets[atom + 1] - begin;
  const auto moved = registers_at<V>(s.sums);
  for (int pack = 0; pack < n_packs; ++pack) {
    const Packs<V, 1> packs(neighbors, begin + pack);
    V f[R], df[R], f_dot[R];
    for (int mu = 0; mu < R; ++mu) {
      f[mu] = registers_at<V>(s.f)[(begin + pack) * R + mu];
      df[mu] = registers_at<V>(s.df)[(begin + pack) * R + mu];
    }
    for (int axis = 0; axis < 3; ++axis) {
      const V r_dot = packs.u[0][axis];
      V u_dot[3];
      for (int other = 0; other < 3; ++other)
        u_dot[other] = (V(other == axis ? 1.0 : 0.0) - packs.u[0][other] * r_dot) / packs.r[0];
      for (int mu = 0; mu < R; ++mu) f_dot[mu] = df[mu] * r_dot;
      for (int basic = 0; basic < t.n_basic; ++basic) moved[basic] = V(0.0);
      add_moments_dot<V, R>(t, packs.u[0], u_dot, f, f_dot, moved);
      auto* rows = dbasic_of<V>(t, s) + (pack * V::width * 3 + axis) * t.n_basic * V::threads;
      for (int basic = 0; basic < t.n_basic; ++basic)
        for (int lane = 0; lane < V::width; ++lane)
          rows[(lane * 3 * t.n_basic + basic) * V::threads] = moved[basic][lane];
    }
  }
}

/// Part of the Jacobian: `tile` registers of values from this one on, and the basic moments they depend on.
template <class V>
struct JacobianTile {
  static constexpr int tile = TablesOf<V>::jacobian_tile;
  const int *begin, *end;  // basic moments
  Registers<V> rows;       // [basic moments][tile]

  FORCESMITH_FUNCTION JacobianTile(const TablesOf<V>& t, const ScratchOf<V>& s, int first) {
    // Tiles of the tables hold as many of narrower registers.
    const int size = tile * t.reachable_width, inside = first % size / (tile * V::width);
    const int* range = t.dependence_begin + first / size;
    begin = t.dependences + range[0];
    end = t.dependences + range[1];
    rows = registers_at<V>(s.for_gradients) +
           tile * (range[0] * (t.reachable_width / V::width) + inside * (range[1] - range[0]));
  }
};

/// dB_k/d(basic moment) of one atom, to s.for_gradients; lanes run over values here.
template <class V>
FORCESMITH_FUNCTION void compute_jacobian(const TablesOf<V>& t, const ScratchOf<V>& s, int atom) {
  constexpr int tile = JacobianTile<V>::tile;
  const auto adjoints = registers_at<V>(s.adjoints);
  const auto* moments = s.moments + atom;
  for (int first = 0; first < t.n_values; first += tile * V::width) {
    const JacobianTile<V> part(t, s, first);
    for (int column = 0; column < tile; ++column) {
      const int begin = first + column * V::width;
      for (int moment = 0; moment < t.first_product; ++moment) adjoints[moment] = V(0.0);
      if (begin < t.n_values) {
        const int* range = t.reachable_begin + begin / t.reachable_width;
        const int *from = t.reachable + range[0], *to = t.reachable + range[1];
        for (const int* target = from; target < to; ++target) adjoints[*target] = V(0.0);
        for (int lane = 0; lane < V::width && begin + lane < t.n_values; ++lane)
          s.adjoints[t.mapping[t.value_order[begin + lane]] * V::stride + lane] += 1.0;
        for (const int* target = from; target < to; ++target) reverse_product<V>(t, moments, *target, adjoints);
        reverse_expansion<V>(t, adjoints);
      }
      for (const int* basic = part.begin; basic < part.end; ++basic)
        part.rows[(basic - part.begin) * tile + column] = adjoints[*basic];
    }
  }
}

/// From the basic moments of a block to the values.
template <class V>
FORCESMITH_FUNCTION void compute_contraction(const TablesOf<V>& t, const ScratchOf<V>& s, int n_atoms, double* values,
                                             int stride) {
  const auto moments = registers_at<V>(s.moments);
  expand_moments<V>(t, moments);
  compute_all_products<V>(t, moments);
  lanes_to_rows(moments, t.mapping, t.n_values, n_atoms, values, stride);
}

/// From those of the values to the adjoints of the moments of a block.
template <class V>
FORCESMITH_FUNCTION void reverse_contraction(const TablesOf<V>& t, const ScratchOf<V>& s, int n_atoms,
                                             const double* beta, int stride) {
  const auto moments = registers_at<V>(s.moments), adjoints = registers_at<V>(s.adjoints);
  for (int moment = 0; moment < t.n_moments; ++moment) adjoints[moment] = V(0.0);
  add_rows_to_lanes(beta, stride, t.mapping, t.n_values, n_atoms, adjoints);
  reverse_all_products<V>(t, moments, adjoints);
  reverse_expansion<V>(t, adjoints);
}

/// The verbs for R radial functions, as launches call them.
template <int R>
struct KernelsOf {
  /// Packs at once on devices, as many as the registers of a thread are enough for.
  static constexpr int device_packs = R <= 4 ? 4 : R <= 8 ? 2 : 1;
  static constexpr int blocks_at_once = R <= 4 ? 2 : 1;  // see launch_parts()

  /// Descriptor values B of a block; keeps moments and radial functions in the scratch.
  /// values: [n_atoms][stride].
  template <class V>
  static FORCESMITH_FUNCTION void compute_values(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                 const ScratchOf<V>& s, double* values, int stride) {
    const auto moments = registers_at<V>(s.moments), sums = registers_at<V>(s.sums);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      for (int basic = 0; basic < t.n_basic; ++basic) sums[basic] = V(0.0);
      const int center = neighbors.center_types[atom];
      // As many as leave registers for the sums: there are R functions per pack.
      constexpr int at_once = R <= 3 || (R == 4 && simd_is_single<V>) ? 3 : 2;
      for_packs<at_once>(neighbors.pack_offsets[atom], neighbors.pack_offsets[atom + 1],
                         [&](auto count, int pack) FORCESMITH_INLINE_LAMBDA {
                           constexpr int n = count.value;
                           FORCESMITH_PHASE(radial);
                           compute_radial_of_packs<V, R, n>(t, neighbors, s, center, pack);
                           FORCESMITH_PHASE(moments);
                           add_moments<V, R, n>(t, Packs<V, n>(neighbors, pack), registers_at<V>(s.f) + pack * R, sums,
                                                [](int) FORCESMITH_INLINE_LAMBDA { return true; });
                         });
      store_sums_of_atom(sums, t.n_basic, atom, moments);
    }
    sums_to_lanes(moments, t.n_basic, neighbors.n_atoms);
    FORCESMITH_PHASE(contraction);
    compute_contraction<V>(t, s, neighbors.n_atoms, values, stride);
  }

  /// The same for one atom in stages: radial functions, moment sums, their expansion, products by their depth, values.
  static constexpr bool values_shared[] = {true, true, false, true, true, true, false};
  template <class V, int stage>
  static FORCESMITH_FUNCTION void compute_values_stage(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                       const ScratchOf<V>& s, Part part, double* values, int stride) {
    const int n_packs = neighbors.pack_offsets[1];
    if constexpr (stage == 0) {
      for_packs<1>(part.begin(n_packs), part.end(n_packs), [&](auto count, int pack) {
        compute_radial_of_packs<V, R, count.value>(t, neighbors, s, neighbors.center_types[0], pack);
      });
    } else if constexpr (stage == 1) {
      const auto moments = registers_at<V>(s.moments);
      for (int row = part.index; row < t.n_rows[0] + t.n_rows[1]; row += part.count)
        for (int basic = t.row_begin[row]; basic < t.row_begin[row + 1]; ++basic) moments[basic] = V(0.0);
      for_packs<device_packs>(0, n_packs, [&](auto count, int pack) {
        constexpr int n = count.value;
        add_moments<V, R, n>(t, Packs<V, n>(neighbors, pack), registers_at<V>(s.f) + pack * R, moments,
                             [part](int row) { return part.has(row); });
      });
    } else if constexpr (stage == 2) {
      expand_moments<V>(t, registers_at<V>(s.moments));
    } else if constexpr (stage < 3 + shared_depths) {
      compute_products<V>(t, registers_at<V>(s.moments), t.depth_begin[stage - 3], t.depth_begin[stage - 2], part);
    } else {
      const auto moments = registers_at<V>(s.moments);
      compute_products<V>(t, moments, t.depth_begin[shared_depths], t.n_moments - t.first_product, part);
      lanes_to_rows(moments, t.mapping, t.n_values, 1, values, stride);
    }
  }

  /// Sets dE_i/dr_ij = sum_k beta_k dB_k/dr_ij, pair_gradients [n_packs][3][width]; beta: [n_atoms][stride].
  template <class V>
  static FORCESMITH_FUNCTION void reverse_values(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                 const ScratchOf<V>& s, const double* beta, int stride,
                                                 typename V::Number* pair_gradients) {
    FORCESMITH_PHASE(adjoint);
    reverse_contraction<V>(t, s, neighbors.n_atoms, beta, stride);
    FORCESMITH_PHASE(pair_gradients);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      for_packs<2>(neighbors.pack_offsets[atom], neighbors.pack_offsets[atom + 1],
                   [&](auto count, int pack) FORCESMITH_INLINE_LAMBDA {
                     reverse_moments_of_packs<V, R, count.value>(t, neighbors, s, atom, pack, pair_gradients);
                   });
  }

  /// The same for one atom in stages: adjoints of the values, of factors by their height, of moments; pair gradients.
  static constexpr bool reverse_shared[] = {true, true, true, true, false, true};
  template <class V, int stage>
  static FORCESMITH_FUNCTION void reverse_values_stage(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                       const ScratchOf<V>& s, Part part, const double* beta, int stride,
                                                       typename V::Number* pair_gradients) {
    const int n_packs = neighbors.pack_offsets[1];
    const auto moments = registers_at<V>(s.moments), adjoints = registers_at<V>(s.adjoints);
    if constexpr (stage == 0) {
      for (int moment = part.index; moment < t.n_moments; moment += part.count) adjoints[moment] = V(0.0);
      for (int k = 0; k < t.n_values; ++k)
        if (part.has(t.mapping[k])) adjoints[t.mapping[k]] += V(beta[k * V::threads]);
    } else if constexpr (stage <= shared_depths) {
      reverse_products<V>(t, moments, adjoints, t.height_begin[stage - 1], t.height_begin[stage], part);
    } else if constexpr (stage == shared_depths + 1) {
      reverse_products<V>(t, moments, adjoints, t.height_begin[shared_depths], t.n_factors, part);
      reverse_expansion<V>(t, adjoints);
    } else {
      for_packs<device_packs>(part.begin(n_packs), part.end(n_packs), [&](auto count, int pack) {
        reverse_moments_of_packs<V, R, count.value>(t, neighbors, s, 0, pack, pair_gradients);
      });
    }
  }

  /// Derivatives of the values along directions [n_pairs][3] of r_ij: values_dot [n_atoms][stride].
  /// After compute_values on the same block.
  template <class V>
  static FORCESMITH_FUNCTION void compute_tangent(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                  const ScratchOf<V>& s, const double* directions, double* values_dot,
                                                  int stride) {
    const auto moments = registers_at<V>(s.moments), dot = registers_at<V>(s.moments_dot);
    const auto sums = registers_at<V>(s.sums);
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      for (int basic = 0; basic < t.n_basic; ++basic) sums[basic] = V(0.0);
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const Packs<V, 1> packs(neighbors, pack);
        const Motion<V> motion(packs.u[0], packs.r[0], neighbors.pairs + pack * V::stride, directions);
        V f[R], f_dot[R];
        for (int mu = 0; mu < R; ++mu) {
          f[mu] = registers_at<V>(s.f)[pack * R + mu];
          f_dot[mu] = registers_at<V>(s.df)[pack * R + mu] * motion.r_dot;
        }
        add_moments_dot<V, R>(t, packs.u[0], motion.u_dot, f, f_dot, sums);
      }
      store_sums_of_atom(sums, t.n_basic, atom, dot);
    }
    sums_to_lanes(dot, t.n_basic, neighbors.n_atoms);
    expand_moments<V>(t, dot);
    compute_all_products_dot<V>(t, moments, dot);
    lanes_to_rows(dot, t.mapping, t.n_values, neighbors.n_atoms, values_dot, stride);
  }

  /// Adds to parameter_gradient (shape of `radial`), of each atom gradient_stride after that of the one before, the
  /// derivative with the radial coefficients of sum (values_bar . B + values_dot_bar . dB/dt). After compute_tangent on the same block and directions.
  template <class V>
  static FORCESMITH_FUNCTION void reverse_parameters(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                     const ScratchOf<V>& s, const double* directions,
                                                     const double* values_bar, const double* values_dot_bar, int stride,
                                                     double* parameter_gradient, int gradient_stride) {
    const auto moments = registers_at<V>(s.moments), dot = registers_at<V>(s.moments_dot);
    const auto bar = registers_at<V>(s.adjoints), dot_bar = registers_at<V>(s.adjoints_dot);
    for (int moment = 0; moment < t.n_moments; ++moment) bar[moment] = dot_bar[moment] = V(0.0);
    add_rows_to_lanes(values_bar, stride, t.mapping, t.n_values, neighbors.n_atoms, bar);
    add_rows_to_lanes(values_dot_bar, stride, t.mapping, t.n_values, neighbors.n_atoms, dot_bar);
    reverse_all_products_dot<V>(t, moments, dot, bar, dot_bar);
    reverse_expansion<V>(t, bar);
    reverse_expansion<V>(t, dot_bar);

    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
        const Packs<V, 1> packs(neighbors, pack);
        const Motion<V> motion(packs.u[0], packs.r[0], neighbors.pairs + pack * V::stride, directions);
        V f_bar[R], f_dot_bar[R];
        reverse_radial<V, R>(t, s, atom, packs.u[0], motion.u_dot, f_bar, f_dot_bar);
        // f = envelope P, df/dt = r_dot (envelope dP/dr + denvelope P), P = sum_b c_b T_b.
        const V gap = V(t.cutoff) - packs.r[0];
        const V envelope = gap * gap * V(t.scaling), denvelope = gap * V(-2 * t.scaling);
        for (int mu = 0; mu < R; ++mu) {
          const V df_bar = f_dot_bar[mu] * motion.r_dot;
          f_bar[mu] = f_bar[mu] * envelope + df_bar * denvelope;
          f_dot_bar[mu] = df_bar * envelope;
        }
        const int size = t.n_radial * t.n_polynomials, of_center = neighbors.center_types[atom] * t.n_elements;
        double* of_atom = parameter_gradient + static_cast<std::ptrdiff_t>(atom) * gradient_stride;
        double* of_pair[V::width];  // gradients of the coefficients of a pair of elements, lane by lane
        for (int lane = 0; lane < V::width; ++lane) {
          const int neighbor = t.n_elements > 1 ? neighbors.types[pack * V::stride + lane] : 0;
          of_pair[lane] = of_atom + (of_center + neighbor) * size;
        }
        ChebyshevDerivatives<V> chebyshev(compute_xi<V>(t, packs.r[0]), 2 / (t.cutoff - t.min_distance));
        for (int b = 0; b < t.n_polynomials; ++b, chebyshev.advance())
          for (int mu = 0; mu < t.n_radial; ++mu) {
            const V gradient = f_bar[mu] * chebyshev.value + f_dot_bar[mu] * chebyshev.derivative;
            const int k = mu * t.n_polynomials + b;
            if (t.n_elements == 1) of_pair[0][k] += lane_sum(gradient);
            else
              for (int lane = 0; lane < V::width; ++lane) of_pair[lane][k] += gradient[lane];
          }
      }
  }

  /// dB_k/dr_ij for every value: gradients [n_pairs][3][stride], rows of pairs inside the cutoff only
  /// (the caller clears the others). After compute_values on the same block.
  template <class V>
  static FORCESMITH_FUNCTION void compute_gradients(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                    const ScratchOf<V>& s, double* gradients, int stride) {
    constexpr int tile = JacobianTile<V>::tile;
    for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
      compute_jacobian<V>(t, s, atom);
      compute_basic_gradients<V, R>(t, neighbors, s, atom);
      // dB_k/dr = sum_basic dB_k/dM dM/dr, a matrix product; one tile of values stays in the cache.
      const int begin = neighbors.pack_offsets[atom] * V::width;
      const int end = neighbors.pack_offsets[atom + 1] * V::width;
      for (int first = 0; first < t.n_values; first += tile * V::width) {
        const JacobianTile<V> part(t, s, first);
        for (int slot = begin; slot < end; ++slot) {
          const std::ptrdiff_t pair = neighbors.pairs[slot * V::threads];
          if (pair < 0) continue;
          const auto* dbasic = dbasic_of<V>(t, s) + (slot - begin) * 3 * t.n_basic * V::threads;
          V sum[3][tile];
          for (int axis = 0; axis < 3; ++axis)
            for (int c = 0; c < tile; ++c) sum[axis][c] = V(0.0);
          auto row = part.rows;
          for (const int* basic = part.begin; basic < part.end; ++basic, row += tile)
            for (int axis = 0; axis < 3; ++axis) {
              const V d(dbasic[(axis * t.n_basic + *basic) * V::threads]);
              for (int c = 0; c < tile; ++c) sum[axis][c] += d * row[c];
            }
          for (int axis = 0; axis < 3; ++axis) {
            double* values = gradients + (3 * pair + axis) * stride;
            for (int c = 0; c < tile; ++c)
              for (int lane = 0; lane < V::width; ++lane) {
                const int k = first + c * V::width + lane;
                if (k < t.n_values) values[t.value_order[k]] = sum[axis][c][lane];
              }
          }
        }
      }
    }
  }
};

/// The verbs for any number of them, as variants call them.
struct Kernels {
  template <class Real>
  using Tables = moment_tensor::Tables<Real>;
  template <class Real>
  using Scratch = moment_tensor::Scratch<Real>;

  /// Calls run(KernelsOf<R>{}) for the number of radial functions of the tables.
  template <class Real, class Run>
  static FORCESMITH_HOST_FUNCTION void with_shape(const Tables<Real>& t, const Run& run) {
    switch (t.radial_stride) {
      case 1: return run(KernelsOf<1>{});
      case 2: return run(KernelsOf<2>{});
      case 3: return run(KernelsOf<3>{});
      case 4: return run(KernelsOf<4>{});
      case 5: return run(KernelsOf<5>{});
      case 6: return run(KernelsOf<6>{});
      case 8: return run(KernelsOf<8>{});
      default: return run(KernelsOf<max_radial_functions>{});
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
  template <class V>
  static FORCESMITH_HOST_FUNCTION void compute_tangent(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                       const ScratchOf<V>& s, const double* directions,
                                                       double* values_dot, int stride) {
    with_shape(t, [&](auto kernels) FORCESMITH_INLINE_LAMBDA {
      kernels.template compute_tangent<V>(t, neighbors, s, directions, values_dot, stride);
    });
  }
  template <class V>
  static FORCESMITH_HOST_FUNCTION void reverse_parameters(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                          const ScratchOf<V>& s, const double* directions,
                                                          const double* values_bar, const double* values_dot_bar,
                                                          int stride, double* parameter_gradient, int gradient_stride) {
    with_shape(t, [&](auto kernels) FORCESMITH_INLINE_LAMBDA {
      kernels.template reverse_parameters<V>(t, neighbors, s, directions, values_bar, values_dot_bar, stride,
                                             parameter_gradient, gradient_stride);
    });
  }
  template <class V>
  static FORCESMITH_HOST_FUNCTION void compute_gradients(const TablesOf<V>& t, const NeighborsOf<V>& neighbors,
                                                         const ScratchOf<V>& s, double* gradients, int stride) {
    with_shape(t, [&](auto kernels) FORCESMITH_INLINE_LAMBDA {
      kernels.template compute_gradients<V>(t, neighbors, s, gradients, stride);
    });
  }

  /// Of the gradient that reverse_parameters adds to.
  static int n_parameters(const Tables<double>& t) {
    return t.n_elements * t.n_elements * t.n_radial * t.n_polynomials;
  }
};

}  // namespace forcesmith::moment_tensor::FORCESMITH_ISA

FORCESMITH_DECLARE_KERNEL_VARIANTS(moment_tensor);
