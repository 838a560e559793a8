// The C interface of a device backend: a library of its own, such as libforcesmith_cuda.so, that whoever computes opens
// when asked to (devices/device.hpp). Both sides are of the same build. Functions that can fail return 0 for success
// and else write one sentence to `problem` [forcesmith_problem_size].
#pragma once

#include <cstddef>
#include <cstdint>

namespace forcesmith {

struct Evaluation;
struct TrainingWeights;
template <class Real>
struct NeighborViewOf;

inline constexpr int forcesmith_problem_size = 1024, forcesmith_name_size = 256;

/// Atoms of a host, ghost atoms included; arrays in the memory of the host.
struct HostAtoms {
  int n_host, n_local;      // of which local
  const double* positions;  // [n_host][3] angstrom
  const int* elements;      // [n_host] index in Potential::elements(); -1: not of this potential
};

/// A neighbor list in the way of LAMMPS.
struct HostNeighborList {
  int n_centers;
  const int* centers;           // [n_centers] local atoms that have an element
  const int* counts;            // by atom
  const int* const* neighbors;  // by atom: [counts]
  int mask;                     // to be and-ed to every neighbor
};

/// Where the time of evaluations went, since it was asked last; seconds.
struct DeviceTimes {
  double list, copy, kernels;
};

struct DeviceBackend {
  const char* build_name;  // see cmake/forcesmith_build_name.cmake
  /// Makes ready one of the machine's devices, a different one for each rank of it where there are several. Once in a
  /// process; later calls find it done. name [forcesmith_name_size]: what it is.
  int (*open)(int rank_on_machine, char* name, char* problem);
  /// A potential's document, and the file of its active set or null. Null: failed.
  void* (*create)(const char* json, std::size_t size, const char* active_set, std::size_t active_set_size,
                  int single_precision, char* problem);
  void (*destroy)(void* evaluator);
  /// Of the potential, as Potential::descriptor_parameters() and model_parameters(), which it had in other values.
  int (*set_parameters)(void* evaluator, const double* descriptor, std::size_t n_descriptor, const double* model,
                        std::size_t n_model, char* problem);
  // Neighbors, until they are given anew: found on the device, closer than cutoff; as listed; or with displacements.
  int (*search_neighbors)(void* evaluator, const HostAtoms* atoms, double cutoff, char* problem);
  int (*set_list)(void* evaluator, const HostAtoms* atoms, const HostNeighborList* list, char* problem);
  /// key: if not 0, tells these pairs from all others; they may stay on the device until they are given again.
  int (*set_pairs)(void* evaluator, std::uint64_t key, int n_host, const NeighborViewOf<double>* pairs, char* problem);
  /// positions [n_host][3], null after set_pairs. Sets values_outside, close_neighbors and grades of all atoms, 0 where
  /// an atom is no center.
  int (*evaluate)(void* evaluator, const double* positions, Evaluation* wanted, char* problem);
  /// After set_pairs, in double precision: dJ/dparameters, see parameter_gradient(), of every configuration, or of all
  /// together. Sets rows of the gradient with the descriptors' parameters, then with the model's.
  int (*parameter_gradients)(void* evaluator, const TrainingWeights* weights, int n_configurations, int together,
                             double* gradients, char* problem);
  void (*take_times)(void* evaluator, DeviceTimes* times);
};

}  // namespace forcesmith

/// What the library exports.
extern "C" const forcesmith::DeviceBackend* forcesmith_device_backend();
