// Kernels of the symmetry functions, written once for all processors (see simd/simd.hpp).
//
// J. Behler, M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007); J. Behler, J. Chem. Phys. 134, 074106
// (2011); weighted ones: M. Gastegger et al., J. Chem. Phys. 148, 241709 (2018); compact ones: M. P. Bircher,
// A. Singraber, C. Dellago, Mach. Learn.: Sci. Technol. 2, 035026 (2021). Conventions of n2p2. How functions
// become terms and groups stands in tables.hpp. Lengths in angstrom, angles in radian.
//
// Lanes run over neighbors of one element: over j for E(r_ij), and for angular terms over k, one neighbor
// j at a time. Such a row, all k of one j, is worked through in stages of short loops over packs.
//
// Verbs: compute_values, then any of reverse_values (MD), compute_tangent (training), compute_gradients
// (design matrix), on the same block and scratch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/phase.hpp"
#include "descriptors/kernel_variants.hpp"
#include "descriptors/symmetry_functions/tables.hpp"
#include "math/cutoff_functions.hpp"
#include "neighbors/packed_view.hpp"
#include "simd/exponential.hpp"
#include "simd/part.hpp"
#include "simd/sums.hpp"
#include "simd/trigonometry.hpp"

namespace forcesmith::symmetry_functions::FORCESMITH_ISA {

using namespace ::forcesmith::FORCESMITH_ISA;

/// fc(r) and its derivative; both are 0 from the cutoff on.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_cutoff(CutoffFunction function, const Cutoff<Real>& cutoff, V r, V& f, V& df) {
  const V slope(cutoff.inverse_width);
  const V x = simd_clamp((r - V(cutoff.inner)) * slope, V(0.0), V(1.0));
  cutoff_function(function, x, x - V(1.0), f, df);
  df *= slope;
}

/// C(x) and its derivative. core, asymmetric: those of `compact`, which may be known when this is compiled.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_compact(const CompactFunction<Real>& compact, CutoffFunction core, bool asymmetric,
                                         V x, V& f, V& df) {
  const V one(1.0), shifted = x - V(compact.center), width(compact.inverse_width);
  V slope = simd_if_less(shifted, V(0.0), -width, width);
  V y = simd_clamp(shifted * slope, V(0.0), one), rest = y - one;
  if (asymmetric) {
    slope *= V(-2.0) * rest;
    y *= one - rest;
    rest *= -rest;
  }
  cutoff_function(core, y, rest, f, df);
  df *= slope;
}
template <class V, class Real>
FORCESMITH_FUNCTION void compute_compact(const CompactFunction<Real>& compact, V x, V& f, V& df) {
  compute_compact(compact, compact.core, compact.asymmetric, x, f, df);
}

/// E(r) of a Gaussian and its derivative from fc(r) and its derivative. exponential(x): exp(x).
template <class V, class Real, class Exponential>
FORCESMITH_FUNCTION void compute_gaussian(const Gaussian<Real>& gaussian, V r, V f, V df, V& E, V& dE,
                                          const Exponential& exponential) {
  const V shifted = r - V(gaussian.rs), slope = V(-gaussian.eta) * shifted;
  const V e = exponential(slope * shifted);
  E = e * f;
  dE = e * (df + V(2.0) * slope * f);
}
template <class V, class Real>
FORCESMITH_FUNCTION void compute_gaussian(const Gaussian<Real>& gaussian, V r, V f, V df, V& E, V& dE) {
  compute_gaussian(gaussian, r, f, df, E, dE, [](V x) FORCESMITH_INLINE_LAMBDA { return simd_exp(x); });
}

/// base^n, n > 0.
template <class V>
FORCESMITH_FUNCTION V whole_power(V base, int n) {
  while (n % 2 == 0) {
    base *= base;
    n /= 2;
  }
  V power = base;
  for (n /= 2; n > 0; n /= 2) {
    base *= base;
    if (n % 2 == 1) power *= base;
  }
  return power;
}

/// power = u^(zeta - 1), of several packs at once.
template <int packs, class V, class Real>
FORCESMITH_FUNCTION void compute_lower_power(const AngularTerm<Real>& term, const V (&u)[packs], V (&power)[packs]) {
  if (term.whole_zeta == 0) {
    // u may be below 0 by rounding, which simd_log takes for tiny.
    for (int l = 0; l < packs; ++l) power[l] = simd_exp(V(term.zeta - 1) * simd_log(u[l]));
    return;
  }
  V square[packs];
  for (int l = 0; l < packs; ++l) {
    power[l] = V(1.0);
    square[l] = u[l];
  }
  for (int n = term.whole_zeta - 1; n > 0; n /= 2) {
    if (n % 2 == 1)
      for (int l = 0; l < packs; ++l) power[l] *= square[l];
    for (int l = 0; l < packs; ++l) square[l] *= square[l];
  }
}

/// One atom: where its neighbors are, and their radial parts.
template <class V>
struct Atom {
  using Real = typename V::Number;

  int center, n_packs;
  const int* types;  // [n_packs]
  const Real *x, *y, *z, *r;
  const int* pairs;
  Registers<V> radial_parts;

  FORCESMITH_FUNCTION Atom(const Tables<Real>& t, const PackedViewOf<Real>& neighbors, const Scratch<Real>& s,
                           int atom) {
    const std::ptrdiff_t first = neighbors.pack_offsets[atom], at = first * V::stride;
    center = neighbors.center_types[atom];
    n_packs = neighbors.pack_offsets[atom + 1] - neighbors.pack_offsets[atom];
    types = neighbors.pack_types + first * V::threads;
    x = neighbors.x + at;
    y = neighbors.y + at;
    z = neighbors.z + at;
    r = neighbors.r + at;
    pairs = neighbors.pairs + at;
    radial_parts = registers_at<V>(s.radial_parts) + 2 * t.max_radial_parts * first;
  }

  /// A radial part of the pack's element; [n_packs].
  FORCESMITH_FUNCTION Registers<V> E(int part) const { return radial_parts + 2 * part * n_packs; }
  FORCESMITH_FUNCTION Registers<V> dE(int part) const { return radial_parts + (2 * part + 1) * n_packs; }

