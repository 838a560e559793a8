#include "descriptors/symmetry_functions/functions.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/text.hpp"
#include "core/typed_schema.hpp"

namespace forcesmith::symmetry_functions {

namespace {

using Type = FunctionType;

struct NamedType {
  const char* name;
  Type type;
  bool divided;  // eta is given times the square of the cutoff
};

// All but the last three are what is written; numbers are understood too.
constexpr std::array<NamedType, 14> named_types{
    {{"radial", Type::radial, false},
     {"angular_narrow", Type::angular_narrow, false},
     {"angular_wide", Type::angular_wide, false},
     {"weighted_radial", Type::weighted_radial, false},
     {"weighted_angular", Type::weighted_angular, false},
     {"compact_radial", Type::compact_radial, false},
     {"compact_angular_narrow", Type::compact_angular_narrow, false},
     {"compact_angular_wide", Type::compact_angular_wide, false},
     {"compact_weighted_radial", Type::compact_weighted_radial, false},
     {"compact_weighted_angular_narrow", Type::compact_weighted_angular_narrow, false},
     {"compact_weighted_angular_wide", Type::compact_weighted_angular_wide, false},
     {"G2", Type::radial, true},
     {"G4", Type::angular_narrow, true},
     {"G5", Type::angular_wide, true}}};

struct NamedCore {
  const char* subtype;
  CutoffFunction core;
  bool asymmetric;
};

constexpr std::array<NamedCore, 9> named_cores{{{"p1", CutoffFunction::poly1, false},
                                                {"p1a", CutoffFunction::poly1, true},
                                                {"p2", CutoffFunction::poly2, false},
                                                {"p2a", CutoffFunction::poly2, true},
                                                {"p3", CutoffFunction::poly3, false},
                                                {"p3a", CutoffFunction::poly3, true},
                                                {"p4", CutoffFunction::poly4, false},
                                                {"p4a", CutoffFunction::poly4, true},
                                                {"e", CutoffFunction::exp, false}}};

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
                       " n2p2's numbers 2, 3, 9, 12, 13 and 20 to 25 are understood too.");
}

void set_core(Function& function, const std::string& subtype, const std::string& where) {
  std::vector<std::string> known;
  for (const NamedCore& entry : named_cores) {
    known.push_back(entry.subtype);
    if (subtype != entry.subtype) continue;
    function.core = entry.core;
    function.asymmetric = entry.asymmetric;
    return;
  }
  throw ParameterError(where + ": " + unknown_name_message("subtype of compact functions", subtype, known));
}

/// What only compact functions have.
void check_compact(const Function& function, const std::string& where) {
  if (!(function.rl < function.cutoff) || !std::isfinite(function.rl))
    throw ParameterError(where + ": rl must be less than the cutoff, but they are " + printed(function.rl) + " and " +
                         printed(function.cutoff) + " angstrom.");
  if (!function.angular()) return;
  const double left = function.angle_left, right = function.angle_right;
  if (!(left < right))
    throw ParameterError(where + ": angle_left must be less than angle_right, but they are " + printed(left) + " and " +
                         printed(right) + " degrees.");
  // Elsewhere the function would have a kink at 0 or 180 degrees.
  const double center = (left + right) / 2.0;
  if ((left < 0.0 && center != 0.0) || (right > 180.0 && center != 180.0))
    throw ParameterError(
        where + ": angles must lie between 0 and 180 degrees, or symmetrically around 0 or around 180, not between " +
        printed(left) + " and " + printed(right) + ".");
}

}  // namespace

std::string subtype_of(const Function& function) {
  return std::find_if(named_cores.begin(), named_cores.end(),
                      [&](const NamedCore& entry) {
                        return entry.core == function.core && entry.asymmetric == function.asymmetric;
                      })
      ->subtype;
}

