#include "potentials/short_range.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/typed_schema.hpp"
#include "potentials/wall_kernels.hpp"

namespace forcesmith {

namespace {

using FORCESMITH_ISA::relative_wall_width;
using FORCESMITH_ISA::WallStretch;

template <class Real>
std::array<double, 3> displacement(const NeighborViewOf<Real>& block, std::int64_t pair) {
  return {block.x[pair], block.y[pair], block.z[pair]};
}

double length(const std::array<double, 3>& r) { return std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]); }

// ---- what files hold ----

struct FilePair {
  std::vector<std::string> elements;
  std::optional<double> distance, onset, strength;

  static const SchemaOf<FilePair>& schema() {
    using P = FilePair;
    static const auto schema =
        SchemaOf<P>()
            .field(&P::elements, "elements", "", "two element symbols")
            .required()
            .field(&P::distance, "distance", "angstrom", "smallest distance in the training data; absent: no such pair")
            .field(&P::onset, "onset", "angstrom", "where the wall begins; absent: no wall")
            .field(&P::strength, "strength", "", "factor of the wall's nuclear repulsion; absent: no wall");
    return schema;
  }
};

struct FileParameters {
  std::vector<FilePair> pairs;
};

const SchemaOf<FileParameters>& typed_schema() {
  static const auto schema =
      SchemaOf<FileParameters>()
          .field(&FileParameters::pairs, "pairs", "",
                 "of elements, each with its smallest distance in the training data and its wall")
          .required();
  return schema;
}

void check_number(double value, const char* name, double smallest, const std::string& where) {
  if (!(value >= smallest && value < 1e6))
    throw ParameterError("The \"" + std::string(name) + "\" of a pair in " + where + " must not be " +
                         Json(value).dump() + ".");
}

}  // namespace

ShortRange ShortRange::create(const Json& given, const std::vector<std::string>& elements, double cutoff,
                              const std::string& where) {
  const int n = static_cast<int>(elements.size());
  std::vector<Pair> pairs(static_cast<std::size_t>(n) * n);
  std::vector<bool> found(pairs.size(), false);
  for (const FilePair& own : typed_schema().read(given, {where}).pairs) {
    const std::vector<std::string>& names = own.elements;
    std::array<int, 2> index{-1, -1};
    for (std::size_t k = 0; k < 2 && names.size() == 2; ++k)
      for (int element = 0; element < n; ++element)
        if (names[k] == elements[element]) index[k] = element;
    if (index[0] < 0 || index[1] < 0 || found[index[0] * n + index[1]])
      throw ParameterError("The \"elements\" of the pairs in " + where + " must be all pairs of " + joined(elements) +
                           ", each once; one pair is " + Json(names).dump().substr(0, 60) + ".");
    if (own.onset.has_value() != own.strength.has_value())
      throw ParameterError("A pair in " + where + " needs both \"onset\" and \"strength\", or none of them.");
    const Pair pair{own.distance, own.onset.value_or(0.0), own.strength.value_or(0.0)};
    if (own.distance) check_number(pair.distance.value(), "distance", 1e-6, where);
    if (own.onset) check_number(pair.onset, "onset", 1e-6, where);
    if (own.strength) check_number(pair.strength, "strength", 0.0, where);
    for (int k = 0; k < 2; ++k) {
      pairs[index[k] * n + index[1 - k]] = pair;
      found[index[k] * n + index[1 - k]] = true;
    }
  }
  if (std::find(found.begin(), found.end(), false) != found.end())
    throw ParameterError("The pairs in " + where + " must be all pairs of " + joined(elements) + "; one is missing.");
  return ShortRange(std::move(pairs), elements, cutoff, where);
}

ShortRange::ShortRange(std::vector<Pair> pairs, const std::vector<std::string>& elements, double cutoff,
                       const std::string& where)
    : n_elements_(static_cast<int>(elements.size())), pairs_(std::move(pairs)) {
  std::vector<ZblRange> ranges;
  bool any_repulsion = false;
  for (const Pair& pair : pairs_) {
    limits_.push_back(std::max(pair.distance.value_or(cutoff), pair.onset));
    const double square = limits_.back() * limits_.back();
    std::get<0>(squares_).push_back(square);
    std::get<1>(squares_).push_back(static_cast<float>(square));
    largest_square_ = std::max(largest_square_, square);
    has_wall_ = has_wall_ || pair.onset > 0.0;
    any_repulsion = any_repulsion || pair.strength > 0.0;
    // Without a wall a range that no neighbor is in.
    ranges.push_back(pair.onset > 0.0 ? ZblRange{(1.0 - relative_wall_width) * pair.onset, pair.onset, pair.strength}
                                      : ZblRange{1e-12, 2e-12, 0.0});
  }
  if (any_repulsion) repulsion_.emplace(ranges, elements, where);
}

Json ShortRange::to_json(const std::vector<std::string>& elements) const {
  FileParameters p;
  for (int a = 0; a < n_elements_; ++a)
    for (int b = a; b < n_elements_; ++b) {
      const Pair& own = pair(a, b);
      FilePair& written = p.pairs.emplace_back(FilePair{{elements[a], elements[b]}, own.distance, {}, {}});
      if (own.onset > 0.0) {
        written.onset = own.onset;
        written.strength = own.strength;
      }
    }
  return typed_schema().write(p);
}

