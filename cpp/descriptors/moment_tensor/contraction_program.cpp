// Generator of contraction programs.
//
// A full contraction is a multigraph without loops: vertices are moments M_{mu,nu} (nu = degree), an
// edge is a contracted index. With two levels per edge and 2 + 4 mu per vertex, the level is that of
// Shapeev 2016. A basis function is a multiset of connected graphs (scalars multiply).
//
// A connected graph is computed by cutting it into two connected parts whose loose edges ("legs")
// make them tensors, recursively down to single moments. Tensors are symmetric in the legs of one
// vertex, so a component is one monomial per vertex; automorphisms of the graph make more components
// equal. Tensors are shared among all basis functions; of the possible cuts the one with the fewest
// new products is taken.
#include "descriptors/moment_tensor/contraction_program.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "core/error.hpp"
#include "core/typed_schema.hpp"

namespace forcesmith::moment_tensor {

const SchemaOf<ContractionProgram>& ContractionProgram::schema() {
  using P = ContractionProgram;
  static const auto schema = SchemaOf<P>()
                                 .field(&P::basic, "basic", "", "basic moments [mu, a, b, c]")
                                 .required()
                                 .field(&P::mapping, "mapping", "", "moment of every basis function")
                                 .required()
                                 .field(&P::n_moments, "moments", "", "number of moments")
                                 .required()
                                 .field(&P::products, "products", "", "products [left, right, factor, target]")
                                 .required();
  return schema;
}

int ContractionProgram::n_radial() const {
  int n = 0;
  for (const auto& moment : basic) n = std::max(n, moment[0] < INT_MAX ? moment[0] + 1 : INT_MAX);
  return n;
}

namespace {

constexpr int largest_degree = 100;  // of monomials; levels up to 28 have 12

}  // namespace

void ContractionProgram::check(const std::string& where) const {
  const int n_basic = static_cast<int>(basic.size());
  if (n_basic == 0 || n_moments < n_basic)
    throw FormatError(where + ": the contraction program has " + std::to_string(n_basic) + " basic moments of " +
                      std::to_string(n_moments) + " moments; it needs at least one.");
  if (static_cast<std::size_t>(n_moments) > basic.size() + products.size())
    throw FormatError(where + ": the contraction program has " + std::to_string(n_moments) + " moments, but only " +
                      std::to_string(n_basic) + " basic moments and " + std::to_string(products.size()) +
                      " products to make them.");
  for (int i = 0; i < n_basic; ++i)
    for (int entry : basic[i])
      if (entry < 0 || entry > 100)
        throw FormatError(where + ": basic moment " + std::to_string(i) + " has the index " + std::to_string(entry) +
                          ", outside 0 to 100.");
  for (int i = 0; i < n_basic; ++i)
    if (const int degree = basic[i][1] + basic[i][2] + basic[i][3]; degree > largest_degree)
      throw FormatError(where + ": basic moment " + std::to_string(i) + " has the degree " + std::to_string(degree) +
                        ", more than the supported " + std::to_string(largest_degree) + ".");
  std::vector<int> last_write(n_moments, -1);
  for (std::size_t p = 0; p < products.size(); ++p) {
    const auto& [left, right, factor, target] = products[p];
    const bool in_range =
        left >= 0 && left < n_moments && right >= 0 && right < n_moments && target >= n_basic && target < n_moments;
    if (!in_range)
      throw FormatError(where + ": product " + std::to_string(p) + " of the contraction program (" +
                        std::to_string(left) + " x " + std::to_string(right) + " -> " + std::to_string(target) +
                        ") is outside the " + std::to_string(n_moments) + " moments.");
    last_write[target] = static_cast<int>(p);
  }
  for (std::size_t p = 0; p < products.size(); ++p)
    for (int operand : {products[p][0], products[p][1]})
      if (operand >= n_basic && (last_write[operand] < 0 || last_write[operand] >= static_cast<int>(p)))
        throw FormatError(where + ": product " + std::to_string(p) + " of the contraction program uses moment " +
                          std::to_string(operand) + " before it is complete.");
  for (int moment : mapping)
    if (moment < 0 || moment >= n_moments)
      throw FormatError(where + ": a basis function is mapped to moment " + std::to_string(moment) +
                        ", but there are " + std::to_string(n_moments) + ".");
}

namespace {

/// Numbers from -1 to 1 that do not depend on the standard library.
class RandomNumbers {
 public:
  double next() { return static_cast<double>(bits_() >> 11) * 0x1p-52 - 1.0; }
  std::array<double, 3> unit_vector() {
    std::array<double, 3> v{next(), next(), next()};
    const double length = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (length < 0.1) return unit_vector();
    for (double& component : v) component /= length;
    return v;
  }

