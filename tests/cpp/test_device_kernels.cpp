// The launches of every registered descriptor and model (one thread per atom, Simd<Real, 1>), run here on the default
// host space, against the SIMD variant in use: all verbs on random neighborhoods with two elements, in both precisions
// and whatever the size of blocks.
#include "core/kokkos_scope.hpp"
#include "descriptors/device_descriptor.hpp"
#include "models/device_model.hpp"
#include "random_neighborhoods.hpp"
#include "registered_examples.hpp"

namespace {

using namespace forcesmith;
using Space = Kokkos::DefaultHostExecutionSpace;

/// Atoms first .. first + count - 1.
template <class Real>
DeviceBlock<Real> block_of(const NeighborViewOf<Real>& all, int first, int count) {
  DeviceBlock<Real> block{all, all.offsets[first]};
  block.view.n_atoms = count;
  block.view.centers += first;
  block.view.center_types += first;
  block.view.offsets += first;
  block.n_pairs = static_cast<int>(all.offsets[first + count] - all.offsets[first]);
  for (int atom = first; atom < first + count; ++atom)
    block.max_pairs = std::max(block.max_pairs, static_cast<int>(all.offsets[atom + 1] - all.offsets[atom]));
  return block;
}

/// Forces [n_host][3] and virial of the launches; checked() tells them apart by pair.
struct LaunchedForces {
  const Neighborhoods& atoms;
  Numbers forces;
  double virial[6] = {0};

  explicit LaunchedForces(const Neighborhoods& atoms) : atoms(atoms), forces(3 * (atoms.n_atoms() + atoms.n_pairs())) {}
  DeviceForces to() { return {forces.data(), virial}; }
  Numbers checked(double rounding) const {
    const PairGradients pairs(atoms);
    for (std::size_t i = 0; i < forces.size(); ++i) pairs.forces().forces[i / 3 * force_stride + i % 3] = forces[i];
    std::copy_n(virial, 6, pairs.forces().virial);
    return pairs.checked(rounding);
  }
};

template <class Own>
VerbOutput launch_verbs(const Own& descriptor, const Neighborhoods& atoms, const VerbInput& in, int block_size) {
  DeviceKernels<Space, Own, double> device(descriptor);
  const std::size_t n_parameters = descriptor.parameters().size();
  CHECK(static_cast<std::size_t>(device.n_parameters()) == n_parameters);
  VerbOutput out(in, n_parameters);
  LaunchedForces forces(atoms);
  for (int first = 0; first < atoms.n_atoms(); first += block_size) {
    const DeviceBlock<double> block = block_of(atoms.view(), first, std::min(block_size, atoms.n_atoms() - first));
    const std::size_t row = static_cast<std::size_t>(first) * in.stride, pair = 3 * block.first_pair;
    const double* directions = in.directions.data() + pair;
    device.values(block, &out.B[row], in.stride);
    device.backpropagate(&in.beta[row], in.stride, forces.to());
    device.tangent(directions, &out.B_dot[row], in.stride);
    Numbers of_atoms(block.view.n_atoms * n_parameters, -1.0);
    if constexpr (FORCESMITH_ISA::HasParameters<typename Own::Kernels>)
      device.parameter_adjoint(directions, &in.beta[row], &in.beta_dot[row], in.stride, of_atoms.data());
    device.gradients(out.gradients.data() + pair * in.stride, in.stride);
    Kokkos::fence();
    for (std::size_t i = 0; i < of_atoms.size(); ++i) out.parameter_gradient[i % n_parameters] += of_atoms[i];
  }
  out.pair_gradients = forces.checked(1e-12);
  return out;
}

template <class Own>
void test_single(const Own& descriptor, const Neighborhoods& atoms, const VerbInput& in, const VerbOutput& in_double,
                 double rounding) {
  const GivenNeighborhoods<float> single(atoms);
  DeviceKernels<Space, Own, float> device(descriptor);
  VerbOutput out(in, 0);
  LaunchedForces forces(atoms);
  device.values(block_of(single.view(), 0, atoms.n_atoms()), out.B.data(), in.stride);
  device.backpropagate(in.beta.data(), in.stride, forces.to());
  Kokkos::fence();
  out.pair_gradients = forces.checked(1e-5);  // of distances
  CHECK_CLOSE(out.B, in_double.B, rounding);
  CHECK_CLOSE(out.pair_gradients, in_double.pair_gradients, rounding);
  CHECK(out.pair_gradients != in_double.pair_gradients);
}

template <class Own>
void test_descriptor(const Example& example) {
  std::mt19937 random(1);
  const Neighborhoods atoms(random);
  const auto descriptor = make_descriptor<Own>(example.settings, random);
  const VerbInput in(random, atoms, std::max(descriptor->size(0), descriptor->size(1)));
  const VerbOutput host = run_verbs(*descriptor, atoms, in, descriptor->block_size());
  for (int block_size : {atoms.n_atoms(), 3, 1})
    test_same_output(launch_verbs(*descriptor, atoms, in, block_size), host, example.rounding);
  test_single(*descriptor, atoms, in, host, example.rounding_of_single);
}

template <class Own>
void test_model(const Example& example) {
  std::mt19937 random(2);
  const std::vector<int> sizes{5, 11}, types{0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1};
  const int n_atoms = static_cast<int>(types.size()), stride = 13;
  const auto model = make_model<Own>(example.settings, sizes, random);
  const Numbers B = random_numbers(random, n_atoms * stride);
  Numbers energies(n_atoms), beta(B.size(), -1.0), device_energies(n_atoms), device_beta(B.size(), -1.0);
  model->energies_and_gradients(*model->make_workspace(), n_atoms, types.data(), B.data(), stride, energies.data(),
                                beta.data());
  DeviceModelKernels<Space, Own> device(*model);
  device.energies_and_gradients(n_atoms, types.data(), B.data(), stride, device_energies.data(), device_beta.data());
  Kokkos::fence();
  CHECK_CLOSE(device_energies, energies, example.rounding);
  CHECK_CLOSE(device_beta, beta, example.rounding);
  CHECK(*std::max_element(energies.begin(), energies.end()) > 0.0);
}

}  // namespace

int main() {
  ensure_kokkos(2);
  for_each_example(RegisteredDescriptors{}, descriptor_examples(),
                   []<class Own>(const Example& example) { test_descriptor<Own>(example); });
  for_each_example(RegisteredModels{}, model_examples(),
                   []<class Own>(const Example& example) { test_model<Own>(example); });
  finalize_kokkos();
  return failures != 0;
}
