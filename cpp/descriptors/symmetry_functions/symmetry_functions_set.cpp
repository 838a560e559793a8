#include "descriptors/symmetry_functions/symmetry_functions_set.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/text.hpp"

namespace forcesmith {

namespace {

using Type = SymmetryFunctionType;

struct NamedType {
  const char* name;
  Type type;
  bool divided;  // eta is given times the square of the cutoff
};

// The first five are what is written; numbers are understood too.
constexpr std::array<NamedType, 8> named_types{{{"radial", Type::radial, false},
                                                {"angular_narrow", Type::angular_narrow, false},
                                                {"angular_wide", Type::angular_wide, false},
                                                {"weighted_radial", Type::weighted_radial, false},
                                                {"weighted_angular", Type::weighted_angular, false},
                                                {"G2", Type::radial, true},
                                                {"G4", Type::angular_narrow, true},
                                                {"G5", Type::angular_wide, true}}};

const char* type_name(Type type) {
  return std::find_if(named_types.begin(), named_types.end(),
                      [&](const NamedType& entry) { return entry.type == type; })
      ->name;
}

const NamedType& parse_type(const Json& given, const std::string& where) {
  std::vector<std::string> known;
  for (const NamedType& entry : named_types) {
    const int number = static_cast<int>(entry.type);
    if (given == entry.name || (given == number && !entry.divided)) return entry;
    known.push_back(entry.name);
  }
  const std::string name = given.is_string() ? given.get<std::string>() : given.dump().substr(0, 60);
  throw ParameterError(where + ": " + unknown_name_message("symmetry function type", name, known) +
                       " n2p2's numbers 2, 3, 9, 12 and 13 are understood too.");
}

int parse_element(const Json& given, const std::vector<std::string>& elements, const std::string& where,
                  const std::string& key) {
  const auto found = std::find_if(elements.begin(), elements.end(),
                                  [&](const std::string& element) { return given == element; });
  if (found == elements.end())
    throw ParameterError(where + ": \"" + key + "\" names " + given.dump().substr(0, 60) +
                         ", which is not an element of the potential (" + joined(elements) + ").");
  return static_cast<int>(found - elements.begin());
}

ParameterSchema schema_of(bool angular, bool weighted) {
  ParameterSchema schema{{"type", "string", "", {}, "kind of symmetry function"},
                         {"center", "string", "", {}, "element of the central atom"},
                         {"eta", "number", "1/angstrom^2", {}, "width of the Gaussian"},
                         {"rs", "number", "angstrom", 0.0, "center of the Gaussian"},
                         {"cutoff", "number", "angstrom", {}, "cutoff of the function", true}};
  if (!weighted) schema.push_back({"neighbors", "array", "", {}, "elements of the neighbors"});
  if (angular) {
    schema.push_back({"lambda", "number", "", {}, "1 or -1: angles near 0 or near 180 degrees"});
    schema.push_back({"zeta", "number", "", {}, "angular resolution"});
  }
  return schema;
}

}  // namespace

SymmetryFunction parse_symmetry_function(Json given, double cutoff,
                                         const std::vector<std::string>& elements,
                                         const std::string& where) {
  if (!given.is_object() || !given.contains("type"))
    throw ParameterError(where + " must be an object with a \"type\", but is " +
                         given.dump().substr(0, 60) + ".");
  const NamedType& named = parse_type(given.at("type"), where);
  SymmetryFunction function;
  function.type = named.type;
  given["type"] = named.name;
  const bool weighted = function.type == Type::weighted_radial || function.type == Type::weighted_angular;
  const Json checked = checked_parameters(schema_of(function.angular(), weighted), given, where);
  function.center = parse_element(checked.at("center"), elements, where, "center");
  if (!weighted) {
    const std::size_t expected = function.angular() ? 2 : 1;
    const Json& neighbors = checked.at("neighbors");
    if (neighbors.size() != expected)
      throw ParameterError(where + ": a function of type \"" + named.name + "\" has " +
                           std::to_string(expected) + " neighbor(s), but \"neighbors\" is " +
                           neighbors.dump().substr(0, 60) + ".");
    for (const Json& neighbor : neighbors)
      function.neighbors.push_back(parse_element(neighbor, elements, where, "neighbors"));
  }
  function.cutoff = checked.value("cutoff", cutoff);
  if (!(function.cutoff > 0.0) || !std::isfinite(function.cutoff))
    throw ParameterError(where + ": the cutoff must be positive, not " + printed(function.cutoff) + ".");
  auto not_negative = [&](const std::string& key) {
    const double value = checked.at(key);
    if (!(value >= 0.0) || !std::isfinite(value))
      throw ParameterError(where + ": " + key + " must not be negative, but is " + printed(value) + ".");
    return value;
  };
  function.eta = not_negative("eta");
  if (named.divided) function.eta /= function.cutoff * function.cutoff;
  function.rs = not_negative("rs");
  if (!function.angular()) return function;
  function.lambda = checked.at("lambda");
  if (std::abs(function.lambda) != 1.0)
    throw ParameterError(where + ": lambda must be 1 or -1, not " + printed(function.lambda) + ".");
  function.zeta = checked.at("zeta");
  if (!(function.zeta >= 1.0 && function.zeta <= 1e6))
    throw ParameterError(where + ": zeta must be at least 1 (below, forces would be infinite at 180 degrees) and at most a million, not " +
                         printed(function.zeta) + ".");
  return function;
}

std::vector<SymmetryFunction> parse_symmetry_functions(const Json& list, double cutoff,
                                                       const std::vector<std::string>& elements,
                                                       const std::string& where) {
  std::vector<SymmetryFunction> functions;
  for (const Json& given : list)
    functions.push_back(parse_symmetry_function(
        given, cutoff, elements, "functions[" + std::to_string(functions.size()) + "] of " + where));
  return functions;
}

Json to_json(const SymmetryFunction& function, const std::vector<std::string>& elements) {
  Json json{{"type", type_name(function.type)},
            {"center", elements[function.center]},
            {"eta", function.eta},
            {"rs", function.rs},
            {"cutoff", function.cutoff}};
  for (int neighbor : function.neighbors) json["neighbors"].push_back(elements[neighbor]);
  if (function.angular()) {
    json["lambda"] = function.lambda;
    json["zeta"] = function.zeta;
  }
  return json;
}

std::string name_of(const SymmetryFunction& function, const std::vector<std::string>& elements) {
  std::string name = type_name(function.type);
  for (int neighbor : function.neighbors) name += " " + elements[neighbor];
  name += " eta=" + printed(function.eta) + " rs=" + printed(function.rs);
  if (function.angular())
    name += " lambda=" + printed(function.lambda) + " zeta=" + printed(function.zeta);
  return name + " cutoff=" + printed(function.cutoff);
}

std::vector<SymmetryFunction> generate_symmetry_functions(double cutoff, int radial, int angular,
                                                          int n_elements) {
  // n^(m/n), 0 <= m <= n
  auto step = [](int m, int n) { return std::pow(n, static_cast<double>(m) / n); };
  auto centered_eta = [&](int m, int n) { return std::pow(step(m, n) / cutoff, 2); };
  const int n_shifted = radial < 4 ? 0 : radial / 2, n_centered = radial - n_shifted;
  std::vector<SymmetryFunction> functions;
  for (int center = 0; center < n_elements; ++center) {
    for (int neighbor = 0; neighbor < n_elements; ++neighbor) {
      SymmetryFunction function{Type::radial, center, {neighbor}, 0.0, 0.0, 1.0, 1.0, cutoff};
      for (int m = 0; m < n_centered; ++m) {
        function.eta = centered_eta(m, n_centered);
        functions.push_back(function);
      }
      for (int m = n_shifted; m > 0; --m) {
        function.rs = cutoff / step(m, n_shifted);
        function.eta = std::pow(cutoff / step(m - 1, n_shifted) - function.rs, -2);
        functions.push_back(function);
      }
    }
    for (int first = 0; first < n_elements; ++first)
      for (int second = first; second < n_elements; ++second)
        for (int m = 0; m < angular; ++m)
          for (int power = 0; power < angular; ++power)
            for (double lambda : {-1.0, 1.0})
              functions.push_back({Type::angular_narrow, center, {first, second}, centered_eta(m, angular),
                                   0.0, lambda, std::pow(4.0, power), cutoff});
  }
  return functions;
}

}  // namespace forcesmith
