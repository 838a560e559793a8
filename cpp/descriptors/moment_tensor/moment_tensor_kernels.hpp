// Kernels of the moment tensor descriptor, written once for all processors (see core/lane.hpp).
//
// A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016); I. S. Novikov et al., Mach. Learn.: Sci.
// Technol. 2, 025002 (2021):
//   M_{mu,nu}(i) = sum_j f_mu(r_ij) u_ij^{(x) nu},  u = r_ij / |r_ij|        basic moments
//   f_mu(r) = sum_b c_b Q_b(r),  Q_b(r) = scaling T_b(xi) (Rcut - r)^2
// Lanes run over neighbors of one element for radial functions, moment sums and pair gradients, and
// over the atoms of a block for the contraction program. Lengths in angstrom.
//
// Verbs: compute_values, then any of reverse_values (MD), compute_tangent and then
// reverse_parameters (training), compute_gradients (design matrix), on the same block and scratch.
#pragma once

#include "core/lane_sums.hpp"
#include "descriptors/moment_tensor/moment_tensor_tables.hpp"
#include "neighbors/packed_view.hpp"

namespace forcesmith::FORCESMITH_ISA {

/// N packs of neighbors of one atom, of one element each.
template <class L, int N>
struct MomentTensorPacks {
  L u[N][3], r[N];

