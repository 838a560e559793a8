// pair_style forcesmith: a potential file of forcesmith as a LAMMPS pair style (units metal), on the CPU or on a device
// of the backend.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pair_forcesmith_base.h"

namespace forcesmith {
struct Evaluation;
class Evaluator;
}  // namespace forcesmith

namespace forcesmith::lammps {

class DeviceHost;

class PairForcesmith final : public PairForcesmithBase {
 public:
  explicit PairForcesmith(LAMMPS_NS::LAMMPS* lmp);
  ~PairForcesmith() override;

  void init_style() override;
  void compute(int eflag, int vflag) override;
  void finish() override;

 private:
  void make_evaluator() override;
  void request_neighbors() override;
  void evaluate_alone(double* energies, double* forces) override;
  ClosestPair find_closest_pair() override;
  std::string limited_host() const override;
  void find_grades(const WantedGrades& grades) override;
  void add_forces_of_other(std::size_t number, double* forces) override;
  /// use(neighbors), with the NeighborAdapter that the precision and a potential of the committee ask for.
  template <class Use>
  auto with_neighbors(const Potential& potential, const std::vector<int>& element_of_type, const Use& use) const;
  template <class Use>
  auto with_neighbors(const Use& use) const {
    return with_neighbors(*potential_, element_of_type_, use);
  }
  void evaluate_on_cpu(const Potential& potential, const std::vector<int>& element_of_type, Evaluator& evaluator,
                       Evaluation& wanted);
  void compute_atoms(const WantedGrades& grades);
  void evaluate(Evaluation& wanted);
  void evaluate_on_device(Evaluation& wanted);

  std::unique_ptr<Evaluator> evaluator_;                       // of potential_
  std::unique_ptr<DeviceHost> device_host_;                    // takes its place; null: the CPU computes
  std::vector<std::unique_ptr<Evaluator>> others_evaluators_;  // [others_]
  int n_workers_ = 1;                                          // threads of one evaluation
};

}  // namespace forcesmith::lammps
