// Where the training data end at short range: the smallest distance of every pair of elements, below which a
// potential only extrapolates, and a repulsive wall there. The wall begins at the onset d of a pair and consists of
//   (1) a distance g(r) in place of r, at which descriptors see the neighbor:
//         g(r) = d - w (t - t^3 + t^4/2),  t = (d - r) / w, at most 1,  w = d / 10,
//       so that a model is never asked about distances below 0.95 d; g goes into r at d, and into a constant at
//       0.9 d, with two derivatives;
//   (2) the screened nuclear repulsion of terms/zbl/, switched on from d to 0.9 d, times the strength of the pair.
// At distances beyond the onset it changes nothing: a fit to data that begin there does not see it.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/parameter_schema.hpp"
#include "neighbors/device_block.hpp"
#include "neighbors/neighbor_view.hpp"
#include "neighbors/pair_forces.hpp"
#include "neighbors/select_neighbors_variants.hpp"
#include "potentials/terms/zbl/zbl.hpp"

namespace forcesmith {

class ShortRange {
 public:
  /// Of a pair of elements.
  struct Pair {
    std::optional<double> distance;  // smallest one in the training data, angstrom; none if there is no such pair
    double onset = 0.0;              // of the wall, angstrom; 0: there is none
    double strength = 0.0;           // of the repulsion
  };

  /// cutoff: of the potential, angstrom; pairs of elements that the data do not hold are new below it.
  static ShortRange create(const Json& parameters, const std::vector<std::string>& elements, double cutoff,
                           const std::string& where);
  Json to_json(const std::vector<std::string>& elements) const;

  int n_elements() const { return n_elements_; }
  const Pair& pair(int a, int b) const { return pairs_[a * n_elements_ + b]; }
  /// Pairs closer than this are not in the training data, angstrom.
  double limit(int a, int b) const { return limits_[a * n_elements_ + b]; }
  /// The same for hosts that look for such pairs while they select neighbors. Lives as long as this object.
  template <class Real>
  CloseLimits<Real> close_limits() const {
    return {std::get<std::vector<Real>>(squares_).data(), static_cast<Real>(largest_square_), n_elements_};
  }
  bool has_wall() const { return has_wall_; }
  /// Nothing where no pair has a strength.
  const std::optional<Zbl>& repulsion() const { return repulsion_; }

 private:
  ShortRange(std::vector<Pair> pairs, const std::vector<std::string>& elements, double cutoff,
             const std::string& where);

  int n_elements_;
  std::vector<Pair> pairs_;                                      // [element][element]
  std::vector<double> limits_;                                   // [element][element]
  std::tuple<std::vector<double>, std::vector<float>> squares_;  // of the limits
  double largest_square_ = 0.0;
  bool has_wall_ = false;
  std::optional<Zbl> repulsion_;
};

/// The pair of a block that is closest, compared with what is known; what messages name.
struct ClosestPair {
  int center = -1, neighbor = -1;      // of the host; -1: no pair is closer than its limit
  double distance = 0.0, limit = 0.0;  // angstrom
};
template <class Real>
ClosestPair closest_pair(const ShortRange& short_range, const NeighborSourceOf<Real>& source);
/// Of atoms 0 .. n_local - 1 in the memory of the host, which has no list of neighbors.
ClosestPair closest_pair(const ShortRange& short_range, const DeviceAtoms& atoms, int n_local);

/// One block of atoms, as descriptors see it: neighbors closer than the onset are moved outwards. For one worker.
class WallView {
 public:
  /// close_neighbors: [n_host] of central atoms, set to the number of neighbors closer than their limit; or null.
  /// True if any neighbor is moved; then seen() and forces() take the place of the block and of the host's arrays.
  template <class Real>
  bool look_at(const ShortRange& short_range, const NeighborViewOf<Real>& block, int* close_neighbors);
  const NeighborView& seen() const { return seen_; }
  const PairForces& forces() const { return seen_forces_; }
  /// Adds what forces() got, as forces and virials of the real positions. block: the one that was looked at.
  template <class Real>
  void move_back(const NeighborViewOf<Real>& block, const PairForces& to) const;

 private:
  struct Moved {
    int pair;  // in the block
    double direction[3];
    double stretch;  // g(r) / r
    double slope;    // dg/dr
  };

  template <class Real>
  void copy(const NeighborViewOf<Real>& block);

  NeighborView seen_;
  PairForces seen_forces_;
  std::vector<Moved> moved_;
  std::vector<int> centers_, neighbors_;  // rows of forces_: of the centers, then one of its own for every pair
  std::vector<std::int64_t> offsets_;
  AlignedBuffer x_, y_, z_, forces_;
};

}  // namespace forcesmith
