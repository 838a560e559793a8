// The device launches of the symmetry function kernels (one thread per atom, Simd<double, 1>), run here on
// the default host space, against the SIMD variant in use: values, backpropagation, tangent and gradients of
// random neighborhoods with two elements.
#include "descriptors/symmetry_functions/device.hpp"

#include "core/kokkos_scope.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "random_neighborhoods.hpp"
#include "symmetry_functions_examples.hpp"

namespace {

void test_device(forcesmith::CutoffFunction cutoff_function) {
  std::mt19937 random(1);
  const Neighborhoods atoms(random);
  const forcesmith::symmetry_functions::SymmetryFunctions descriptor = example_symmetry_functions(cutoff_function, 0.0);
  const VerbInput in(random, atoms, descriptor.size(0));

  using Space = Kokkos::DefaultHostExecutionSpace;
  forcesmith::PackedNeighbors packed;
  packed.pack(atoms.view(), descriptor.cutoffs(), 2, 1);
  const forcesmith::PackedView view = packed.view();
  forcesmith::symmetry_functions::Device<Space> device(descriptor);
  VerbOutput out(in, 0);
  device.values(view, packed.n_packs(), packed.max_packs_per_atom(), out.B.data(), in.stride);
  Numbers pack_gradients(3 * packed.n_packs());
  device.backpropagate(view, in.beta.data(), in.stride, pack_gradients.data());
  device.tangent(view, in.directions.data(), out.B_dot.data(), in.stride);
  device.gradients(view, out.gradients.data(), in.stride);
  Space().fence();
  out.pair_gradients = gradients_of_pairs(view, pack_gradients, atoms.n_pairs());

  test_same_output(out, run_verbs(descriptor, atoms, in, descriptor.block_size()), 1e-12);
}

}  // namespace

int main() {
  forcesmith::ensure_kokkos(2);
  test_device(forcesmith::CutoffFunction::cos);
  test_device(forcesmith::CutoffFunction::tanhu);
  forcesmith::finalize_kokkos();
  return failures != 0;
}