 private:
  std::mt19937_64 bits_{7};
};

/// Moments of neighbors in the given directions, radial functions [neighbor][mu], and what bounds the moments:
/// the same sums of absolute values.
struct Moments {
  std::vector<double> values, bounds;

  Moments(const ContractionProgram& program, const std::vector<std::array<double, 3>>& directions,
          const std::vector<std::vector<double>>& radial)
      : values(program.n_moments, 0.0), bounds(program.n_moments, 0.0) {
    for (std::size_t i = 0; i < program.basic.size(); ++i) {
      const auto& [mu, a, b, c] = program.basic[i];
      for (std::size_t j = 0; j < directions.size(); ++j) {
        const auto& [x, y, z] = directions[j];
        const double term = radial[j][mu] * std::pow(x, a) * std::pow(y, b) * std::pow(z, c);
        values[i] += term;
        bounds[i] += std::abs(term);
      }
    }
    for (const auto& [left, right, factor, target] : program.products) {
      values[target] += factor * (values[left] * values[right]);
      bounds[target] += std::abs(factor * (bounds[left] * bounds[right]));
    }
  }
};

}  // namespace

void ContractionProgram::check_rotation_invariance(const std::string& where) const {
  constexpr int n_neighbors = 4;
  RandomNumbers random;
  std::vector<std::array<double, 3>> directions, rotated;
  std::vector<std::vector<double>> radial(n_neighbors, std::vector<double>(n_radial()));
  const std::array<double, 3> axis = random.unit_vector();
  const double cosine = std::cos(1.0), sine = std::sin(1.0);
  for (int j = 0; j < n_neighbors; ++j) {
    const std::array<double, 3> v = random.unit_vector();
    directions.push_back(v);
    // Rodrigues' formula
    const double along = axis[0] * v[0] + axis[1] * v[1] + axis[2] * v[2];
    std::array<double, 3> turned;
    for (int k = 0; k < 3; ++k) {
      const int l = (k + 1) % 3, m = (k + 2) % 3;
      turned[k] = v[k] * cosine + (axis[l] * v[m] - axis[m] * v[l]) * sine + axis[k] * along * (1.0 - cosine);
    }
    rotated.push_back(turned);
    for (double& value : radial[j]) value = random.next();
  }
  const Moments before(*this, directions, radial), after(*this, rotated, radial);
  for (std::size_t k = 0; k < mapping.size(); ++k) {
    const int moment = mapping[k];
    const double bound = std::max(before.bounds[moment], after.bounds[moment]);
    const double difference = std::abs(after.values[moment] - before.values[moment]);
    if (std::isfinite(bound) && !(difference <= 1e-9 * bound))
      throw FormatError(where + ": basis function " + std::to_string(k) + " (moment " + std::to_string(moment) +
                        ") of the contraction program changes when all atoms are rotated, so the file is damaged.");
  }
}

namespace {

using Monomial = std::array<int, 3>;  // powers of x, y, z

std::vector<Monomial> monomials_of_rank(int rank) {
  std::vector<Monomial> list;
  for (int a = rank; a >= 0; --a)
    for (int b = rank - a; b >= 0; --b) list.push_back({a, b, rank - a - b});
  return list;
}

int multinomial(const Monomial& m) {
  int value = 1, n = 0;
  for (int part : m)
    for (int i = 1; i <= part; ++i) value = value * ++n / i;
  return value;
}

/// A connected graph of moments with loose edges.
struct Graph {
  std::vector<int> mu, legs;            // [vertex]
  std::vector<std::vector<int>> edges;  // [vertex][vertex] multiplicity

  explicit Graph(int size) : mu(size), legs(size), edges(size, std::vector<int>(size)) {}
  int size() const { return static_cast<int>(mu.size()); }

