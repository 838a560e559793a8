#include "device_host.hpp"

#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "atom.h"
#include "lammps.h"
#include "lmptype.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "universe.h"

namespace forcesmith::lammps {

int rank_on_machine(const LAMMPS_NS::LAMMPS& lammps) {
  MPI_Comm machine;
  MPI_Comm_split_type(lammps.world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  int rank;
  MPI_Comm_rank(machine, &rank);
  MPI_Comm_free(&machine);
  // What started the processes knows those of other partitions, too: MPICH, Open MPI, Slurm.
  for (const char* name : {"MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"})
    if (const char* known = std::getenv(name)) return std::max(0, std::atoi(known));
  return rank + lammps.universe->root_proc[lammps.universe->iworld];
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
  const bool since_build = n_builds_ == neighbor.ncalls;
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
      // Between two builds atoms have moved already.
      evaluator_.search_neighbors(atoms, cutoff_ + (since_build ? 2.0 : 1.0) * neighbor.skin);
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
