// The device launches of the moment tensor kernels (one thread per atom, Lane<double, 1>), run here on
// the default host space, against the SIMD variant in use: values, backpropagation, tangent, parameter
// adjoint and gradients of random neighborhoods with two elements.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

#include "core/kokkos_scope.hpp"
#include "descriptors/moment_tensor/moment_tensor_device.hpp"
#include "neighbors/packed_neighbors.hpp"

namespace {

using forcesmith::MomentTensor;

int failures = 0;

void expect_equal(const std::vector<double>& a, const std::vector<double>& b, const char* what) {
  double largest = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i]));
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  const bool good = a.size() == b.size() && largest > 0.0 && difference <= 1e-11 * largest;
  std::printf("%s %s: largest %.3e, difference %.1e\n", good ? "ok  " : "FAIL", what, largest, difference);
  if (!good) ++failures;
}

std::vector<double> random_numbers(std::mt19937& random, std::size_t n) {
  std::uniform_real_distribution<double> number(-1.0, 1.0);
  std::vector<double> values(n);
  for (double& value : values) value = number(random);
  return values;
}

}  // namespace

int main() {
  forcesmith::ensure_kokkos(2);
  {
    std::mt19937 random(1);
    forcesmith::MomentTensorParameters parameters;
    parameters.cutoff = 5.0;
    parameters.min_distance = 1.5;
    parameters.scaling = 0.1;
    const forcesmith::ContractionProgram program = forcesmith::generate_contractions(12);
    const std::size_t n_radial = 4ul * program.n_radial() * parameters.radial_basis_size;
    MomentTensor descriptor(parameters, program, random_numbers(random, n_radial), 2, "test");

    // Atoms without neighbors, with few and with many, some beyond the cutoff.
    const std::vector<int> counts{0, 1, 37, 20, 5};
    const int n_atoms = static_cast<int>(counts.size()), stride = program.n_values();
    std::vector<int> centers, types, neighbors;
    std::vector<std::int64_t> offsets{0};
    std::vector<double> displacements;
    std::uniform_real_distribution<double> distance(1.6, 5.3);
    for (int atom = 0; atom < n_atoms; ++atom) {
      centers.push_back(atom % 2);
      for (int n = 0; n < counts[atom]; ++n) {
        std::vector<double> d = random_numbers(random, 3);
        const double scale = distance(random) / std::hypot(d[0], d[1], d[2]);
        for (double component : d) displacements.push_back(scale * component);
        types.push_back(n % 3 == 0);
        neighbors.push_back(0);
      }
      offsets.push_back(static_cast<std::int64_t>(types.size()));
    }
    const std::size_t n_pairs = types.size();
    const forcesmith::NeighborView all{n_atoms, centers.data(), centers.data(), offsets.data(),
                                       neighbors.data(), types.data(), displacements.data()};
    const std::vector<double> beta = random_numbers(random, static_cast<std::size_t>(n_atoms) * stride);
    const std::vector<double> beta_dot = random_numbers(random, beta.size());
    const std::vector<double> directions = random_numbers(random, 3 * n_pairs);

    // SIMD, block by block.
    std::vector<double> B(beta.size()), B_dot(beta.size()), forces(3 * n_pairs), dB(3 * n_pairs * stride);
    std::vector<double> parameter_gradient(n_radial);
    const auto workspace = descriptor.make_workspace();
    const forcesmith::StoredNeighbors source(all);
    forcesmith::NeighborBuffer buffer;
    for (int first = 0; first < n_atoms; first += descriptor.block_size()) {
      const int count = std::min(descriptor.block_size(), n_atoms - first);
      const forcesmith::NeighborView block = source.block(first, count, buffer);
      const std::size_t row = static_cast<std::size_t>(first) * stride, pair = 3 * offsets[first];
      descriptor.values(block, *workspace, &B[row], stride);
      descriptor.backpropagate(*workspace, &beta[row], stride, forces.data() + pair);
      descriptor.tangent(*workspace, directions.data() + pair, &B_dot[row], stride);
      descriptor.parameter_adjoint(*workspace, directions.data() + pair, &beta[row], &beta_dot[row],
                                   stride, parameter_gradient.data());
      descriptor.gradients(*workspace, dB.data() + pair * stride, stride);
    }

    // One thread per atom.
    using Space = Kokkos::DefaultHostExecutionSpace;
    forcesmith::PackedNeighbors packed;
    packed.pack(all, std::vector<double>(4, parameters.cutoff), 2, 1);
    const forcesmith::PackedView view = packed.view();
    forcesmith::MomentTensorDevice<Space> device(descriptor.tables());
    std::vector<double> B2(B.size()), B2_dot(B.size()), forces2(forces.size()), dB2(dB.size());
    std::vector<double> per_atom(n_atoms * n_radial), parameter_gradient2(n_radial);
    device.values(view, packed.n_packs(), B2.data(), stride);
    device.backpropagate(view, beta.data(), stride, forces2.data());
    device.tangent(view, directions.data(), B2_dot.data(), stride);
    device.parameter_adjoint(view, directions.data(), beta.data(), beta_dot.data(), stride, per_atom.data());
    device.gradients(view, packed.max_packs_per_atom(), dB2.data(), stride);
    Space().fence();
    for (std::size_t i = 0; i < per_atom.size(); ++i) parameter_gradient2[i % n_radial] += per_atom[i];

    expect_equal(B, B2, "values");
    expect_equal(forces, forces2, "backpropagate");
    expect_equal(B_dot, B2_dot, "tangent");
    expect_equal(parameter_gradient, parameter_gradient2, "parameter_adjoint");
    expect_equal(dB, dB2, "gradients");
  }
  forcesmith::finalize_kokkos();
  return failures;
}