  bool connected() const {
    std::vector<int> reached{0};
    std::vector<bool> seen(size());
    seen[0] = true;
    for (std::size_t i = 0; i < reached.size(); ++i)
      for (int v = 0; v < size(); ++v)
        if (!seen[v] && edges[reached[i]][v] > 0) {
          seen[v] = true;
          reached.push_back(v);
        }
    return static_cast<int>(reached.size()) == size();
  }

  int level() const {
    int edge_count = 0, vertices = 0;
    for (int v = 0; v < size(); ++v) {
      vertices += 2 + 4 * mu[v];
      for (int u = 0; u < v; ++u) edge_count += edges[u][v];
    }
    return vertices + 2 * edge_count;
  }
};

using Key = std::vector<int>;
using Component = std::vector<Monomial>;  // [vertex], rank = legs of the vertex

Key key_of(const Graph& graph, const std::vector<int>& order) {
  Key key{graph.size()};
  for (int v : order) key.push_back(graph.mu[v]);
  for (int v : order) key.push_back(graph.legs[v]);
  for (int i = 0; i < graph.size(); ++i)
    for (int j = 0; j < i; ++j) key.push_back(graph.edges[order[i]][order[j]]);
  return key;
}

/// Canonical key with every vertex order that gives it (more than one: automorphisms).
struct Canonical {
  Key key;
  std::vector<std::vector<int>> orders;
};

Canonical canonical(const Graph& graph) {
  std::vector<int> order(graph.size());
  std::iota(order.begin(), order.end(), 0);
  Canonical best;
  do {
    Key key = key_of(graph, order);
    if (best.orders.empty() || key < best.key) best = {std::move(key), {order}};
    else if (key == best.key) best.orders.push_back(order);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

/// The component in canonical vertex order, the smallest of those that automorphisms make equal.
Component canonical_component(const Canonical& form, const Component& component) {
  Component best;
  for (const auto& order : form.orders) {
    Component permuted;
    for (int v : order) permuted.push_back(component[v]);
    if (best.empty() || permuted < best) best = std::move(permuted);
  }
  return best;
}

class Generator {
 public:
  Generator(int level, int max_factors) : level_(level), max_factors_(max_factors) {}

  ContractionProgram run() {
    add_basic_moments();
    const std::vector<Graph> graphs = connected_graphs();
    std::vector<int> scalars;  // [graph] moment index
    for (const Graph& graph : graphs) {
      build(graph);
      scalars.push_back(index_of(graph, Component(graph.size(), Monomial{})));
    }
    multiply_scalars(graphs, scalars);
    return std::move(program_);
  }

 private:
  void add_basic_moments() {
    // M_{mu,nu} with nu > 0 needs a partner of its rank: M_{mu,nu} : M_{0,nu}.
    for (int mu = 0; 2 + 4 * mu <= level_; ++mu)
      for (int rank = 0; rank == 0 || 4 + 4 * mu + 2 * rank <= level_; ++rank) {
        Graph vertex(1);
        vertex.mu[0] = mu;
        vertex.legs[0] = rank;
        auto& components = tensors_[canonical(vertex).key];
        for (const Monomial& m : monomials_of_rank(rank)) {
          components[{m}] = static_cast<int>(program_.basic.size());
          program_.basic.push_back({mu, m[0], m[1], m[2]});
        }
      }
    program_.n_moments = static_cast<int>(program_.basic.size());
  }

  /// All connected graphs without legs up to the level, by level, size and key.
  std::vector<Graph> connected_graphs() const {
    std::map<std::pair<int, Key>, Graph> found;
    for (int size = 1; size <= max_factors_ && 2 * size + 2 * (size - 1) <= level_; ++size) {
      Graph graph(size);
      choose_mu(graph, 0, found);
    }
    std::vector<Graph> graphs;
    for (auto& item : found) graphs.push_back(item.second);
    return graphs;
  }

  void choose_mu(Graph& graph, int vertex, std::map<std::pair<int, Key>, Graph>& found) const {
    if (vertex == graph.size()) {
      choose_edges(graph, 1, 0, found);
      return;
    }
    for (int mu = vertex > 0 ? graph.mu[vertex - 1] : 0;; ++mu) {
      graph.mu[vertex] = mu;
      if (graph.level() > level_) break;
      choose_mu(graph, vertex + 1, found);
    }
    graph.mu[vertex] = 0;
  }

  void choose_edges(Graph& graph, int i, int j, std::map<std::pair<int, Key>, Graph>& found) const {
    if (i >= graph.size()) {
      if (graph.connected()) found.try_emplace({graph.level(), canonical(graph).key}, graph);
      return;
    }
    const int next_i = j + 1 < i ? i : i + 1, next_j = j + 1 < i ? j + 1 : 0;
    for (int count = 0;; ++count) {
      graph.edges[i][j] = graph.edges[j][i] = count;
      if (graph.level() > level_) break;
      choose_edges(graph, next_i, next_j, found);
    }
    graph.edges[i][j] = graph.edges[j][i] = 0;
  }

  struct Bundle {
    int left, right, count;
  };  // edges of a cut: vertex in each part
  struct Cut {
    Graph left, right;
    std::vector<int> left_vertices, right_vertices;  // vertices of the whole graph
    std::vector<Bundle> bundles;                     // vertices of the parts
  };

  static Graph part_of(const Graph& graph, const std::vector<int>& vertices, const std::vector<int>& others) {
    Graph part(static_cast<int>(vertices.size()));
    for (int i = 0; i < part.size(); ++i) {
      part.mu[i] = graph.mu[vertices[i]];
      part.legs[i] = graph.legs[vertices[i]];
      for (int v : others) part.legs[i] += graph.edges[vertices[i]][v];
      for (int j = 0; j < part.size(); ++j) part.edges[i][j] = graph.edges[vertices[i]][vertices[j]];
    }
    return part;
  }

  static std::vector<Cut> cuts_of(const Graph& graph) {
    std::vector<Cut> cuts;
    for (unsigned mask = 1; mask < (1u << (graph.size() - 1)); ++mask) {
      std::vector<int> left, right;
      for (int v = 0; v < graph.size(); ++v) (mask >> v & 1 ? left : right).push_back(v);
      Cut cut{part_of(graph, left, right), part_of(graph, right, left), left, right, {}};
      if (!cut.left.connected() || !cut.right.connected()) continue;
      for (int i = 0; i < cut.left.size(); ++i)
        for (int j = 0; j < cut.right.size(); ++j)
          if (const int count = graph.edges[left[i]][right[j]]; count > 0) cut.bundles.push_back({i, j, count});
      cuts.push_back(std::move(cut));
    }
    return cuts;
  }

  /// Distinct components of the tensor that `graph` stands for, in canonical vertex order.
  static std::set<Component> components_of(const Graph& graph, const Canonical& form) {
    std::vector<Component> all{Component{}};
    for (int v = 0; v < graph.size(); ++v) {
      std::vector<Component> longer;
      for (const Component& component : all)
        for (const Monomial& m : monomials_of_rank(graph.legs[v])) {
          longer.push_back(component);
          longer.back().push_back(m);
        }
      all = std::move(longer);
    }
    std::set<Component> distinct;
    for (const Component& component : all) distinct.insert(canonical_component(form, component));
    return distinct;
  }

  using Term = std::pair<Component, Component>;  // canonical components of the two parts

  /// One component of the tensor as sum of products of components of the parts of a cut.
  static std::map<Term, int> expand(const Cut& cut, const Canonical& left, const Canonical& right,
                                    const Component& component) {
    Component a, b;
    for (int v : cut.left_vertices) a.push_back(component[v]);
    for (int v : cut.right_vertices) b.push_back(component[v]);
    const bool same = left.key == right.key;
    std::map<Term, int> terms;
    auto add = [&](auto&& self, std::size_t bundle, int factor) -> void {
      if (bundle == cut.bundles.size()) {
        Term term{canonical_component(left, a), canonical_component(right, b)};
        if (same && term.second < term.first) std::swap(term.first, term.second);
        terms[term] += factor;
        return;
      }
      const Bundle& edge = cut.bundles[bundle];
      for (const Monomial& m : monomials_of_rank(edge.count)) {
        for (int axis = 0; axis < 3; ++axis) {
          a[edge.left][axis] += m[axis];
          b[edge.right][axis] += m[axis];
        }
        self(self, bundle + 1, factor * multinomial(m));
        for (int axis = 0; axis < 3; ++axis) {
          a[edge.left][axis] -= m[axis];
          b[edge.right][axis] -= m[axis];
        }
      }
    };
    add(add, 0, 1);
    return terms;
  }

  /// The graph with its vertices in canonical order, so that components need no permutation.
  static Graph in_canonical_order(const Graph& graph, const Canonical& form) {
    const std::vector<int>& order = form.orders[0];
    Graph sorted(graph.size());
    for (int i = 0; i < graph.size(); ++i) {
      sorted.mu[i] = graph.mu[order[i]];
      sorted.legs[i] = graph.legs[order[i]];
      for (int j = 0; j < graph.size(); ++j) sorted.edges[i][j] = graph.edges[order[i]][order[j]];
    }
    return sorted;
  }

  struct Plan {
    std::vector<Cut> cuts;
    std::vector<int> products;
  };  // products per cut

  const Plan& plan_of(const Graph& sorted, const Canonical& form) {
    auto [item, is_new] = plans_.try_emplace(form.key);
    Plan& plan = item->second;
    if (is_new) {
      plan.cuts = cuts_of(sorted);
      const Canonical own = canonical(sorted);
      const std::set<Component> components = components_of(sorted, own);
      for (const Cut& cut : plan.cuts) {
        const Canonical left = canonical(cut.left), right = canonical(cut.right);
        int products = 0;
        for (const Component& component : components)
          products += static_cast<int>(expand(cut, left, right, component).size());
        plan.products.push_back(products);
      }
    }
    return plan;
  }

  /// Products that are still to be added for this tensor, and the cut that needs the fewest.
  std::pair<int, int> cheapest_cut(const Graph& sorted, const Canonical& form) {
    const Plan& plan = plan_of(sorted, form);
    int best = INT_MAX, best_cut = -1;
    for (std::size_t c = 0; c < plan.cuts.size(); ++c) {
      const Cut& cut = plan.cuts[c];
      int cost = plan.products[c] + cost_of(cut.left);
      if (canonical(cut.left).key != canonical(cut.right).key) cost += cost_of(cut.right);
      if (cost < best) {
        best = cost;
        best_cut = static_cast<int>(c);
      }
    }
    return {best, best_cut};
  }

  int cost_of(const Graph& graph) {
    const Canonical form = canonical(graph);
    if (tensors_.count(form.key) > 0) return 0;
    return cheapest_cut(in_canonical_order(graph, form), form).first;
  }

  void build(const Graph& graph) {
    const Canonical form = canonical(graph);
    if (tensors_.count(form.key) > 0) return;
    const Graph sorted = in_canonical_order(graph, form);
    const int chosen = cheapest_cut(sorted, form).second;
    const Cut cut = plan_of(sorted, form).cuts[chosen];
    build(cut.left);
    build(cut.right);
    const Canonical left = canonical(cut.left), right = canonical(cut.right);
    const auto& left_tensor = tensors_.at(left.key);
    const auto& right_tensor = tensors_.at(right.key);
    std::map<Component, int> components;
    for (const Component& component : components_of(sorted, canonical(sorted))) {
      const int target = program_.n_moments++;
      components[component] = target;
      for (const auto& [term, factor] : expand(cut, left, right, component))
        program_.products.push_back({left_tensor.at(term.first), right_tensor.at(term.second), factor, target});
    }
    tensors_.emplace(form.key, std::move(components));
  }

  int index_of(const Graph& graph, const Component& component) const {
    const Canonical form = canonical(graph);
    return tensors_.at(form.key).at(canonical_component(form, component));
  }

  /// Basis functions: products of connected scalars, each one product away from a shorter one.
  void multiply_scalars(const std::vector<Graph>& graphs, const std::vector<int>& scalars) {
    std::vector<std::pair<int, std::vector<int>>> functions;  // level, indices of graphs, sorted
    std::vector<int> chosen;
    auto choose = [&](auto&& self, std::size_t first, int level, int factors) -> void {
      if (!chosen.empty()) functions.emplace_back(level, chosen);
      for (std::size_t g = first; g < graphs.size(); ++g) {
        if (level + graphs[g].level() > level_) continue;
        if (factors + graphs[g].size() > max_factors_) continue;
        chosen.push_back(static_cast<int>(g));
        self(self, g, level + graphs[g].level(), factors + graphs[g].size());
        chosen.pop_back();
      }
    };
    choose(choose, 0, 0, 0);
    std::sort(functions.begin(), functions.end());
    std::map<std::vector<int>, int> moments;
    for (const auto& [level, factors] : functions) {
      if (factors.size() == 1) moments[factors] = scalars[factors[0]];
      else {
        const std::vector<int> rest(factors.begin() + 1, factors.end());
        const int target = program_.n_moments++;
        program_.products.push_back({scalars[factors[0]], moments.at(rest), 1, target});
        moments[factors] = target;
      }
      program_.mapping.push_back(moments[factors]);
    }
  }

  int level_, max_factors_;
  ContractionProgram program_;
  std::map<Key, std::map<Component, int>> tensors_;
  std::map<Key, Plan> plans_;
};

}  // namespace

void check_level(int level, const std::string& name) {
  if (level < 2 || level > largest_level || level % 2 != 0)
    throw ParameterError(name + " must be an even number from 2 to " + std::to_string(largest_level) + ", not " +
                         std::to_string(level) + ".");
}

ContractionProgram generate_contractions(int level, int max_factors) {
  check_level(level);
  if (max_factors < 1)
    throw ParameterError("A basis function needs at least one moment as factor, not " + std::to_string(max_factors) +
                         ".");
  return Generator(level, max_factors).run();
}

namespace {

constexpr std::uint64_t prime = (std::uint64_t(1) << 61) - 1;

std::uint64_t product_of(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(a) * b % prime);
}

/// The smallest level whose basic moments include these.
int level_of(const ContractionProgram& program) {
  int level = 2;
  for (const auto& [mu, a, b, c] : program.basic) {
    const int rank = a + b + c;
    level = std::max(level, rank == 0 ? 2 + 4 * mu : 4 + 4 * mu + 2 * rank);
  }
  return level;
}

/// Most basic moments multiplied in one basis function, or mlip_factors + 1 for all larger numbers.
int most_factors(const ContractionProgram& program) {
  std::vector<int> factors(program.n_moments, 0);
  std::fill_n(factors.begin(), program.basic.size(), 1);
  for (const auto& [left, right, factor, target] : program.products)
    factors[target] = std::max(factors[target], std::min(factors[left] + factors[right], mlip_factors + 1));
  int most = 1;
  for (int moment : program.mapping) most = std::max(most, factors[moment]);
  return most;
}

/// The moments as polynomials in the basic ones: their values modulo a prime at one point, chosen by chance. Polynomials of
/// such low degree have equal values only if they are equal.
std::vector<std::uint64_t> fingerprints(const ContractionProgram& program) {
  std::vector<std::uint64_t> values(program.n_moments, 0);
  for (std::size_t i = 0; i < program.basic.size(); ++i) {
    std::uint64_t seed = 7;
    for (const int entry : program.basic[i]) seed = 128 * seed + entry;
    values[i] = std::mt19937_64(seed)() % prime;
  }
  for (const auto& [left, right, factor, target] : program.products) {
    const std::uint64_t size =
        product_of(std::abs(static_cast<std::int64_t>(factor)), product_of(values[left], values[right]));
    values[target] = (values[target] + (factor < 0 ? prime - size : size)) % prime;
  }
  return values;
}

}  // namespace

ContractionProgram with_fewest_products(const ContractionProgram& program) {
  const int level = level_of(program), max_factors = most_factors(program);
  if (level > largest_level || max_factors > mlip_factors) return program;
  ContractionProgram other = generate_contractions(level, max_factors);
  if (other.products.size() >= program.products.size() || other.n_radial() != program.n_radial()) return program;
  const std::vector<std::uint64_t> wanted = fingerprints(program), found = fingerprints(other);
  std::map<std::uint64_t, int> moments;
  for (int moment : other.mapping) moments.emplace(found[moment], moment);
  other.mapping.clear();
  for (int moment : program.mapping) {
    const auto same = moments.find(wanted[moment]);
    if (same == moments.end()) return program;
    other.mapping.push_back(same->second);
  }
  return other;
}

}  // namespace forcesmith::moment_tensor
