#include "atom_quantity.hpp"

#include <mpi.h>

#include <cmath>
#include <limits>
#include <optional>

#include "atom.h"
#include "comm.h"
#include "core/text.hpp"
#include "error.h"
#include "update.h"

namespace forcesmith::lammps {

int steps_or_off(LAMMPS_NS::Error& error, const std::string& keyword, const std::string& value) {
  if (value == "off") return 0;
  const std::optional<double> steps = number_of(value);
  if (!steps || *steps < 1 || *steps > std::numeric_limits<int>::max() || *steps != std::floor(*steps))
    error.all(FLERR, "pair_style forcesmith {} must be followed by a number of steps from 1, or off, found '{}'",
              keyword, value);
  return static_cast<int>(*steps);
}

bool AtomQuantity::begin(bool always) {
  const bool is_turn = every_ > 0 && (update->setupflag || update->ntimestep % every_ == 0);
  current_ = always || is_turn || trigger_ != 0;
  if (!current_) return false;
  if (!missing_.empty()) error->all(FLERR, missing_);
  values_.assign(atom->nlocal + atom->nghost, 0.0);
  return true;
}

void AtomQuantity::end(bool of_all) {
  if (!current_) return;
  ++n_computed_;
  Largest own;
  for (int i = 0; i < atom->nlocal; ++i) {
    if (std::isnan(values_[i])) values_[i] = std::numeric_limits<double>::infinity();
    if (i == 0 || values_[i] > own.value) own = {values_[i], atom->tag ? atom->tag[i] : 0};
  }
  struct {
    double value;
    int rank;
  } largest{own.value, comm->me};
  MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE_INT, MPI_MAXLOC, world);
  largest_ = {largest.value, of_all ? 0 : own.id};
  MPI_Bcast(&largest_.id, 1, MPI_INT64_T, largest.rank, world);
}

void* AtomQuantity::extract(const std::string& name, int& dimension) {
  if (name != name_ + "_flag") return nullptr;
  dimension = 0;
  return &trigger_;
}

void* AtomQuantity::extract_peratom(const std::string& name, int& n_columns) {
  if (name != name_) return nullptr;
  n_columns = 0;
  return current_ ? values_.data() : nullptr;
}

}  // namespace forcesmith::lammps
