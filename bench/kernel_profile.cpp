// Where the time of an evaluation goes, or its floating-point operations, phase by phase (core/phase.hpp).
//
//   kernel_profile potential.json neighbors.bin [seconds [double|single]]
//       seconds per atom, and the core's peak in double precision
//   FORCESMITH_ISA=counting kernel_profile potential.json neighbors.bin
//       operations per atom
//
// This file and the sources of the core, compiled with FORCESMITH_PROFILE and with one more variant of the kernels, of
// plain numbers that count (core/variants.hpp). Prints one JSON document. Works on one thread.
//
// neighbors.bin, in the byte order of the machine, all atoms and all pairs inside the cutoff, by center:
//   int64   n_atoms, n_pairs
//   int32   element of every atom, in the order of the potential   [n_atoms]
//   int64   first pair of every atom, and n_pairs                   [n_atoms + 1]
//   int32   neighbor of every pair                                  [n_pairs]
//   double  r_j - r_i of every pair, angstrom                       [n_pairs][3]
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/instruction_set.hpp"
#include "core/phase.hpp"
#include "core/variants.hpp"
#include "multiply_add_variants.hpp"
#include "potentials/evaluate.hpp"
#include "potentials/registry.hpp"

namespace forcesmith {

unsigned long long counting::operations = 0;

namespace {

constexpr const char* phase_names[n_phases] = {"other",   "neighbors",      "descriptor",  "packing",
                                               "radial",  "moments",        "contraction", "model",
                                               "adjoint", "pair_gradients", "terms",       "forces"};

bool is_counting = false;  // the variant in use counts operations

/// What is counted: operations, or ticks of a clock that is quick to read.
std::uint64_t count_now() {
  if (is_counting) return counting::operations;
#if defined(__x86_64__)
  // Instructions before it have ended, or the phases' times would run into each other.
  __builtin_ia32_lfence();
  return __builtin_ia32_rdtsc();
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

struct PhaseCounts {
  Phase phase = Phase::other;
  std::uint64_t since = 0;
  std::array<std::uint64_t, n_phases> counts{};   // operations or ticks
  std::array<std::uint64_t, n_phases> entered{};  // how often the phase began
};
thread_local PhaseCounts own;

}  // namespace

void enter_phase(Phase phase) {
  const std::uint64_t now = count_now();
  own.counts[static_cast<int>(own.phase)] += now - own.since;
  ++own.entered[static_cast<int>(phase)];
  own.phase = phase;
  own.since = now;
}

namespace {

/// As the pair style gives it to kernels of this precision.
template <class Real>
struct Structure {
  std::vector<int> centers, types, neighbors, neighbor_types;
  std::vector<std::int64_t> offsets;
  std::vector<Real> x, y, z;
  double cutoff = 0.0;  // angstrom

