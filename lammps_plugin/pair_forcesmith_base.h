// What pair_style forcesmith is on every host (CPU, KOKKOS): its commands, the potential file, restart files, what it
// counts and the sentences it says. The physics is in the core; a host brings its arrays to it.
//
// Conventions are those of LAMMPS in units metal: eV, eV/angstrom, virial in eV with W_ab =
// sum r_a F_b. A full neighbor list of local atoms is used; forces on ghost atoms are sent back to
// their owners by LAMMPS, hence newton on.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "atom_quantity.hpp"
#include "core/precision.hpp"
#include "devices/device.hpp"
#include "grade_monitor.hpp"
#include "pair.h"

namespace forcesmith {
struct ClosestPair;
struct FileBundle;
class Potential;
}  // namespace forcesmith

namespace forcesmith::lammps {

/// A further potential of a committee, whose forces are compared with those that drive the run.
struct Member {
  std::string path;
  std::unique_ptr<Potential> potential;
  std::vector<int> element_of_type;  // [n_types + 1]
};

/// What an evaluation shall find, see Evaluation; null: not wanted.
struct WantedGrades {
  double* grades = nullptr;           // [n_host]
  double* information_sum = nullptr;  // where the active set knows whole configurations only
};

class PairForcesmithBase : public LAMMPS_NS::Pair {
 public:
  explicit PairForcesmithBase(LAMMPS_NS::LAMMPS* lmp);
  ~PairForcesmithBase() override;

  void settings(int narg, char** arg) override;
  void coeff(int narg, char** arg) override;
  void init_style() override;
  double init_one(int i, int j) override;
  void finish() override;
  void* extract(const char* name, int& dimension) override;
  void* extract_peratom(const char* name, int& n_columns) override;
  int pack_reverse_comm(int n, int first, double* buffer) override;
  void unpack_reverse_comm(int n, int* atoms, double* buffer) override;

  void write_restart(FILE* file) override;
  void read_restart(FILE* file) override;
  void write_restart_settings(FILE* file) override;
  void read_restart_settings(FILE* file) override;

 protected:
  // What a host does.

  /// Makes what computes potential_ in precision_; called whenever one of them changes. May throw.
  virtual void make_evaluator() = 0;
  /// Asks LAMMPS for what compute() needs.
  virtual void request_neighbors();
  /// Adds energies [n_host] and forces [n_host][3] of this style alone to arrays on the CPU.
  virtual void evaluate_alone(double* energies, double* forces) = 0;
  /// See closest_pair().
  virtual ClosestPair find_closest_pair() = 0;
  /// Name of a host that computes the grades of some active sets only (ActiveSet::is_of_features), and nothing of what a
  /// committee says; empty: it does all.
  virtual std::string limited_host() const = 0;
  /// Brings positions, types, masks and ids of atoms to the CPU, where they are read for snapshots and messages.
  virtual void sync_atoms() {}
  /// What is wanted of the grades of the atoms as they are, and forces [n_host][3] of others_[number], added. May throw.
  virtual void find_grades(const WantedGrades& grades) = 0;
  virtual void add_forces_of_other(std::size_t, double*) {}

  // For compute() of a host.

  /// Energies of atoms are scaled by the scale of their type with itself: the different ones of them.
  std::set<double> scales() const;
  /// Warns, once in a run and rank, of the first pairs closer than all of their elements in the training data.
  /// n_neighbors: that are so close, of all central atoms; a pair has two.
  void count_close_pairs(std::int64_t n_neighbors);
  /// Warns, once in a run and rank, of the first atoms outside the range of the training set.
  /// values_outside: [nlocal], see Evaluation.
  void count_extrapolation(const int* values_outside);
  /// Computes once more to find an atom to name; there is none where a style before this one is to blame. Positions
  /// are those of the CPU.
  void report_not_finite();
  /// Ends with the first atom whose position is not finite, if there is one.
  void report_position();

  /// Before each force call, collective: what it shall find of grades. always: whether it is their turn or not.
  WantedGrades begin_grades(bool always = false);
  /// After it, collective: what fix pair and compute pair ask for. own_forces: [n_host][3] of this style alone, if
  /// deviations_ are wanted.
  void finish_call(std::vector<double> own_forces);

  std::unique_ptr<Potential> potential_;      // empty until the file was read
  std::vector<int> element_of_type_;          // [n_types + 1] index in potential_->elements(), or -1
  std::vector<Member> others_;                // of a committee
  AtomQuantity grades_, deviations_;          // extrapolation grades; of forces in a committee, eV/angstrom
  double** scale_ = nullptr;                  // [n_types + 1][n_types + 1] of energies, for fix adapt; 1 by pair_coeff
  Precision precision_ = Precision::double_;  // of descriptors
  DeviceKind device_ = DeviceKind::cpu;       // as asked for
  bool count_outside_ = true;                 // pair_style forcesmith extrapolation yes
  std::int64_t steps_ = 0;                    // evaluations since the run began

 private:
  void set_element_names(std::vector<std::string> names);
  void load_potentials();
  Member load_member(const std::string& path);
  FileBundle read_on_first_rank(const std::string& path);
  double cutoff() const;  // largest of all members
  void check_communication() const;
  void check_exclusions() const;
  bool read_keywords(FILE* file);
  int read_number(FILE* file);
  std::string read_text(FILE* file);
  std::vector<std::string> read_list(FILE* file);
  void compare_committee(std::vector<double> forces);
  void finish_grades();
  void prepare_grades();
  void prepare_deviations();

  std::vector<std::string> keywords_;       // of pair_style
  std::vector<std::string> paths_;          // potential files as given in pair_coeff, the driving one first
  std::vector<std::string> element_names_;  // [n_types] as given in pair_coeff, "NULL" for none

  // What lies outside the range of the training set; of this rank, and since the run began.
  struct Tally {
    std::int64_t steps = 0, sum = 0;  // evaluations that found any; how many they found altogether
    void add(std::int64_t found) { ++steps, sum += found; }
  };
  Tally outside_, close_;  // atoms with values outside; neighbors closer than any

  GradeMonitor grade_monitor_;
  std::optional<int> deviation_every_;  // steps, 0: off; nothing: not said
  bool said_no_grades_ = false;
  std::vector<double> information_sum_;  // [active_set()->n_columns()] of this rank
  double* reversed_ = nullptr;           // [n_host][3] whose numbers of ghost atoms go home
};

/// Of a vector; not finite where one of its components is not.
inline double sum_of(const double* components) { return components[0] + components[1] + components[2]; }

}  // namespace forcesmith::lammps
