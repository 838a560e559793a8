// A configuration with the grades of its atoms: taken on every rank, written by the first of them.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace LAMMPS_NS {
class LAMMPS;
}

namespace forcesmith::lammps {

struct Snapshot {
  struct Atom {
    std::int64_t id;
    int type;
    double position[3];  // angstrom
    double grade;
  };

  std::int64_t step;
  double time;       // ps
  double box[6];     // xx yy zz yz xz xy, as Domain::h; angstrom
  double origin[3];  // angstrom
  bool is_periodic[3];
  std::vector<Atom> atoms;  // of this rank
};

/// Atoms that neigh_modify exclude hides are left out, see HiddenAtoms. grades: [nlocal].
Snapshot take_snapshot(const LAMMPS_NS::LAMMPS& lammps, const std::vector<double>& grades);

/// Collective. Adds a frame of extended XYZ to the file, atoms in the order of their ids; should anything stop the
/// program meanwhile, the file stays as it was. element_names: [n_types], "NULL" becomes X. info: further words of the
/// comment line. Throws FileError on the first rank.
void append_snapshot(const Snapshot& snapshot, const std::vector<std::string>& element_names, const std::string& info,
                     const std::string& path, MPI_Comm world);

/// Throws FileError for a file that frames cannot be added to: it cannot be written, or holds something else.
void check_snapshot_file(const std::string& path);

}  // namespace forcesmith::lammps
