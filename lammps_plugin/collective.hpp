// What all ranks of a LAMMPS do together.
#pragma once

#include <functional>
#include <string>

#include "lammps.h"

namespace forcesmith::lammps {

/// MPI counts are of type int, a text may be longer.
void broadcast(std::string& text, int root, MPI_Comm world);

/// Where ranks fail, all end with the problem of the first of them.
void try_together(const LAMMPS_NS::LAMMPS& lammps, const std::function<void()>& work);

}  // namespace forcesmith::lammps
