// The moment tensor kernels of every instruction set that this processor has, on random neighborhoods:
// they agree with each other, and their verbs with one another (backpropagation, tangent and gradients
// are one Jacobian; the parameter adjoint is checked by differences).
#include <algorithm>
#include <cstdlib>
#include <random>

#include "check.hpp"
#include "core/instruction_set.hpp"
#include "descriptors/moment_tensor/moment_tensor.hpp"

namespace {

using namespace forcesmith;
using Numbers = std::vector<double>;

constexpr double cutoff = 5.0;

Numbers random_numbers(std::mt19937& random, std::size_t n) {
  std::uniform_real_distribution<double> number(-1.0, 1.0);
  Numbers values(n);
  for (double& value : values) value = number(random);
  return values;
}

/// Atoms with none, few and many neighbors of two elements, some beyond the cutoff.
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
  bool inside(std::size_t pair) const {
    const double* d = &displacements[3 * pair];
    return std::hypot(d[0], d[1], d[2]) < cutoff;
  }
  NeighborView view() const {
    return {n_atoms(),        centers.data(), center_types.data(),  offsets.data(),
            neighbors.data(), types.data(),   displacements.data()};
  }
};

struct Input {
  Numbers beta, beta_dot, directions;
  int stride;  // larger than the number of values: what lies between is not touched
};

struct Output {
  Numbers B, B_dot, pair_gradients, parameter_gradient, gradients;
};

Output run(const MomentTensor& descriptor, const Neighborhoods& atoms, const Input& in) {
  const StoredNeighbors source(atoms.view());
  const std::unique_ptr<Descriptor::Workspace> workspace = descriptor.make_workspace();
  Output out;
  out.B.assign(atoms.n_atoms() * in.stride, -1.0);
  out.B_dot = out.B;
  out.pair_gradients.assign(3 * atoms.n_pairs(), 0.0);
  out.parameter_gradient.assign(descriptor.parameters().size(), 0.0);
  out.gradients.assign(3 * atoms.n_pairs() * in.stride, 0.0);
  NeighborBuffer buffer;
  for (int first = 0; first < atoms.n_atoms(); first += descriptor.block_size()) {
    const int count = std::min(descriptor.block_size(), atoms.n_atoms() - first);
    const NeighborView block = source.block(first, count, buffer);
    const std::size_t row = static_cast<std::size_t>(first) * in.stride, pair = atoms.offsets[first];
    descriptor.values(block, *workspace, &out.B[row], in.stride);
    descriptor.tangent(*workspace, in.directions.data() + 3 * pair, &out.B_dot[row], in.stride);
    descriptor.backpropagate(*workspace, &in.beta[row], in.stride, out.pair_gradients.data() + 3 * pair);
    descriptor.parameter_adjoint(*workspace, in.directions.data() + 3 * pair, &in.beta[row],
                                 &in.beta_dot[row], in.stride, out.parameter_gradient.data());
    descriptor.gradients(*workspace, out.gradients.data() + 3 * pair * in.stride, in.stride);
  }
  return out;
}

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Backpropagation and tangent from the stored gradients.
void test_one_jacobian(const MomentTensor& descriptor, const Neighborhoods& atoms, const Input& in,
                       const Output& out) {
  const int n = descriptor.size(0);
  Numbers pair_gradients(out.pair_gradients.size()), B_dot(out.B_dot.size(), -1.0);
  for (int atom = 0; atom < atoms.n_atoms(); ++atom) {
    for (int k = 0; k < n; ++k) B_dot[atom * in.stride + k] = 0.0;
    for (auto pair = atoms.offsets[atom]; pair < atoms.offsets[atom + 1]; ++pair)
      for (int axis = 0; axis < 3; ++axis)
        for (int k = 0; k < in.stride; ++k) {
          const double dB = out.gradients[(3 * pair + axis) * in.stride + k];
          if (k >= n || !atoms.inside(pair)) CHECK(dB == 0.0);
          pair_gradients[3 * pair + axis] += in.beta[atom * in.stride + k] * dB;
          if (k < n) B_dot[atom * in.stride + k] += in.directions[3 * pair + axis] * dB;
        }
  }
  CHECK_CLOSE(out.pair_gradients, pair_gradients, 1e-11);
  CHECK_CLOSE(out.B_dot, B_dot, 1e-11);
}

/// d/dparameters of beta . B + beta_dot . B_dot, a polynomial of fourth order along any line: the
/// differences below are exact but for rounding.
void test_parameter_adjoint(MomentTensor& descriptor, const Neighborhoods& atoms, const Input& in,
                            const Output& out, std::mt19937& random) {
  const Numbers start = descriptor.parameters();
  const Numbers line = random_numbers(random, start.size());
  auto objective = [&](double step) {
    Numbers moved = start;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * line[i];
    descriptor.set_parameters(moved);
    Output there = run(descriptor, atoms, in);
    for (int i = 0; i < atoms.n_atoms() * in.stride; ++i)
      if (i % in.stride >= descriptor.size(0)) there.B[i] = there.B_dot[i] = 0.0;
    return dot(in.beta, there.B) + dot(in.beta_dot, there.B_dot);
  };
  const double h = 0.05;
  const double expected =
      (8 * (objective(h) - objective(-h)) - (objective(2 * h) - objective(-2 * h))) / (12 * h);
  descriptor.set_parameters(start);
  CHECK_CLOSE(dot(out.parameter_gradient, line), expected, 1e-9);
}

}  // namespace

int main() {
  std::mt19937 random(7);
  const Neighborhoods atoms(random);
  for (int level : {2, 6, 12, 16}) {
    MomentTensorParameters parameters;
    parameters.cutoff = cutoff;
    parameters.min_distance = 1.5;
    parameters.radial_basis_size = level == 6 ? 1 : 5;
    parameters.scaling = 0.05;
    const ContractionProgram program = generate_contractions(level);
    const Numbers radial =
        random_numbers(random, 4ul * program.n_radial() * parameters.radial_basis_size);
    Input in;
    in.stride = program.n_values() + 3;
    in.beta = random_numbers(random, atoms.n_atoms() * in.stride);
    in.beta_dot = random_numbers(random, in.beta.size());
    in.directions = random_numbers(random, 3 * atoms.n_pairs());

    Output portable;
    for (InstructionSet set : available_instruction_sets()) {
      setenv("FORCESMITH_ISA", to_string(set).c_str(), 1);
      CHECK(instruction_set() == set);
      MomentTensor descriptor(parameters, program, radial, 2, "test");
      const Output out = run(descriptor, atoms, in);
      for (int atom = 0; atom < atoms.n_atoms(); ++atom)
        for (int k = program.n_values(); k < in.stride; ++k) CHECK(out.B[atom * in.stride + k] == -1.0);
      test_one_jacobian(descriptor, atoms, in, out);
      test_parameter_adjoint(descriptor, atoms, in, out, random);
      if (set == InstructionSet::portable) portable = out;
      CHECK_CLOSE(out.B, portable.B, 1e-12);
      CHECK_CLOSE(out.B_dot, portable.B_dot, 1e-12);
      CHECK_CLOSE(out.pair_gradients, portable.pair_gradients, 1e-12);
      CHECK_CLOSE(out.parameter_gradient, portable.parameter_gradient, 1e-12);
      CHECK_CLOSE(out.gradients, portable.gradients, 1e-12);
      std::printf("level %d, %s, width %d\n", level, to_string(set).c_str(), descriptor.block_size());
    }
  }
  return failures;
}
