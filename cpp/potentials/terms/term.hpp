// The contract of the terms of the energy: what a potential adds to the energies of its model. Fits take them as
// fixed and are made to what they leave. Adding one: a folder beside zbl/, a line in potentials/registered.hpp, its
// sources in cpp/CMakeLists.txt.
//
// A term is local or global. A local one is a sum over neighborhoods, computed block by block as descriptors are. A
// global one needs more of its host than neighbors: numbers of atoms that processes exchange, sums over all of them.
// Energies eV, lengths angstrom.
#pragma once

#include <memory>
#include <string>

#include "core/parameter_schema.hpp"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/pair_forces.hpp"

namespace forcesmith {

struct Evaluation;

/// A LocalTerm or a GlobalTerm; there are no others.
class Term {
 public:
  virtual ~Term() = default;

  virtual std::string type() const = 0;  // name in the registry
  virtual double cutoff() const = 0;     // of the neighbors it needs, angstrom
  virtual Json to_json() const = 0;      // what create() reads

 private:
  friend class LocalTerm;
  friend class GlobalTerm;
  Term() = default;
};

class LocalTerm : public Term {
 public:
  /// Memory of one worker, so that no call allocates; nothing in it outlives a call.
  class Workspace {
   public:
    virtual ~Workspace() = default;
  };

  virtual std::unique_ptr<Workspace> make_workspace() const = 0;
  /// Adds the energies of the central atoms, energies [n_atoms], and their forces and virials.
  virtual void add(const NeighborView& block, Workspace& workspace, double* energies,
                   const PairForces& forces) const = 0;
  virtual void add(const NeighborViewOf<float>& block, Workspace& workspace, double* energies,
                   const PairForces& forces) const = 0;
};

/// What global terms need of a host. All processes of the host make the same calls in the same order, those without
/// atoms too: a host with global terms evaluates everywhere or nowhere. Arrays have a row for every
/// atom of the host, ghost atoms included, as those of an Evaluation.
class GlobalHost {
 public:
  virtual ~GlobalHost() = default;

  virtual const double* cell() const = 0;       // [3][3] lattice vectors in rows, angstrom; zero where it is open
  virtual const double* positions() const = 0;  // [n_host][3] angstrom
  /// Sets the rows of ghost atoms to those of the atoms that they are images of; numbers: [n_host][components].
  virtual void copy_to_ghosts(double* numbers, int components) const = 0;
  /// Adds the rows of ghost atoms to those of the atoms that they are images of.
  virtual void add_from_ghosts(double* numbers, int components) const = 0;
  /// Replaces numbers [size] by their sums over all processes.
  virtual void sum_over_processes(double* numbers, int size) const = 0;
};

class GlobalTerm : public Term {
 public:
  /// Adds what is wanted of the energy and its derivatives, after everything local; evaluation.energy of all
  /// processes together is the sum of theirs.
  virtual void add(const NeighborSource& source, const GlobalHost& host, Evaluation& evaluation,
                   int n_workers) const = 0;
  virtual void add(const NeighborSourceOf<float>& source, const GlobalHost& host, Evaluation& evaluation,
                   int n_workers) const = 0;
};

}  // namespace forcesmith
