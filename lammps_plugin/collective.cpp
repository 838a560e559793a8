#include "collective.hpp"

#include <mpi.h>

#include <algorithm>
#include <cstdint>
#include <exception>

#include "comm.h"
#include "error.h"

namespace forcesmith::lammps {

void broadcast(std::string& text, int root, MPI_Comm world) {
  std::int64_t size = static_cast<std::int64_t>(text.size());
  MPI_Bcast(&size, 1, MPI_INT64_T, root, world);
  text.resize(static_cast<std::size_t>(size));
  const std::int64_t largest = 1 << 30;
  for (std::int64_t first = 0; first < size; first += largest)
    MPI_Bcast(text.data() + first, static_cast<int>(std::min(largest, size - first)), MPI_CHAR, root, world);
}

void try_together(const LAMMPS_NS::LAMMPS& lammps, const std::function<void()>& work) {
  std::string problem;
  try {
    work();
  } catch (const std::exception& exception) {
    problem = exception.what();
  }
  const int n_ranks = lammps.comm->nprocs;
  int first = problem.empty() ? n_ranks : lammps.comm->me;
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, lammps.world);
  if (first == n_ranks) return;
  broadcast(problem, first, lammps.world);
  lammps.error->all(FLERR, problem);
}

}  // namespace forcesmith::lammps
