#include "core/typed_schema.hpp"

namespace forcesmith {

void check_list(const Json& list, std::size_t count, const std::string& things, const Place& place) {
  if (!list.is_array())
    throw FormatError(place.text() + " must be a list of " + std::to_string(count) + " " + things + ", but is " +
                      list.dump().substr(0, 60) + ".");
  if (list.size() != count)
    throw FormatError(place.text() + " must hold " + std::to_string(count) + " " + things + ", found " +
                      std::to_string(list.size()) + ".");
}

std::vector<double> numbers_of(const Json& list, std::size_t count, const std::string& things, const Place& place) {
  check_list(list, count, things, place);
  for (const Json& item : list)
    if (!item.is_number())
      throw FormatError(place.text() + " must hold " + things + ", but one is " + item.dump().substr(0, 60) + ".");
  return list.get<std::vector<double>>();
}

std::vector<Json> lists_per_element(const Json& list, std::size_t n_elements, const Place& place) {
  if (list.empty() || !list.front().is_array()) return std::vector<Json>(n_elements, list);
  check_list(list, n_elements, "lists, one per element (or be one list for all)", place);
  for (std::size_t element = 0; element < n_elements; ++element)
    if (!list[element].is_array())
      throw FormatError(place[element].text() + " must be a list, as the others are, but is " +
                        list[element].dump().substr(0, 60) + ".");
  return list.get<std::vector<Json>>();
}

Form<std::vector<double>> numbers_form(std::size_t count, const std::string& things) {
  using Numbers = std::vector<double>;
  return {"array",
          {},
          [=](const Json& list, const Place& place) { return numbers_of(list, count, things, place); },
          [](const Numbers& values) { return Json(values); }};
}

Form<std::vector<std::vector<double>>> lists_form(const std::vector<int>& counts, const std::string& lists,
                                                  const std::string& numbers) {
  using Lists = std::vector<std::vector<double>>;
  return {"array",
          {},
          [=](const Json& given, const Place& place) {
            check_list(given, counts.size(), lists, place);
            Lists all;
            for (std::size_t i = 0; i < counts.size(); ++i)
              all.push_back(numbers_of(given[i], counts[i], numbers, place[i]));
            return all;
          },
          [](const Lists& values) { return Json(values); }};
}

}  // namespace forcesmith
