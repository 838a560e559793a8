// Random neighborhoods of two elements, all verbs of a descriptor on them, and the comparison of two such
// runs: what the tests of descriptor kernels share.
#pragma once

#include <stdexcept>

#include "check.hpp"
#include "core/aligned_buffer.hpp"
#include "descriptors/descriptor.hpp"
#include "neighbors/packed_view.hpp"
#include "random_numbers.hpp"

/// Atoms with none, few and many neighbors, 1.4 to 5.4 angstrom away: `repeats` times eleven.
struct Neighborhoods {
  std::vector<int> centers, center_types, types, neighbors;
  std::vector<std::int64_t> offsets{0};
  Numbers x, y, z;

  explicit Neighborhoods(std::mt19937& random, int repeats = 1) {
    std::uniform_real_distribution<double> distance(1.4, 5.4);
    constexpr int counts[] = {0, 1, 37, 8, 20, 2, 16, 0, 9, 3, 64};
    for (int atom = 0; atom < repeats * static_cast<int>(std::size(counts)); ++atom) {
      const int count = counts[atom % std::size(counts)];
      centers.push_back(static_cast<int>(centers.size()));
      center_types.push_back(count % 2);
      for (int n = 0; n < count; ++n) {
        const Numbers d = random_numbers(random, 3);
        const double scale = distance(random) / std::hypot(d[0], d[1], d[2]);
        x.push_back(scale * d[0]);
        y.push_back(scale * d[1]);
        z.push_back(scale * d[2]);
        types.push_back(count < 20 ? n % 3 == 0 : 1);
      }
      offsets.push_back(static_cast<std::int64_t>(types.size()));
    }
    // Every pair has a neighbor of its own, so that its gradient can be told from the forces.
    for (std::size_t pair = 0; pair < n_pairs(); ++pair) neighbors.push_back(n_atoms() + static_cast<int>(pair));
  }
  int n_atoms() const { return static_cast<int>(centers.size()); }
  std::size_t n_pairs() const { return types.size(); }
  double distance(std::size_t pair) const { return std::hypot(x[pair], y[pair], z[pair]); }
  forcesmith::NeighborView view() const {
    return {n_atoms(), centers.data(), center_types.data(), offsets.data(), neighbors.data(), types.data(), x.data(),
            y.data(),  z.data()};
  }
};

/// As a host gives them that works with numbers Real.
template <class Real>
class GivenNeighborhoods {
 public:
  explicit GivenNeighborhoods(const Neighborhoods& atoms)
      : atoms_(atoms),
        x_(atoms.x.begin(), atoms.x.end()),
        y_(atoms.y.begin(), atoms.y.end()),
        z_(atoms.z.begin(), atoms.z.end()) {}
  forcesmith::NeighborViewOf<Real> view() const {
    const forcesmith::NeighborView all = atoms_.view();
    return {all.n_atoms, all.centers, all.center_types, all.offsets, all.neighbors,
            all.types,   x_.data(),   y_.data(),        z_.data()};
  }

 private:
  const Neighborhoods& atoms_;
  std::vector<Real> x_, y_, z_;
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

/// Rows of forces as PairForces wants them, at first 0.
class ForceRows {
 public:
  explicit ForceRows(std::size_t n_host) : n_host_(n_host) {
    std::fill_n(buffer_.reserve(forcesmith::force_stride * n_host), forcesmith::force_stride * n_host, 0.0);
  }
  double* data() { return buffer_.data(); }
  /// [..][3], of atoms first .. end - 1.
  Numbers forces(std::size_t first, std::size_t end) const {
    Numbers forces;
    for (std::size_t i = first; i < end; ++i)
      forces.insert(forces.end(), &buffer_.data()[forcesmith::force_stride * i],
                    &buffer_.data()[forcesmith::force_stride * i + 3]);
    return forces;
  }
  Numbers forces() const { return forces(0, n_host_); }