namespace {

/// An element by its symbol.
Form<int> element_form(const std::vector<std::string>& elements) {
  return {"string", elements,
          [elements](const Json& given, const Place& place) {
            const auto found = std::find_if(elements.begin(), elements.end(),
                                            [&](const std::string& element) { return given == element; });
            if (found == elements.end())
              throw ParameterError(place.where + ": " + place.path + " names " + given.dump().substr(0, 60) +
                                   ", which is not an element of the potential (" + joined(elements) + ").");
            return static_cast<int>(found - elements.begin());
          },
          [elements](const int& element) { return Json(elements[element]); }};
}

/// What functions of a type have.
SchemaOf<Function> schema_of(Type type, const std::vector<std::string>& elements) {
  using F = Function;
  const F kind{type};
  const std::string name = type_name(type);
  const Form<int> element = element_form(elements);
  SchemaOf<F> schema;
  schema.custom(
      {"type", "string", "", {}, "kind of symmetry function"}, [type](F& f, auto&&...) { f.type = type; },
      [name](const F&) { return Json(name); });
  schema.field(&F::center, "center", "", "element of the central atom", element).required();
  if (kind.compact()) {
    schema.field(&F::rl, "rl", "angstrom", "lower end of the distances that count; below 0: those around the center")
        .required();
    schema.custom(
        {"subtype", "string", "", {}, "core function: p1 to p4, with an \"a\" behind if it is asymmetric, or e"},
        [](F& f, const Json& value, const Place& place, int) { set_core(f, value, place.where); },
        [](const F& f) { return Json(subtype_of(f)); });
  } else {
    schema.field(&F::eta, "eta", "1/angstrom^2", "width of the Gaussian").required();
    schema.field(&F::rs, "rs", "angstrom", "center of the Gaussian");
  }
  schema.field(&F::cutoff, "cutoff", "angstrom", "cutoff of the function").optional();
  if (!kind.weighted())
    schema.custom(
        {"neighbors", "array", "", {}, "elements of the neighbors"},
        [name, element, expected = kind.angular() ? 2u : 1u](F& f, const Json& list, const Place& place, int) {
          if (list.size() != expected)
            throw ParameterError(place.where + ": a function of type \"" + name + "\" has " + std::to_string(expected) +
                                 " neighbor(s), but \"neighbors\" is " + list.dump().substr(0, 60) + ".");
          for (const Json& neighbor : list) f.neighbors.push_back(element.read(neighbor, place));
        },
        [element](const F& f) {
          Json list = Json::array();
          for (int neighbor : f.neighbors) list.push_back(element.write(neighbor));
          return list;
        });
  if (kind.angular() && kind.compact()) {
    schema.field(&F::angle_left, "angle_left", "degrees", "lower end of the angles that count").required();
    schema.field(&F::angle_right, "angle_right", "degrees", "upper end of the angles that count").required();
  } else if (kind.angular()) {
    schema.field(&F::lambda, "lambda", "", "1 or -1: angles near 0 or near 180 degrees").required();
    schema.field(&F::zeta, "zeta", "", "angular resolution").required();
  }
  return schema;
}

}  // namespace

Function parse_function(Json given, double cutoff, const std::vector<std::string>& elements, const std::string& where) {
  if (!given.is_object() || !given.contains("type"))
    throw ParameterError(where + " must be an object with a \"type\", but is " + given.dump().substr(0, 60) + ".");
  const NamedType& named = parse_type(given.at("type"), where);
  given["type"] = named.name;
  Function start;
  start.cutoff = cutoff;
  Function function = schema_of(named.type, elements).read(given, {where}, 0, start);
  if (!(function.cutoff > 0.0) || !std::isfinite(function.cutoff))
    throw ParameterError(where + ": the cutoff must be positive, not " + printed(function.cutoff) + ".");
  if (function.compact()) {
    check_compact(function, where);
    return function;
  }
  for (const auto& [key, value] : {std::pair("eta", function.eta), std::pair("rs", function.rs)})
    if (!(value >= 0.0) || !std::isfinite(value))
      throw ParameterError(where + ": " + key + " must not be negative, but is " + printed(value) + ".");
  if (named.divided) function.eta /= function.cutoff * function.cutoff;
  if (!function.angular()) return function;
  if (std::abs(function.lambda) != 1.0)
    throw ParameterError(where + ": lambda must be 1 or -1, not " + printed(function.lambda) + ".");
  if (!(function.zeta >= 1.0 && function.zeta <= 1e6))
    throw ParameterError(
        where +
        ": zeta must be at least 1 (below, forces would be infinite at 180 degrees) and at most a million, not " +
        printed(function.zeta) + ".");
  return function;
}

std::vector<Function> parse_functions(const Json& list, double cutoff, const std::vector<std::string>& elements,
                                      const std::string& where) {
  std::vector<Function> functions;
  for (const Json& given : list)
    functions.push_back(
        parse_function(given, cutoff, elements, "functions[" + std::to_string(functions.size()) + "] of " + where));
  return functions;
}

