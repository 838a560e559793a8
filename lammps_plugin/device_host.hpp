// From the arrays of LAMMPS to a device of the backend (devices/device.hpp), for pair_style forcesmith device cuda.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/precision.hpp"
#include "devices/device.hpp"
#include "hidden_atoms.hpp"

namespace LAMMPS_NS {
class Atom;
class LAMMPS;
class NeighList;
class Neighbor;
}  // namespace LAMMPS_NS

namespace forcesmith::lammps {

/// Number of this process among those on the same machine, of all partitions. Collective.
int rank_on_machine(const LAMMPS_NS::LAMMPS& lammps);

class DeviceHost {
 public:
  DeviceHost(std::shared_ptr<const Device> device, const Potential& potential, Precision precision);

  const std::string& name() const { return name_; }
  /// Since it was asked last.
  DeviceTimes take_times() { return evaluator_.take_times(); }
  /// Before a run: whatever is known of neighbors is old.
  void forget_neighbors() { n_builds_ = -1; }
  /// Adds to what is wanted. list: of LAMMPS; null: neighbors are found on the device whenever LAMMPS would.
  void evaluate(const LAMMPS_NS::Atom& atom, const LAMMPS_NS::Neighbor& neighbor, const LAMMPS_NS::NeighList* list,
                const HiddenAtoms& hidden, const std::vector<int>& element_of_type, Evaluation& wanted);
  /// The pair that is closest compared with what is known, of the atoms of the last evaluation; found on the CPU.
  ClosestPair closest_pair(const ShortRange& short_range, const LAMMPS_NS::Atom& atom) const;

 private:
  std::string name_;  // of the device
  DeviceEvaluator evaluator_;
  double cutoff_;               // angstrom
  std::int64_t n_builds_ = -1;  // of LAMMPS' neighbor lists when those here were made
  int n_local_ = 0;
  std::vector<int> elements_;  // [n_host]
};

}  // namespace forcesmith::lammps
