// Compiled once per instruction set (FORCESMITH_ISA).
#include "neighbors/packing_variants.hpp"

#include "core/lane_select.hpp"

namespace forcesmith::FORCESMITH_ISA {

namespace {

using D = DoubleLane;

template <class Real>
int append(const PairRange& pairs, int element, double cutoff_squared, const PackSlots<Real>& to, int slot) {
  const auto append_group = [&](D x, D y, D z, IntLane types, unsigned lanes, int first) FORCESMITH_INLINE_LAMBDA {
    lanes &= lanes_less(x * x + y * y + z * z, D(cutoff_squared));
    if (pairs.types != nullptr) lanes &= lanes_equal(types, element);
    store_selected(to.x + slot, x, lanes);
    store_selected(to.y + slot, y, lanes);
    store_selected(to.z + slot, z, lanes);
    store_selected(to.pairs + slot, lane_count_from(first), lanes);
    slot += count_lanes(lanes);
  };
  int first = pairs.begin;
  IntLane types(0);
  for (; first + D::width <= pairs.end; first += D::width) {
    if (pairs.types != nullptr) types = lane_load_unaligned<IntLane>(pairs.types + first);
    append_group(lane_load_unaligned<D>(pairs.x + first), lane_load_unaligned<D>(pairs.y + first),
                 lane_load_unaligned<D>(pairs.z + first), types, (1u << D::width) - 1, first);
  }
  if (const int rest = pairs.end - first; rest > 0) {
    if (pairs.types != nullptr) types = lane_load_first(pairs.types + first, rest);
    append_group(lane_load_first(pairs.x + first, rest), lane_load_first(pairs.y + first, rest),
                 lane_load_first(pairs.z + first, rest), types, (1u << rest) - 1, first);
  }
  return slot;
}

template <class L, class Real>
void normalize(const PackSlots<Real>& slots, int n) {
  for (int i = 0; i < n; i += L::width) {
    const L dx = lane_load<L>(slots.x + i), dy = lane_load<L>(slots.y + i), dz = lane_load<L>(slots.z + i);
    const L length = lane_sqrt(dx * dx + dy * dy + dz * dz);
    const L inverse = lane_if_less(L(0), length, L(1) / length, L(0));
    lane_store(slots.x + i, dx * inverse);
    lane_store(slots.y + i, dy * inverse);
    lane_store(slots.z + i, dz * inverse);
    lane_store(slots.r + i, length);
  }
}

/// What one pair adds to the virials of its atoms i and j; r_ij in angstrom.
FORCESMITH_FUNCTION void add_per_atom_virials(const PairForces& to, int i, int j, const double* r, const double* g) {
  const double w[6] = {-r[0] * g[0], -r[1] * g[1], -r[2] * g[2], -r[0] * g[1], -r[0] * g[2], -r[1] * g[2]};
  if (to.virials != nullptr)
    for (int c = 0; c < 6; ++c) {
      to.virials[6 * static_cast<long long>(i) + c] += 0.5 * w[c];
      to.virials[6 * static_cast<long long>(j) + c] += 0.5 * w[c];
    }
  if (to.centroid_virials != nullptr) {
    double* row = to.centroid_virials + 9 * static_cast<long long>(j);
    for (int c = 0; c < 6; ++c) row[c] += w[c];
    row[6] -= r[1] * g[0];
    row[7] -= r[2] * g[0];
    row[8] -= r[2] * g[1];
  }
}

template <class Real>
void add_forces(const PackedViewOf<Real>& packs, const int* centers, const int* neighbors, const Real* gradients,
                PairForces& to) {
  const int width = packs.width;
  const bool per_atom_virials = to.virials != nullptr || to.centroid_virials != nullptr;
  D virial[6];
  for (D& sum : virial) sum = D(0.0);
  for (int atom = 0; atom < packs.n_atoms; ++atom) {
    D force[3] = {D(0.0), D(0.0), D(0.0)};
    for (int pack = packs.pack_offsets[atom]; pack < packs.pack_offsets[atom + 1]; ++pack) {
      for (int lane = 0; lane < width; lane += D::width) {
        const int slot = pack * width + lane;
        const D length = lane_load_as_double<D>(packs.r + slot);
        const D r[3] = {lane_load_as_double<D>(packs.x + slot) * length,
                        lane_load_as_double<D>(packs.y + slot) * length,
                        lane_load_as_double<D>(packs.z + slot) * length};
        D g[3];
        for (int axis = 0; axis < 3; ++axis) {
          g[axis] = lane_load_as_double<D>(gradients + (3 * pack + axis) * width + lane);
          force[axis] += g[axis];
          virial[axis] -= r[axis] * g[axis];
        }
        virial[3] -= r[0] * g[1];
        virial[4] -= r[0] * g[2];
        virial[5] -= r[1] * g[2];

        // Padding comes last in a pack.
        const int* pairs = packs.pairs + slot;
        const int n_pairs = D::width - count_lanes(lanes_less(lane_load_unaligned<IntLane>(pairs), 0));
        if (to.forces != nullptr) {
          double g_xy[2 * D::width], g_z[D::width];
          store_by_turns(g_xy, g[0], g[1]);
          lane_store_unaligned(g_z, g[2]);
          const auto add = [&](int i) FORCESMITH_INLINE_LAMBDA {
            double* own = to.forces + 3 * static_cast<long long>(neighbors[pairs[i]]);
            const double x = own[0] - g_xy[2 * i], y = own[1] - g_xy[2 * i + 1], z = own[2] - g_z[i];
            own[0] = x;
            own[1] = y;
            own[2] = z;
          };
          if (n_pairs == D::width)
            for (int i = 0; i < D::width; ++i) add(i);
          else
            for (int i = 0; i < n_pairs; ++i) add(i);
        }
        if (per_atom_virials) {
          double of_r[3 * D::width], of_g[3 * D::width];
          for (int axis = 0; axis < 3; ++axis) {
            lane_store_unaligned(of_r + axis * D::width, r[axis]);
            lane_store_unaligned(of_g + axis * D::width, g[axis]);
          }
          for (int i = 0; i < n_pairs; ++i) {
            const double r_ij[3] = {of_r[i], of_r[D::width + i], of_r[2 * D::width + i]};
            const double g_ij[3] = {of_g[i], of_g[D::width + i], of_g[2 * D::width + i]};
            add_per_atom_virials(to, centers[atom], neighbors[pairs[i]], r_ij, g_ij);
          }
        }
      }
    }
    if (to.forces != nullptr)
      for (int axis = 0; axis < 3; ++axis)
        to.forces[3 * static_cast<long long>(centers[atom]) + axis] += lane_sum(force[axis]);
  }
  for (int c = 0; c < 6; ++c) to.virial[c] += lane_sum(virial[c]);
}

}  // namespace

PackingVariants packing_variants() {
  return {{append<double>, normalize<D, double>, add_forces<double>},
          {append<float>, normalize<Lane<float, native_single_width>, float>, add_forces<float>}};
}

}  // namespace forcesmith::FORCESMITH_ISA
