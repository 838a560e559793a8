#include "device_host.hpp"

#include <algorithm>
#include <utility>

#include "atom.h"
#include "lmptype.h"
#include "neigh_list.h"
#include "neighbor.h"

namespace forcesmith::lammps {

int rank_on_machine(MPI_Comm world) {
  MPI_Comm machine;
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  int rank;
  MPI_Comm_rank(machine, &rank);
  MPI_Comm_free(&machine);
  return rank;
}

DeviceHost::DeviceHost(std::shared_ptr<const Device> device, const Potential& potential, Precision precision)
    : name_(device->name()), evaluator_(std::move(device), potential, precision), cutoff_(potential.cutoff()) {}

void DeviceHost::evaluate(const LAMMPS_NS::Atom& atom, const LAMMPS_NS::Neighbor& neighbor,
                          const LAMMPS_NS::NeighList* list, const HiddenAtoms& hidden,
                          const std::vector<int>& element_of_type, Evaluation& wanted) {
  const auto element = [&](int i) {
    return hidden.contains(atom.type[i], atom.mask[i]) ? -1 : element_of_type[atom.type[i]];
  };
  const double* positions = &atom.x[0][0];
  bool is_new =
      n_builds_ != neighbor.ncalls || n_local_ != atom.nlocal || static_cast<int>(elements_.size()) != wanted.n_host;
  // Fixes that exchange types or hide atoms do so between builds, too.
  for (int i = 0; i < wanted.n_host && !is_new; ++i) is_new = element(i) != elements_[i];
  if (is_new) {
    n_builds_ = -1;  // should it fail
    n_local_ = atom.nlocal;
    elements_.resize(wanted.n_host);
    for (int i = 0; i < wanted.n_host; ++i) elements_[i] = element(i);
    const HostAtoms atoms{wanted.n_host, n_local_, positions, elements_.data()};
    if (list == nullptr) {
      evaluator_.search_neighbors(atoms, cutoff_ + neighbor.skin);
    } else {
      std::vector<int> centers;
      std::copy_if(list->ilist, list->ilist + list->inum, std::back_inserter(centers),
                   [&](int i) { return elements_[i] >= 0; });
      evaluator_.set_list(
          atoms, {static_cast<int>(centers.size()), centers.data(), list->numneigh, list->firstneigh, NEIGHMASK});
    }
    n_builds_ = neighbor.ncalls;
  }
  evaluator_.evaluate(positions, wanted);
}

ClosestPair DeviceHost::closest_pair(const ShortRange& short_range, const LAMMPS_NS::Atom& atom) const {
  return forcesmith::closest_pair(short_range, {static_cast<int>(elements_.size()), &atom.x[0][0], elements_.data()},
                                  n_local_);
}

}  // namespace forcesmith::lammps