 private:
  std::size_t n_host_;
  forcesmith::AlignedBuffer buffer_;
};

/// Backpropagation, with the forces told apart by pair; the virial and the forces on the centers are theirs.
class PairGradients {
 public:
  explicit PairGradients(const Neighborhoods& atoms) : atoms_(atoms), rows_(atoms.n_atoms() + atoms.n_pairs()) {
    to_.forces = rows_.data();
    to_.virial = virial_;
  }
  const forcesmith::PairForces& forces() const { return to_; }
  Numbers checked(double rounding) const {
    Numbers gradients = rows_.forces(atoms_.n_atoms(), atoms_.n_atoms() + atoms_.n_pairs());
    for (double& g : gradients) g = -g;
    Numbers on_centers(3 * atoms_.n_atoms()), virial(6);
    for (int atom = 0; atom < atoms_.n_atoms(); ++atom)
      for (auto pair = atoms_.offsets[atom]; pair < atoms_.offsets[atom + 1]; ++pair) {
        const double* g = &gradients[3 * pair];
        const double r[3] = {atoms_.x[pair], atoms_.y[pair], atoms_.z[pair]};
        for (int axis = 0; axis < 3; ++axis) on_centers[3 * atom + axis] += g[axis];
        static constexpr int rows[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
        for (int c = 0; c < 6; ++c) virial[c] -= r[rows[c][0]] * g[rows[c][1]];
      }
    CHECK_CLOSE(rows_.forces(0, atoms_.n_atoms()), on_centers, 1e-12);
    CHECK_CLOSE(Numbers(virial_, virial_ + 6), virial, rounding);
    return gradients;
  }

 private:
  const Neighborhoods& atoms_;
  ForceRows rows_;
  double virial_[6] = {0};
  forcesmith::PairForces to_;
};

/// Gradients of pairs from those of packs of one neighbor.
inline Numbers gradients_of_pairs(const forcesmith::PackedView& packs, const Numbers& pack_gradients,
                                  std::size_t n_pairs) {
  Numbers gradients(3 * n_pairs);
  for (std::size_t i = 0; i < pack_gradients.size(); ++i) gradients[3 * packs.pairs[i / 3] + i % 3] = pack_gradients[i];
  return gradients;
}

/// All verbs, in blocks of at most `block_size` atoms.
inline VerbOutput run_verbs(const forcesmith::Descriptor& descriptor, const Neighborhoods& atoms, const VerbInput& in,
                            int block_size) {
  const forcesmith::StoredNeighbors source(atoms.view());
  const auto workspace = descriptor.make_workspace();
  VerbOutput out(in, descriptor.parameters().size());
  PairGradients pair_gradients(atoms);
  forcesmith::NeighborBuffer buffer;
  for (int first = 0; first < atoms.n_atoms(); first += block_size) {
    const int count = std::min(block_size, atoms.n_atoms() - first);
    const std::size_t row = static_cast<std::size_t>(first) * in.stride, pair = 3 * atoms.offsets[first];
    const double* directions = in.directions.data() + pair;
    descriptor.values(source.block(first, count, buffer), *workspace, &out.B[row], in.stride);
    descriptor.tangent(*workspace, directions, &out.B_dot[row], in.stride);
    descriptor.backpropagate(*workspace, &in.beta[row], in.stride, pair_gradients.forces());
    descriptor.parameter_adjoint(*workspace, directions, &in.beta[row], &in.beta_dot[row], in.stride,
                                 out.parameter_gradient.data(), 0);
    descriptor.gradients(*workspace, out.gradients.data() + pair * in.stride, in.stride);
  }
  out.pair_gradients = pair_gradients.checked(1e-12);
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
      const bool inside = atoms.distance(pair) < cutoffs[2 * atoms.center_types[atom] + atoms.types[pair]];
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
inline void test_tangent(const forcesmith::Descriptor& descriptor, const Neighborhoods& atoms, const VerbInput& in,
                         const VerbOutput& out) {
  const double h = 1e-5;
  auto moved = [&](double step) {
    Neighborhoods there = atoms;
    for (std::size_t pair = 0; pair < atoms.n_pairs(); ++pair) {
      there.x[pair] += step * in.directions[3 * pair];
      there.y[pair] += step * in.directions[3 * pair + 1];
      there.z[pair] += step * in.directions[3 * pair + 2];
    }
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

/// Values and backpropagation in single precision, of hosts that give numbers Given, whatever the size of blocks; the
/// other verbs refuse.
template <class Given>
void test_single_precision_of(const forcesmith::Descriptor& descriptor, const Neighborhoods& atoms, const VerbInput& in,
                              const VerbOutput& in_double, double relative) {
  using forcesmith::Precision;
  const GivenNeighborhoods<Given> given(atoms);
  const forcesmith::StoredNeighbors source(given.view());
  const int whole = descriptor.block_size(Precision::single);
  CHECK(whole == 2 * descriptor.block_size());
  for (int block_size : {whole, whole / 2, 3}) {
    const auto workspace = descriptor.make_workspace(Precision::single);
    VerbOutput out(in, 0);
    PairGradients pair_gradients(atoms);
    forcesmith::NeighborBufferOf<Given> buffer;
    for (int first = 0; first < atoms.n_atoms(); first += block_size) {
      const int count = std::min(block_size, atoms.n_atoms() - first);
      const std::size_t row = static_cast<std::size_t>(first) * in.stride;
      descriptor.values(source.block(first, count, buffer), *workspace, &out.B[row], in.stride);
      descriptor.backpropagate(*workspace, &in.beta[row], in.stride, pair_gradients.forces());
    }
    out.pair_gradients = pair_gradients.checked(1e-5);  // of distances
    CHECK_CLOSE(out.B, in_double.B, relative);
    CHECK_CLOSE(out.pair_gradients, in_double.pair_gradients, relative);
    CHECK(out.pair_gradients != in_double.pair_gradients);
    const std::string message = "single precision serve values and backpropagation only";
    CHECK_THROWS(std::logic_error, descriptor.gradients(*workspace, out.gradients.data(), in.stride), message);
    CHECK_THROWS(std::logic_error, descriptor.tangent(*workspace, in.directions.data(), out.B_dot.data(), in.stride),
                 message);
    CHECK_THROWS(std::logic_error,
                 descriptor.parameter_adjoint(*workspace, in.directions.data(), in.beta.data(), in.beta_dot.data(),
                                              in.stride, nullptr, 0),
                 message);
  }
}

inline void test_single_precision(const forcesmith::Descriptor& descriptor, const Neighborhoods& atoms,
                                  const VerbInput& in, const VerbOutput& in_double, double relative) {
  test_single_precision_of<double>(descriptor, atoms, in, in_double, relative);
  test_single_precision_of<float>(descriptor, atoms, in, in_double, relative);
}