  FORCESMITH_FUNCTION V unit(int axis, int pack) const {
    return simd_load<V>((axis == 0 ? x : axis == 1 ? y : z) + pack * V::stride);
  }
  FORCESMITH_FUNCTION V distance(int pack) const { return simd_load<V>(r + pack * V::stride); }

  FORCESMITH_FUNCTION int type(int pack) const { return types[pack * V::threads]; }
  FORCESMITH_FUNCTION int first_pack(int element) const {
    int pack = 0;
    while (pack < n_packs && type(pack) < element) ++pack;
    return pack;
  }
};

/// Of one neighbor j.
template <class Real>
struct RowHead {
  int pack, lane;   // of j
  int begin, end;   // packs of k; those of a part may end behind the last one
  bool triangle;    // j and k are of the same element: only what comes after j counts or, in parts, all but j
  bool other_role;  // j is of the second element of the pair, k of the first
  Real unit[3], r;

  /// Radial parts of j and k.
  FORCESMITH_FUNCTION int own_part(const AngularGroup<Real>& group) const {
    return other_role ? group.second_part : group.first_part;
  }
  FORCESMITH_FUNCTION int other_part(const AngularGroup<Real>& group) const {
    return other_role ? group.first_part : group.second_part;
  }
};

/// On devices a row is worked through in parts of so many packs, so that its arrays are registers: with three,
/// add_terms() in double precision needs 125 of the 128 with which two blocks of threads fit a multiprocessor,
/// reverse_terms() 230.
inline constexpr int packs_of_part = 3;

/// Arrays of n_packs registers.
template <class V, int packs>
struct ArraysOfRow {
  static constexpr int n_packs = packs, at_once = packs;
  struct Array {
    mutable V values[packs];
    FORCESMITH_FUNCTION V& operator[](int i) const { return values[i]; }
  };
};
template <class V>
struct ArraysOfRow<V, 0> {
  static constexpr int at_once = 1;
  int n_packs;
  using Array = V*;
};

/// The row of one neighbor j, or part of it: the packs of neighbors k that it forms angles with. Arrays are [n_packs].
/// The first five depend on j and k alone: they are kept for the other verbs if the scratch has room for them.
/// packs: those of a part, or 0.
template <class Register, int packs = 0>
struct Row : RowHead<typename Register::Number>, ArraysOfRow<Register, packs> {
  using V = Register;
  using Real = typename V::Number;
  using Head = RowHead<Real>;
  using Array = typename ArraysOfRow<V, packs>::Array;
  using Head::begin, Head::end, Head::lane, Head::pack, Head::r, Head::triangle, Head::unit;
  using ArraysOfRow<V, packs>::n_packs, ArraysOfRow<V, packs>::at_once;
  static constexpr bool is_part = packs > 0;

  Array cosine;
  Array angle, dangle;                // theta and its derivative with cos theta, if some group is of compact functions
  Array opposite, slope;              // of one group: E(r_jk) and its derivative divided by r_jk
  Array r_jk, inverse;                // 1 / r_jk
  Array cut, dcut;                    // fc(r_jk) and its derivative
  Array exponential;                  // exp(-common_eta r_jk^2); not of parts
  Array product, along, apart, turn;  // each verb says what they are

  FORCESMITH_FUNCTION explicit Row(const Head& head)
    requires is_part
      : Head(head) {}
  FORCESMITH_FUNCTION explicit Row(const Scratch<Real>& s)
    requires(!is_part)
  {
    V* row = reinterpret_cast<V*>(s.rows);
    V** const rows[] = {&cosine, &angle, &dangle,      &opposite, &slope, &r_jk,  &inverse,
                        &cut,    &dcut,  &exponential, &product,  &along, &apart, &turn};
    static_assert(sizeof(rows) / sizeof(rows[0]) == Scratch<Real>::n_rows);
    for (V** pointer : rows) {
      *pointer = row;
      row += s.max_packs;
    }
  }

  /// A number of the row's own neighbor j.
  FORCESMITH_FUNCTION Real own(Registers<const V> of_packs) const { return lane_at(of_packs, pack * V::width + lane); }

  /// Pack of k; behind the last one, that one.
  FORCESMITH_FUNCTION int k(int i) const { return is_part && begin + i >= end ? end - 1 : begin + i; }

  /// Cosines of the angles at the center, and distances r_jk if they are asked for. In parts, j is taken for a neighbor
  /// at a right angle to itself, which does not count.
  FORCESMITH_FUNCTION void compute_cosines(const Atom<V>& atom, bool narrow) {
    for (int i = 0; i < n_packs; ++i) {
      const int k_i = k(i);
      cosine[i] = V(unit[0]) * atom.unit(0, k_i) + V(unit[1]) * atom.unit(1, k_i) + V(unit[2]) * atom.unit(2, k_i);
      if (is_part && k_i == pack) cosine[i] = V(0.0);
      if (!narrow) continue;
      const V r_k = atom.distance(k_i), square = (r_k - V(2 * r) * cosine[i]) * r_k + V(r * r);
      const V smallest(1e-12);  // rounding, or two atoms at the same place
      r_jk[i] = simd_sqrt(simd_if_less(square, smallest, smallest, square));
      inverse[i] = V(1.0) / r_jk[i];
    }
  }

  /// From the cosines and, as these have lost the digits near 0 and 180 degrees, the vector products. Where the sine
  /// vanishes by rounding, so does what the slope is multiplied with.
  FORCESMITH_FUNCTION void compute_angles(const Atom<V>& atom) {
    const V smallest(simd_is_single<V> ? 1e-5 : 1e-10);
    for (int i = 0; i < n_packs; ++i) {
      V square(0.0);
      for (int x = 0; x < 3; ++x) {
        const int y = x == 2 ? 0 : x + 1, z = 3 - x - y;
        const V product = V(unit[y]) * atom.unit(z, k(i)) - V(unit[z]) * atom.unit(y, k(i));
        square += product * product;
      }
      const V sine = simd_sqrt(square);
      angle[i] = simd_angle(cosine[i], sine);
      dangle[i] = V(-1.0) / simd_if_less(sine, smallest, smallest, sine);
    }
  }

