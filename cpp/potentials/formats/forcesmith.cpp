#include "potentials/formats/forcesmith.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "core/chemical_elements.hpp"
#include "core/error.hpp"
#include "potentials/check_potential.hpp"
#include "potentials/information_vectors.hpp"
#include "potentials/registry.hpp"

namespace forcesmith {

namespace {

ParameterSchema document_schema(int version) {
  ParameterSchema schema{
      {"format", "string", "", {}, "always \"forcesmith potential\""},
      {"version", "integer", "", {}, "version of the format"},
      {"units", "object", "", {}, "length and energy units", true},
      {"elements", "array", "", {}, "element symbols, in the order of all element indices"},
      {"descriptors", "array", "", {}, "descriptors, their values are concatenated"},
      {"model", "object", "", {}, "model that turns descriptor values into site energies"},
      {"active_set", "object", "", {}, "\"file\" beside this one with what extrapolation grades need", true},
      {"short_range", "object", "", {}, "where the training data end at short range, and the wall there", true},
      {"provenance", "object", "", Json::object(), "where the potential came from"}};
  if (version == 1)
    schema.push_back({"zbl", "object", "", {}, "fixed repulsion of the nuclei, with its cutoffs", true});
  else schema.push_back({"terms", "array", "", Json::array(), "further terms of the energy, which fits do not change"});
  return schema;
}

/// The entry named by object["type"], and the object without that key.
template <class Entry>
const Entry& entry_of(Json& object, const std::vector<Entry>& registry, const std::string& kind,
                      const std::string& where) {
  if (!object.is_object() || !object.contains("type") || !object.at("type").is_string())
    throw FormatError("Every " + kind + " of " + where + " needs a \"type\", but one is " +
                      object.dump().substr(0, 60) + ".");
  const std::string name = object.at("type");
  object.erase("type");
  std::vector<std::string> known;
  for (const Entry& entry : registry) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw ParameterError(where + ": " + unknown_name_message(kind, name, known));
}

/// Everything that a list of the document names. kind: what messages call it.
template <class Entry>
auto made_of(Json& list, const std::vector<Entry>& registry, const std::string& kind,
             const std::vector<std::string>& elements, const std::string& path, const ReadOptions& options) {
  std::vector<decltype(registry[0].create({}, {}, {}))> made;
  for (Json& parameters : list) {
    const Entry& entry = entry_of(parameters, registry, kind, "the potential file \"" + path + "\"");
    const std::string where = kind + " \"" + entry.name + "\" in \"" + path + "\"";
    if (options.trained) check_trained(entry.schema(), parameters, where);
    made.push_back(entry.create(parameters, elements, where));
  }
  return made;
}

bool all_finite(const Json& value) {
  if (value.is_structured())
    return std::all_of(value.begin(), value.end(), [](const Json& item) { return all_finite(item); });
  return !value.is_number_float() || std::isfinite(value.get<double>());
}

std::vector<std::string> elements_from(const Json& document, const std::string& path) {
  std::vector<std::string> elements;
  for (const Json& element : document.at("elements")) {
    if (!element.is_string() || element.get<std::string>().empty())
      throw FormatError("\"elements\" of " + path + " must be element symbols, but holds " + element.dump() + ".");
    elements.push_back(element);
  }
  if (elements.empty()) throw FormatError("\"elements\" of " + path + " is empty.");
  if (std::set<std::string>(elements.begin(), elements.end()).size() != elements.size())
    throw FormatError("\"elements\" of " + path + " names an element twice: " + joined(elements) + ".");
  check_different(elements, path);
  return elements;
}

/// Refuses deep nesting, which what follows could not bear, and keys that are there twice, of which one would be
/// lost. To be called by the parser at every step.
class DocumentGuard {
 public:
  explicit DocumentGuard(std::string path) : path_(std::move(path)) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > 100) throw FormatError("The potential file \"" + path_ + "\" is nested more than 100 levels deep.");
    if (event == Json::parse_event_t::object_start) keys_.emplace_back();
    if (event == Json::parse_event_t::object_end) keys_.pop_back();
    if (event == Json::parse_event_t::key && !keys_.back().insert(parsed.get<std::string>()).second)
      throw FormatError("The potential file \"" + path_ + "\" has the key " + parsed.dump() +
                        " twice in one object; remove one of them.");
    return true;
  }

 private:
  std::string path_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

/// What a JSON document of another program may be, in brackets; else its keys.
std::string guess(const Json& document) {
  if (!document.is_object()) return "";
  const auto has = [&](const char* key) { return document.contains(key); };
  if (has("training") && has("model")) return " (it looks like an input of DeePMD-kit)";
  if (has("model_params") || has("learning_rate")) return " (it looks like settings of a training)";
  if (has("functions") || has("embeddings") || has("basis") || has("IP"))
    return " (it looks like a file of the atomic cluster expansion)";
  if (has("Dataset")) return " (it looks like FitSNAP's training data)";
  std::vector<std::string> keys;
  for (const auto& item : document.items())
    if (keys.size() < 5) keys.push_back(item.key());
  return keys.empty() ? "" : " (its keys are " + joined(keys) + (document.size() > 5 ? ", ...)" : ")");
}

}  // namespace