  FORCESMITH_FUNCTION MomentTensorPacks(const PackedView& neighbors, int first) {
    for (int n = 0; n < N; ++n) {
      const int at = (first + n) * L::width;
      u[n][0] = lane_load<L>(neighbors.x + at);
      u[n][1] = lane_load<L>(neighbors.y + at);
      u[n][2] = lane_load<L>(neighbors.z + at);
      r[n] = lane_load<L>(neighbors.r + at);
    }
  }
};

/// Q_b and dQ_b/dr for all b.
template <class L>
FORCESMITH_FUNCTION void radial_basis(const MomentTensorTables& t, L r, L* q, L* dq) {
  const double slope = 2.0 / (t.cutoff - t.min_distance);
  const L xi = (r - L(t.min_distance)) * L(slope) - L(1.0);
  const L gap = L(t.cutoff) - r;
  const L envelope = gap * gap * L(t.scaling), denvelope = gap * L(-2.0 * t.scaling);
  L lower(1.0), chebyshev(xi), dlower(0.0), dchebyshev(slope);
  q[0] = envelope;
  dq[0] = denvelope;
  for (int b = 1; b < t.n_polynomials; ++b) {
    q[b] = chebyshev * envelope;
    dq[b] = dchebyshev * envelope + chebyshev * denvelope;
    const L next = L(2.0) * xi * chebyshev - lower;
    const L dnext = L(2.0 * slope) * chebyshev + L(2.0) * xi * dchebyshev - dlower;
    lower = chebyshev;
    chebyshev = next;
    dlower = dchebyshev;
    dchebyshev = dnext;
  }
}

FORCESMITH_FUNCTION const double* radial_coefficients(const MomentTensorTables& t, int center,
                                                      int neighbor) {
  return t.radial + (center * t.n_elements + neighbor) * t.n_radial * t.n_polynomials;
}

/// f_mu and df_mu/dr of one pack.
template <class L>
FORCESMITH_FUNCTION void compute_radial(const MomentTensorTables& t, const double* c, L r, L* f,
                                        L* df) {
  L q[MomentTensorTables::max_radial_basis], dq[MomentTensorTables::max_radial_basis];
  radial_basis(t, r, q, dq);
  for (int mu = 0; mu < t.n_radial; ++mu) {
    L sum(0.0), dsum(0.0);
    for (int b = 0; b < t.n_polynomials; ++b) {
      const L coefficient(c[mu * t.n_polynomials + b]);
      sum += coefficient * q[b];
      dsum += coefficient * dq[b];
    }
    f[mu] = sum;
    df[mu] = dsum;
  }
}

template <class L>
FORCESMITH_FUNCTION void compute_monomials(const MomentTensorTables& t, const L* u, L* monomials) {
  monomials[0] = L(1.0);
  for (int axis = 0; axis < 3; ++axis)
    for (int m = t.axis_begin[axis]; m < t.axis_begin[axis + 1]; ++m)
      monomials[m] = monomials[t.parent[m]] * u[axis];
}

/// Directional derivatives of the monomials when the unit vector moves with u_dot.
template <class L>
FORCESMITH_FUNCTION void compute_monomials_dot(const MomentTensorTables& t, const L* u,
                                               const L* u_dot, const L* monomials, L* dot) {
  dot[0] = L(0.0);
  for (int axis = 0; axis < 3; ++axis)
    for (int m = t.axis_begin[axis]; m < t.axis_begin[axis + 1]; ++m)
      dot[m] = dot[t.parent[m]] * u[axis] + monomials[t.parent[m]] * u_dot[axis];
}

/// Adds sum_n f monomial of N packs to the moment sums (still one value per lane).
template <class L, int N>
FORCESMITH_FUNCTION void add_moments(const MomentTensorTables& t, const L* f, const L* monomials,
                                     L* sums) {
  for (int m = 0; m < t.n_monomials; ++m) {
    L monomial[N];
    for (int n = 0; n < N; ++n) monomial[n] = monomials[n * t.n_monomials + m];
    for (int basic = t.basic_begin[m]; basic < t.basic_begin[m + 1]; ++basic) {
      const int mu = t.basic_mu[basic];
      L sum = sums[basic];
      for (int n = 0; n < N; ++n) sum += f[n * t.n_radial + mu] * monomial[n];
      sums[basic] = sum;
    }
  }
}

template <class L, int N>
FORCESMITH_FUNCTION void compute_moments_of_packs(const MomentTensorTables& t,
                                                  const PackedView& neighbors,
                                                  const MomentTensorScratch& s, int center,
                                                  int first) {
  const MomentTensorPacks<L, N> packs(neighbors, first);
  L* f = reinterpret_cast<L*>(s.f) + first * t.n_radial;
  L* df = reinterpret_cast<L*>(s.df) + first * t.n_radial;
  L* monomials = reinterpret_cast<L*>(s.monomials);
  for (int n = 0; n < N; ++n) {
    const double* c = radial_coefficients(t, center, neighbors.pack_types[first + n]);
    compute_radial(t, c, packs.r[n], f + n * t.n_radial, df + n * t.n_radial);
    compute_monomials(t, packs.u[n], monomials + n * t.n_monomials);
  }
  add_moments<L, N>(t, f, monomials, reinterpret_cast<L*>(s.sums));
}

/// Moments beyond the basic ones, all atoms of a block at once.
template <class L>
FORCESMITH_FUNCTION void compute_products(const MomentTensorTables& t, L* moments) {
  for (int target = t.n_basic; target < t.n_moments; ++target) {
    L sum(0.0);
    const int end = t.product_begin[target - t.n_basic + 1];
    for (int p = t.product_begin[target - t.n_basic]; p < end; ++p)
      sum += L(t.product_factor[p]) * moments[t.product_left[p]] * moments[t.product_right[p]];
    moments[target] = sum;
  }
}

/// Carries the adjoint of one moment to its factors; `moment(i)` gives the value of moment i.
template <class L, class Moment>
FORCESMITH_FUNCTION void reverse_product(const MomentTensorTables& t, const Moment& moment,
                                         int target, L* adjoints) {
  const L adjoint = adjoints[target];
  const int end = t.product_begin[target - t.n_basic + 1];
  for (int p = t.product_begin[target - t.n_basic]; p < end; ++p) {
    const L scaled = adjoint * L(t.product_factor[p]);
    const int left = t.product_left[p], right = t.product_right[p];
    const L left_value = moment(left), right_value = moment(right);
    adjoints[left] += scaled * right_value;
    adjoints[right] += scaled * left_value;
  }
}

/// Descriptor values B of a block; keeps moments and radial functions in the scratch.
/// values: [n_atoms][stride].
template <class L>
FORCESMITH_FUNCTION void compute_values(const MomentTensorTables& t, const PackedView& neighbors,
                                        const MomentTensorScratch& s, double* values, int stride) {
  L* moments = reinterpret_cast<L*>(s.moments);
  L* sums = reinterpret_cast<L*>(s.sums);
  for (int basic = 0; basic < t.n_basic; ++basic) moments[basic] = L(0.0);
  for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
    for (int basic = 0; basic < t.n_basic; ++basic) sums[basic] = L(0.0);
    const int center = neighbors.center_types[atom], end = neighbors.pack_offsets[atom + 1];
    int pack = neighbors.pack_offsets[atom];
    for (; pack + 1 < end; pack += 2) compute_moments_of_packs<L, 2>(t, neighbors, s, center, pack);
    if (pack < end) compute_moments_of_packs<L, 1>(t, neighbors, s, center, pack);
    store_lane_sums(sums, t.n_basic, s.moments + atom, L::width);
  }
  compute_products(t, moments);
  for (int atom = 0; atom < neighbors.n_atoms; ++atom)
    for (int k = 0; k < t.n_values; ++k)
      values[atom * stride + k] = s.moments[t.mapping[k] * L::width + atom];
}