  FORCESMITH_FUNCTION void compute_cutoffs(CutoffFunction function, const Cutoff<Real> cutoff) {
    for (int i = 0; i < n_packs; ++i) compute_cutoff(function, cutoff, r_jk[i], cut[i], dcut[i]);
  }

  /// Powers of one exponential are cheaper than others. In single precision they would lose digits; parts have no
  /// registers for it.
  static constexpr bool takes_powers = !is_part && !simd_is_single<V>;
  FORCESMITH_FUNCTION void compute_exponential(double eta) {
    if constexpr (takes_powers) {
      if (eta == 0.0) return;
      for (int i = 0; i < n_packs; ++i) exponential[i] = simd_exp(V(Real(-eta)) * r_jk[i] * r_jk[i]);
    }
  }

  /// Where cosine, angle and dangle are kept, and opposite and slope of a group, if they are.
  FORCESMITH_FUNCTION void keep_angles(Registers<V> kept, bool compact) {
    if constexpr (!is_part) {
      if (kept == nullptr) return;
      cosine = kept;
      if (!compact) return;
      angle = kept + n_packs;
      dangle = kept + 2 * n_packs;
    }
  }
  FORCESMITH_FUNCTION void keep_opposite(Registers<V> kept_of_groups, int group) {
    if constexpr (!is_part) {
      if (kept_of_groups == nullptr) return;
      opposite = kept_of_groups + 2 * group * n_packs;
      slope = opposite + n_packs;
    }
  }

  /// E(r_jk), or 1 in a wide group; 0 for neighbors that do not count.
  FORCESMITH_FUNCTION void compute_opposite(const AngularGroup<Real> group) {
    if (group.narrow) {
      const auto with = [&](const auto& exponential_of) FORCESMITH_INLINE_LAMBDA {
        for (int i = 0; i < n_packs; ++i) {
          V dE;
          compute_gaussian(group.opposite, r_jk[i], cut[i], dcut[i], opposite[i], dE,
                           [&](V x) FORCESMITH_INLINE_LAMBDA { return exponential_of(i, x); });
          slope[i] = dE * inverse[i];
        }
      };
      if (takes_powers && group.power > 0)
        with([&](int i, V) FORCESMITH_INLINE_LAMBDA { return whole_power(exponential[i], group.power); });
      else with([](int, V x) FORCESMITH_INLINE_LAMBDA { return simd_exp(x); });
    } else {
      set_wide();
    }
    omit_uncounted();
  }
  FORCESMITH_FUNCTION void compute_compact_opposite(bool narrow, const CompactFunction<Real> compact) {
    if (narrow) {
      for (int i = 0; i < n_packs; ++i) {
        V dE;
        compute_compact(compact, r_jk[i], opposite[i], dE);
        slope[i] = dE * inverse[i];
      }
    } else {
      set_wide();
    }
    omit_uncounted();
  }
  FORCESMITH_FUNCTION void set_wide() {
    for (int i = 0; i < n_packs; ++i) {
      opposite[i] = V(1.0);
      slope[i] = V(0.0);
    }
  }
  FORCESMITH_FUNCTION void omit_uncounted() {
    if constexpr (is_part) {
      for (int i = 0; i < n_packs; ++i)
        if (begin + i >= end || begin + i == pack) opposite[i] = slope[i] = V(0.0);
      return;
    }
    if (!triangle) return;
    alignas(64) constexpr Real numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const V counts = simd_if_less(V(lane), simd_load<V>(numbers), V(1.0), V(0.0));
    opposite[0] *= counts;
    slope[0] *= counts;
  }
};

/// The first thing from `begin` on that a part has; its others are part.count apart.
FORCESMITH_FUNCTION int first_of_part(Part part, int begin) {
  return begin + ((part.index - begin) & (part.count - 1));
}

/// What walks through rows: a whole row or, where they are worked through in parts, what these have in common.
template <class V, bool in_parts>
struct ChooseRow {
  using Type = Row<V>;
};
template <class V>
struct ChooseRow<V, true> {
  struct Type : RowHead<typename V::Number> {
    FORCESMITH_FUNCTION explicit Type(const Scratch<typename V::Number>&) {}
  };
};

/// The angular part u^zeta of the terms of a group: its value, its sum with weights together with that of its
/// derivatives with cos theta, and its rate where cos theta turns. Of as many packs at once, from i on, as a row tells.
template <class RowOfV>
struct Power {
  using V = typename RowOfV::V;
  using Term = AngularTerm<typename V::Number>;
  static constexpr int packs = RowOfV::at_once;
  const RowOfV& row;

  FORCESMITH_FUNCTION V compute_u(const Term& term, int i) const {
    return V(0.5) + V(term.half_lambda) * row.cosine[i];
  }
  FORCESMITH_FUNCTION void compute_powers(const Term& term, int i, V (&u)[packs], V (&lower)[packs]) const {
    for (int l = 0; l < packs; ++l) u[l] = compute_u(term, i + l);
    compute_lower_power(term, u, lower);
  }
  FORCESMITH_FUNCTION void compute(const Term& term, int i, V (&value)[packs]) const {
    V u[packs], lower[packs];
    compute_powers(term, i, u, lower);
    for (int l = 0; l < packs; ++l) value[l] = u[l] * lower[l];
  }
  FORCESMITH_FUNCTION void add(const Term& term, V weight, int i, V (&sum)[packs], V (&dsum)[packs]) const {
    V u[packs], lower[packs];
    compute_powers(term, i, u, lower);
    for (int l = 0; l < packs; ++l) {
      const V weighted = weight * lower[l];
      sum[l] += u[l] * weighted;
      dsum[l] += V(term.zeta * term.half_lambda) * weighted;
    }
  }
  /// With the factor row.product, which has the rate row.along; row.turn is that of cos theta.
  FORCESMITH_FUNCTION void compute_rate(const Term& term, int i, V (&rate)[packs]) const {
    V u[packs], lower[packs];
    for (int l = 0; l < packs; ++l) {
      u[l] = compute_u(term, i + l);
      rate[l] = row.along[i + l] * u[l] + V(term.zeta * term.half_lambda) * row.product[i + l] * row.turn[i + l];
    }
    compute_lower_power(term, u, lower);
    for (int l = 0; l < packs; ++l) rate[l] = lower[l] * rate[l];
  }
};

