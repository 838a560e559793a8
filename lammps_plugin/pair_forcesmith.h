// pair_style forcesmith: a potential file of forcesmith as a LAMMPS pair style (units metal), on the CPU or on a device
// of the backend.
#pragma once

#include <memory>

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
  /// use(neighbors), with the NeighborAdapter that the precision asks for.
  template <class Use>
  auto with_neighbors(const Use& use) const;
  void evaluate(Evaluation& wanted);
  void evaluate_on_device(Evaluation& wanted);

  std::unique_ptr<Evaluator> evaluator_;     // of potential_
  std::unique_ptr<DeviceHost> device_host_;  // takes its place; null: the CPU computes
  int n_workers_ = 1;                        // threads of one evaluation
};

}  // namespace forcesmith::lammps
