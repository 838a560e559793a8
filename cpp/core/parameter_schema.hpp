// Parameters are described once, by a schema: name, type, unit, default, one line of documentation.
// JSON checking, the Python signature and the documentation derive from it. typed_schema.hpp ties schemas to structs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace forcesmith {

using Json = nlohmann::json;

struct ParameterField {
  std::string name;
  std::string type;    // "integer", "number", "string", "boolean", "array", "object", or "one or another"
  std::string unit;    // "" if none
  Json default_value;  // null: must be given
  std::string doc;
  bool optional = false;  // may be absent although it has no default
  bool trained = false;   // made by training: may be absent only where a fit starts, not in a potential file
  std::vector<std::string> choices = {};  // what may be given, if that is one of a few names
};

using ParameterSchema = std::vector<ParameterField>;

template <class Parameters>
class SchemaOf;  // typed_schema.hpp

/// Throws ParameterError naming `where`, the key, and the nearest known key for an unknown one, unless `given` is an
/// object with what the schema wants.
void check_parameters(const ParameterSchema& schema, const Json& given, const std::string& where);

/// The same for what becomes no struct; returns it with the defaults filled in.
Json checked_parameters(const ParameterSchema& schema, Json given, const std::string& where);

/// Whether a value is of a type, as in ParameterField.
bool has_type(const Json& value, const std::string& type);

/// Throws ParameterError naming `where` unless everything is there that training makes.
void check_trained(const ParameterSchema& schema, const Json& given, const std::string& where);

/// The schema as JSON, for Python and the documentation.
Json to_json(const ParameterSchema& schema);

/// The entry of `known` closest to `name` by edit distance ("" if `known` is empty).
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

/// "moment_tensor, symmetry_functions"
std::string joined(const std::vector<std::string>& names);

/// The sentence for a name that a registry does not hold.
std::string unknown_name_message(const std::string& kind, const std::string& name,
                                 const std::vector<std::string>& known);

}  // namespace forcesmith