template <class RowOfV>
Power(const RowOfV&) -> Power<RowOfV>;

/// The same of an angular part that is a compact function of theta; its core function is known to the compiler.
template <class RowOfV, CutoffFunction core>
struct CompactAngle {
  using V = typename RowOfV::V;
  using Term = AngularTerm<typename V::Number>;
  static constexpr int packs = RowOfV::at_once;
  const RowOfV& row;

  FORCESMITH_FUNCTION void compute(const Term& term, int i, V (&value)[packs]) const {
    V df;
    for (int l = 0; l < packs; ++l) compute_compact(term.angle, core, false, row.angle[i + l], value[l], df);
  }
  FORCESMITH_FUNCTION void add(const Term& term, V weight, int i, V (&sum)[packs], V (&dsum)[packs]) const {
    for (int l = 0; l < packs; ++l) {
      V f, df;
      compute_compact(term.angle, core, false, row.angle[i + l], f, df);
      sum[l] += weight * f;
      dsum[l] += weight * (df * row.dangle[i + l]);
    }
  }
  FORCESMITH_FUNCTION void compute_rate(const Term& term, int i, V (&rate)[packs]) const {
    for (int l = 0; l < packs; ++l) {
      V f, df;
      compute_compact(term.angle, core, false, row.angle[i + l], f, df);
      rate[l] = row.along[i + l] * f + row.product[i + l] * (df * row.dangle[i + l]) * row.turn[i + l];
    }
  }
};

/// Calls use(angular part) with the compact one that has this core function.
template <class RowOfV, class Use>
FORCESMITH_FUNCTION void with_compact_angle(CutoffFunction core, const RowOfV& row, const Use& use) {
  if (core == CutoffFunction::poly1) use(CompactAngle<RowOfV, CutoffFunction::poly1>{row});
  else if (core == CutoffFunction::poly2) use(CompactAngle<RowOfV, CutoffFunction::poly2>{row});
  else if (core == CutoffFunction::poly3) use(CompactAngle<RowOfV, CutoffFunction::poly3>{row});
  else if (core == CutoffFunction::poly4) use(CompactAngle<RowOfV, CutoffFunction::poly4>{row});
  else use(CompactAngle<RowOfV, CutoffFunction::exp>{row});
}

/// Walks through the rows of an atom, of the neighbors j of a part: for_row(row) before a row's first group, or that of
/// each of its parts, for_group(row, group, angular part) for every group of which active(group) is true (but compact
/// ones that are zero at j), end_part(row) after the last one, end_row(row) after the whole row. `kept` is where the
/// rows of this atom are kept, or null; `known` tells that they are there already. Returns where those of the next atom
/// begin.
/// square: every pair of neighbors is met twice, each of them once as j.
template <bool square = false, class V, class Real, class Active, class ForRow, class ForGroup, class EndPart,
          class EndRow>
FORCESMITH_FUNCTION Registers<V> for_each_row(const Tables<Real>& t, const Atom<V>& atom, const Scratch<Real>& s,
                                              Registers<V> kept, bool known, Part part, const Active& active,
                                              const ForRow& for_row, const ForGroup& for_group, const EndPart& end_part,
                                              const EndRow& end_row) {
  static_assert(!square || V::threads > 1);
  const auto work_through = [&](const ElementPair& pair, auto&& row) FORCESMITH_INLINE_LAMBDA {
    row.keep_angles(kept, pair.compact());
    if (!known) row.compute_cosines(atom, pair.narrow);
    if (!known && pair.compact()) row.compute_angles(atom);
    if (!known) row.compute_exponential(pair.common_eta);
    for_row(row);
    const auto kept_of_groups = kept == nullptr ? Registers<V>(nullptr) : kept + pair.n_kept_of_angle() * row.n_packs;
    for (int g = pair.begin, cutoff = -1; g < pair.compact_begin; ++g) {
      const AngularGroup<Real>& group = t.groups[g];
      if (!active(group)) continue;
      row.keep_opposite(kept_of_groups, g - pair.begin);
      if (!known) {
        if (group.narrow && group.opposite.cutoff != cutoff) {
          cutoff = group.opposite.cutoff;
          row.compute_cutoffs(t.cutoff_function, t.cutoffs[cutoff]);
        }
        row.compute_opposite(group);
      }
      for_group(row, group, Power{row});
    }
    for (int g = pair.compact_begin; g < pair.end; ++g) {
      const AngularGroup<Real>& group = t.groups[g];
      if (!active(group) || row.own(atom.E(row.own_part(group))) == 0) continue;
      row.keep_opposite(kept_of_groups, g - pair.begin);
      const CompactFunction<Real>& compact = t.compacts[group.compact];
      if (!known) row.compute_compact_opposite(group.narrow, compact);
      with_compact_angle(compact.core, row,
                         [&](const auto& angular) FORCESMITH_INLINE_LAMBDA { for_group(row, group, angular); });
    }
    end_part(row);
  };
  typename ChooseRow<V, (V::threads > 1)>::Type row(s);
  for (int p = t.pair_begin[atom.center]; p < t.pair_begin[atom.center + 1]; ++p) {
    const ElementPair pair = t.element_pairs[p];
    bool any = false;
    for (int g = pair.begin; g < pair.end; ++g) any = any || active(t.groups[g]);
    row.triangle = pair.first == pair.second;
    const int n_roles = square && !row.triangle ? 2 : 1;
    for (int role = 0; role < n_roles; ++role) {
      row.other_role = role == 1;
      const int own = row.other_role ? pair.second : pair.first, other = row.other_role ? pair.first : pair.second;
      const int own_end = atom.first_pack(own + 1), other_begin = atom.first_pack(other);
      row.end = atom.first_pack(other + 1);
      if (other_begin == row.end) continue;
      for (int slot = first_of_part(part, atom.first_pack(own) * V::width); slot < own_end * V::width;
           slot += part.count) {
        if (atom.pairs[slot * V::threads] < 0) continue;
        row.pack = slot / V::width;
        row.lane = slot % V::width;
        if (any) {
          row.unit[0] = atom.x[slot * V::threads];
          row.unit[1] = atom.y[slot * V::threads];
          row.unit[2] = atom.z[slot * V::threads];
          row.r = atom.r[slot * V::threads];
        }
        if constexpr (V::threads > 1) {
          row.begin = row.triangle && !square ? row.pack + 1 : other_begin;
          for (; row.begin < row.end; row.begin += packs_of_part) work_through(pair, Row<V, packs_of_part>(row));
          end_row(row);
        } else {
          row.begin = row.triangle ? row.pack : other_begin;
          row.n_packs = row.end - row.begin;
          if (any) {
            work_through(pair, row);
            end_row(row);
          }
          if (kept != nullptr) kept += pair.n_kept() * row.n_packs;
        }
      }
    }
  }
  return kept;
}

