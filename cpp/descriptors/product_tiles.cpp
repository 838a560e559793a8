#include "descriptors/product_tiles.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "descriptors/product_tables.hpp"

namespace forcesmith {

namespace {

using Indices = std::vector<int>;

struct Tile {
  int depth;
  bool has_factors;
  const std::vector<double>* factors;
  std::vector<const Indices*> rows, columns;
  std::vector<int> targets;  // [rows][columns]

  auto kind() const { return std::tuple(depth, rows.size(), columns.size(), has_factors); }
  std::size_t n_k() const { return rows[0]->size(); }
};

/// Sums with the same factors and of equal depth: a table of rows and columns, most of it empty.
class Table {
 public:
  /// Into a place that is empty.
  void add(const ProductSum& sum) {
    const int row = number_of(sum.left, lines_[0]), column = number_of(sum.right, lines_[1]);
    change(0, row, [&](Crossings& crossings) { crossings.emplace(column, sum.target); });
    change(1, column, [&](Crossings& crossings) { crossings.emplace(row, sum.target); });
  }

  /// Takes the largest tiles first, until nothing is left. visit(rows, columns, targets)
  template <class Visit>
  void cut(const Visit& visit) {
    while (!longest_first_.empty()) {
      const auto [length, side, first] = *longest_first_.begin();
      auto [lines, others] = lines_like(side, first);
      const std::size_t width = widest_tile[lines.size()], whole = others.size() / width * width;
      if (whole > 0) others.resize(whole);
      for (std::size_t begin = 0; begin < others.size(); begin += width) {
        std::vector<int> part(others.begin() + begin, others.begin() + std::min(others.size(), begin + width));
        sort_lines(side, lines);
        sort_lines(1 - side, part);
        take(side, lines, part, visit);
      }
    }
  }

 private:
  using Crossings = std::map<int, int>;  // other line: target

  int number_of(const Indices& indices, std::map<Indices, int>& lines) {
    const auto [item, is_new] = lines.emplace(indices, static_cast<int>(lines.size()));
    if (is_new) crossings_[&lines == &lines_[1]].emplace_back();
    return item->second;
  }

  /// side: 0: row, 1: column.
  template <class Change>
  void change(int side, int line, const Change& change_crossings) {
    Crossings& crossings = crossings_[side][line];
    longest_first_.erase({-static_cast<int>(crossings.size()), side, line});
    change_crossings(crossings);
    if (!crossings.empty()) longest_first_.insert({-static_cast<int>(crossings.size()), side, line});
  }

  /// As many lines as make the largest tile with the first, and the other lines that all of them cross.
  std::pair<std::vector<int>, std::vector<int>> lines_like(int side, int first) const {
    std::vector<int> lines{first}, common;
    for (const auto& [other, target] : crossings_[side][first]) common.push_back(other);
    auto best = std::pair(lines, common);
    const auto products_per_line = [](const auto& tile) {
      const double rows = tile.first.size(),
                   columns = std::min<int>(tile.second.size(), widest_tile[tile.first.size()]);
      return rows * columns / (rows + columns);
    };
    while (lines.size() < tile_rows) {
      std::map<int, int> count;  // of the common lines, how many each line crosses
      for (const int other : common)
        for (const auto& [line, target] : crossings_[1 - side][other]) ++count[line];
      for (const int line : lines) count.erase(line);
      if (count.empty()) break;
      lines.push_back(std::ranges::max_element(count, {}, [](const auto& item) { return item.second; })->first);
      std::erase_if(common, [&](int other) { return !crossings_[side][lines.back()].contains(other); });
      const auto tile = std::pair(lines, common);
      if (common.size() < lines.size()) break;
      if (products_per_line(tile) > products_per_line(best)) best = tile;
    }
    return best;
  }

  void sort_lines(int side, std::vector<int>& lines) {
    std::ranges::sort(lines, {}, [&](int line) { return *named({line}, side)[0]; });
  }

