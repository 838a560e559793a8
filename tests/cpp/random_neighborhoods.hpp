// Random neighborhoods of two elements, all verbs of a descriptor on them, and the comparison of two such
// runs: what the tests of descriptor kernels share.
#pragma once

#include <stdexcept>

#include "check.hpp"
#include "descriptors/descriptor.hpp"
#include "random_numbers.hpp"

/// Atoms with none, few and many neighbors, 1.4 to 5.4 angstrom away.
struct Neighborhoods {
  std::vector<int> centers, center_types, types, neighbors;
  std::vector<std::int64_t> offsets{0};
  Numbers displacements;

  explicit Neighborhoods(std::mt19937& random) {
    std::uniform_real_distribution<double> distance(1.4, 5.4);
    for (int count : {0, 1, 37, 8, 20, 2, 16, 0, 9, 3, 64}) {
      centers.push_back(static_cast<int>(centers.size()));
      center_types.push_back(count % 2);
      for (int n = 0; n < count; ++n) {
        const Numbers d = random_numbers(random, 3);
        const double scale = distance(random) / std::hypot(d[0], d[1], d[2]);
        for (double component : d) displacements.push_back(scale * component);
        types.push_back(count < 20 ? n % 3 == 0 : 1);
        neighbors.push_back(0);
      }
      offsets.push_back(static_cast<std::int64_t>(types.size()));
    }
  }
  int n_atoms() const { return static_cast<int>(centers.size()); }
  std::size_t n_pairs() const { return types.size(); }
  double distance(std::size_t pair) const {
    const double* d = &displacements[3 * pair];
    return std::hypot(d[0], d[1], d[2]);
  }
  forcesmith::NeighborView view() const {
    return {n_atoms(),        centers.data(), center_types.data(),  offsets.data(),
            neighbors.data(), types.data(),   displacements.data()};
  }
};

/// What the verbs are given.
struct VerbInput {
  int stride;  // larger than any number of values: what lies between is not touched
  Numbers beta, beta_dot, directions;

  VerbInput(std::mt19937& random, const Neighborhoods& atoms, int n_values)
      : stride(n_values + 3),
        beta(random_numbers(random, static_cast<std::size_t>(atoms.n_atoms()) * stride)),
        beta_dot(random_numbers(random, beta.size())),
        directions(random_numbers(random, 3 * atoms.n_pairs())) {}
};

/// What the verbs give; before they do, -1 where they set and 0 where they add.
struct VerbOutput {
  Numbers B, B_dot, pair_gradients, parameter_gradient, gradients;

  VerbOutput(const VerbInput& in, std::size_t n_parameters)
      : B(in.beta.size(), -1.0),
        B_dot(B),
        pair_gradients(in.directions.size()),
        parameter_gradient(n_parameters),
        gradients(in.directions.size() * in.stride) {}
};

/// All verbs, in blocks of at most `block_size` atoms.
inline VerbOutput run_verbs(const forcesmith::Descriptor& descriptor, const Neighborhoods& atoms,
                            const VerbInput& in, int block_size) {
  const forcesmith::StoredNeighbors source(atoms.view());
  const auto workspace = descriptor.make_workspace();
  VerbOutput out(in, descriptor.parameters().size());
  forcesmith::NeighborBuffer buffer;
  for (int first = 0; first < atoms.n_atoms(); first += block_size) {
    const int count = std::min(block_size, atoms.n_atoms() - first);
    const std::size_t row = static_cast<std::size_t>(first) * in.stride, pair = 3 * atoms.offsets[first];
    const double* directions = in.directions.data() + pair;
    descriptor.values(source.block(first, count, buffer), *workspace, &out.B[row], in.stride);
    descriptor.tangent(*workspace, directions, &out.B_dot[row], in.stride);
    descriptor.backpropagate(*workspace, &in.beta[row], in.stride, out.pair_gradients.data() + pair);
    descriptor.parameter_adjoint(*workspace, directions, &in.beta[row], &in.beta_dot[row], in.stride,
                                 out.parameter_gradient.data());
    descriptor.gradients(*workspace, out.gradients.data() + pair * in.stride, in.stride);
  }
  return out;
}