/// Terms of one center, numbered: radial ones first, angular ones after them.
template <class Real>
struct Terms {
  const RadialTerm<Real>* radial;
  const AngularTerm<Real>* angular;
  int n_radial, n_terms;
  int first_angular;  // of all centers

  FORCESMITH_FUNCTION Terms(const Tables<Real>& t, int center) {
    const int first = t.radial_begin[center * t.n_elements];
    radial = t.radial_terms + first;
    n_radial = t.radial_begin[(center + 1) * t.n_elements] - first;
    first_angular = t.angular_begin[center];
    angular = t.angular_terms + first_angular;
    n_terms = n_radial + t.angular_begin[center + 1] - first_angular;
  }
  FORCESMITH_FUNCTION int value(int term) const {
    return term < n_radial ? radial[term].value : angular[term - n_radial].value;
  }
  FORCESMITH_FUNCTION Real factor(int term) const {
    return term < n_radial ? radial[term].factor : angular[term - n_radial].factor;
  }
  /// Number of an angular term that is known by its place among those of all centers.
  FORCESMITH_FUNCTION int of_angular(int place) const { return n_radial + place - first_angular; }
};

/// values [n_values] from the sums of the terms, before the sum over lanes.
template <class V, class Real>
FORCESMITH_FUNCTION void finish_values(const Tables<Real>& t, const Terms<Real>& terms, int center,
                                       const Scratch<Real>& s, double* values) {
  store_lane_sums(registers_at<V>(s.sums), terms.n_terms, s.weights, V::threads);
  for (int k = 0; k < t.n_values[center]; ++k) values[k * V::threads] = 0.0;
  for (int term = 0; term < terms.n_radial; ++term)
    values[terms.radial[term].value * V::threads] += terms.radial[term].factor * s.weights[term * V::threads];
  for (int term = terms.n_radial; term < terms.n_terms; ++term) {
    const AngularTerm<Real>& angular = terms.angular[term - terms.n_radial];
    values[angular.value * V::threads] += angular.factor * s.weights[term * V::threads];
  }
}

/// Calls for_term(term, its number, packs of its element) for all radial terms of an atom.
template <class V, class Real, class ForTerm>
FORCESMITH_FUNCTION void for_each_radial_term(const Tables<Real>& t, const Atom<V>& atom, const ForTerm& for_term) {
  const int* begin = t.radial_begin + atom.center * t.n_elements;
  for (int element = 0; element < t.n_elements; ++element) {
    const int first = atom.first_pack(element), end = atom.first_pack(element + 1);
    for (int i = begin[element]; i < begin[element + 1]; ++i) for_term(t.radial_terms[i], i - begin[0], first, end);
  }
}

/// Packs of an atom, one after the other.
struct PackRange {
  int begin, end;

  FORCESMITH_FUNCTION PackRange within(int first, int last) const {
    return {begin > first ? begin : first, end < last ? end : last};
  }
};

/// E and dE/dr of the Gaussians of an atom's neighbors.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_gaussian_parts(const Tables<Real>& t, const Atom<V>& atom, PackRange packs) {
  for (int pack = packs.begin; pack < packs.end; ++pack) {
    const int* begin = t.gaussian_begin + atom.center * t.n_elements + atom.type(pack);
    const V r = atom.distance(pack);
    V f(0.0), df(0.0);
    for (int g = begin[0], cutoff = -1; g < begin[1]; ++g) {
      const Gaussian<Real> gaussian = t.gaussians[g];
      if (gaussian.cutoff != cutoff) {
        cutoff = gaussian.cutoff;
        compute_cutoff(t.cutoff_function, t.cutoffs[cutoff], r, f, df);
      }
      compute_gaussian(gaussian, r, f, df, atom.E(g - begin[0])[pack], atom.dE(g - begin[0])[pack]);
    }
  }
}

/// E and dE/dr of the compact functions of an atom's neighbors.
template <class V, class Real>
FORCESMITH_FUNCTION void compute_compact_parts(const Tables<Real>& t, const Atom<V>& atom, PackRange packs) {
  for (int element = 0; element < t.n_elements; ++element) {
    const int pair = atom.center * t.n_elements + element;
    const int begin = t.compact_begin[pair], end = t.compact_begin[pair + 1];
    if (begin == end) continue;
    const PackRange own = packs.within(atom.first_pack(element), atom.first_pack(element + 1));
    const int n_gaussians = t.gaussian_begin[pair + 1] - t.gaussian_begin[pair];
    for (int c = begin; c < end; ++c) {
      const CompactFunction<Real> compact = t.compacts[c];
      const auto E = atom.E(n_gaussians + c - begin), dE = atom.dE(n_gaussians + c - begin);
      for (int pack = own.begin; pack < own.end; ++pack)
        compute_compact(compact, atom.distance(pack), E[pack], dE[pack]);
    }
  }
}