  /// Products commute: rows may be of either side.
  template <class Visit>
  void take(int side, const std::vector<int>& rows, const std::vector<int>& columns, const Visit& visit) {
    std::vector<int> targets;
    for (const int row : rows)
      for (const int column : columns) {
        targets.push_back(crossings_[side][row].at(column));
        change(side, row, [&](Crossings& crossings) { crossings.erase(column); });
        change(1 - side, column, [&](Crossings& crossings) { crossings.erase(row); });
      }
    visit(named(rows, side), named(columns, 1 - side), targets);
  }

  std::vector<const Indices*> named(const std::vector<int>& numbers, int side) {
    if (names_[side].size() < lines_[side].size()) {
      names_[side].resize(lines_[side].size());
      for (const auto& [indices, number] : lines_[side]) names_[side][number] = &indices;
    }
    std::vector<const Indices*> list;
    for (const int number : numbers) list.push_back(names_[side][number]);
    return list;
  }

  std::map<Indices, int> lines_[2];                    // rows and columns: their numbers
  std::vector<const Indices*> names_[2];               // and back
  std::vector<Crossings> crossings_[2];                // [row or column]
  std::set<std::tuple<int, int, int>> longest_first_;  // minus the length, side, number of lines that are not empty
};

/// In which order a tile's products follow each other: as their first moments do in memory, the quickest of those measured
/// (docs/development/levers.md).
std::vector<int> order_of(const Tile& tile) {
  std::vector<int> order(tile.n_k());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](int k) { return (*tile.rows[0])[k]; });
  return order;
}

}  // namespace

ProductTiles find_tiles(const std::vector<ProductSum>& sums) {
  std::map<std::tuple<int, std::vector<double>, int>, Table> tables;  // by depth, factors, number
  // Sums of the same products go into tables of their own.
  std::map<std::tuple<int, std::vector<double>, Indices, Indices>, int> n_same;
  for (const ProductSum& sum : sums)
    tables[{sum.depth, sum.factors, n_same[{sum.depth, sum.factors, sum.left, sum.right}]++}].add(sum);

  std::vector<Tile> tiles;
  for (auto& [key, table] : tables) {
    const int depth = std::get<0>(key);
    const std::vector<double>& factors = std::get<1>(key);
    const bool has_factors = std::ranges::any_of(factors, [](double factor) { return factor != 1.0; });
    table.cut([&](auto rows, auto columns, auto targets) {
      tiles.push_back({depth, has_factors, &factors, std::move(rows), std::move(columns), std::move(targets)});
    });
  }
  std::ranges::stable_sort(tiles, {}, [](const Tile& tile) { return std::pair(tile.kind(), tile.n_k()); });

  ProductTiles found;
  std::map<std::vector<double>, std::size_t> places;  // of factors
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const Tile& tile = tiles[i];
    if (i == 0 || tile.kind() != tiles[i - 1].kind()) {
      const int n_rows = static_cast<int>(tile.rows.size()), n_columns = static_cast<int>(tile.columns.size());
      found.runs.insert(found.runs.end(),
                        {n_rows, n_columns, tile.has_factors, 0, static_cast<int>(found.tiles.size())});
    }
    ++*(found.runs.end() - 2);
    const std::vector<int> order = order_of(tile);
    std::vector<double> factors;
    for (const int k : order) factors.push_back((*tile.factors)[k]);
    const auto [place, is_new] = places.emplace(factors, found.factors.size());
    if (is_new) found.factors.insert(found.factors.end(), factors.begin(), factors.end());
    found.tiles.push_back(static_cast<int>(tile.n_k()));
    found.tiles.push_back(static_cast<int>(place->second));
    found.tiles.insert(found.tiles.end(), tile.targets.begin(), tile.targets.end());
    for (const int k : order)
      for (const auto* lines : {&tile.rows, &tile.columns})
        for (const Indices* indices : *lines) found.tiles.push_back((*indices)[k]);
  }
  return found;
}

}  // namespace forcesmith
