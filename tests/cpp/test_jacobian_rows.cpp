// Gradients and tangent from the adjoint of values that are known: B_k = (k + 1 + center) sum_j a_k . r_ij, of two
// elements with different numbers of values, on packs with padding.
#include "descriptors/jacobian_rows.hpp"

#include "check.hpp"
#include "descriptors/kernel_variants.hpp"
#include "random_numbers.hpp"

namespace {

using namespace forcesmith;

constexpr int width = 2, stride = 5, n_pairs = 5;
constexpr int center_types[] = {1, 0, 1}, pack_offsets[] = {0, 1, 1, 4};  // the second atom is alone
constexpr int pairs[] = {1, -1, 0, 3, 4, -1, 2, -1};
constexpr int sizes[] = {3, 2};
constexpr int atom_of_pair[] = {2, 0, 2, 2, 2};

double derivative(int center, int k, int axis) { return (k + 1 + center) * (axis == k % 3 ? 2.0 : -0.5); }

struct AdjointOfKnownValues {
  const PackedView& neighbors;
  Numbers& pair_gradients;
  void operator()(const double* beta) const {
    for (int atom = 0; atom < neighbors.n_atoms; ++atom)
      for (int pack = pack_offsets[atom]; pack < pack_offsets[atom + 1]; ++pack)
        for (int i = 0; i < 3 * width; ++i) {
          const int center = center_types[atom];
          double sum = 0.0;
          for (int k = 0; k < sizes[center]; ++k) sum += beta[k] * derivative(center, k, i / width);
          pair_gradients[3 * width * pack + i] = sum;
        }
  }
};

// ---- which kernels a descriptor has ----

struct TwoKernels {
  template <class V>
  static void compute_values() {}
  template <class V>
  static void reverse_values() {}
};
/// Found by their names, whatever their templates and arguments.
struct AllKernels : TwoKernels {
  template <class V, class Real>
  static void compute_gradients(const Real&) {}
  template <class V>
  static void compute_tangent() {}
  template <class V, class Real>
  static void reverse_parameters(const Real&, double*) {}
};
namespace isa = FORCESMITH_ISA;
static_assert(isa::HasGradients<AllKernels> && isa::HasTangent<AllKernels> && isa::HasParameters<AllKernels>);
static_assert(!isa::HasGradients<TwoKernels> && !isa::HasTangent<TwoKernels> && !isa::HasParameters<TwoKernels>);

}  // namespace

int main() {
  PackedView neighbors{};
  neighbors.n_atoms = 3;
  neighbors.width = width;
  neighbors.center_types = center_types;
  neighbors.pack_offsets = pack_offsets;
  neighbors.pairs = pairs;
  const Numbers numbers{0.0, 0.0, 1.0, 0.0, 0.0};
  const UnitBetas unit{2, 3, sizes, numbers.data()};
  Numbers pair_gradients(3 * width * 4);
  const AdjointOfKnownValues adjoint{neighbors, pair_gradients};
  std::mt19937 random(3);
  const Numbers directions = random_numbers(random, 3 * n_pairs);

  // -1: not touched
  Numbers gradients(3 * n_pairs * stride, -1.0), B_dot(3 * stride, -1.0), expected = gradients, expected_dot = B_dot;
  gradients_by_rows(neighbors, unit, pair_gradients.data(), adjoint, gradients.data(), stride);
  tangent_by_rows(neighbors, unit, pair_gradients.data(), adjoint, directions.data(), B_dot.data(), stride);
  for (int atom = 0; atom < 3; ++atom)
    for (int k = 0; k < sizes[center_types[atom]]; ++k) expected_dot[atom * stride + k] = 0.0;
  for (int pair = 0; pair < n_pairs; ++pair)
    for (int axis = 0; axis < 3; ++axis) {
      const int atom = atom_of_pair[pair], center = center_types[atom];
      for (int k = 0; k < sizes[center]; ++k) {
        expected[(3 * pair + axis) * stride + k] = derivative(center, k, axis);
        expected_dot[atom * stride + k] += derivative(center, k, axis) * directions[3 * pair + axis];
      }
    }
  CHECK(gradients == expected);
  CHECK_CLOSE(B_dot, expected_dot, 1e-14);
  return failures != 0;
}