/// Sets the sums of the terms, one value per lane, of the neighbors and rows of a part. Takes and returns where the
/// rows of this atom and of the next are kept.
template <class V, class Real>
FORCESMITH_FUNCTION Registers<V> add_terms(const Tables<Real>& t, const Atom<V>& atom, const Terms<Real>& terms,
                                           const Scratch<Real>& s, Registers<V> kept, Part part) {
  const auto sums = registers_at<V>(s.sums);
  for (int term = 0; term < terms.n_terms; ++term) sums[term] = V(0.0);
  for_each_radial_term(t, atom, [&](const RadialTerm<Real>& term, int number, int first, int end) {
    const auto E = atom.E(term.part);
    for (int pack = first_of_part(part, first); pack < end; pack += part.count) sums[number] += E[pack];
  });
  return for_each_row(
      t, atom, s, kept, false, part, [](const AngularGroup<Real>&) { return true; }, [](const auto&) {},
      [&]<class RowOfV>(const RowOfV& row, const AngularGroup<Real>& group, const auto& angular)
          FORCESMITH_INLINE_LAMBDA {
            const V E_j(row.own(atom.E(group.first_part)));
            const auto E_k = atom.E(group.second_part);
            // product: E(r_ij) E(r_ik) E(r_jk)
            for (int i = 0; i < row.n_packs; ++i) row.product[i] = E_j * E_k[row.k(i)] * row.opposite[i];
            for (int a = group.begin; a < group.end; ++a) {
              const AngularTerm<Real> term = t.angular_terms[a];
              V sum(0.0), value[RowOfV::at_once];
              for (int i = 0; i < row.n_packs; i += RowOfV::at_once) {
                angular.compute(term, i, value);
                for (int l = 0; l < RowOfV::at_once; ++l) sum += row.product[i + l] * value[l];
              }
              sums[terms.of_angular(a)] += sum;
            }
          },
      [](const auto&) {}, [](const auto&) {});
}

/// Gradient of sum_terms s.weights[term] * sum with r_ij, of the neighbors of a part: that of a neighbor is
/// s.neighbors[0][pack] times its unit vector, plus s.neighbors[1 + axis][pack]. Takes and returns where the rows of
/// this atom and of the next are kept.
/// On devices a row adds to the gradient of its own neighbor j alone, so that parts do not meet.
template <class V, class Real>
FORCESMITH_FUNCTION Registers<V> reverse_terms(const Tables<Real>& t, const Atom<V>& atom, const Terms<Real>& terms,
                                               const Scratch<Real>& s, Registers<V> kept, Part part) {
  constexpr bool own_alone = V::threads > 1;
  const auto along = registers_at<V>(s.neighbors);
  const Registers<V> across[3] = {along + s.max_packs, along + 2 * s.max_packs, along + 3 * s.max_packs};
  for (int pack = part.index; pack < atom.n_packs; pack += part.count)
    along[pack] = across[0][pack] = across[1][pack] = across[2][pack] = V(0.0);
  for_each_radial_term(t, atom, [&](const RadialTerm<Real>& term, int number, int first, int end) {
    if (s.weights[number * V::threads] == 0) return;
    const V weight(s.weights[number * V::threads]);
    const auto dE = atom.dE(term.part);
    for (int pack = first_of_part(part, first); pack < end; pack += part.count) along[pack] += weight * dE[pack];
  });

  auto weight = [&](int angular) { return s.weights[terms.of_angular(angular) * V::threads]; };
  // Of j: along its unit vector, and across it.
  V along_j(0.0), sums[4 + V::width] = {V(0.0), V(0.0), V(0.0), V(0.0)};
  return for_each_row<own_alone>(
      t, atom, s, kept, kept != nullptr, part,
      [&](const AngularGroup<Real>& group) {
        bool any = V::threads > 1;  // the threads of a warp work on the same groups
        for (int a = group.begin; a < group.end && !any; ++a) any = weight(a) != 0.0;
        return any;
      },
      [&](const auto& row) {
        along_j = V(0.0);
        for (int i = 0; i < row.n_packs; ++i) row.along[i] = row.apart[i] = row.turn[i] = V(0.0);
      },
      // Derivatives: along_j with r_ij, along with r_ik, apart with r_jk (divided by r_jk), turn with cos theta.
      [&]<class RowOfV>(const RowOfV& row, const AngularGroup<Real>& group, const auto& angular)
          FORCESMITH_INLINE_LAMBDA {
            const V E_j(row.own(atom.E(row.own_part(group)))), dE_j(row.own(atom.dE(row.own_part(group))));
            const auto all_E_k = atom.E(row.other_part(group)), all_dE_k = atom.dE(row.other_part(group));
            constexpr int at_once = RowOfV::at_once;
            for (int i = 0; i < row.n_packs; i += at_once) {
              V sum[at_once], dsum[at_once];
              for (int l = 0; l < at_once; ++l) sum[l] = dsum[l] = V(0.0);
              for (int a = group.begin; a < group.end; ++a) {
                const AngularTerm<Real> term = t.angular_terms[a];
                angular.add(term, V(weight(a)), i, sum, dsum);
              }
              for (int l = 0; l < at_once; ++l) {
                const V E_k = all_E_k[row.k(i + l)], dE_k = all_dE_k[row.k(i + l)];
                const V E_jk = E_j * E_k, bound = row.opposite[i + l] * sum[l];
                along_j += dE_j * E_k * bound;
                if (!own_alone) row.along[i + l] += E_j * dE_k * bound;
                row.apart[i + l] += E_jk * row.slope[i + l] * sum[l];
                row.turn[i + l] += E_jk * row.opposite[i + l] * dsum[l];
              }
            }
          },
      [&](const auto& row) {
        const V r_j(row.r), inverse_j(Real(1) / row.r);
        sums[0] += along_j;
        for (int i = 0; i < row.n_packs; ++i) {
          const int k = row.k(i);
          const V r_k = atom.distance(k), bent = row.turn[i] * row.cosine[i];
          sums[0] += row.apart[i] * r_j - bent * inverse_j;
          const V on_j = row.turn[i] * inverse_j - row.apart[i] * r_k;
          for (int axis = 0; axis < 3; ++axis) sums[1 + axis] += on_j * atom.unit(axis, k);
          if (own_alone) continue;
          const V inverse_k = V(1.0) / r_k, on_k = row.turn[i] * inverse_k - row.apart[i] * r_j;
          along[k] += row.along[i] + row.apart[i] * r_k - bent * inverse_k;
          for (int axis = 0; axis < 3; ++axis) across[axis][k] += on_k * V(row.unit[axis]);
        }
      },
      [&](const auto& row) {
        Real of_j[4];
        store_lane_sums(sums, 4, of_j, 1);
        for (int i = 0; i < 4; ++i) sums[i] = V(0.0);
        const int at = row.pack * V::width + row.lane;
        for (int i = 0; i < 4; ++i) s.neighbors[(i * s.max_packs * V::width + at) * V::threads] += of_j[i];
      });
}

