// The moment tensor kernels with all numbers of radial functions and elements; the adjoint of the radial coefficients.
#include <utility>

#include "descriptors/moment_tensor/moment_tensor.hpp"
#include "instruction_sets.hpp"

namespace {

using namespace forcesmith;

/// d/dparameters of beta . B + beta_dot . B_dot, a polynomial of fourth order along any line: the
/// differences below are exact but for rounding.
void test_parameter_adjoint(moment_tensor::MomentTensor& descriptor, const Neighborhoods& atoms, const VerbInput& in,
                            const VerbOutput& out, std::mt19937& random) {
  const Numbers start = descriptor.parameters();
  const Numbers line = random_numbers(random, start.size());
  auto objective = [&](double step) {
    Numbers moved = start;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * line[i];
    descriptor.set_parameters(moved);
    VerbOutput there = run_verbs(descriptor, atoms, in, descriptor.block_size());
    for (int i = 0; i < atoms.n_atoms() * in.stride; ++i)
      if (i % in.stride >= descriptor.size(0)) there.B[i] = there.B_dot[i] = 0.0;
    return dot(in.beta, there.B) + dot(in.beta_dot, there.B_dot);
  };
  const double h = 0.05;
  const double expected = (8 * (objective(h) - objective(-h)) - (objective(2 * h) - objective(-2 * h))) / (12 * h);
  descriptor.set_parameters(start);
  CHECK_CLOSE(dot(out.parameter_gradient, line), expected, 1e-9);
}

/// Numbers of pairs of elements are looked up in other ways where there is one element and where there are more
/// than lanes: as the first of two, and as the first and last of 17.
void test_numbers_of_elements(const moment_tensor::Parameters& parameters,
                              const moment_tensor::ContractionProgram& program, const Numbers& radial,
                              const Neighborhoods& atoms, const VerbInput& in) {
  const std::size_t n = radial.size() / 4;
  const auto same = [](const VerbOutput& a, const VerbOutput& b) {
    CHECK_CLOSE(a.B, b.B, 1e-13);
    CHECK_CLOSE(a.B_dot, b.B_dot, 1e-13);
    CHECK_CLOSE(a.pair_gradients, b.pair_gradients, 1e-13);
    CHECK_CLOSE(a.gradients, b.gradients, 1e-13);
  };
  const moment_tensor::MomentTensor of_two(parameters, program, radial, 2, "test");
  const int block_size = of_two.block_size();

  Numbers spread(17 * 17 * n);
  for (int pair = 0; pair < 4; ++pair)
    std::copy_n(&radial[pair * n], n, &spread[(pair / 2 * 16 * 17 + pair % 2 * 16) * n]);
  const moment_tensor::MomentTensor of_many(parameters, program, spread, 17, "test");
  Neighborhoods renamed = atoms;
  for (auto* types : {&renamed.types, &renamed.center_types})
    for (int& type : *types) type *= 16;
  const VerbOutput few = run_verbs(of_two, atoms, in, block_size), many = run_verbs(of_many, renamed, in, block_size);
  same(few, many);
  Numbers gathered(radial.size());
  for (int pair = 0; pair < 4; ++pair)
    std::copy_n(&many.parameter_gradient[(pair / 2 * 16 * 17 + pair % 2 * 16) * n], n, &gathered[pair * n]);
  CHECK_CLOSE(gathered, few.parameter_gradient, 1e-13);
  test_single_precision(of_many, renamed, in, many, 1e-5);

  const moment_tensor::MomentTensor of_one(parameters, program, Numbers(radial.begin(), radial.begin() + n), 1, "test");
  Neighborhoods alike = atoms;
  for (auto* types : {&alike.types, &alike.center_types}) std::fill(types->begin(), types->end(), 0);
  const VerbOutput first = run_verbs(of_two, alike, in, block_size), one = run_verbs(of_one, alike, in, block_size);
  same(first, one);
  CHECK_CLOSE(one.parameter_gradient, Numbers(first.parameter_gradient.begin(), first.parameter_gradient.begin() + n),
              1e-12);
  test_single_precision(of_one, alike, in, one, 1e-5);
}

}  // namespace

int main() {
  std::mt19937 random(7);
  // Radial functions: 1, 2, 3, 4, 5, and, with fewer factors, 7.
  for (const auto& [level, max_factors] : {std::pair{2, 4}, {6, 4}, {12, 4}, {16, 4}, {20, 3}, {26, 2}}) {
    moment_tensor::Parameters parameters;
    parameters.cutoff = 5.0;
    parameters.min_distance = 1.5;
    parameters.radial_basis_size = level == 6 ? 1 : 5;
    parameters.scaling = 0.05;
    const moment_tensor::ContractionProgram program = moment_tensor::generate_contractions(level, max_factors);
    const Numbers radial = random_numbers(random, 4ul * program.n_radial() * parameters.radial_basis_size);
    test_instruction_sets(
        "level " + std::to_string(level), 1e-5,
        [&] { return std::make_unique<moment_tensor::MomentTensor>(parameters, program, radial, 2, "test"); },
        [&, few = level == 12](moment_tensor::MomentTensor& descriptor, const Neighborhoods& atoms, const VerbInput& in,
                               const VerbOutput& out) {
          test_parameter_adjoint(descriptor, atoms, in, out, random);
          if (few) test_numbers_of_elements(parameters, program, radial, atoms, in);
        });
  }
  return failures != 0;
}
