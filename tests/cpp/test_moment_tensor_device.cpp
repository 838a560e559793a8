// The device launches of the moment tensor kernels (one thread per atom, Simd<double, 1>), run here on
// the default host space, against the SIMD variant in use: values, backpropagation, tangent, parameter
// adjoint and gradients of random neighborhoods with two elements.
#include "descriptors/moment_tensor/device.hpp"

#include "core/kokkos_scope.hpp"
#include "neighbors/packed_neighbors.hpp"
#include "random_neighborhoods.hpp"

int main() {
  forcesmith::ensure_kokkos(2);
  {
    std::mt19937 random(1);
    const Neighborhoods atoms(random);
    forcesmith::moment_tensor::Parameters parameters;
    parameters.cutoff = 5.0;
    parameters.min_distance = 1.5;
    parameters.scaling = 0.1;
    const forcesmith::moment_tensor::ContractionProgram program = forcesmith::moment_tensor::generate_contractions(12);
    const std::size_t n_radial = 4ul * program.n_radial() * parameters.radial_basis_size;
    const forcesmith::moment_tensor::MomentTensor descriptor(parameters, program, random_numbers(random, n_radial), 2,
                                                             "test");
    const VerbInput in(random, atoms, program.n_values());

    using Space = Kokkos::DefaultHostExecutionSpace;
    forcesmith::PackedNeighbors packed;
    packed.pack(atoms.view(), Numbers(4, parameters.cutoff), 2, 1, forcesmith::PackElements::mixed);
    const forcesmith::PackedView view = packed.view();
    forcesmith::moment_tensor::Device<Space> device(descriptor.tables<double>());
    VerbOutput out(in, n_radial);
    Numbers of_atoms(atoms.n_atoms() * n_radial);
    device.values(view, packed.n_packs(), out.B.data(), in.stride);
    Numbers pack_gradients(3 * packed.n_packs());
    device.backpropagate(view, in.beta.data(), in.stride, pack_gradients.data());
    device.tangent(view, in.directions.data(), out.B_dot.data(), in.stride);
    device.parameter_adjoint(view, in.directions.data(), in.beta.data(), in.beta_dot.data(), in.stride,
                             of_atoms.data());
    device.gradients(view, packed.max_packs_per_atom(), out.gradients.data(), in.stride);
    Space().fence();
    out.pair_gradients = gradients_of_pairs(view, pack_gradients, atoms.n_pairs());
    for (std::size_t i = 0; i < of_atoms.size(); ++i) out.parameter_gradient[i % n_radial] += of_atoms[i];

    test_same_output(out, run_verbs(descriptor, atoms, in, descriptor.block_size()), 1e-11);
  }
  forcesmith::finalize_kokkos();
  return failures != 0;
}
