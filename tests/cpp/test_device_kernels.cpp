// The launches of every registered descriptor and model (DeviceSimd), run here on a host space, against the SIMD variant
// in use: all verbs on random neighborhoods with two elements, in both precisions and whatever the size of blocks, parts
// of a slice of atoms, whole ones and several, and the number of threads of an atom. On the space of one thread, those
// that share work are launched in blocks, as on devices.
#include <bit>

#include "core/kokkos_scope.hpp"
#include "descriptors/device_descriptor.hpp"
#include "device_slices.hpp"
#include "models/device_model.hpp"
#include "models/device_model_adjoint.hpp"
#include "neighbors/device_selection.hpp"
#include "random_neighborhoods.hpp"
#include "registered_examples.hpp"

template <>
inline constexpr bool forcesmith::launches_blocks<Kokkos::Serial> = true;

namespace {

using namespace forcesmith;
using Space = Kokkos::FORCESMITH_TEST_SPACE;

/// Blocks of the neighborhoods with all their pairs, and where these are.
template <class Real>
class Blocks {
 public:
  explicit Blocks(const Neighborhoods& atoms) : atoms_(atoms) {
    for (int atom = 0; atom < atoms.n_atoms(); ++atom)
      largest_ = std::max(largest_, static_cast<int>(atoms.offsets[atom + 1] - atoms.offsets[atom]));
  }
  /// Atoms first .. first + count - 1.
  const DeviceBlock<Real>& select(int first, int count, int parts) {
    first_ = first;
    block_ = selection_.select(GivenPairs{atoms_.view(), largest_}, first, count, parts);
    Kokkos::fence();
    return block_;
  }
  std::size_t n_slots() const { return device_slots(block_.max_neighbors, block_.n_atoms); }
  /// use(pair of the neighborhoods, slot of the block)
  template <class Use>
  void for_each_pair(const Use& use) const {
    for (int atom = 0; atom < block_.n_atoms; ++atom)
      for (int k = 0; k < block_.counts[atom]; ++k)
        use(static_cast<std::size_t>(atoms_.offsets[first_ + atom] + k), device_slot(block_.max_neighbors, atom, k));
  }
  /// Sets the gradients [n_pairs][3] of the block's pairs.
  void take_gradients(Numbers& gradients) const {
    for_each_pair([&](std::size_t pair, std::size_t slot) {
      for (int axis = 0; axis < 3; ++axis) gradients[3 * pair + axis] = block_.gradients[axis][slot];
    });
  }

