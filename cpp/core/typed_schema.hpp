// Schemas that know the struct behind them: one line says a parameter's member, name, unit and meaning; its type,
// default, reader and writer follow.
//
//   const SchemaOf<Parameters>& schema_of_parameters() {
//     static const auto schema = SchemaOf<Parameters>()
//         .field(&Parameters::cutoff, "cutoff", "angstrom", "distance beyond which neighbors do not count").required()
//         .field(&Parameters::alpha, "alpha", "", "decay of the weights");
//     return schema;
//   }
//
// The default is the member's initial value; optional members, and lists that are empty at first, may be absent, and
// are not written then. Whether values make sense is not the schema's business.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/error.hpp"
#include "core/parameter_schema.hpp"
#include "core/text.hpp"

namespace forcesmith {

/// A place in a JSON document, for messages: in model "neural_network" in "a.json", "networks"[0].
struct Place {
  std::string where, path = "";

  Place operator[](std::size_t index) const { return {where, path + "[" + std::to_string(index) + "]"}; }
  Place operator[](const std::string& key) const {
    const std::string quoted = "\"" + key + "\"";
    return {where, path.empty() ? quoted : path + "[" + quoted + "]"};
  }
  std::string text() const { return path.empty() ? where : path + " of " + where; }
};

/// Refuses anything but a list of `count` `things`, for example "number(s), one per element".
void check_list(const Json& list, std::size_t count, const std::string& things, const Place& place);
std::vector<double> numbers_of(const Json& list, std::size_t count, const std::string& things, const Place& place);

/// A list for every element, from such lists or one list for all.
std::vector<Json> lists_per_element(const Json& list, std::size_t n_elements, const Place& place);

/// What lists_per_element() reads: lists of all elements, or the one list if they are equal.
template <class List>
Json merged(const std::vector<List>& lists) {
  for (const List& list : lists)
    if (list != lists.front()) return lists;
  return lists.front();
}

/// The values of an enumeration by their names in files.
template <class Value>
class Enumeration {
 public:
  /// kind: for messages, for example "cutoff function".
  Enumeration(std::string kind, std::vector<std::pair<std::string, Value>> names)
      : kind_(std::move(kind)), names_(std::move(names)) {}

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, value] : names_) all.push_back(name);
    return all;
  }
  const std::string& name_of(Value value) const {
    return std::find_if(names_.begin(), names_.end(), [&](const auto& entry) { return entry.second == value; })->first;
  }
  /// Throws ParameterError naming `where` for an unknown name, or what is no name.
  Value value_of(const Json& name, const std::string& where) const {
    for (const auto& [own, value] : names_)
      if (name == own) return value;
    throw ParameterError(
        where + ": " + unknown_name_message(kind_, name.is_string() ? name.get<std::string>() : name.dump(), names()));
  }

 private:
  std::string kind_;
  std::vector<std::pair<std::string, Value>> names_;
};

// ---- how values of one type are read and written ----

template <class Value>
struct Form {
  std::string type;                  // as in ParameterField
  std::vector<std::string> choices;  // the same
  std::function<Value(const Json&, const Place&)> read;
  std::function<Json(const Value&)> write;
};

