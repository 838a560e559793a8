// pair_style forcesmith: a potential file of forcesmith as a LAMMPS pair style (units metal), on the CPU.
#pragma once

#include <memory>

#include "pair_forcesmith_base.h"

namespace forcesmith {
struct Evaluation;
class Evaluator;
}  // namespace forcesmith

namespace forcesmith::lammps {

class PairForcesmith final : public PairForcesmithBase {
 public:
  explicit PairForcesmith(LAMMPS_NS::LAMMPS* lmp);
  ~PairForcesmith() override;

  void init_style() override;
  void compute(int eflag, int vflag) override;

 private:
  void make_evaluator() override;
  void evaluate_alone(double* energies, double* forces) override;
  ClosestPair find_closest_pair() override;
  /// use(neighbors), with the NeighborAdapter that the precision asks for.
  template <class Use>
  auto with_neighbors(const Use& use) const;
  void evaluate(Evaluation& wanted);

  std::unique_ptr<Evaluator> evaluator_;  // of potential_
  int n_workers_ = 1;                     // threads of one evaluation
};

}  // namespace forcesmith::lammps
