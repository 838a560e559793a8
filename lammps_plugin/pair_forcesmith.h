// pair_style forcesmith: a potential file of forcesmith as a LAMMPS pair style (units metal).
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "core/precision.hpp"
#include "pair.h"

namespace forcesmith {
struct Evaluation;
class Evaluator;
struct FileBundle;
class Potential;
}  // namespace forcesmith

namespace forcesmith::lammps {

class PairForcesmith : public LAMMPS_NS::Pair {
 public:
  explicit PairForcesmith(LAMMPS_NS::LAMMPS* lmp);
  ~PairForcesmith() override;

  void settings(int narg, char** arg) override;
  void coeff(int narg, char** arg) override;
  void init_style() override;
  double init_one(int i, int j) override;
  void compute(int eflag, int vflag) override;
  void finish() override;
  void* extract(const char* name, int& dimension) override;

  void write_restart(FILE* file) override;
  void read_restart(FILE* file) override;

 private:
  void set_element_names(std::vector<std::string> names);
  void load_potential();
  FileBundle read_on_first_rank(const std::string& path);
  void end_together(const std::string& problem);
  void check_communication() const;
  void check_exclusions() const;
  /// use(neighbors), with the NeighborAdapter that the precision asks for.
  template <class Use>
  auto with_neighbors(const Use& use) const;
  void evaluate(Evaluation& wanted);
  void report_not_finite();
  void count_extrapolation(const std::vector<int>& values_outside);
  void count_close_pairs(const std::vector<int>& close_neighbors);

  std::string path_;                          // potential file as given in pair_coeff
  std::vector<std::string> element_names_;    // [n_types] as given in pair_coeff, "NULL" for none
  std::unique_ptr<Potential> potential_;      // empty until the file was read
  std::unique_ptr<Evaluator> evaluator_;      // of potential_, from the first step on
  std::vector<int> element_of_type_;          // [n_types + 1] index in potential_->elements(), or -1
  double** scale_ = nullptr;                  // [n_types + 1][n_types + 1] of energies, for fix adapt; 1 by pair_coeff
  int n_workers_ = 1;                         // threads of one evaluation
  Precision precision_ = Precision::double_;  // of descriptors

  // What lies outside the range of the training set; of this rank, and since the run began.
  struct Tally {
    std::int64_t steps = 0, sum = 0;  // evaluations that found any; how many they found altogether
    void add(std::int64_t found) { ++steps, sum += found; }
  };
  bool count_outside_ = true;  // pair_style forcesmith extrapolation yes
  std::int64_t steps_ = 0;     // evaluations
  Tally outside_, close_;      // atoms with values outside; neighbors closer than any
};

}  // namespace forcesmith::lammps
