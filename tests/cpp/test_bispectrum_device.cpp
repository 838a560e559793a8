// The device launches of the bispectrum kernels (one thread per atom, Simd<double, 1>), run here on the
// default host space, against the SIMD variant in use: values, backpropagation, tangent and gradients of
// random neighborhoods with two elements.
#include "descriptors/bispectrum/device.hpp"

#include "core/kokkos_scope.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "random_neighborhoods.hpp"

namespace {

void test_device(const forcesmith::bispectrum::Parameters& parameters) {
  std::mt19937 random(1);
  const Neighborhoods atoms(random);
  const forcesmith::bispectrum::Bispectrum descriptor(parameters, "test");
  const VerbInput in(random, atoms, descriptor.size(0));

  using Space = Kokkos::DefaultHostExecutionSpace;
  forcesmith::PackedNeighbors packed;
  packed.pack(atoms.view(), descriptor.cutoffs(), 2, 1);
  const forcesmith::PackedView view = packed.view();
  forcesmith::bispectrum::Device<Space> device(descriptor);
  VerbOutput out(in, 0);
  device.values(view, out.B.data(), in.stride);
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
  forcesmith::bispectrum::Parameters parameters;
  parameters.twojmax = 0;
  parameters.rcutfac = 5.0;
  parameters.radii = {0.4, 0.5};
  parameters.weights = {1.0, -0.6};
  test_device(parameters);
  parameters.twojmax = 5;
  test_device(parameters);
  parameters.switchinnerflag = parameters.chemflag = parameters.wselfallflag = true;
  parameters.sinner = {1.8, 2.4};
  parameters.dinner = {0.3, 0.5};
  test_device(parameters);
  forcesmith::finalize_kokkos();
  return failures != 0;
}