/// Gradient of sum_basic adjoint M with r_ij of N packs, for one atom (lane `atom` of the adjoints).
template <class L, int N>
FORCESMITH_FUNCTION void reverse_moments_of_packs(const MomentTensorTables& t,
                                                  const PackedView& neighbors,
                                                  const MomentTensorScratch& s, int atom, int first,
                                                  double* pair_gradients) {
  const MomentTensorPacks<L, N> packs(neighbors, first);
  const L* f = reinterpret_cast<const L*>(s.f) + first * t.n_radial;
  const L* df = reinterpret_cast<const L*>(s.df) + first * t.n_radial;
  L* monomials = reinterpret_cast<L*>(s.monomials);
  L* bar = reinterpret_cast<L*>(s.dmonomials);
  for (int n = 0; n < N; ++n)
    compute_monomials(t, packs.u[n], monomials + n * t.n_monomials);

  // dE/d(monomial) and dE/dr at fixed direction.
  L dr[N];
  for (int n = 0; n < N; ++n) dr[n] = L(0.0);
  for (int m = 0; m < t.n_monomials; ++m) {
    L sum[N], dsum[N];
    for (int n = 0; n < N; ++n) sum[n] = dsum[n] = L(0.0);
    for (int basic = t.basic_begin[m]; basic < t.basic_begin[m + 1]; ++basic) {
      const L adjoint(s.adjoints[basic * L::width + atom]);
      const int mu = t.basic_mu[basic];
      for (int n = 0; n < N; ++n) {
        sum[n] += adjoint * f[n * t.n_radial + mu];
        dsum[n] += adjoint * df[n * t.n_radial + mu];
      }
    }
    for (int n = 0; n < N; ++n) {
      bar[n * t.n_monomials + m] = sum[n];
      dr[n] += dsum[n] * monomials[n * t.n_monomials + m];
    }
  }

  // Back through the recursion of the monomials to the unit vector.
  L du[N][3];
  for (int axis = 2; axis >= 0; --axis) {
    for (int n = 0; n < N; ++n) du[n][axis] = L(0.0);
    for (int m = t.axis_begin[axis + 1] - 1; m >= t.axis_begin[axis]; --m) {
      const int parent = t.parent[m];
      for (int n = 0; n < N; ++n) {
        const L adjoint = bar[n * t.n_monomials + m];
        du[n][axis] += adjoint * monomials[n * t.n_monomials + parent];
        bar[n * t.n_monomials + parent] += adjoint * packs.u[n][axis];
      }
    }
  }

  for (int n = 0; n < N; ++n) {
    const L inverse_r = L(1.0) / packs.r[n];
    const L along = du[n][0] * packs.u[n][0] + du[n][1] * packs.u[n][1] + du[n][2] * packs.u[n][2];
    const L radial = dr[n] - along * inverse_r;
    const std::int64_t* pairs = neighbors.pairs + (first + n) * L::width;
    for (int axis = 0; axis < 3; ++axis) {
      const L gradient = radial * packs.u[n][axis] + du[n][axis] * inverse_r;
      for (int lane = 0; lane < L::width; ++lane)
        if (pairs[lane] >= 0) pair_gradients[3 * pairs[lane] + axis] += gradient[lane];
    }
  }
}

