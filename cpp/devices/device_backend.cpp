// A device backend on the default execution space of the Kokkos that it is compiled with: the implementation of
// device_backend.h. By nvcc it becomes libforcesmith_cuda.so; tests compile it for a host.
#include "devices/device_backend.h"

#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "devices/device_hooks.hpp"
#include "devices/device_training.hpp"
#include "devices/staged_copies.hpp"
#include "neighbors/device_neighbor_search.hpp"
#include "potentials/device_potential.hpp"
#include "potentials/evaluate.hpp"
#include "potentials/formats/forcesmith.hpp"
#include "potentials/information_vectors.hpp"

namespace forcesmith {

extern template class DevicePotential<Kokkos::DefaultExecutionSpace, float>;  // device_potential_single.cpp

namespace {

using Space = Kokkos::DefaultExecutionSpace;

struct CountOthers {
  const int* numbers;
  KOKKOS_INLINE_FUNCTION void operator()(int i, int& n_others) const { n_others += numbers[i] != 0; }
};

class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum) {}
  ~Stopwatch() { sum_ += std::chrono::duration<double>(Clock::now() - begin_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  double& sum_;
  Clock::time_point begin_ = Clock::now();
};

/// The same numbers in the memory of the device.
template <class T, class Array>
const T* copy_to(Array& array, const char* name, const T* host, std::size_t size, StagedCopies<Space>& copies) {
  T* device = reserve(array, std::string("forcesmith::backend::") + name, size);
  copies.to_device(host, device, size);
  return device;
}

/// Given pairs in the memory of the device.
class StoredPairs {
 public:
  static std::size_t bytes(const NeighborView& view) {
    const std::size_t n_pairs = view.offsets[view.n_atoms];
    return (2 * sizeof(int) + 3 * sizeof(double)) * n_pairs + (2 * sizeof(int) + sizeof(std::int64_t)) * view.n_atoms;
  }
  void store(const NeighborView& view, StagedCopies<Space>& copies) {
    const std::size_t n_pairs = view.offsets[view.n_atoms];
    pairs_.largest = 0;
    for (int atom = 0; atom < view.n_atoms; ++atom)
      pairs_.largest = std::max(pairs_.largest, static_cast<int>(view.offsets[atom + 1] - view.offsets[atom]));
    pairs_.view = {view.n_atoms,
                   copy_to(d_centers_, "centers", view.centers, view.n_atoms, copies),
                   copy_to(d_center_types_, "center_types", view.center_types, view.n_atoms, copies),
                   copy_to(d_offsets_, "offsets", view.offsets, view.n_atoms + 1ul, copies),
                   copy_to(d_neighbors_, "neighbors", view.neighbors, n_pairs, copies),
                   copy_to(d_types_, "types", view.types, n_pairs, copies),
                   copy_to(d_components_[0], "x", view.x, n_pairs, copies),
                   copy_to(d_components_[1], "y", view.y, n_pairs, copies),
                   copy_to(d_components_[2], "z", view.z, n_pairs, copies)};
  }
  const GivenPairs& pairs() const { return pairs_; }

 private:
  GivenPairs pairs_{};
  DeviceArray<Space, int> d_centers_, d_center_types_, d_neighbors_, d_types_;
  DeviceArray<Space, std::int64_t> d_offsets_;
  DeviceArray<Space, double> d_components_[3];
};

/// A potential on the device with the atoms of a host.
class DeviceSession {
 public:
  virtual ~DeviceSession() = default;

  /// Runs what can be run again; evaluations give memory back where there is too little.
  template <class Work>
  void with_less_memory(const Work& work) {
    const auto checked = [&] {
      work();
      check_launches();
    };
    forcesmith::with_less_memory(checked, [this] { return use_less_memory(); });
  }

  void search_neighbors(const HostAtoms& atoms, double cutoff) {
    const Stopwatch watch(times_.list);
    set_atoms(atoms);
    copies_.to_device(atoms.positions, d_positions_.data(), 3ul * atoms.n_host);
    list_ = search_.search(this->atoms(), atoms.n_local, cutoff);
    given_ = false;
  }

  void set_list(const HostAtoms& atoms, const HostNeighborList& list) {
    const Stopwatch watch(times_.list);
    set_atoms(atoms);
    int largest = 0;
    for (int a = 0; a < list.n_centers; ++a) largest = std::max(largest, list.counts[list.centers[a]]);
    std::vector<int> counts(atoms.n_local, 0), neighbors(static_cast<std::size_t>(atoms.n_local) * largest, 0);
    for (int a = 0; a < list.n_centers; ++a) {
      const int i = list.centers[a];
      counts[i] = list.counts[i];
      std::copy_n(list.neighbors[i], list.counts[i], neighbors.begin() + static_cast<std::ptrdiff_t>(i) * largest);
    }
    list_ = {list.n_centers,
             copied(d_centers_, "centers", list.centers, list.n_centers),
             copied(d_counts_, "counts", counts.data(), counts.size()),
             copied(d_neighbors_, "neighbors", neighbors.data(), neighbors.size()),
             largest,
             1,
             list.mask,
             largest};
    given_ = false;
  }

  void set_pairs(std::uint64_t key, int n_host, const NeighborView& view) {
    const Stopwatch watch(times_.list);
    n_host_ = n_host;
    given_ = true;
    const auto kept = kept_pairs_.find(key);
    if (kept != kept_pairs_.end()) {
      pairs_ = kept->second.pairs();
      return;
    }
    if (key == 0 || !has_room_beside_work(StoredPairs::bytes(view))) {
      passing_pairs_.store(view, copies_);
      pairs_ = passing_pairs_.pairs();
      return;
    }
    StoredPairs stored;
    stored.store(view, copies_);
    pairs_ = stored.pairs();
    kept_pairs_.emplace(key, std::move(stored));
  }

  void evaluate(const double* positions, Evaluation& wanted) {
    if (!given_ && n_host_ > 0) {
      const Stopwatch watch(times_.copy);
      copies_.to_device(positions, d_positions_.data(), 3ul * n_host_);
    }
    DeviceEvaluation on_device;
    {
      const Stopwatch watch(times_.kernels);
      with_less_memory([&] { compute(wanted, on_device); });
    }
    const Stopwatch watch(times_.copy);
    add(on_device.arrays.energies, 1, wanted.energies);
    add(on_device.arrays.forces, 3, wanted.forces);
    add(on_device.arrays.virials, 6, wanted.virials);
    add(on_device.arrays.centroid_virials, 9, wanted.centroid_virials);
    set(on_device.values_outside, wanted.values_outside);
    set(on_device.close_neighbors, wanted.close_neighbors);
    if (wanted.grades) {
      std::fill_n(wanted.grades, n_host_, 0.0);
      add(on_device.grades, 1, wanted.grades);
    }
    for (int c = 0; c < 6 && wanted.virial; ++c) wanted.virial[c] += on_device.virial[c];
    wanted.energy += on_device.energy;
  }

  void parameter_gradients(const TrainingWeights& weights, int n_configurations, bool together, double* gradients) {
    if (!given_) throw std::logic_error("Gradients are of given pairs.");
    const int n_atoms = pairs_.n_atoms();
    std::vector<int> begin_atoms;
    for (int atom = 0; atom <= n_atoms && !together; ++atom)
      begin_atoms.resize(1ul + (atom < n_atoms ? weights.configuration[atom] : n_configurations), atom);
    TrainingWeights on_device{};
    {
      const Stopwatch watch(times_.copy);
      on_device = {copied(d_energies_, "energy_bar", weights.energy_bar, n_atoms),
                   copied(d_forces_, "force_bar", weights.force_bar, 3ul * n_host_),
                   copied(d_virials_, "virial_bar", weights.virial_bar, 6ul * n_configurations),
                   copied(d_outside_, "configuration", weights.configuration, n_atoms)};
    }
    const Stopwatch watch(times_.kernels);
    with_less_memory([&] {
      const std::vector<double> found = compute_gradients(pairs_, on_device, begin_atoms);
      std::copy(found.begin(), found.end(), gradients);
    });
  }

  virtual void set_parameters(std::span<const double> descriptor, std::span<const double> model) = 0;

  DeviceTimes take_times() { return std::exchange(times_, {}); }

 protected:
  virtual void evaluate_pairs(const GivenPairs& pairs, DeviceEvaluation& wanted) = 0;
  virtual void evaluate_list(const ListedPairs& pairs, DeviceEvaluation& wanted) = 0;
  virtual std::vector<double> compute_gradients(const GivenPairs& pairs, const TrainingWeights& weights,
                                                const std::vector<int>& begin_atoms) = 0;
  /// See DevicePotential.
  virtual bool use_less_memory() = 0;
  /// Whether so many bytes are free beside those that evaluations work in.
  virtual bool has_room_beside_work(std::size_t bytes) const = 0;

 private:
  DeviceAtoms atoms() const { return {n_host_, d_positions_.data(), d_elements_.data()}; }

  void set_atoms(const HostAtoms& atoms) {
    n_host_ = atoms.n_host;
    reserve(d_positions_, "forcesmith::backend::positions", 3ul * atoms.n_host);
    copied(d_elements_, "elements", atoms.elements, atoms.n_host);
  }

  template <class T, class Array>
  const T* copied(Array& array, const char* name, const T* host, std::size_t size) {
    return copy_to(array, name, host, size, copies_);
  }

  void compute(const Evaluation& wanted, DeviceEvaluation& on_device) {
    on_device.arrays = {zeroed(d_energies_, 1, wanted.energies), zeroed(d_forces_, 3, wanted.forces),
                        zeroed(d_virials_, 6, wanted.virials), zeroed(d_centroid_, 9, wanted.centroid_virials)};
    on_device.values_outside = filled(d_outside_, wanted.values_outside);
    on_device.close_neighbors = filled(d_close_, wanted.close_neighbors);
    on_device.grades = zeroed(d_grades_, 1, wanted.grades);
    if (given_) evaluate_pairs(pairs_, on_device);
    else evaluate_list({atoms(), list_}, on_device);
  }

  double* zeroed(DeviceArray<Space, double>& array, int components, const double* host) {
    return filled(array, static_cast<std::size_t>(components) * n_host_, 0.0, host != nullptr);
  }
  int* filled(DeviceArray<Space, int>& array, const int* host) { return filled(array, n_host_, 0, host != nullptr); }
  template <class T>
  static T* filled(DeviceArray<Space, T>& array, std::size_t size, T value, bool wanted) {
    if (!wanted) return nullptr;
    T* device = reserve(array, "forcesmith::backend::results", size);
    Kokkos::deep_copy(Space(), Kokkos::View<T*, Space::memory_space, Kokkos::MemoryUnmanaged>(device, size), value);
    return device;
  }

  void add(const double* device, int components, double* host) {
    if (host == nullptr) return;
    copies_.from_device(device, static_cast<std::size_t>(components) * n_host_,
                        [&](std::size_t first, const double* numbers, std::size_t count) {
                          for (std::size_t i = 0; i < count; ++i) host[first + i] += numbers[i];
                        });
  }
  /// Nearly always all are 0.
  void set(const int* device, int* host) {
    if (host == nullptr) return;
    int n_others = 0;
    Kokkos::parallel_reduce("forcesmith::backend::count", Kokkos::RangePolicy<Space>(0, n_host_), CountOthers{device},
                            n_others);
    std::fill_n(host, n_host_, 0);
    if (n_others == 0) return;
    copies_.from_device(device, n_host_, [&](std::size_t first, const int* numbers, std::size_t count) {
      std::copy_n(numbers, count, host + first);
    });
  }

  StagedCopies<Space> copies_;
  DeviceNeighborSearch<Space> search_;
  DeviceTimes times_{};
  int n_host_ = 0;
  bool given_ = false;  // pairs_, else list_
  GivenPairs pairs_{};
  StoredPairs passing_pairs_;
  std::map<std::uint64_t, StoredPairs> kept_pairs_;  // by key
  DeviceNeighborList list_{};
  DeviceArray<Space, int> d_elements_, d_centers_, d_counts_, d_neighbors_;
  DeviceArray<Space, double> d_positions_;
  DeviceArray<Space, double> d_energies_, d_forces_, d_virials_, d_centroid_, d_grades_;
  DeviceArray<Space, int> d_outside_, d_close_;
};

template <class Real>
class DeviceSessionOf final : public DeviceSession {
 public:
  explicit DeviceSessionOf(Potential potential)
      : potential_(std::move(potential)), on_device_(potential_, working_memory(free_memory())) {}

  void set_parameters(std::span<const double> descriptor, std::span<const double> model) override {
    potential_.set_descriptor_parameters(descriptor);
    potential_.set_model_parameters(model);
    on_device_.update();
    if (training_) training_->update();
  }

 private:
  void evaluate_pairs(const GivenPairs& pairs, DeviceEvaluation& wanted) override {
    on_device_.evaluate(pairs, wanted);
  }
  void evaluate_list(const ListedPairs& pairs, DeviceEvaluation& wanted) override {
    on_device_.evaluate(pairs, wanted);
  }
  std::vector<double> compute_gradients(const GivenPairs& pairs, const TrainingWeights& weights,
                                        const std::vector<int>& begin_atoms) override {
    if (!training_) training_ = std::make_unique<BackendTraining>(potential_, on_device_.max_bytes());
    return training_->gradients(pairs, weights, begin_atoms);
  }
  bool use_less_memory() override {
    if (!on_device_.use_less_memory()) return false;
    training_.reset();
    return true;
  }
  bool has_room_beside_work(std::size_t bytes) const override {
    return free_memory() > bytes + 2 * on_device_.max_bytes();
  }

  Potential potential_;
  DevicePotential<Space, Real> on_device_;
  std::unique_ptr<BackendTraining> training_;  // made when a gradient is asked for
};

// ---- the C interface ----

/// Evaluators that were not destroyed; their memory goes back before Kokkos ends.
std::set<DeviceSession*>& sessions() {
  static std::set<DeviceSession*> all;
  return all;
}

pid_t process = 0;  // that opened the device

/// At the end of the process; a child of it has no device.
void close() {
  if (getpid() != process) return;
  try {
    for (DeviceSession* session : sessions()) delete session;
    sessions().clear();
    if (Kokkos::is_initialized()) Kokkos::finalize();
  } catch (const std::exception&) {
    // The device has failed before.
  }
}

void write(const std::string& text, char* to, std::size_t size) {
  const std::size_t length = std::min(text.size(), size - 1);
  std::memcpy(to, text.data(), length);
  to[length] = '\0';
}

/// Of all calls: Kokkos is of one thread at a time.
std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

/// Runs `work`; 1 and a sentence if it fails.
template <class Work>
int guarded(char* problem, const Work& work) {
  const std::lock_guard lock(one_at_a_time());
  try {
    work();
    return 0;
  } catch (const Error& error) {
    write(error.what(), problem, forcesmith_problem_size);
  } catch (const std::exception& error) {
    write(is_out_of_memory(error)
              ? "The device has not enough memory for so many atoms; use fewer atoms, more devices, or fewer processes "
                "for each device."
              : shown_message(std::string("The device failed: ") + error.what()),
          problem, forcesmith_problem_size);
  }
  return 1;
}

DeviceSession& session_of(void* evaluator) { return *static_cast<DeviceSession*>(evaluator); }

/// Sets what evaluations need.
template <class Set>
int guarded_setting(void* evaluator, char* problem, const Set& set) {
  return guarded(problem, [&] {
    DeviceSession& session = session_of(evaluator);
    session.with_less_memory([&] { set(session); });
  });
}

int open(int rank_on_machine, char* name, char* problem) {
  static std::string opened;
  return guarded(problem, [&] {
    if (opened.empty()) {
      Kokkos::InitializationSettings settings;
      settings.set_disable_warnings(true);
      std::string chosen = prepare_device(rank_on_machine, settings);
      if (!Kokkos::is_initialized()) Kokkos::initialize(settings);
      sessions();  // outlives close()
      process = getpid();
      std::atexit(close);
      opened = std::move(chosen);
    }
    write(opened, name, forcesmith_name_size);
  });
}

void* create(const char* json, std::size_t size, const char* active_set, std::size_t active_set_size,
             int single_precision, char* problem) {
  std::unique_ptr<DeviceSession> made;
  const int failed = guarded(problem, [&] {
    Potential potential = parse_potential_file(bundle_of("potential", std::string(json, size)));
    if (active_set != nullptr)
      potential.set_active_set(std::make_shared<const ActiveSet>(
          parse_active_set(std::string(active_set, active_set_size), "active set", fingerprint(potential))));
    if (single_precision) made = std::make_unique<DeviceSessionOf<float>>(std::move(potential));
    else made = std::make_unique<DeviceSessionOf<double>>(std::move(potential));
    sessions().insert(made.get());
  });
  return failed ? nullptr : made.release();
}

void destroy(void* evaluator) {
  const std::lock_guard lock(one_at_a_time());
  auto* session = static_cast<DeviceSession*>(evaluator);
  if (sessions().erase(session) > 0) delete session;
}

int search_neighbors(void* evaluator, const HostAtoms* atoms, double cutoff, char* problem) {
  return guarded_setting(evaluator, problem, [&](DeviceSession& session) { session.search_neighbors(*atoms, cutoff); });
}
int set_list(void* evaluator, const HostAtoms* atoms, const HostNeighborList* list, char* problem) {
  return guarded_setting(evaluator, problem, [&](DeviceSession& session) { session.set_list(*atoms, *list); });
}
int set_pairs(void* evaluator, std::uint64_t key, int n_host, const NeighborView* pairs, char* problem) {
  return guarded_setting(evaluator, problem, [&](DeviceSession& session) { session.set_pairs(key, n_host, *pairs); });
}
int set_parameters(void* evaluator, const double* descriptor, std::size_t n_descriptor, const double* model,
                   std::size_t n_model, char* problem) {
  return guarded(problem, [&] { session_of(evaluator).set_parameters({descriptor, n_descriptor}, {model, n_model}); });
}
int parameter_gradients(void* evaluator, const TrainingWeights* weights, int n_configurations, int together,
                        double* gradients, char* problem) {
  return guarded(problem, [&] {
    session_of(evaluator).parameter_gradients(*weights, n_configurations, together != 0, gradients);
  });
}
int evaluate(void* evaluator, const double* positions, Evaluation* wanted, char* problem) {
  return guarded(problem, [&] { session_of(evaluator).evaluate(positions, *wanted); });
}
void take_times(void* evaluator, DeviceTimes* times) { *times = session_of(evaluator).take_times(); }

}  // namespace

}  // namespace forcesmith

extern "C" __attribute__((visibility("default"))) const forcesmith::DeviceBackend* forcesmith_device_backend() {
  using namespace forcesmith;
  static const DeviceBackend backend{build_name(),     open,     create,    destroy,  set_parameters,
                                     search_neighbors, set_list, set_pairs, evaluate, parameter_gradients,
                                     take_times};
  return &backend;
}