template <class Real>
ClosestPair closest_pair(const ShortRange& short_range, const NeighborSourceOf<Real>& source) {
  ClosestPair closest;
  double smallest = 1.0;  // distance / limit
  NeighborBufferOf<Real> buffer;
  for (int atom = 0; atom < source.n_atoms(); ++atom) {
    const NeighborViewOf<Real> one = source.block(atom, 1, buffer);
    for (std::int64_t pair = one.offsets[0]; pair < one.offsets[1]; ++pair) {
      const double r = length(displacement(one, pair)), limit = short_range.limit(one.center_types[0], one.types[pair]);
      if (!(r < smallest * limit)) continue;
      smallest = r / limit;
      closest = {one.centers[0], one.neighbors[pair], r, limit};
    }
  }
  return closest;
}
template ClosestPair closest_pair(const ShortRange&, const NeighborSourceOf<double>&);
template ClosestPair closest_pair(const ShortRange&, const NeighborSourceOf<float>&);

template <class Real>
bool WallView::look_at(const ShortRange& short_range, const NeighborViewOf<Real>& block, int* close_neighbors) {
  moved_.clear();
  if (close_neighbors != nullptr)
    for (int atom = 0; atom < block.n_atoms; ++atom) close_neighbors[block.centers[atom]] = 0;
  if (!block.may_have_close_pairs) return false;
  for (int atom = 0; atom < block.n_atoms; ++atom) {
    int n_close = 0;
    for (std::int64_t pair = block.offsets[atom]; pair < block.offsets[atom + 1]; ++pair) {
      const auto d = displacement(block, pair);
      const double r = length(d);
      const int center = block.center_types[atom], neighbor = block.types[pair];
      if (!(r < short_range.limit(center, neighbor))) continue;
      ++n_close;
      const double onset = short_range.pair(center, neighbor).onset;
      if (!(r < onset)) continue;
      const auto [stretch, slope] = WallStretch(onset, r);
      moved_.push_back({static_cast<int>(pair - block.offsets[0]), {d[0] / r, d[1] / r, d[2] / r}, stretch, slope});
    }
    if (close_neighbors != nullptr) close_neighbors[block.centers[atom]] = n_close;
  }
  if (moved_.empty()) return false;
  copy(block);
  return true;
}
template bool WallView::look_at(const ShortRange&, const NeighborViewOf<double>&, int*);
template bool WallView::look_at(const ShortRange&, const NeighborViewOf<float>&, int*);

/// Every pair gets a row of forces of its own, so that its gradient can be told from all others.
template <class Real>
void WallView::copy(const NeighborViewOf<Real>& block) {
  const std::int64_t first = block.offsets[0];
  const int n_atoms = block.n_atoms, n_pairs = static_cast<int>(block.offsets[n_atoms] - first);
  double* components[3] = {x_.reserve(n_pairs), y_.reserve(n_pairs), z_.reserve(n_pairs)};
  for (int pair = 0; pair < n_pairs; ++pair) {
    const auto d = displacement(block, first + pair);
    for (int axis = 0; axis < 3; ++axis) components[axis][pair] = d[axis];
  }
  for (const Moved& moved : moved_)
    for (double* component : components) component[moved.pair] *= moved.stretch;
  centers_.resize(n_atoms);
  neighbors_.resize(n_pairs);
  offsets_.resize(n_atoms + 1);
  for (int atom = 0; atom < n_atoms; ++atom) centers_[atom] = atom;
  for (int pair = 0; pair < n_pairs; ++pair) neighbors_[pair] = n_atoms + pair;
  for (int atom = 0; atom <= n_atoms; ++atom) offsets_[atom] = block.offsets[atom] - first;
  const std::size_t n_numbers = static_cast<std::size_t>(force_stride) * (n_atoms + n_pairs);
  seen_forces_ = {forces_.reserve(n_numbers)};
  std::fill_n(seen_forces_.forces, n_numbers, 0.0);
  seen_ = {n_atoms,       centers_.data(), block.center_types, offsets_.data(), neighbors_.data(), block.types + first,
           components[0], components[1],   components[2]};
}

template <class Real>
void WallView::move_back(const NeighborViewOf<Real>& block, const PairForces& to) const {
  const double* rows = seen_forces_.forces + static_cast<std::size_t>(force_stride) * block.n_atoms;
  auto moved = moved_.begin();
  for (int atom = 0; atom < block.n_atoms; ++atom)
    for (std::int64_t k = offsets_[atom]; k < offsets_[atom + 1]; ++k) {
      // g = dE_i/dr_ij; the row of the neighbor holds -g.
      double g[3];
      for (int axis = 0; axis < 3; ++axis) g[axis] = -rows[force_stride * k + axis];
      if (moved != moved_.end() && moved->pair == k) {
        // With r' = g(r) r/|r|, dr'/dr is dg/dr along r and g(r)/r across it.
        const double* n = moved->direction;
        const double along = g[0] * n[0] + g[1] * n[1] + g[2] * n[2];
        for (int axis = 0; axis < 3; ++axis)
          g[axis] = moved->stretch * g[axis] + (moved->slope - moved->stretch) * along * n[axis];
        ++moved;
      }
      const std::int64_t pair = block.offsets[0] + k;
      FORCESMITH_ISA::add_pair_forces(displacement(block, pair).data(), g, block.centers[atom], block.neighbors[pair],
                                      to);
    }
}
template void WallView::move_back(const NeighborViewOf<double>&, const PairForces&) const;
template void WallView::move_back(const NeighborViewOf<float>&, const PairForces&) const;

}  // namespace forcesmith