namespace {

const char active_set_key[] = "\"active_set\"";

/// The file that {"file": NAME} names. text: begins with the object, or before. Empty if it names none.
std::string name_of_active_set(std::string_view text) {
  const auto skip = [&](std::string_view expected) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
  };
  if (!skip("{") || !skip("\"file\"") || !skip(":") || !skip("\"")) return "";
  const std::string name(text.substr(0, text.find('"')));
  return name.find_first_of("/\\") == std::string::npos ? name : "";
}

/// Where a file of this name may be that belongs to a potential: beside it, or beside what a link leads to. What another
/// fit has replaced is called .previous, both files.
std::vector<std::string> places_of(std::string name, const std::string& path) {
  const std::filesystem::path own(path);
  if (own.extension() == ".previous") name += ".previous";
  std::vector<std::string> places{(own.parent_path() / name).string()};
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(own, error);
  if (!error && std::filesystem::is_symlink(own, error)) places.push_back((target.parent_path() / name).string());
  return places;
}

std::shared_ptr<const ActiveSet> active_set_of(const Potential& potential, const FileBundle& files, const Json& given) {
  const std::string name = given.size() == 1 ? name_of_active_set(given.dump()) : "";
  if (name.empty())
    throw FormatError("\"active_set\" of \"" + files.path +
                      "\" must be {\"file\": \"NAME\"}, where NAME is a file in the same folder.");
  std::string file;
  for (const std::string& place : places_of(name, files.path))
    if (file.empty() || !files.find(file)) file = place;
  const std::string& text =
      files.text_of(file, "copy it beside the potential, or make it anew with: forcesmith active-set POTENTIAL DATA");
  auto set = std::make_shared<const ActiveSet>(parse_active_set(text, file, fingerprint(potential)));
  check_active_set(potential, *set, "The active set \"" + file + "\"");
  return set;
}

}  // namespace

std::vector<std::string> forcesmith_companions(const std::string& text, const std::string& path) {
  const std::size_t key = text.find(active_set_key);
  if (key == std::string::npos) return {};
  const std::size_t colon = text.find(':', key);
  if (colon == std::string::npos) return {};
  const std::string name = name_of_active_set(std::string_view(text).substr(colon + 1));
  return name.empty() ? std::vector<std::string>() : places_of(name, path);
}