Json to_json(const Function& function, const std::vector<std::string>& elements) {
  return schema_of(function.type, elements).write(function);
}

std::string name_of(const Function& function, const std::vector<std::string>& elements) {
  std::string name = type_name(function.type);
  for (int neighbor : function.neighbors) name += " " + elements[neighbor];
  if (function.compact()) {
    name += " " + subtype_of(function) + " rl=" + printed(function.rl);
    if (function.angular())
      name += " angle_left=" + printed(function.angle_left) + " angle_right=" + printed(function.angle_right);
    return name + " cutoff=" + printed(function.cutoff);
  }
  name += " eta=" + printed(function.eta) + " rs=" + printed(function.rs);
  if (function.angular()) name += " lambda=" + printed(function.lambda) + " zeta=" + printed(function.zeta);
  return name + " cutoff=" + printed(function.cutoff);
}

namespace {

/// How many of the generated radial functions are not centered at the atom.
int n_shifted_of(int radial) { return radial < 4 ? 0 : radial / 2; }

/// Calls for_pair(first, second) for every pair of elements.
template <class ForPair>
void for_each_pair(int n_elements, const ForPair& for_pair) {
  for (int first = 0; first < n_elements; ++first)
    for (int second = first; second < n_elements; ++second) for_pair(first, second);
}

}  // namespace

std::vector<Function> generate_functions(double cutoff, int radial, int angular, int n_elements) {
  // n^(m/n), 0 <= m <= n
  auto step = [](int m, int n) { return std::pow(n, static_cast<double>(m) / n); };
  auto centered_eta = [&](int m, int n) { return std::pow(step(m, n) / cutoff, 2); };
  const int n_shifted = n_shifted_of(radial), n_centered = radial - n_shifted;
  std::vector<Function> functions;
  for (int center = 0; center < n_elements; ++center) {
    for (int neighbor = 0; neighbor < n_elements; ++neighbor) {
      Function function{Type::radial, center, {neighbor}, 0.0, 0.0, 1.0, 1.0, cutoff};
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
    for_each_pair(n_elements, [&](int first, int second) {
      for (int m = 0; m < angular; ++m)
        for (int power = 0; power < angular; ++power)
          for (double lambda : {-1.0, 1.0})
            functions.push_back({Type::angular_narrow,
                                 center,
                                 {first, second},
                                 centered_eta(m, angular),
                                 0.0,
                                 lambda,
                                 std::pow(4.0, power),
                                 cutoff});
    });
  }
  return functions;
}

std::vector<Function> generate_compact_functions(double cutoff, int radial, int angular, int n_elements,
                                                 FunctionType type, const std::string& subtype,
                                                 const std::string& where) {
  // r_m, 1 <= m <= n; the last one is the cutoff itself
  auto distance = [&](int m, int n) { return m == n ? cutoff : cutoff * (1.0 + 2.0 * m / n) / 3.0; };
  const int n_shells = n_shifted_of(radial), n_centered = radial - n_shells;
  const int n_angles = 2 * angular;
  Function function;
  set_core(function, subtype, where);
  std::vector<Function> functions;
  auto add = [&](double rl, double rc) {
    function.rl = rl;
    function.cutoff = rc;
    functions.push_back(function);
  };
  for (int center = 0; center < n_elements; ++center) {
    function.center = center;
    function.type = Type::compact_radial;
    for (int neighbor = 0; neighbor < n_elements; ++neighbor) {
      function.neighbors = {neighbor};
      for (int m = 1; m <= n_centered; ++m) add(-distance(m, n_centered), distance(m, n_centered));
      for (int m = 1; m <= n_shells; ++m) add(distance(m, n_shells) - 2.0 * cutoff / 3.0, distance(m, n_shells));
    }
    function.type = type;
    for_each_pair(n_elements, [&](int first, int second) {
      function.neighbors = {first, second};
      for (int m = 1; m <= angular; ++m)
        for (int k = 0; k < n_angles; ++k) {
          const double w = 180.0 / (n_angles - 1);
          function.angle_left = (k - 1) * w;
          // exactly symmetric around 180 degrees, or not beyond
          function.angle_right = k == n_angles - 1 ? 360.0 - function.angle_left : std::min((k + 1) * w, 180.0);
          add(-distance(m, angular), distance(m, angular));
        }
    });
    function.angle_left = function.angle_right = 0.0;
  }
  return functions;
}

}  // namespace forcesmith::symmetry_functions