  int n_atoms() const { return static_cast<int>(types.size()); }
  NeighborViewOf<Real> view() const {
    return {n_atoms(), centers.data(), types.data(), offsets.data(), neighbors.data(), neighbor_types.data(), x.data(),
            y.data(),  z.data(),       true,         cutoff};
  }
};

template <class T>
std::vector<T> read_numbers(std::ifstream& file, std::int64_t count) {
  std::vector<T> numbers(static_cast<std::size_t>(count));
  file.read(reinterpret_cast<char*>(numbers.data()), static_cast<std::streamsize>(count * sizeof(T)));
  return numbers;
}

template <class Real>
Structure<Real> read_structure(const std::string& path, int n_elements) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<std::int64_t> sizes = read_numbers<std::int64_t>(file, 2);
  if (!file || sizes[0] <= 0 || sizes[1] < 0) throw Error("\"" + path + "\" cannot be read as a file of neighbors.");
  Structure<Real> s;
  s.types = read_numbers<int>(file, sizes[0]);
  s.offsets = read_numbers<std::int64_t>(file, sizes[0] + 1);
  s.neighbors = read_numbers<int>(file, sizes[1]);
  const std::vector<double> displacements = read_numbers<double>(file, 3 * sizes[1]);
  if (!file) throw Error("\"" + path + "\" is shorter than its first two numbers say.");
  for (std::size_t i = 0; i < displacements.size(); i += 3) {
    s.x.push_back(static_cast<Real>(displacements[i]));
    s.y.push_back(static_cast<Real>(displacements[i + 1]));
    s.z.push_back(static_cast<Real>(displacements[i + 2]));
  }
  s.centers.resize(s.types.size());
  std::iota(s.centers.begin(), s.centers.end(), 0);
  for (int type : s.types)
    if (type < 0 || type >= n_elements)
      throw Error("\"" + path + "\" has an element that the potential does not know.");
  for (int neighbor : s.neighbors) {
    if (neighbor < 0 || neighbor >= s.n_atoms()) throw Error("\"" + path + "\" has a neighbor that is no atom.");
    s.neighbor_types.push_back(s.types[neighbor]);
  }
  return s;
}

/// Evaluates atoms first .. first + count - 1 and adds to their energy and all forces; returns what the
/// phases took.
template <class Real>
PhaseCounts profile(Evaluator& evaluator, const Structure<Real>& structure, int first, int count, double& energy,
                    std::vector<double>& forces) {
  NeighborViewOf<Real> view = structure.view();
  view.n_atoms = count;
  view.centers += first;
  view.center_types += first;
  view.offsets += first;
  Evaluation wanted;
  wanted.n_host = structure.n_atoms();
  wanted.forces = forces.data();
  own = PhaseCounts{};
  own.since = count_now();
  evaluator.evaluate(StoredNeighbors(view), wanted);
  enter_phase(Phase::other);
  energy += wanted.energy;
  return own;
}

double seconds_now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

double sum_of(const PhaseCounts& counts) { return std::accumulate(counts.counts.begin(), counts.counts.end(), 0.0); }

/// Ticks of count_now() that one mark takes.
double ticks_per_mark() {
  constexpr int n = 100000;
  double least = 1e300;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const std::uint64_t start = count_now();
    for (int i = 0; i < n; ++i) enter_phase(Phase::other);
    least = std::min(least, static_cast<double>(count_now() - start) / n);
  }
  return least;
}

/// Operations per second, the best of several tries.
double peak() {
#if defined(FORCESMITH_HAVE_AVX2) && defined(FORCESMITH_HAVE_AVX512)
  const InstructionSet set = instruction_set();
  const MultiplyAdds run = set == InstructionSet::avx512 ? avx512::multiply_adds
                           : set == InstructionSet::avx2 ? avx2::multiply_adds
                                                         : portable::multiply_adds;
#else
  const MultiplyAdds run = portable::multiply_adds;
#endif
  double best = 0.0, sum = 0.0;
  for (int repeat = 0; repeat < 200; ++repeat) {
    const double start = seconds_now();
    const double done = run(1e8, sum);  // some milliseconds
    best = std::max(best, done / (seconds_now() - start));
  }
  return sum > 0.0 ? best : 0.0;
}

Json per_atom(const std::array<double, n_phases>& numbers, int n_atoms) {
  Json json = Json::object();
  for (int phase = 0; phase < n_phases; ++phase)
    if (numbers[phase] > 0.0) json[phase_names[phase]] = numbers[phase] / n_atoms;
  return json;
}

/// Of one evaluation.
template <class Real>
Json count_operations(Evaluator& evaluator, const Structure<Real>& structure) {
  const int n_atoms = structure.n_atoms();
  std::vector<double> forces(3 * structure.types.size(), 0.0);
  double energy = 0.0;
  const PhaseCounts counts = profile(evaluator, structure, 0, n_atoms, energy, forces);
  std::array<double, n_phases> operations{};
  std::copy(counts.counts.begin(), counts.counts.end(), operations.begin());
  return {{"operations", per_atom(operations, n_atoms)}, {"energy", energy}};
}

template <class Real>
Json measure_seconds(Evaluator& evaluator, const Structure<Real>& structure, int block, double least_seconds) {
  const int n_atoms = structure.n_atoms();
  std::vector<double> forces(3 * structure.types.size(), 0.0);
  double energy = 0.0;
  std::array<double, n_phases> seconds{};
  const double mark = ticks_per_mark();
  const double start = seconds_now();
  const std::uint64_t first_tick = count_now();
  profile(evaluator, structure, 0, n_atoms, energy, forces);
  // Again in portions of some milliseconds, each as often as there is time: its quickest passage is the one
  // that other work on the machine disturbed least.
  const double wanted_atoms = 0.004 / ((seconds_now() - start) / n_atoms);
  const int portion = block * std::max(8, static_cast<int>(wanted_atoms / block));
  std::vector<PhaseCounts> best;
  double ignored = 0.0;
  for (int passage = 0; passage < 5 || seconds_now() - start < least_seconds; ++passage)
    for (int first = 0, index = 0; first < n_atoms; first += portion, ++index) {
      const int count = std::min(portion, n_atoms - first);
      const PhaseCounts counts = profile(evaluator, structure, first, count, ignored, forces);
      if (passage == 0) best.push_back(counts);
      else if (sum_of(counts) < sum_of(best[index])) best[index] = counts;
    }
  const double ticks = static_cast<double>(count_now() - first_tick);
  const double seconds_per_tick = (seconds_now() - start) / ticks;
  double marks = 0.0;
  for (int phase = 0; phase < n_phases; ++phase) {
    double ticks_of_phase = 0.0;
    for (const PhaseCounts& counts : best) {
      const double entered = static_cast<double>(counts.entered[phase]);
      ticks_of_phase += static_cast<double>(counts.counts[phase]) - mark * entered;
      marks += entered;
    }
    seconds[phase] = seconds_per_tick * std::max(0.0, ticks_of_phase);
  }
  return {{"seconds", per_atom(seconds, n_atoms)},
          {"seconds_per_mark", mark * seconds_per_tick},
          {"marks", marks / n_atoms},
          {"instruction_set", to_string(instruction_set())},
          {"peak", peak()},
          {"energy", energy}};
}

template <class Real>
Json measure(const std::string& potential_path, const std::string& neighbors_path, double least_seconds) {
  const Potential potential = read_potential(potential_path);
  Evaluator evaluator(potential, precision_of<Real>);
  Structure structure = read_structure<Real>(neighbors_path, static_cast<int>(potential.elements().size()));
  structure.cutoff = potential.cutoff();
  is_counting = instruction_set() == InstructionSet::counting;
  Json json = is_counting
                  ? count_operations(evaluator, structure)
                  : measure_seconds(evaluator, structure, potential.block_size(precision_of<Real>), least_seconds);
  json["atoms"] = structure.n_atoms();
  json["pairs"] = structure.neighbors.size();
  return json;
}

}  // namespace

}  // namespace forcesmith

int main(int argc, char** argv) {
  if (argc < 3 || argc > 5) {
    std::cerr << "usage: " << argv[0] << " potential.json neighbors.bin [seconds [double|single]]\n";
    return 2;
  }
  try {
    const double seconds = argc > 3 ? std::stod(argv[3]) : 1.0;
    const forcesmith::Precision precision = forcesmith::precision_named(argc > 4 ? argv[4] : "double");
    const auto measure =
        precision == forcesmith::Precision::single ? forcesmith::measure<float> : forcesmith::measure<double>;
    std::cout << measure(argv[1], argv[2], seconds).dump(1) << "\n";
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << "\n";
    return 1;
  }
}