/// Adds dE_i/dr_ij = sum_k beta_k dB_k/dr_ij to pair_gradients [n_pairs][3]; beta: [n_atoms][stride].
template <class L>
FORCESMITH_FUNCTION void reverse_values(const MomentTensorTables& t, const PackedView& neighbors,
                                        const MomentTensorScratch& s, const double* beta, int stride,
                                        double* pair_gradients) {
  const L* moments = reinterpret_cast<const L*>(s.moments);
  L* adjoints = reinterpret_cast<L*>(s.adjoints);
  for (int moment = 0; moment < t.n_moments; ++moment) adjoints[moment] = L(0.0);
  for (int atom = 0; atom < neighbors.n_atoms; ++atom)
    for (int k = 0; k < t.n_values; ++k)
      s.adjoints[t.mapping[k] * L::width + atom] += beta[atom * stride + k];
  for (int target = t.n_moments - 1; target >= t.n_basic; --target)
    reverse_product<L>(t, [=](int i) { return moments[i]; }, target, adjoints);
  for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
    const int end = neighbors.pack_offsets[atom + 1];
    int pack = neighbors.pack_offsets[atom];
    for (; pack + 1 < end; pack += 2)
      reverse_moments_of_packs<L, 2>(t, neighbors, s, atom, pack, pair_gradients);
    if (pack < end) reverse_moments_of_packs<L, 1>(t, neighbors, s, atom, pack, pair_gradients);
  }
}

/// How one pack moves along given displacement directions of its neighbors.
template <class L>
struct MomentTensorMotion {
  L r_dot, u_dot[3];

  FORCESMITH_FUNCTION MomentTensorMotion(const L* u, L r, const std::int64_t* pairs,
                                         const double* directions) {
    L d[3] = {L(0.0), L(0.0), L(0.0)};
    for (int lane = 0; lane < L::width; ++lane)
      if (pairs[lane] >= 0)
        for (int axis = 0; axis < 3; ++axis) d[axis].set(lane, directions[3 * pairs[lane] + axis]);
    r_dot = u[0] * d[0] + u[1] * d[1] + u[2] * d[2];
    for (int axis = 0; axis < 3; ++axis) u_dot[axis] = (d[axis] - u[axis] * r_dot) / r;
  }
};