 private:
  const Neighborhoods& atoms_;
  DeviceSelection<Space, Real> selection_{1e3};
  int largest_ = 0, first_ = 0;
  DeviceBlock<Real> block_{};
};

template <class Own>
VerbOutput launch_verbs(const Own& descriptor, const Neighborhoods& atoms, const VerbInput& in, int block_size,
                        int parts) {
  DeviceKernels<Space, Own, double> device(descriptor);
  const std::size_t n_parameters = descriptor.parameters().size();
  CHECK(static_cast<std::size_t>(device.n_parameters()) == n_parameters);
  VerbOutput out(in, n_parameters);
  Blocks<double> blocks(atoms);
  for (int first = 0; first < atoms.n_atoms(); first += block_size) {
    const int count = std::min(block_size, atoms.n_atoms() - first);
    const DeviceBlock<double>& block = blocks.select(first, count, parts);
    const std::size_t n_components = 3 * blocks.n_slots();
    const Numbers beta = to_slices(in.beta, in.stride, first, count);
    const Numbers beta_dot = to_slices(in.beta_dot, in.stride, first, count);
    Numbers B = to_slices(out.B, in.stride, first, count), B_dot = B;
    Numbers directions(n_components), gradients(n_components * in.stride);
    blocks.for_each_pair(
        [&](std::size_t pair, std::size_t slot) { std::copy_n(&in.directions[3 * pair], 3, &directions[3 * slot]); });
    device.values(block, B.data(), in.stride);
    device.backpropagate(beta.data(), in.stride, block);
    device.tangent(directions.data(), B_dot.data(), in.stride);
    Numbers of_atoms(block.n_atoms * n_parameters, -1.0);
    if constexpr (FORCESMITH_ISA::HasParameters<typename Own::Kernels>)
      device.parameter_adjoint(directions.data(), beta.data(), beta_dot.data(), in.stride, of_atoms.data());
    device.gradients(gradients.data(), in.stride);
    Kokkos::fence();
    from_slices(B, in.stride, first, count, out.B);
    from_slices(B_dot, in.stride, first, count, out.B_dot);
    for (std::size_t i = 0; i < of_atoms.size(); ++i) out.parameter_gradient[i % n_parameters] += of_atoms[i];
    blocks.take_gradients(out.pair_gradients);
    blocks.for_each_pair([&](std::size_t pair, std::size_t slot) {
      std::copy_n(&gradients[3 * slot * in.stride], 3 * in.stride, &out.gradients[3 * pair * in.stride]);
    });
  }
  return out;
}

template <class Own>
void test_single(const Own& descriptor, const Neighborhoods& atoms, const VerbInput& in, const VerbOutput& in_double,
                 double rounding) {
  DeviceKernels<Space, Own, float> device(descriptor);
  VerbOutput out(in, 0);
  Blocks<float> blocks(atoms);
  const DeviceBlock<float>& block = blocks.select(0, atoms.n_atoms(), 8);
  Numbers B = to_slices(out.B, in.stride, 0, atoms.n_atoms());
  device.values(block, B.data(), in.stride);
  device.backpropagate(to_slices(in.beta, in.stride, 0, atoms.n_atoms()).data(), in.stride, block);
  Kokkos::fence();
  from_slices(B, in.stride, 0, atoms.n_atoms(), out.B);
  blocks.take_gradients(out.pair_gradients);
  CHECK_CLOSE(out.B, in_double.B, rounding);
  CHECK_CLOSE(out.pair_gradients, in_double.pair_gradients, rounding);
  CHECK(out.pair_gradients != in_double.pair_gradients);
}

template <class Own>
void test_descriptor(const Example& example) {
  std::mt19937 random(1);
  const Neighborhoods atoms(random, 7);  // three slices of atoms
  const auto descriptor = make_descriptor<Own>(example.settings, random);
  const VerbInput in(random, atoms, std::max(descriptor->size(0), descriptor->size(1)));
  const VerbOutput host = run_verbs(*descriptor, atoms, in, descriptor->block_size());
  const int block_sizes[] = {atoms.n_atoms(), 2 * device_slice, device_slice + 1, device_slice, device_slice - 1, 1};
  int parts = most_parts;
  for (int block_size : block_sizes) {
    test_same_output(launch_verbs(*descriptor, atoms, in, block_size, parts), host, example.rounding);
    parts /= 2;
  }
  CHECK(parts == 0);
  test_single(*descriptor, atoms, in, host, example.rounding_of_single);
}

/// Gradients of two configurations, and of all atoms.
template <class Own>
void test_adjoint(const Own& model, const std::vector<int>& types, const Numbers& B, int stride, std::mt19937& random,
                  double rounding) {
  const int n_atoms = static_cast<int>(types.size()), n_parameters = static_cast<int>(model.parameters().size());
  const std::vector<int> begin{0, device_slice + 1, n_atoms};
  const Numbers B_dot = random_numbers(random, B.size()), energy_bar = random_numbers(random, n_atoms);
  const Numbers B_slices = to_slices(B, stride, 0, n_atoms), dot_slices = to_slices(B_dot, stride, 0, n_atoms);
  Numbers bar_slices = B_slices, dot_bar_slices = B_slices, of_each(2 * n_parameters), of_all(n_parameters);
  DeviceModelAdjointKernels<Space, Own> device(model);
  for (const SumRows& rows : {SumRows{2, n_parameters, of_each.data(), n_atoms, 0, begin.data()},
                              SumRows{1, n_parameters, of_all.data(), n_atoms}})
    device.parameter_adjoint(n_atoms, types.data(), B_slices.data(), dot_slices.data(), stride, energy_bar.data(),
                             bar_slices.data(), dot_bar_slices.data(), rows);
  Kokkos::fence();
  Numbers bar(B.size()), dot_bar(B.size()), expected_bar(B.size()), expected_dot_bar(B.size());
  from_slices(bar_slices, stride, 0, n_atoms, bar);
  from_slices(dot_bar_slices, stride, 0, n_atoms, dot_bar);
  Numbers expected(2 * n_parameters);
  const auto workspace = model.make_workspace();
  for (int c = 0; c < 2; ++c) {
    const int first = begin[c], row = first * stride;
    model.parameter_adjoint(*workspace, begin[c + 1] - first, &types[first], &B[row], &B_dot[row], stride,
                            &energy_bar[first], &expected_bar[row], &expected_dot_bar[row],
                            &expected[c * n_parameters]);
  }
  CHECK_CLOSE(of_each, expected, rounding);
  for (int i = 0; i < n_parameters; ++i) expected[i] += expected[n_parameters + i];
  expected.resize(n_parameters);
  CHECK_CLOSE(of_all, expected, rounding);
  for (int atom = 0; atom < n_atoms; ++atom)  // columns beyond the element's are nobody's
    for (int k = types[atom] == 0 ? 5 : 11; k < stride; ++k) {
      const int at = atom * stride + k;
      bar[at] = dot_bar[at] = expected_bar[at] = expected_dot_bar[at] = 0.0;
    }
  CHECK_CLOSE(bar, expected_bar, rounding);
  CHECK_CLOSE(dot_bar, expected_dot_bar, rounding);
}

template <class Own>
void test_model(const Example& example) {
  std::mt19937 random(2);
  const std::vector<int> sizes{5, 11};
  std::vector<int> types;
  for (int atom = 0; atom < 71; ++atom) types.push_back(atom * atom % 3 == 1);
  const int n_atoms = static_cast<int>(types.size()), stride = 13;
  const auto model = make_model<Own>(example.settings, sizes, random);
  const Numbers B = random_numbers(random, n_atoms * stride);
  Numbers energies(n_atoms), beta(B.size(), -1.0), device_energies(n_atoms), device_beta(B.size());
  Numbers beta_slices = to_slices(beta, stride, 0, n_atoms);
  model->energies_and_gradients(*model->make_workspace(), n_atoms, types.data(), B.data(), stride, energies.data(),
                                beta.data());
  DeviceModelKernels<Space, Own> device(*model);
  device.energies_and_gradients(n_atoms, types.data(), to_slices(B, stride, 0, n_atoms).data(), stride,
                                device_energies.data(), beta_slices.data());
  Kokkos::fence();
  from_slices(beta_slices, stride, 0, n_atoms, device_beta);
  CHECK_CLOSE(device_energies, energies, example.rounding);
  CHECK_CLOSE(device_beta, beta, example.rounding);
  CHECK(*std::max_element(energies.begin(), energies.end()) > 0.0);
  test_adjoint(dynamic_cast<const Own&>(*model), types, B, stride, random, example.rounding);
}

/// Every part of every atom once, in a range and in blocks of one thread and several.
void test_launch_of_parts() {
  for (int n_atoms : {0, 1, device_slice - 1, device_slice, 3 * device_slice + 1})
    for (int parts = 1; parts <= most_parts; parts *= 2) {
      std::vector<int> times(n_atoms * parts);
      const auto of_part = [&](int atom, Part part) {
        ++times[atom * parts + part.index];
        if (part.count != parts) times[atom * parts + part.index] = -1;
      };
      const auto check_all = [&] {
        Kokkos::fence();
        CHECK(std::count(times.begin(), times.end(), 1) == n_atoms * parts);
        std::fill(times.begin(), times.end(), 0);
      };
      launch_parts<Space>("test", n_atoms, parts, of_part);
      check_all();
      const FORCESMITH_ISA::PartsOfSlices<decltype(of_part)> work{of_part, n_atoms, parts};
      using Blocks = Kokkos::TeamPolicy<Space>;
      const int most = Blocks(1, 1).team_size_max(work, Kokkos::ParallelForTag());
      for (int of_block = 1; of_block <= std::min(most, device_slice); of_block *= 2) {
        Kokkos::parallel_for("test", Blocks(work.n_items() / of_block, of_block), work);
        check_all();
      }
    }
}

void test_number_of_parts() {
  const unsigned n_threads = Space().concurrency() / 4;
  CHECK(parts_of_atoms<Space>(100000) == 1);
  CHECK(parts_of_atoms<Space>(1) == static_cast<int>(std::clamp(std::bit_ceil(n_threads), 1u, 32u)));
  setenv("FORCESMITH_DEVICE_PARTS", "16", 1);
  CHECK(parts_of_atoms<Space>(100000) == 16);
  for (const char* wrong : {"", "3", "64", "eight"}) {
    setenv("FORCESMITH_DEVICE_PARTS", wrong, 1);
    CHECK_THROWS(ParameterError, parts_of_atoms<Space>(1), "must be 1, 2, 4, 8, 16 or 32");
  }
  unsetenv("FORCESMITH_DEVICE_PARTS");
}

}  // namespace

int main() {
  ensure_kokkos(2);
  test_launch_of_parts();
  test_number_of_parts();
  for_each_example(RegisteredDescriptors{}, descriptor_examples(),
                   []<class Own>(const Example& example) { test_descriptor<Own>(example); });
  for_each_example(RegisteredModels{}, model_examples(),
                   []<class Own>(const Example& example) { test_model<Own>(example); });
  finalize_kokkos();
  return failures != 0;
}
