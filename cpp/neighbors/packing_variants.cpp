// Compiled once per instruction set (FORCESMITH_ISA).
#include "neighbors/packing_variants.hpp"

#include "neighbors/packing_kernels.hpp"
#include "simd/select.hpp"

namespace forcesmith::FORCESMITH_ISA {

namespace {

using D = DoubleSimd;
using S = SingleSimd;

template <class V, class Real>
int append(const PairRange<typename V::Number>& given, const PackKind& kind, const PackSlots<Real>& slots, int slot) {
  using I = IntegersOf<V>;
  const auto pairs = given;  // copies, that no store can change
  const auto to = slots;
  const int begin = slot, element = kind.element;
  const V cutoff_squared(static_cast<typename V::Number>(kind.cutoff * kind.cutoff));
  const bool one_element = pairs.types == nullptr, any_element = one_element || element == PackKind::any_element;
  const auto append_group = [&](V x, V y, V z, I types, unsigned lanes, int first) FORCESMITH_INLINE_LAMBDA {
    lanes &= lanes_less(x * x + y * y + z * z, cutoff_squared);
    if (!any_element) lanes &= lanes_equal(types, element);
    if (to.types != nullptr) store_selected(to.types + slot, types, lanes);
    store_selected(to.x + slot, x, lanes);
    store_selected(to.y + slot, y, lanes);
    store_selected(to.z + slot, z, lanes);
    store_selected(to.pairs + slot, simd_count_from<I>(first), lanes);
    slot += count_lanes(lanes);
  };
  I types(0);
  for (int first = pairs.begin; first < pairs.end; first += V::width) {
    const int count = first + V::width <= pairs.end ? V::width : pairs.end - first;
    if (!one_element) types = simd_load_first<I>(pairs.types + first, count);
    append_group(simd_load_first<V>(pairs.x + first, count), simd_load_first<V>(pairs.y + first, count),
                 simd_load_first<V>(pairs.z + first, count), types, first_lanes(count), first);
  }

  const int end = begin + (slot - begin + kind.width - 1) / kind.width * kind.width;
  using Padding = NativeSimd<Real>;
  do {  // once, where a pack is a register: nothing to foresee
    simd_store_unaligned(to.x + slot, Padding(0));
    simd_store_unaligned(to.y + slot, Padding(0));
    simd_store_unaligned(to.z + slot, Padding(static_cast<Real>(kind.cutoff)));
    simd_store_unaligned(to.pairs + slot, IntegersOf<Padding>(-1));
    if (to.types != nullptr) simd_store_unaligned(to.types + slot, IntegersOf<Padding>(0));
    slot += Padding::width;
  } while (slot < end);
  return end;
}

template <class V>
int append_all(const PairRange<typename V::Number>& given, const PackKind& kind,
               const PackSlots<typename V::Number>& slots, int slot) {
  using I = IntegersOf<V>;
  const auto pairs = given;  // copies, that no store can change
  const auto to = slots;
  const int n_pairs = pairs.end - pairs.begin, end = slot + (n_pairs + kind.width - 1) / kind.width * kind.width;
  for (int first = pairs.begin; first < pairs.end; first += V::width) {
    const int count = first + V::width <= pairs.end ? V::width : pairs.end - first, at = slot + first - pairs.begin;
    V x = simd_load_first<V>(pairs.x + first, count), y = simd_load_first<V>(pairs.y + first, count),
      z = simd_load_first<V>(pairs.z + first, count);
    simd_store_unaligned(to.r + at, normalize(x, y, z));
    simd_store_unaligned(to.x + at, x);
    simd_store_unaligned(to.y + at, y);
    simd_store_unaligned(to.z + at, z);
    simd_store_unaligned(to.pairs + at, simd_count_from<I>(first));
    if (to.types != nullptr) simd_store_unaligned(to.types + at, simd_load_first<I>(pairs.types + first, count));
  }
  for (int at = slot + n_pairs; at < end; at += V::width) {
    simd_store_unaligned(to.x + at, V(0));
    simd_store_unaligned(to.y + at, V(0));
    simd_store_unaligned(to.z + at, V(1));
    simd_store_unaligned(to.r + at, V(static_cast<typename V::Number>(kind.cutoff)));
    simd_store_unaligned(to.pairs + at, I(-1));
    if (to.types != nullptr) simd_store_unaligned(to.types + at, I(0));
  }
  return end;
}

template <class V, class Real>
void normalize_slots(const PackSlots<Real>& slots, int n) {
  for (int i = 0; i < n; i += V::width) {
    V x = simd_load<V>(slots.x + i), y = simd_load<V>(slots.y + i), z = simd_load<V>(slots.z + i);
    simd_store(slots.r + i, normalize(x, y, z));
    simd_store(slots.x + i, x);
    simd_store(slots.y + i, y);
    simd_store(slots.z + i, z);
  }
}

template <class Real>
void add_per_atom_virials(const PackedViewOf<Real>& packs, const int* centers, const int* neighbors,
                          const Real* gradients, const PairForces& to) {
  const int width = packs.width;
  for (int atom = 0; atom < packs.n_atoms; ++atom)
    for (int slot = packs.pack_offsets[atom] * width; slot < packs.pack_offsets[atom + 1] * width; ++slot) {
      if (packs.pairs[slot] < 0) continue;
      const long long i = centers[atom], j = neighbors[packs.pairs[slot]];
      const double length = packs.r[slot];
      const double r[3] = {packs.x[slot] * length, packs.y[slot] * length, packs.z[slot] * length};
      const Real* of_pack = gradients + 3 * (slot - slot % width) + slot % width;
      const double g[3] = {of_pack[0], of_pack[width], of_pack[2 * width]};
      add_per_atom_virial(r, g, i, j, to);
    }
}

/// Subtracts the gradients of up to D::width pairs from the forces on their neighbors.
FORCESMITH_FUNCTION void add_to_neighbors(const D* gradients, const int* pairs, int n_pairs, const int* neighbors,
                                          double* forces) {
  ForceRow rows[D::width];
  lanes_to_force_rows(gradients, rows);
  const auto add = [&](int i) FORCESMITH_INLINE_LAMBDA {
    double* own = forces + force_stride * static_cast<long long>(neighbors[pairs[i]]);
    simd_store(own, simd_load<ForceRow>(own) - rows[i]);
  };
  if (n_pairs == D::width)
    for (int i = 0; i < D::width; ++i) add(i);
  else
    for (int i = 0; i < n_pairs; ++i) add(i);
}

/// Adds the sums over the lanes to the force on a center.
FORCESMITH_FUNCTION void add_to_center(const D* force, double* own) {
  ForceRow rows[D::width];
  lanes_to_force_rows(force, rows);
  ForceRow sum = simd_load<ForceRow>(own);
  for (int i = 0; i < D::width; ++i) sum = sum + rows[i];
  simd_store(own, sum);
}

template <class V>
void add_virial(const PackedViewOf<typename V::Number>& packs, const typename V::Number* gradients, double* virial) {
  const int width = packs.width;
  V sums[6] = {V(0), V(0), V(0), V(0), V(0), V(0)};
  for (int pack = packs.pack_offsets[0]; pack < packs.pack_offsets[packs.n_atoms]; ++pack)
    for (int lane = 0; lane < width; lane += V::width) {
      const int slot = pack * width + lane;
      const auto* gradients_here = gradients + 3 * pack * width + lane;
      const V length = simd_load<V>(packs.r + slot);
      const V r[3] = {simd_load<V>(packs.x + slot) * length, simd_load<V>(packs.y + slot) * length,
                      simd_load<V>(packs.z + slot) * length};
      const V g[3] = {simd_load<V>(gradients_here), simd_load<V>(gradients_here + width),
                      simd_load<V>(gradients_here + 2 * width)};
      for (int axis = 0; axis < 3; ++axis) sums[axis] -= r[axis] * g[axis];
      sums[3] -= r[0] * g[1];
      sums[4] -= r[0] * g[2];
      sums[5] -= r[1] * g[2];
    }
  for (int c = 0; c < 6; ++c) virial[c] += lane_sum(sums[c]);
}

/// Forces are sums of doubles also of single-precision gradients: nothing is lost between centers and neighbors.
template <class Real>
void add_to_forces(const PackedViewOf<Real>& packs, const int* centers, const int* neighbors, const Real* gradients,
                   double* forces) {
  const int width = packs.width;
  for (int atom = 0; atom < packs.n_atoms; ++atom) {
    D force[3] = {D(0), D(0), D(0)};
    for (int pack = packs.pack_offsets[atom]; pack < packs.pack_offsets[atom + 1]; ++pack)
      for (int lane = 0; lane < width; lane += D::width) {
        D g[3];
        for (int axis = 0; axis < 3; ++axis) {
          g[axis] = load_as_double(gradients + (3 * pack + axis) * width + lane);
          force[axis] += g[axis];
        }
        const int* pairs = packs.pairs + pack * width + lane;  // padding comes last in a pack
        const int n_pairs = D::width - count_lanes(lanes_less(simd_load_unaligned<IntegersOf<D>>(pairs), 0));
        add_to_neighbors(g, pairs, n_pairs, neighbors, forces);
      }
    add_to_center(force, forces + force_stride * static_cast<long long>(centers[atom]));
  }
}

template <class V>
void add_forces(const PackedViewOf<typename V::Number>& packs, const int* centers, const int* neighbors,
                const typename V::Number* gradients, const PairForces& to) {
  if (to.forces != nullptr) add_to_forces(packs, centers, neighbors, gradients, to.forces);
  if (to.virial != nullptr) add_virial<V>(packs, gradients, to.virial);
  if (to.virials != nullptr || to.centroid_virials != nullptr)
    add_per_atom_virials(packs, centers, neighbors, gradients, to);
}

}  // namespace

PackingVariants packing_variants() {
  return {{append<D, double>, append<S, double>, append_all<D>, normalize_slots<D, double>, add_forces<D>},
          {append<D, float>, append<S, float>, append_all<S>, normalize_slots<S, float>, add_forces<S>}};
}

}  // namespace forcesmith::FORCESMITH_ISA
