// Atoms that neigh_modify exclude takes out of every pair: those of a group excluded from group all, and those of
// a type excluded from all types. To a potential they are not there, as after delete_atoms; otherwise each would
// keep the energy of an isolated atom. fix gcmc and its kin hide the atoms of a trial deletion in this way.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "group.h"
#include "neighbor.h"

namespace forcesmith::lammps {

class HiddenAtoms {
 public:
  HiddenAtoms(const LAMMPS_NS::Neighbor& neighbor, const LAMMPS_NS::Group& group, int n_types)
      : type_is_hidden_(n_types + 1, false) {
    for (int m = 0; m < neighbor.nex_group; ++m) {
      if (neighbor.ex2_group[m] == group_all) groups_ |= group.bitmask[neighbor.ex1_group[m]];
      if (neighbor.ex1_group[m] == group_all) groups_ |= group.bitmask[neighbor.ex2_group[m]];
    }
    std::set<std::pair<int, int>> pairs;
    for (int m = 0; m < neighbor.nex_type; ++m) {
      pairs.emplace(neighbor.ex1_type[m], neighbor.ex2_type[m]);
      pairs.emplace(neighbor.ex2_type[m], neighbor.ex1_type[m]);
    }
    std::vector<int> n_excluded(n_types + 1, 0);
    for (const auto& [type, other] : pairs)
      if (++n_excluded[type] == n_types) type_is_hidden_[type] = any_type_ = true;
  }

  bool possible() const { return groups_ != 0 || any_type_; }
  int groups() const { return groups_; }
  bool contains(int type, int mask) const { return (mask & groups_) != 0 || type_is_hidden_[type]; }

 private:
  static constexpr int group_all = 0;  // index that LAMMPS gives to it

  int groups_ = 0;  // bits of the groups excluded from all
  bool any_type_ = false;
  std::vector<bool> type_is_hidden_;  // [n_types + 1]
};

}  // namespace forcesmith::lammps