namespace typed_values {

template <class>
struct IsVector : std::false_type {};
template <class Item>
struct IsVector<std::vector<Item>> : std::true_type {};

template <class>
struct IsArray : std::false_type {};
template <class Item, std::size_t size>
struct IsArray<std::array<Item, size>> : std::true_type {};

template <class Value>
struct WithoutOptional {
  using Type = Value;
};
template <class Value>
struct WithoutOptional<std::optional<Value>> {
  using Type = Value;
};

/// A struct with a schema of its own.
template <class Value>
concept HasSchema = requires { Value::schema(); };

template <class Value>
std::string type_of() {
  if constexpr (std::is_same_v<Value, bool>) return "boolean";
  else if constexpr (std::is_same_v<Value, int>) return "integer";
  else if constexpr (std::is_same_v<Value, double>) return "number";
  else if constexpr (std::is_same_v<Value, std::string>) return "string";
  else if constexpr (HasSchema<Value>) return "object";
  else {
    static_assert(IsVector<Value>::value || IsArray<Value>::value, "give the field a form");
    return "array";
  }
}

/// "list of lists of 4 integers"; plural: "lists of numbers"
template <class Value>
std::string description(bool plural = false) {
  std::string text = IsVector<Value>::value || IsArray<Value>::value ? "list" : type_of<Value>();
  if (plural) text += "s";
  if constexpr (IsVector<Value>::value) text += " of " + description<typename Value::value_type>(true);
  if constexpr (IsArray<Value>::value)
    text += " of " + std::to_string(std::tuple_size_v<Value>) + " " + description<typename Value::value_type>(true);
  return text;
}

template <class Value>
bool holds(const Json& json) {
  if constexpr (IsVector<Value>::value || IsArray<Value>::value) {
    if constexpr (IsArray<Value>::value)
      if (json.size() != std::tuple_size_v<Value>) return false;
    return json.is_array() && std::all_of(json.begin(), json.end(), holds<typename Value::value_type>);
  } else if constexpr (std::is_same_v<Value, double>) {
    return json.is_number();  // of these there are many
  } else {
    return has_type(json, type_of<Value>());
  }
}

/// A list of structs with a schema of their own.
template <class Value>
concept HoldsSchemas = IsVector<Value>::value && HasSchema<typename Value::value_type>;

template <class Value>
Value read(const Json& json, const Place& place) {
  if constexpr (HasSchema<Value>) {
    return Value::schema().read(json, place);
  } else if constexpr (HoldsSchemas<Value>) {
    Value list;
    for (const Json& item : json) list.push_back(Value::value_type::schema().read(item, place[list.size()]));
    return list;
  } else if constexpr (std::is_same_v<Value, bool>) {
    return json == true || json == 1;
  } else {
    if (!holds<Value>(json))
      throw FormatError(place.where + ": " + place.path + " must be a " + description<Value>() + ", but is " +
                        json.dump().substr(0, 60) + ".");
    return json.get<Value>();
  }
}

template <class Value>
Json write(const Value& value) {
  if constexpr (HasSchema<Value>) return Value::schema().write(value);
  else if constexpr (HoldsSchemas<Value>) {
    Json list = Json::array();
    for (const auto& item : value) list.push_back(item.schema().write(item));
    return list;
  } else return value;
}

template <class Value>
bool may_be_absent(const Value& initial) {
  if constexpr (IsVector<Value>::value) return initial.empty();
  else return false;
}
template <class Value>
bool may_be_absent(const std::optional<Value>&) {
  return true;
}

}  // namespace typed_values

template <class Value>
Form<Value> form_of() {
  return {typed_values::type_of<Value>(), {}, typed_values::read<Value>, typed_values::write<Value>};
}

/// As it is, for what needs more than a type to be understood.
inline Form<Json> json_form(const std::string& type) {
  return {type, {}, [](const Json& json, const Place&) { return json; }, [](const Json& json) { return json; }};
}

/// A list of `count` numbers; things: as for check_list.
Form<std::vector<double>> numbers_form(std::size_t count, const std::string& things);

/// Lists of numbers, counts[i] in list i; lists, numbers: as for check_list.
Form<std::vector<std::vector<double>>> lists_form(const std::vector<int>& counts, const std::string& lists,
                                                  const std::string& numbers);

template <class Value>
Form<Value> form_of(const Enumeration<Value>& names) {
  return {"string", names.names(),
          [names](const Json& name, const Place& place) { return names.value_of(name, place.where); },
          [names](const Value& value) { return names.name_of(value); }};
}

// ---- schemas ----

template <class Parameters>
class SchemaOf {
 public:
  /// value: the default, or null if there is none, if the parameter is absent.
  using Read = std::function<void(Parameters&, const Json& value, const Place& place, int n_elements)>;
  /// null: not written.
  using Write = std::function<Json(const Parameters&)>;

