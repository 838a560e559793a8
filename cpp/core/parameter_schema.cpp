#include "core/parameter_schema.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"

namespace forcesmith {

namespace {

int edit_distance(const std::string& a, const std::string& b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

bool has_type(const Json& value, const std::string& type) {
  if (const std::size_t choice = type.find(" or "); choice != std::string::npos)
    return has_type(value, type.substr(0, choice)) || has_type(value, type.substr(choice + 4));
  // Comparison after conversion: a larger integer would lose its upper bits.
  if (type == "integer") return value.is_number_integer() && value == value.get<int>();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean() || value == 0 || value == 1;  // LAMMPS writes flags as numbers
  if (type == "array") return value.is_array();
  return value.is_object();
}

std::string nearest_name(const std::string& name, const std::vector<std::string>& known) {
  if (known.empty()) return "";
  return *std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string unknown_name_message(const std::string& kind, const std::string& name,
                                 const std::vector<std::string>& known) {
  return "There is no " + kind + " \"" + name + "\"; did you mean \"" + nearest_name(name, known) +
         "\"? Known: " + joined(known) + ".";
}

void check_parameters(const ParameterSchema& schema, const Json& given, const std::string& where) {
  if (!given.is_object())
    throw ParameterError("The parameters of " + where + " must be an object of named values, not " +
                         given.dump().substr(0, 60) + ".");
  std::vector<std::string> names;
  for (const ParameterField& field : schema) names.push_back(field.name);
  for (const auto& item : given.items())
    if (std::find(names.begin(), names.end(), item.key()) == names.end())
      throw ParameterError("Unknown parameter \"" + item.key() + "\" of " + where + "; did you mean \"" +
                           nearest_name(item.key(), names) + "\"? Known: " + joined(names) + ".");
  for (const ParameterField& field : schema) {
    const auto found = given.find(field.name);
    if (found == given.end() || found->is_null()) {
      if (field.default_value.is_null() && !field.optional)
        throw ParameterError("The parameter \"" + field.name + "\" of " + where + " is missing: " + field.doc +
                             (field.unit.empty() ? "" : " (" + field.unit + ")") + ".");
      continue;
    }
    if (!has_type(*found, field.type))
      throw ParameterError("The parameter \"" + field.name + "\" of " + where + " must be of type " + field.type +
                           ", but is " + found->dump().substr(0, 60) + ".");
  }
}

Json checked_parameters(const ParameterSchema& schema, Json given, const std::string& where) {
  check_parameters(schema, given, where);
  for (const ParameterField& field : schema) {
    if (Json& value = given[field.name]; value.is_null()) value = field.default_value;
    if (given[field.name].is_null()) given.erase(field.name);
  }
  return given;
}

void check_trained(const ParameterSchema& schema, const Json& given, const std::string& where) {
  for (const ParameterField& field : schema)
    if (field.trained && (!given.is_object() || !given.contains(field.name) || given.at(field.name).is_null()))
      throw ParameterError("The trained parameter \"" + field.name + "\" of " + where +
                           " is missing, so the file holds half a potential: " + field.doc +
                           ". Write the file again from the potential that was fitted.");
}

Json to_json(const ParameterSchema& schema) {
  Json fields = Json::array();
  for (const ParameterField& field : schema)
    fields.push_back({{"name", field.name},
                      {"type", field.type},
                      {"unit", field.unit},
                      {"default", field.default_value},
                      {"optional", field.optional || !field.default_value.is_null()},
                      {"trained", field.trained},
                      {"choices", field.choices},
                      {"doc", field.doc}});
  return fields;
}

}  // namespace forcesmith
