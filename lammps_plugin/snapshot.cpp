#include "snapshot.hpp"

#include <algorithm>
#include <fstream>

#include "atom.h"
#include "core/files.hpp"
#include "core/text.hpp"
#include "domain.h"
#include "hidden_atoms.hpp"
#include "lammps.h"
#include "update.h"

namespace forcesmith::lammps {

namespace {

using Atoms = std::vector<Snapshot::Atom>;

/// On the first rank those of all ranks, in the order of their ids. MPI counts are of type int: they go in pieces.
Atoms gathered(const Atoms& own, MPI_Comm world) {
  constexpr std::int64_t piece = 1 << 20;
  constexpr int bytes = sizeof(Snapshot::Atom);
  int rank, n_ranks;
  MPI_Comm_rank(world, &rank);
  MPI_Comm_size(world, &n_ranks);
  std::int64_t n_own = static_cast<std::int64_t>(own.size());
  std::vector<std::int64_t> counts(n_ranks);
  MPI_Gather(&n_own, 1, MPI_INT64_T, counts.data(), 1, MPI_INT64_T, 0, world);
  if (rank != 0) {
    for (std::int64_t first = 0; first < n_own; first += piece)
      MPI_Send(own.data() + first, static_cast<int>(std::min(piece, n_own - first)) * bytes, MPI_BYTE, 0, 0, world);
    return {};
  }
  Atoms all = own;
  for (int from = 1; from < n_ranks; ++from) {
    const std::size_t begin = all.size();
    all.resize(begin + counts[from]);
    for (std::int64_t first = 0; first < counts[from]; first += piece)
      MPI_Recv(all.data() + begin + first, static_cast<int>(std::min(piece, counts[from] - first)) * bytes, MPI_BYTE,
               from, 0, world, MPI_STATUS_IGNORE);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return all;
}

std::string joined(std::initializer_list<double> values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : " ") + printed(value);
  return text;
}

}  // namespace

Snapshot take_snapshot(const LAMMPS_NS::LAMMPS& lammps, const std::vector<double>& grades) {
  const LAMMPS_NS::Atom& atom = *lammps.atom;
  const LAMMPS_NS::Domain& domain = *lammps.domain;
  const LAMMPS_NS::Update& update = *lammps.update;
  Snapshot snapshot;
  snapshot.step = update.ntimestep;
  snapshot.time = update.atime + static_cast<double>(update.ntimestep - update.atimestep) * update.dt;
  std::copy_n(domain.h, 6, snapshot.box);
  std::copy_n(domain.boxlo, 3, snapshot.origin);
  std::copy_n(domain.periodicity, 3, snapshot.is_periodic);
  const HiddenAtoms hidden(*lammps.neighbor, *lammps.group, atom.ntypes);
  snapshot.atoms.reserve(atom.nlocal);
  for (int i = 0; i < atom.nlocal; ++i) {
    if (hidden.contains(atom.type[i], atom.mask[i])) continue;
    const double* x = atom.x[i];
    snapshot.atoms.push_back({atom.tag ? atom.tag[i] : 0, atom.type[i], {x[0], x[1], x[2]}, grades[i]});
  }
  return snapshot;
}

void append_snapshot(const Snapshot& snapshot, const std::vector<std::string>& element_names, const std::string& info,
                     const std::string& path, MPI_Comm world) {
  const Atoms atoms = gathered(snapshot.atoms, world);
  int rank;
  MPI_Comm_rank(world, &rank);
  if (rank != 0) return;

  const double* h = snapshot.box;
  std::string text = std::to_string(atoms.size()) + "\nLattice=\"" +
                     joined({h[0], 0.0, 0.0, h[5], h[1], 0.0, h[4], h[3], h[2]}) + "\" Origin=\"" +
                     joined({snapshot.origin[0], snapshot.origin[1], snapshot.origin[2]}) + "\" pbc=\"";
  for (const bool periodic : snapshot.is_periodic) text += periodic ? "T " : "F ";
  text.back() = '"';
  text += " Properties=species:S:1:pos:R:3:id:I:1:type:I:1:grade:R:1 step=" + std::to_string(snapshot.step) +
          " time=" + printed(snapshot.time) + " " + info + "\n";
  LongerFile file(path);
  for (const Snapshot::Atom& atom : atoms) {
    const std::string& name = element_names[atom.type - 1];
    text += (name == "NULL" ? "X" : name) + " " + joined({atom.position[0], atom.position[1], atom.position[2]}) + " " +
            std::to_string(atom.id) + " " + std::to_string(atom.type) + " " + printed(atom.grade) + "\n";
    if (text.size() < (1 << 20)) continue;
    file.append(text);
    text.clear();
  }
  file.append(text);
  file.replace();
}

void check_snapshot_file(const std::string& path) {
  check_writable({{path, ""}});
  if (path.ends_with(".gz")) throw FileError(path, "it is written as plain text; choose a name without .gz");
  std::ifstream file(path, std::ios::binary);
  std::string first;
  if (!file || !std::getline(file, first)) return;  // there is none, or nothing in it
  const auto number = number_of(words_of(first).size() == 1 ? words_of(first)[0] : "");
  char last = '\0';
  if (file.seekg(-1, std::ios::end)) file.get(last);
  if (!number || last != '\n')
    throw FileError(path, "it exists and is no (extended) XYZ file of whole frames; choose another name or remove it");
}

}  // namespace forcesmith::lammps