/// Derivatives of the values along directions [n_pairs][3] of r_ij: values_dot [n_atoms][stride].
/// After compute_values on the same block.
template <class L>
FORCESMITH_FUNCTION void compute_tangent(const MomentTensorTables& t, const PackedView& neighbors,
                                         const MomentTensorScratch& s, const double* directions,
                                         double* values_dot, int stride) {
  const L* moments = reinterpret_cast<const L*>(s.moments);
  L* dot = reinterpret_cast<L*>(s.moments_dot);
  L* sums = reinterpret_cast<L*>(s.sums);
  L* monomials = reinterpret_cast<L*>(s.monomials);
  L* monomials_dot = reinterpret_cast<L*>(s.dmonomials);
  for (int basic = 0; basic < t.n_basic; ++basic) dot[basic] = L(0.0);
  for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
    for (int basic = 0; basic < t.n_basic; ++basic) sums[basic] = L(0.0);
    for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
      const MomentTensorPacks<L, 1> packs(neighbors, pack);
      const MomentTensorMotion<L> motion(packs.u[0], packs.r[0], neighbors.pairs + pack * L::width,
                                         directions);
      const L* f = reinterpret_cast<const L*>(s.f) + pack * t.n_radial;
      const L* df = reinterpret_cast<const L*>(s.df) + pack * t.n_radial;
      compute_monomials(t, packs.u[0], monomials);
      compute_monomials_dot(t, packs.u[0], motion.u_dot, monomials, monomials_dot);
      L f_dot[MomentTensorTables::max_radial_functions];
      for (int mu = 0; mu < t.n_radial; ++mu) f_dot[mu] = df[mu] * motion.r_dot;
      add_moments<L, 1>(t, f_dot, monomials, sums);
      add_moments<L, 1>(t, f, monomials_dot, sums);
    }
    store_lane_sums(sums, t.n_basic, s.moments_dot + atom, L::width);
  }
  for (int target = t.n_basic; target < t.n_moments; ++target) {
    L sum(0.0);
    const int end = t.product_begin[target - t.n_basic + 1];
    for (int p = t.product_begin[target - t.n_basic]; p < end; ++p) {
      const int left = t.product_left[p], right = t.product_right[p];
      sum += L(t.product_factor[p]) * (dot[left] * moments[right] + moments[left] * dot[right]);
    }
    dot[target] = sum;
  }
  for (int atom = 0; atom < neighbors.n_atoms; ++atom)
    for (int k = 0; k < t.n_values; ++k)
      values_dot[atom * stride + k] = s.moments_dot[t.mapping[k] * L::width + atom];
}

/// Adds to parameter_gradient (shape of `radial`) the derivative with the radial coefficients of
/// sum (values_bar . B + values_dot_bar . dB/dt). After compute_tangent on the same block and directions.
template <class L>
FORCESMITH_FUNCTION void reverse_parameters(const MomentTensorTables& t, const PackedView& neighbors,
                                            const MomentTensorScratch& s, const double* directions,
                                            const double* values_bar, const double* values_dot_bar,
                                            int stride, double* parameter_gradient) {
  const L* moments = reinterpret_cast<const L*>(s.moments);
  const L* dot = reinterpret_cast<const L*>(s.moments_dot);
  L* bar = reinterpret_cast<L*>(s.adjoints);
  L* dot_bar = reinterpret_cast<L*>(s.adjoints_dot);
  for (int moment = 0; moment < t.n_moments; ++moment) bar[moment] = dot_bar[moment] = L(0.0);
  for (int atom = 0; atom < neighbors.n_atoms; ++atom)
    for (int k = 0; k < t.n_values; ++k) {
      s.adjoints[t.mapping[k] * L::width + atom] += values_bar[atom * stride + k];
      s.adjoints_dot[t.mapping[k] * L::width + atom] += values_dot_bar[atom * stride + k];
    }
  for (int target = t.n_moments - 1; target >= t.n_basic; --target) {
    const L target_bar = bar[target], target_dot_bar = dot_bar[target];
    const int end = t.product_begin[target - t.n_basic + 1];
    for (int p = t.product_begin[target - t.n_basic]; p < end; ++p) {
      const int left = t.product_left[p], right = t.product_right[p];
      const L factor(t.product_factor[p]);
      const L scaled = target_bar * factor, scaled_dot = target_dot_bar * factor;
      bar[left] += scaled * moments[right] + scaled_dot * dot[right];
      bar[right] += scaled * moments[left] + scaled_dot * dot[left];
      dot_bar[left] += scaled_dot * moments[right];
      dot_bar[right] += scaled_dot * moments[left];
    }
  }

  L* monomials = reinterpret_cast<L*>(s.monomials);
  L* monomials_dot = reinterpret_cast<L*>(s.dmonomials);
  for (int atom = 0; atom < neighbors.n_atoms; ++atom)
    for (int pack = neighbors.pack_offsets[atom]; pack < neighbors.pack_offsets[atom + 1]; ++pack) {
      const MomentTensorPacks<L, 1> packs(neighbors, pack);
      const MomentTensorMotion<L> motion(packs.u[0], packs.r[0], neighbors.pairs + pack * L::width,
                                         directions);
      compute_monomials(t, packs.u[0], monomials);
      compute_monomials_dot(t, packs.u[0], motion.u_dot, monomials, monomials_dot);
      L f_bar[MomentTensorTables::max_radial_functions];
      L f_dot_bar[MomentTensorTables::max_radial_functions];
      for (int mu = 0; mu < t.n_radial; ++mu) f_bar[mu] = f_dot_bar[mu] = L(0.0);
      for (int m = 0; m < t.n_monomials; ++m)
        for (int basic = t.basic_begin[m]; basic < t.basic_begin[m + 1]; ++basic) {
          const int mu = t.basic_mu[basic];
          const L moment_bar(s.adjoints[basic * L::width + atom]);
          const L moment_dot_bar(s.adjoints_dot[basic * L::width + atom]);
          f_bar[mu] += moment_bar * monomials[m] + moment_dot_bar * monomials_dot[m];
          f_dot_bar[mu] += moment_dot_bar * monomials[m];
        }
      L q[MomentTensorTables::max_radial_basis], dq[MomentTensorTables::max_radial_basis];
      radial_basis(t, packs.r[0], q, dq);
      const int row = neighbors.center_types[atom] * t.n_elements + neighbors.pack_types[pack];
      double* gradient = parameter_gradient + row * t.n_radial * t.n_polynomials;
      for (int mu = 0; mu < t.n_radial; ++mu) {
        const L df_bar = f_dot_bar[mu] * motion.r_dot;
        for (int b = 0; b < t.n_polynomials; ++b)
          gradient[mu * t.n_polynomials + b] += lane_sum(f_bar[mu] * q[b] + df_bar * dq[b]);
      }
    }
}