/// Sets the whole gradient of the neighbors of a part, s.neighbors[1 + axis][pack].
template <class V, class Real>
FORCESMITH_FUNCTION Registers<V> reverse_atom(const Tables<Real>& t, const Atom<V>& atom, const Terms<Real>& terms,
                                              const Scratch<Real>& s, Registers<V> kept, Part part) {
  kept = reverse_terms(t, atom, terms, s, kept, part);
  const auto along = registers_at<V>(s.neighbors);
  for (int pack = part.index; pack < atom.n_packs; pack += part.count)
    for (int axis = 0; axis < 3; ++axis) along[(1 + axis) * s.max_packs + pack] += along[pack] * atom.unit(axis, pack);
  return kept;
}

/// That as pair gradients, [n_packs][3].
template <class V, class Real>
FORCESMITH_FUNCTION void store_gradient(const Atom<V>& atom, const Scratch<Real>& s, Part part,
                                        Registers<V> pair_gradients) {
  const auto gradient = registers_at<V>(s.neighbors) + s.max_packs;
  for (int pack = part.index; pack < atom.n_packs; pack += part.count)
    for (int axis = 0; axis < 3; ++axis) pair_gradients[3 * pack + axis] = gradient[axis * s.max_packs + pack];
}

/// Numbers from the memory of a part of the work to that of the next.
template <class V, class Real>
FORCESMITH_FUNCTION std::ptrdiff_t size_of_part(const Tables<Real>& t, const Scratch<Real>& s) {
  return static_cast<std::ptrdiff_t>(Scratch<Real>::part_size(t, s.max_packs, V::width)) * V::stride;
}

/// The verbs, as variants and launches call them.
struct Kernels {
  template <class Real>
  using Tables = symmetry_functions::Tables<Real>;
  template <class Real>
  using Scratch = symmetry_functions::Scratch<Real>;

  /// Values of a block; keeps E and dE/dr of all neighbors in the scratch. values: [n_atoms][stride].
  template <class V, class Real>
  static FORCESMITH_FUNCTION void compute_values(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                 const Scratch<Real>& s, double* values, int stride) {
    auto kept = registers_at<V>(s.kept_rows);
    for (int index = 0; index < neighbors.n_atoms; ++index) {
      const Atom<V> atom(t, neighbors, s, index);
      const Terms<Real> terms(t, atom.center);
      FORCESMITH_PHASE(radial);
      compute_gaussian_parts(t, atom, {0, atom.n_packs});
      compute_compact_parts(t, atom, {0, atom.n_packs});
      FORCESMITH_PHASE(moments);
      kept = add_terms(t, atom, terms, s, kept, whole_atom());
      finish_values<V>(t, terms, atom.center, s, values + static_cast<std::ptrdiff_t>(index) * stride);
    }
  }

  /// The same for one atom in stages: radial parts, sums of the terms over some neighbors and rows, over all, values.
  static constexpr bool values_shared[] = {true, true, true, false};
  template <class V, int stage, class Real>
  static FORCESMITH_FUNCTION void compute_values_stage(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                       const Scratch<Real>& s, Part part, double* values, int) {
    const Atom<V> atom(t, neighbors, s, 0);
    const Terms<Real> terms(t, atom.center);
    if constexpr (stage == 0) {
      const PackRange packs{part.begin(atom.n_packs), part.end(atom.n_packs)};
      compute_gaussian_parts(t, atom, packs);
      compute_compact_parts(t, atom, packs);
    } else if constexpr (stage == 1) {
      add_terms(t, atom, terms, s, Registers<V>(nullptr), part);
    } else if constexpr (stage == 2) {
      auto* of_first = s.sums - part.index * size_of_part<V>(t, s);
      for (int term = part.index; term < terms.n_terms; term += part.count) {
        V sum(0.0);
        for (int other = 0; other < part.count; ++other)
          sum += registers_at<V>(of_first + other * size_of_part<V>(t, s))[term];
        registers_at<V>(of_first)[term] = sum;
      }
    } else {
      finish_values<V>(t, terms, atom.center, s, values);
    }
  }

  /// Sets dE_i/dr_ij = sum_k beta_k dB_k/dr_ij, pair_gradients [n_packs][3][width]; beta: [n_atoms][stride].
  template <class V, class Real>
  static FORCESMITH_FUNCTION void reverse_values(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                 const Scratch<Real>& s, const double* beta, int stride,
                                                 Real* pair_gradients) {
    FORCESMITH_PHASE(pair_gradients);
    auto kept = registers_at<V>(s.kept_rows);
    for (int index = 0; index < neighbors.n_atoms; ++index) {
      const Atom<V> atom(t, neighbors, s, index);
      const Terms<Real> terms(t, atom.center);
      const double* own_beta = beta + static_cast<std::ptrdiff_t>(index) * stride;
      for (int term = 0; term < terms.n_terms; ++term)
        s.weights[term * V::threads] = terms.factor(term) * own_beta[terms.value(term) * V::threads];
      kept = reverse_atom(t, atom, terms, s, kept, whole_atom());
      store_gradient(atom, s, whole_atom(),
                     registers_at<V>(pair_gradients) + 3 * static_cast<std::ptrdiff_t>(neighbors.pack_offsets[index]));
    }
  }

  /// The same for one atom in stages: weights of the terms, which all parts take from the first; the gradient.
  static constexpr bool reverse_shared[] = {true, true};
  template <class V, int stage, class Real>
  static FORCESMITH_FUNCTION void reverse_values_stage(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                       const Scratch<Real>& s, Part part, const double* beta, int,
                                                       Real* pair_gradients) {
    const Atom<V> atom(t, neighbors, s, 0);
    const Terms<Real> terms(t, atom.center);
    Scratch<Real> shared = s;
    shared.weights -= part.index * size_of_part<V>(t, s);
    if constexpr (stage == 0) {
      for (int term = part.index; term < terms.n_terms; term += part.count)
        shared.weights[term * V::threads] = terms.factor(term) * beta[terms.value(term) * V::threads];
    } else {
      reverse_atom(t, atom, terms, shared, Registers<V>(nullptr), part);
      store_gradient(atom, s, part, registers_at<V>(pair_gradients));
    }
  }