bool is_json(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{';
}

Potential parse_potential_file(const FileBundle& files, const ReadOptions& options) {
  const std::string &path = files.path, &text = files.text();
  Json document;
  try {
    document = Json::parse(text, DocumentGuard(path));
  } catch (const Json::parse_error& error) {
    std::size_t line = 1 + std::count(text.begin(), text.begin() + std::min(error.byte, text.size()), '\n');
    throw FormatError("The potential file \"" + path + "\" is broken or cut off at line " + std::to_string(line) +
                      " (byte " + std::to_string(error.byte) + " of " + std::to_string(text.size()) +
                      "): it is not valid " +
                      (std::string(error.what()).find("UTF-8") != std::string::npos ? "UTF-8" : "JSON") + " there.");
  } catch (const Json::out_of_range& error) {
    const std::string what = error.what();
    throw FormatError("The potential file \"" + path +
                      "\" holds a number too large for double precision: " + what.substr(what.find('\'')) + ".");
  }
  if (!document.is_object() || document.value("format", Json()) != "forcesmith potential")
    throw FormatError("The file \"" + path + "\" is not a forcesmith potential" + guess(document) +
                      ": the key \"format\" must be \"forcesmith potential\".");
  const Json version = document.value("version", Json());
  if (version != 1 && version != potential_file_version)
    throw FormatError("The potential file \"" + path + "\" has version " + version.dump() +
                      ", but this forcesmith reads versions 1 and " + std::to_string(potential_file_version) +
                      "; use the forcesmith that wrote it, or a newer one.");
  const std::string where = "the potential file \"" + path + "\"";
  if (const char* other = version == 1 ? "terms" : "zbl"; document.contains(other))
    throw ParameterError(
        "The key \"" + std::string(other) + "\" of " + where + " belongs to version " + (version == 1 ? "2" : "1") +
        ", but the file has version " + version.dump() +
        "; in version 1 the repulsion is \"zbl\": {...}, in version 2 \"terms\": [{\"type\": \"zbl\", ...}].");
  document = checked_parameters(document_schema(version.get<int>()), std::move(document), where);
  if (version == 1) {
    Json terms = Json::array();
    if (document.contains("zbl")) {
      if (document.at("zbl").contains("type"))
        throw ParameterError("\"zbl\" of " + where + " has the key \"type\", which files of version 1 do not have.");
      terms.push_back(document.at("zbl"));
      terms[0]["type"] = "zbl";
    }
    document["terms"] = std::move(terms);
  }
  const Json units = document.value("units", Json::object());
  if (units.value("length", Json("angstrom")) != "angstrom" || units.value("energy", Json("eV")) != "eV")
    throw FormatError("The units of " + where + " are " + units.dump() + ", but only angstrom and eV are supported.");
  const std::vector<std::string> elements = elements_from(document, where);
  check_elements(options, elements, "The potential file", path);

  std::vector<std::unique_ptr<Descriptor>> descriptors =
      made_of(document.at("descriptors"), descriptor_registry(), "descriptor", elements, path, options);
  if (descriptors.empty()) throw FormatError("The potential file \"" + path + "\" has no descriptor.");
  std::vector<int> sizes(elements.size(), 0);
  for (std::size_t element = 0; element < elements.size(); ++element)
    for (const auto& descriptor : descriptors) sizes[element] += descriptor->size(static_cast<int>(element));
  Json parameters = document.at("model");
  const auto& entry = entry_of(parameters, model_registry(), "model", where);
  const std::string own = "model \"" + entry.name + "\" in \"" + path + "\"";
  if (options.trained) check_trained(entry.schema(), parameters, own);
  std::unique_ptr<Model> model = entry.create(parameters, sizes, own);
  Potential potential(elements, std::move(descriptors), std::move(model), document.at("provenance"));
  potential.set_terms(made_of(document.at("terms"), term_registry(), "term", elements, path, options));
  if (document.contains("short_range"))
    potential.set_short_range(ShortRange::create(document.at("short_range"), elements, potential.cutoff(),
                                                 "\"short_range\" in \"" + path + "\""));
  check_cutoff(potential, where);
  if (options.active_set && document.contains("active_set"))
    potential.set_active_set(active_set_of(potential, files, document.at("active_set")));
  return potential;
}

namespace {

/// A descriptor, model or term, as entry_of() finds it.
template <class Part>
Json with_type(const Part& part) {
  Json json = part.to_json();
  json["type"] = part.type();
  return json;
}

/// JSON with one line per innermost list of numbers, and per short object in a list, so that files can be
/// read and compared.
void print_json(const Json& value, int indent, bool in_list, std::string& text) {
  const bool nested = value.is_structured() && !value.empty() &&
                      (value.is_object() ||
                       std::any_of(value.begin(), value.end(), [](const Json& item) { return item.is_structured(); }));
  if (!nested || (in_list && value.is_object() && value.dump().size() <= 160)) {
    text += value.dump();
    return;
  }
  const std::string margin(indent + 1, ' ');
  text += value.is_object() ? "{\n" : "[\n";
  bool first = true;
  for (const auto& item : value.items()) {
    if (!first) text += ",\n";
    first = false;
    text += margin;
    if (value.is_object()) text += Json(item.key()).dump() + ": ";
    print_json(item.value(), indent + 1, value.is_array(), text);
  }
  text += "\n" + std::string(indent, ' ') + (value.is_object() ? "}" : "]");
}

}  // namespace

namespace {

/// active_set: the file with it; empty: there is none. path: for messages.
std::string document_text(const Potential& potential, const std::string& active_set, const std::string& path) {
  // Insertion order is lost in Json objects, so the document is put together key by key.
  std::vector<std::pair<std::string, Json>> document{{"format", "forcesmith potential"},
                                                     {"version", potential_file_version},
                                                     {"units", {{"length", "angstrom"}, {"energy", "eV"}}},
                                                     {"elements", potential.elements()},
                                                     {"provenance", potential.provenance()},
                                                     {"model", with_type(potential.model())},
                                                     {"descriptors", Json::array()}};
  for (const auto& descriptor : potential.descriptors()) document.back().second.push_back(with_type(*descriptor));
  if (!active_set.empty()) document.insert(document.end() - 1, {"active_set", {{"file", active_set}}});
  Json terms = Json::array();
  for (const auto& term : potential.terms()) terms.push_back(with_type(*term));
  if (!terms.empty()) document.insert(document.end() - 1, {"terms", terms});
  if (potential.short_range())
    document.insert(document.end() - 1, {"short_range", potential.short_range()->to_json(potential.elements())});
  std::string text = "{\n";
  for (std::size_t i = 0; i < document.size(); ++i) {
    if (!all_finite(document[i].second))
      throw FormatError("The potential is not written to \"" + path + "\" because its \"" + document[i].first +
                        "\" holds numbers that are not finite.");
    text += (i > 0 ? ",\n " : " ") + Json(document[i].first).dump() + ": ";
    print_json(document[i].second, 1, false, text);
  }
  return text + "\n}\n";
}

}  // namespace

std::string print_document(const Potential& potential) { return document_text(potential, "", "text"); }

FileBundle print_potential_file(const Potential& potential, const std::string& path) {
  if (!potential.active_set()) return bundle_of(path, document_text(potential, "", path));
  // First the active set: a potential never names one that is not there.
  std::filesystem::path file = path;
  file.replace_extension(".active_set");
  return {path,
          {{file.string(), print_active_set(*potential.active_set(), fingerprint(potential))},
           {path, document_text(potential, file.filename().string(), path)}}};
}

}  // namespace forcesmith