/// d(basic moment)/dr_ij of all neighbors of one atom, into s.dbasic.
template <class L>
FORCESMITH_FUNCTION void compute_basic_gradients(const MomentTensorTables& t,
                                                 const PackedView& neighbors,
                                                 const MomentTensorScratch& s, int atom) {
  const int begin = neighbors.pack_offsets[atom];
  const int n_packs = neighbors.pack_offsets[atom + 1] - begin;
  L* monomials = reinterpret_cast<L*>(s.monomials);
  L* monomials_dot = reinterpret_cast<L*>(s.dmonomials);
  for (int pack = 0; pack < n_packs; ++pack) {
    const MomentTensorPacks<L, 1> packs(neighbors, begin + pack);
    const L* f = reinterpret_cast<const L*>(s.f) + (begin + pack) * t.n_radial;
    const L* df = reinterpret_cast<const L*>(s.df) + (begin + pack) * t.n_radial;
    compute_monomials(t, packs.u[0], monomials);
    for (int axis = 0; axis < 3; ++axis) {
      const L r_dot = packs.u[0][axis];
      L u_dot[3];
      for (int other = 0; other < 3; ++other)
        u_dot[other] = (L(other == axis ? 1.0 : 0.0) - packs.u[0][other] * r_dot) / packs.r[0];
      compute_monomials_dot(t, packs.u[0], u_dot, monomials, monomials_dot);
      double* rows = s.dbasic + (pack * L::width * 3 + axis) * t.n_basic;
      for (int m = 0; m < t.n_monomials; ++m) {
        const L radial = monomials[m] * r_dot;
        for (int basic = t.basic_begin[m]; basic < t.basic_begin[m + 1]; ++basic) {
          const int mu = t.basic_mu[basic];
          const L gradient = df[mu] * radial + f[mu] * monomials_dot[m];
          for (int lane = 0; lane < L::width; ++lane)
            rows[lane * 3 * t.n_basic + basic] = gradient[lane];
        }
      }
    }
  }
}

