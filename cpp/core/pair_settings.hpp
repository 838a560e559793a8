// Settings that pairs of elements have in common or, in a list, each of its own; and other lists of structs with a
// schema, one per element.
#pragma once

#include <string>
#include <vector>

#include "core/typed_schema.hpp"

namespace forcesmith {

/// [element] lists of structs with a schema; things: for messages.
template <class Item>
std::vector<std::vector<Item>> read_lists(const Json& value, int n_elements, const std::string& things,
                                          const Place& place) {
  check_list(value, n_elements, "list(s), one per element", place);
  std::vector<std::vector<Item>> lists(n_elements);
  for (int element = 0; element < n_elements; ++element) {
    const Place own = place[element];
    if (!value[element].is_array()) throw FormatError(own.text() + " must be a list of " + things + ".");
    for (const Json& item : value[element])
      lists[element].push_back(Item::schema().read(item, own[lists[element].size()]));
  }
  return lists;
}
template <class Item>
Json write_lists(const std::vector<std::vector<Item>>& lists) {
  Json all = Json::array();
  for (const auto& list : lists) {
    Json items = Json::array();
    for (const Item& item : list) items.push_back(Item::schema().write(item));
    all.push_back(std::move(items));
  }
  return all;
}

/// Adds the settings of single pairs to a schema that has those of all: p.*member, [center element][neighbor element].
template <class Parameters, class Pair>
void add_pairs_field(SchemaOf<Parameters>& schema, std::vector<std::vector<Pair>> Parameters::* member,
                     const std::string& name) {
  schema.custom(
      {name,
       "array",
       "",
       {},
       "these settings where pairs of elements differ, [center element][neighbor element]",
       true},
      [member](Parameters& p, const Json& value, const Place& place, int n_elements) {
        if (value.is_null()) return;
        p.*member = read_lists<Pair>(value, n_elements, "settings of pairs", place);
        for (const auto& row : p.*member)
          if (static_cast<int>(row.size()) != n_elements)
            throw FormatError(place.text() + " must have settings for all " + std::to_string(n_elements) +
                              " elements in every list, but has " + std::to_string(row.size()) + " in one.");
      },
      [member](const Parameters& p) { return write_lists(p.*member); });
}

/// [center element][neighbor element], one after the other; all: of the pairs that have none of their own.
template <class Pair>
std::vector<Pair> settings_of_pairs(const Pair& all, const std::vector<std::vector<Pair>>& given,
                                    std::size_t n_elements) {
  if (given.empty()) return std::vector<Pair>(n_elements * n_elements, all);
  std::vector<Pair> pairs;
  for (const auto& row : given) pairs.insert(pairs.end(), row.begin(), row.end());
  return pairs;
}
/// And back: empty if they are all the same.
template <class Pair>
std::vector<std::vector<Pair>> differing_pairs(const std::vector<Pair>& pairs, std::size_t n_elements) {
  std::vector<std::vector<Pair>> rows;
  if (std::ranges::any_of(pairs, [&](const Pair& pair) { return pair != pairs.front(); }))
    for (std::size_t center = 0; center < n_elements; ++center)
      rows.emplace_back(pairs.begin() + center * n_elements, pairs.begin() + (center + 1) * n_elements);
  return rows;
}

}  // namespace forcesmith
