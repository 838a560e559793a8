#include "core/yaml.hpp"

#include <vector>

#include "core/error.hpp"
#include "core/text.hpp"

namespace forcesmith {

namespace {

constexpr int largest_depth = 100;

class YamlParser {
 public:
  YamlParser(const std::string& text, std::string kind, std::string path)
      : kind_(std::move(kind)), path_(std::move(path)) {
    read_lines(text);
  }

  Json run() {
    if (lines_.empty()) return Json::object();
    Json document = block(lines_[0].indent, 0);
    if (at_ < lines_.size()) fail("it is indented less than the lines before it");
    return document;
  }

 private:
  /// Without comments; whole brackets, which may be on several lines of the file.
  struct Line {
    std::size_t indent;
    std::string text;
    int number;
  };

  [[noreturn]] void fail(const std::string& what) const {
    const Line& line = lines_[std::min(at_, lines_.size() - 1)];
    throw FormatError("The " + kind_ + " \"" + path_ + "\" is wrong at line " + std::to_string(line.number) + ": " +
                      what + ".");
  }

  void read_lines(const std::string& text) {
    int number = 0, depth = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      std::string line = printable(text.substr(begin, end - begin));
      begin = end + 1;
      ++number;
      const int before = depth;
      char quote = '\0';
      for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != '\0') quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'') quote = c;
        else if (c == '[' || c == '{') ++depth;
        else if (c == ']' || c == '}') --depth;
        else if (c == '#' && (i == 0 || line[i - 1] == ' ')) line.resize(i);
      }
      line.resize(line.find_last_not_of(" \t\r") + 1);
      const std::size_t indent = line.find_first_not_of(' ');
      if (indent == std::string::npos || line == "---") continue;
      if (before > 0) lines_.back().text += " " + line.substr(indent);
      else lines_.push_back({indent, line.substr(indent), number});
    }
    at_ = lines_.size();
    if (depth != 0 && !lines_.empty()) fail("the file ends within brackets");
    at_ = 0;
  }

  bool has_line(std::size_t indent) const { return at_ < lines_.size() && lines_[at_].indent == indent; }
  bool is_item(const std::string& text) const { return text == "-" || text.starts_with("- "); }

  /// Where the key of a mapping ends, and its colon is; npos if the text is none of a mapping.
  static std::size_t colon_of(const std::string& text) {
    int depth = 0;
    char quote = '\0';
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (quote != '\0') quote = c == quote ? '\0' : quote;
      else if (c == '"' || c == '\'') quote = c;
      else if (c == '[' || c == '{') ++depth;
      else if (c == ']' || c == '}') --depth;
      else if (depth == 0 && c == ':' && (i + 1 == text.size() || text[i + 1] == ' ')) return i;
    }
    return std::string::npos;
  }

  /// What begins in the current line, which has this indentation.
  Json block(std::size_t indent, int depth) {
    if (depth > largest_depth) fail("it is nested too deeply");
    if (is_item(lines_[at_].text)) return sequence(indent, depth);
    if (lines_[at_].text.starts_with("? ") || colon_of(lines_[at_].text) != std::string::npos)
      return mapping(indent, depth);
    Json value = inline_value(lines_[at_].text);
    ++at_;
    return value;
  }

  /// The rest of the current line, behind `skipped` characters, as a line of its own.
  Json rest_of_line(std::size_t skipped, int depth) {
    Line& line = lines_[at_];
    const std::size_t begin = line.text.find_first_not_of(' ', skipped);
    if (begin == std::string::npos) {
      const std::size_t indent = line.indent;
      ++at_;
      return nested_block(indent, depth);
    }
    line.indent += begin;
    line.text.erase(0, begin);
    return block(line.indent, depth + 1);
  }
  /// Of the lines that belong to one with this indentation; null if there are none.
  Json nested_block(std::size_t indent, int depth) {
    const bool nested =
        at_ < lines_.size() && (lines_[at_].indent > indent || (has_line(indent) && is_item(lines_[at_].text)));
    return nested ? block(lines_[at_].indent, depth + 1) : Json();
  }

  Json sequence(std::size_t indent, int depth) {
    Json list = Json::array();
    while (has_line(indent) && is_item(lines_[at_].text)) list.push_back(rest_of_line(1, depth));
    return list;
  }

  Json mapping(std::size_t indent, int depth) {
    Json map = Json::object();
    while (has_line(indent) && !is_item(lines_[at_].text)) {
      const std::string text = lines_[at_].text;
      std::string key;
      Json value;
      if (text.starts_with("? ")) {
        key = key_of(inline_value(text.substr(2)));
        ++at_;
        if (!has_line(indent) || !lines_[at_].text.starts_with(":")) fail("expected the value of the key before it");
        value = rest_of_line(1, depth);
      } else {
        const std::size_t colon = colon_of(text);
        if (colon == std::string::npos) fail("expected a key and a colon");
        key = key_of(inline_value(text.substr(0, colon)));
        const std::size_t begin = text.find_first_not_of(' ', colon + 1);
        if (begin == std::string::npos) {
          ++at_;
          value = nested_block(indent, depth);
        } else {
          value = inline_value(text.substr(begin));
          ++at_;
        }
      }
      if (map.contains(key)) {
        --at_;
        fail("the key \"" + key + "\" is there twice");
      }
      map[key] = std::move(value);
    }
    return map;
  }

  std::string key_of(const Json& key) const {
    if (key.is_string()) return key.get<std::string>();
    if (!key.is_array()) return key.dump();
    std::string text;
    for (const Json& item : key) text += (text.empty() ? "" : " ") + item.dump();
    return text;
  }

  Json inline_value(const std::string& text) const {
    std::size_t at = 0;
    Json value = flow(text, at, 0, false);
    if (text.find_first_not_of(' ', at) != std::string::npos)
      fail("\"" + text.substr(at, 20) + "\" stands behind a value");
    return value;
  }

  static void skip_blanks(const std::string& text, std::size_t& at) {
    while (at < text.size() && text[at] == ' ') ++at;
  }

  /// A value from `at` on, behind which `at` is afterwards; in_brackets: it may end at a comma or bracket.
  Json flow(const std::string& text, std::size_t& at, int depth, bool in_brackets) const {
    if (depth > largest_depth) fail("brackets are nested too deeply");
    skip_blanks(text, at);
    const char first = at < text.size() ? text[at] : '\0';
    if (first == '[' || first == '{') {
      const char last = first == '[' ? ']' : '}';
      Json collection = first == '[' ? Json::array() : Json::object();
      skip_blanks(text, ++at);
      while (at < text.size() && text[at] != last) {
        Json item = flow(text, at, depth + 1, true);
        skip_blanks(text, at);
        if (first == '{') {
          if (at >= text.size() || text[at] != ':') fail("expected a colon behind a key in braces");
          collection[key_of(item)] = flow(text, ++at, depth + 1, true);
          skip_blanks(text, at);
        } else {
          collection.push_back(std::move(item));
        }
        if (at < text.size() && text[at] == ',') skip_blanks(text, ++at);
        else if (at >= text.size() || text[at] != last) fail("expected a comma between the items in brackets");
      }
      if (at >= text.size()) fail("a bracket is not closed");
      ++at;
      return collection;
    }
    if (first == '"' || first == '\'') {
      const std::size_t end = text.find(first, at + 1);
      if (end == std::string::npos) fail("a quotation mark is missing");
      const std::string word = text.substr(at + 1, end - at - 1);
      at = end + 1;
      return word;
    }
    const std::size_t begin = at;
    while (at < text.size() && !(in_brackets && (text[at] == ',' || text[at] == ']' || text[at] == '}')) &&
           !(text[at] == ':' && (in_brackets ? at + 1 < text.size() && text[at + 1] == ' ' : false)))
      ++at;
    std::string word = text.substr(begin, at - begin);
    word.resize(word.find_last_not_of(' ') + 1);
    if (const auto number = number_of(word)) {
      const bool integer = word.find_first_not_of("+-0123456789") == std::string::npos && std::abs(*number) < 1e9;
      return integer ? Json(static_cast<int>(*number)) : Json(*number);
    }
    return word;
  }

  std::string kind_, path_;
  std::vector<Line> lines_;
  std::size_t at_ = 0;
};

}  // namespace

Json parse_yaml(const std::string& text, const std::string& kind, const std::string& path) {
  return YamlParser(text, kind, path).run();
}

}  // namespace forcesmith