/// dB_k/d(basic moment) of one atom, into s.jacobian; lanes run over values here.
template <class L>
FORCESMITH_FUNCTION void compute_jacobian(const MomentTensorTables& t, const MomentTensorScratch& s,
                                          int atom) {
  constexpr int tile = MomentTensorScratch::jacobian_tile;
  L* jacobian = reinterpret_cast<L*>(s.jacobian);
  L* adjoints = reinterpret_cast<L*>(s.adjoints);
  const double* moments = s.moments + atom;
  for (int column = 0; column * L::width < t.n_values; ++column) {
    const int* begin = t.reachable + t.reachable_begin[column];
    const int* end = t.reachable + t.reachable_begin[column + 1];
    for (int basic = 0; basic < t.n_basic; ++basic) adjoints[basic] = L(0.0);
    for (const int* target = begin; target < end; ++target) adjoints[*target] = L(0.0);
    for (int lane = 0; lane < L::width && column * L::width + lane < t.n_values; ++lane)
      s.adjoints[t.mapping[column * L::width + lane] * L::width + lane] += 1.0;
    for (const int* target = begin; target < end; ++target)
      reverse_product<L>(t, [=](int i) { return L(moments[i * L::width]); }, *target, adjoints);
    L* target = jacobian + (column / tile * t.n_basic * tile) + column % tile;
    for (int basic = 0; basic < t.n_basic; ++basic) target[basic * tile] = adjoints[basic];
  }
}

/// dB_k/dr_ij for every value: gradients [n_pairs][3][stride], rows of pairs inside the cutoff only
/// (the caller clears the others). After compute_values on the same block.
template <class L>
FORCESMITH_FUNCTION void compute_gradients(const MomentTensorTables& t, const PackedView& neighbors,
                                           const MomentTensorScratch& s, double* gradients,
                                           int stride) {
  constexpr int tile = MomentTensorScratch::jacobian_tile;
  for (int atom = 0; atom < neighbors.n_atoms; ++atom) {
    compute_jacobian<L>(t, s, atom);
    compute_basic_gradients<L>(t, neighbors, s, atom);
    // dB_k/dr = sum_basic dB_k/dM dM/dr, a matrix product; one tile of values stays in the cache.
    const int begin = neighbors.pack_offsets[atom] * L::width;
    const int end = neighbors.pack_offsets[atom + 1] * L::width;
    for (int first = 0; first < t.n_values; first += tile * L::width) {
      const L* jacobian =
          reinterpret_cast<const L*>(s.jacobian) + first / L::width * t.n_basic;
      for (int slot = begin; slot < end; ++slot) {
        const std::int64_t pair = neighbors.pairs[slot];
        if (pair < 0) continue;
        const double* dbasic = s.dbasic + (slot - begin) * 3 * t.n_basic;
        L sum[3][tile];
        for (int axis = 0; axis < 3; ++axis)
          for (int c = 0; c < tile; ++c) sum[axis][c] = L(0.0);
        for (int basic = 0; basic < t.n_basic; ++basic) {
          const L* row = jacobian + basic * tile;
          for (int axis = 0; axis < 3; ++axis) {
            const L d(dbasic[axis * t.n_basic + basic]);
            for (int c = 0; c < tile; ++c) sum[axis][c] += d * row[c];
          }
        }
        for (int axis = 0; axis < 3; ++axis) {
          double* row = gradients + (3 * pair + axis) * stride;
          for (int c = 0; c < tile; ++c)
            for (int lane = 0; lane < L::width; ++lane) {
              const int k = first + c * L::width + lane;
              if (k < t.n_values) row[k] = sum[axis][c][lane];
            }
        }
      }
    }
  }
}

}  // namespace forcesmith::FORCESMITH_ISA