  /// Sets dB_k/dr_ij in gradients [n_pairs][3][stride] for pairs inside the cutoff. After compute_values.
  template <class V, class Real>
  static FORCESMITH_FUNCTION void compute_gradients(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                    const Scratch<Real>& s, double* gradients, int stride) {
    const Real* gradient = s.neighbors + static_cast<std::ptrdiff_t>(s.max_packs) * V::stride;
    auto kept = registers_at<V>(s.kept_rows);
    for (int index = 0; index < neighbors.n_atoms; ++index) {
      const Atom<V> atom(t, neighbors, s, index);
      const Terms<Real> terms(t, atom.center);
      auto next = kept;
      for (int k = 0; k < t.n_values[atom.center]; ++k) {
        for (int term = 0; term < terms.n_terms; ++term)
          s.weights[term * V::threads] = terms.value(term) == k ? terms.factor(term) : 0.0;
        next = reverse_atom(t, atom, terms, s, kept, whole_atom());
        for (int slot = 0; slot < atom.n_packs * V::width; ++slot)
          if (const std::ptrdiff_t pair = atom.pairs[slot * V::threads]; pair >= 0)
            for (int axis = 0; axis < 3; ++axis)
              gradients[(3 * pair + axis) * stride + k] = gradient[(axis * s.max_packs * V::width + slot) * V::threads];
      }
      kept = next;
    }
  }

  /// Derivatives of the values along directions [n_pairs][3] of r_ij: values_dot [n_atoms][stride].
  /// After compute_values on the same block.
  template <class V, class Real>
  static FORCESMITH_FUNCTION void compute_tangent(const Tables<Real>& t, const PackedViewOf<Real>& neighbors,
                                                  const Scratch<Real>& s, const double* directions, double* values_dot,
                                                  int stride) {
    const auto sums = registers_at<V>(s.sums);
    auto kept = registers_at<V>(s.kept_rows);
    // How each neighbor's distance and unit vector move.
    const auto r_dot = registers_at<V>(s.neighbors);
    const Registers<V> unit_dot[3] = {r_dot + s.max_packs, r_dot + 2 * s.max_packs, r_dot + 3 * s.max_packs};
    for (int index = 0; index < neighbors.n_atoms; ++index) {
      const Atom<V> atom(t, neighbors, s, index);
      const Terms<Real> terms(t, atom.center);
      for (int pack = 0; pack < atom.n_packs; ++pack) {
        V d[3] = {V(0.0), V(0.0), V(0.0)};
        for (int lane = 0; lane < V::width; ++lane) {
          const std::ptrdiff_t pair = atom.pairs[pack * V::stride + lane];
          if (pair >= 0)
            for (int axis = 0; axis < 3; ++axis) d[axis].set(lane, directions[3 * pair + axis]);
        }
        r_dot[pack] = V(0.0);
        for (int axis = 0; axis < 3; ++axis) r_dot[pack] += atom.unit(axis, pack) * d[axis];
        for (int axis = 0; axis < 3; ++axis)
          unit_dot[axis][pack] = (d[axis] - atom.unit(axis, pack) * r_dot[pack]) / atom.distance(pack);
      }

      for (int term = 0; term < terms.n_terms; ++term) sums[term] = V(0.0);
      for_each_radial_term(t, atom, [&](const RadialTerm<Real>& term, int number, int first, int end) {
        const auto dE = atom.dE(term.part);
        for (int pack = first; pack < end; ++pack) sums[number] += dE[pack] * r_dot[pack];
      });
      kept = for_each_row(
          t, atom, s, kept, kept != nullptr, whole_atom(), [](const AngularGroup<Real>&) { return true; },
          // turn: rate of cos theta; apart: r_jk times the rate of r_jk.
          [&](const auto& row) {
            const V r_j(row.r), r_j_dot(row.own(r_dot));
            for (int i = 0; i < row.n_packs; ++i) {
              const int k = row.k(i);
              const V r_k = atom.distance(k);
              V turn(0.0);
              for (int axis = 0; axis < 3; ++axis)
                turn += V(row.unit[axis]) * unit_dot[axis][k] + V(row.own(unit_dot[axis])) * atom.unit(axis, k);
              row.turn[i] = turn;
              row.apart[i] =
                  r_j * r_j_dot + r_k * r_dot[k] - r_j * r_k * turn - (r_j_dot * r_k + r_j * r_dot[k]) * row.cosine[i];
            }
          },
          [&]<class RowOfV>(const RowOfV& row, const AngularGroup<Real>& group, const auto& angular)
              FORCESMITH_INLINE_LAMBDA {
                const V E_j(row.own(atom.E(group.first_part)));
                const V E_j_dot(row.own(atom.dE(group.first_part)) * row.own(r_dot));
                const auto all_E_k = atom.E(group.second_part), all_dE_k = atom.dE(group.second_part);
                for (int i = 0; i < row.n_packs; ++i) {
                  const int k = row.k(i);
                  const V E_k = all_E_k[k], E_jk = E_j * E_k;
                  row.product[i] = row.opposite[i] * E_jk;  // E(r_ij) E(r_ik) E(r_jk), and its rate:
                  row.along[i] = row.opposite[i] * (E_j_dot * E_k + E_j * all_dE_k[k] * r_dot[k]) +
                                 row.slope[i] * row.apart[i] * E_jk;
                }
                for (int a = group.begin; a < group.end; ++a) {
                  const AngularTerm<Real> term = t.angular_terms[a];
                  V sum(0.0), rate[RowOfV::at_once];
                  for (int i = 0; i < row.n_packs; i += RowOfV::at_once) {
                    angular.compute_rate(term, i, rate);
                    for (int l = 0; l < RowOfV::at_once; ++l) sum += rate[l];
                  }
                  sums[terms.of_angular(a)] += sum;
                }
              },
          [](const auto&) {}, [](const auto&) {});
      finish_values<V>(t, terms, atom.center, s, values_dot + static_cast<std::ptrdiff_t>(index) * stride);
    }
  }
};

}  // namespace forcesmith::symmetry_functions::FORCESMITH_ISA

FORCESMITH_DECLARE_KERNEL_VARIANTS(symmetry_functions);