/// Backpropagation and tangent from the stored gradients, which are 0 beyond the cutoffs [center
/// element][neighbor element]; nothing is written between the rows.
inline void test_one_jacobian(const forcesmith::Descriptor& descriptor, const Numbers& cutoffs,
                              const Neighborhoods& atoms, const VerbInput& in, const VerbOutput& out) {
  Numbers pair_gradients(out.pair_gradients.size()), B_dot(out.B_dot.size(), -1.0);
  for (int atom = 0; atom < atoms.n_atoms(); ++atom) {
    const int n = descriptor.size(atoms.center_types[atom]);
    for (int k = n; k < in.stride; ++k) CHECK(out.B[atom * in.stride + k] == -1.0);
    for (int k = 0; k < n; ++k) B_dot[atom * in.stride + k] = 0.0;
    for (auto pair = atoms.offsets[atom]; pair < atoms.offsets[atom + 1]; ++pair) {
      const bool inside =
          atoms.distance(pair) < cutoffs[2 * atoms.center_types[atom] + atoms.types[pair]];
      for (int axis = 0; axis < 3; ++axis)
        for (int k = 0; k < in.stride; ++k) {
          const double dB = out.gradients[(3 * pair + axis) * in.stride + k];
          if (k >= n || !inside) CHECK(dB == 0.0);
          pair_gradients[3 * pair + axis] += in.beta[atom * in.stride + k] * dB;
          if (k < n) B_dot[atom * in.stride + k] += in.directions[3 * pair + axis] * dB;
        }
    }
  }
  CHECK_CLOSE(out.pair_gradients, pair_gradients, 1e-11);
  CHECK_CLOSE(out.B_dot, B_dot, 1e-11);
}

/// Tangent from differences of the values, when every r_ij moves along the directions.
inline void test_tangent(const forcesmith::Descriptor& descriptor, const Neighborhoods& atoms,
                         const VerbInput& in, const VerbOutput& out) {
  const double h = 1e-5;
  auto moved = [&](double step) {
    Neighborhoods there = atoms;
    for (std::size_t i = 0; i < in.directions.size(); ++i)
      there.displacements[i] += step * in.directions[i];
    return run_verbs(descriptor, there, in, descriptor.block_size()).B;
  };
  const Numbers forward = moved(h), backward = moved(-h);
  Numbers B_dot(out.B_dot.size(), -1.0);
  for (std::size_t i = 0; i < B_dot.size(); ++i)
    if (static_cast<int>(i % in.stride) < descriptor.size(atoms.center_types[i / in.stride]))
      B_dot[i] = (forward[i] - backward[i]) / (2 * h);
  CHECK_CLOSE(out.B_dot, B_dot, 1e-8);
}

/// Two runs give the same, and something.
inline void test_same_output(const VerbOutput& a, const VerbOutput& b, double relative) {
  CHECK_CLOSE(a.B, b.B, relative);
  CHECK_CLOSE(a.B_dot, b.B_dot, relative);
  CHECK_CLOSE(a.pair_gradients, b.pair_gradients, relative);
  CHECK_CLOSE(a.parameter_gradient, b.parameter_gradient, relative);
  CHECK_CLOSE(a.gradients, b.gradients, relative);
  for (const Numbers* numbers : {&a.pair_gradients, &a.parameter_gradient, &a.gradients})
    CHECK(numbers->empty() || *std::max_element(numbers->begin(), numbers->end()) > 0.0);
}

/// Values and backpropagation in single precision, whatever the size of blocks; the other verbs refuse.
inline void test_single_precision(const forcesmith::Descriptor& descriptor, const Neighborhoods& atoms,
                                  const VerbInput& in, const VerbOutput& in_double, double relative) {
  using forcesmith::Precision;
  const forcesmith::StoredNeighbors source(atoms.view());
  const int whole = descriptor.block_size(Precision::single);
  CHECK(whole == 2 * descriptor.block_size());
  for (int block_size : {whole, whole / 2, 3}) {
    const auto workspace = descriptor.make_workspace(Precision::single);
    VerbOutput out(in, 0);
    forcesmith::NeighborBuffer buffer;
    for (int first = 0; first < atoms.n_atoms(); first += block_size) {
      const int count = std::min(block_size, atoms.n_atoms() - first);
      const std::size_t row = static_cast<std::size_t>(first) * in.stride;
      descriptor.values(source.block(first, count, buffer), *workspace, &out.B[row], in.stride);
      descriptor.backpropagate(*workspace, &in.beta[row], in.stride,
                               out.pair_gradients.data() + 3 * atoms.offsets[first]);
    }
    CHECK_CLOSE(out.B, in_double.B, relative);
    CHECK_CLOSE(out.pair_gradients, in_double.pair_gradients, relative);
    CHECK(out.pair_gradients != in_double.pair_gradients);
    const std::string message = "single precision serve values and backpropagation only";
    CHECK_THROWS(std::logic_error, descriptor.gradients(*workspace, out.gradients.data(), in.stride), message);
    CHECK_THROWS(std::logic_error,
                 descriptor.tangent(*workspace, in.directions.data(), out.B_dot.data(), in.stride), message);
    CHECK_THROWS(std::logic_error,
                 descriptor.parameter_adjoint(*workspace, in.directions.data(), in.beta.data(),
                                              in.beta_dot.data(), in.stride, nullptr),
                 message);
  }
}
