// A number per atom that a pair style computes beside forces, but only now and then: every so many steps, at the
// beginning of a run, and where fix pair asks. And the largest of all atoms.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pointers.h"

namespace LAMMPS_NS {
class Error;
}

namespace forcesmith::lammps {

constexpr int default_steps = 100;  // between two computations

/// What follows the keyword of pair_style: a number of steps, or 0 for off. Ends with an error where it is neither.
int steps_or_off(LAMMPS_NS::Error& error, const std::string& keyword, const std::string& value);

/// The largest of all atoms, on all ranks.
struct Largest {
  double value = 0.0;   // infinite where one is not a number
  std::int64_t id = 0;  // of its atom; 0 where all have the same, that of the configuration
};

class AtomQuantity : protected LAMMPS_NS::Pointers {
 public:
  /// name: for fix pair.
  AtomQuantity(LAMMPS_NS::LAMMPS* lmp, std::string name) : Pointers(lmp), name_(std::move(name)) {}

  void set_every(int every) { every_ = every; }
  int every() const { return every_; }
  /// Why it cannot be had, one sentence; empty: it can. It is said where it is asked for all the same.
  void set_missing(std::string reason) { missing_ = std::move(reason); }

  /// Before a force call, collective: whether it is wanted; then array() is [nlocal + nghost], set to 0. always: whether
  /// it is the turn or not.
  bool begin(bool always = false);
  /// After it, collective; finds the largest. of_all: what atoms have is that of the configuration.
  void end(bool of_all = false);
  /// Whether the last force call computed it.
  bool is_current() const { return current_; }
  /// How often it was computed.
  std::int64_t n_computed() const { return n_computed_; }
  /// [nlocal] of the last force call.
  const std::vector<double>& values() const { return values_; }
  double* array() { return values_.data(); }  // to fill between begin() and end()
  /// Of the last force call that computed it.
  const Largest& largest() const { return largest_; }

  /// For fix pair, see Pair::extract and Pair::extract_peratom; null: it is not this one that is asked for.
  void* extract(const std::string& name, int& dimension);
  void* extract_peratom(const std::string& name, int& n_columns);

 private:
  std::string name_, missing_;
  int every_ = 0;    // steps; 0: never by itself
  int trigger_ = 0;  // of fix pair
  bool current_ = false;
  std::int64_t n_computed_ = 0;
  std::vector<double> values_;
  Largest largest_;
};

}  // namespace forcesmith::lammps