  SchemaOf() = default;
  /// The schema of a struct that Parameters extends.
  template <class Base>
    requires(std::is_base_of_v<Base, Parameters> && !std::is_same_v<Base, Parameters>)
  explicit SchemaOf(const SchemaOf<Base>& base) : fields_(base.fields_) {
    for (const auto& access : base.access_) access_.push_back({access.read, access.write});
  }

  template <class Base, class Value, class Own = typename typed_values::WithoutOptional<Value>::Type>
  SchemaOf& field(Value Base::* member, const std::string& name, const std::string& unit, const std::string& doc,
                  const Form<Own>& form = form_of<Own>()) {
    const auto written = [form](const Value& value) -> Json {
      if constexpr (std::is_same_v<Value, Own>) return form.write(value);
      else return value ? form.write(*value) : Json();
    };
    const Value initial = Parameters{}.*member;
    const bool optional = typed_values::may_be_absent(initial);
    return custom(
        {name, form.type, unit, optional ? Json() : written(initial), doc, optional, false, form.choices},
        [member, form](Parameters& p, const Json& value, const Place& place, int) {
          if (!value.is_null()) p.*member = form.read(value, place);
        },
        [member, written](const Parameters& p) { return written(p.*member); });
  }

  /// A number for every element, `fallback` for each if absent; without fallback none.
  template <class Base>
  SchemaOf& per_element(std::vector<double> Base::* member, std::optional<double> fallback, const std::string& name,
                        const std::string& unit, const std::string& doc) {
    return custom(
        {name, "array", unit, {}, doc + (fallback ? "; default " + printed(*fallback) : ""), true},
        [member, fallback](Parameters& p, const Json& value, const Place& place, int n_elements) {
          if (!value.is_null()) p.*member = numbers_of(value, n_elements, "number(s), one per element", place);
          else if (fallback) (p.*member).assign(n_elements, *fallback);
        },
        [member](const Parameters& p) { return (p.*member).empty() ? Json() : Json(p.*member); });
  }

  /// Any other kind.
  SchemaOf& custom(ParameterField field, Read read, Write write) {
    fields_.push_back(std::move(field));
    access_.push_back({std::move(read), std::move(write)});
    return *this;
  }

  // Of the field before it:

  SchemaOf& required() {
    fields_.back().default_value = {};
    fields_.back().optional = false;
    return *this;
  }
  /// May be absent, and has no default of its own: read() leaves what was there.
  SchemaOf& optional() {
    fields_.back().default_value = {};
    fields_.back().optional = true;
    return *this;
  }
  /// Made by training.
  SchemaOf& trained() {
    fields_.back().optional = fields_.back().trained = true;
    return *this;
  }
  /// Is read, but files hold what was made of it.
  SchemaOf& not_written() {
    access_.back().write = [](const Parameters&) { return Json(); };
    return *this;
  }

  const ParameterSchema& fields() const { return fields_; }

  /// Throws ParameterError or FormatError naming the place for what does not fit. p: what absent parameters leave.
  Parameters read(const Json& given, const Place& place, int n_elements = 0, Parameters p = {}) const {
    check_parameters(fields_, given, place.text());
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const auto found = given.find(fields_[i].name);
      const bool absent = found == given.end() || found->is_null();
      access_[i].read(p, absent ? fields_[i].default_value : *found, place[fields_[i].name], n_elements);
    }
    return p;
  }

  /// What read() reads.
  Json write(const Parameters& p) const {
    Json json = Json::object();
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      Json value = access_[i].write(p);
      const bool absent = value.is_null() || (fields_[i].optional && value == Json::array());
      if (!absent) json[fields_[i].name] = std::move(value);
    }
    return json;
  }

 private:
  template <class>
  friend class SchemaOf;

  struct Access {
    Read read;
    Write write;
  };

  ParameterSchema fields_;
  std::vector<Access> access_;  // of each field
};

}  // namespace forcesmith
