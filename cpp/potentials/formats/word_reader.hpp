// Reads text files of words in lines, the kind in which most programs keep potentials, and says what is
// wrong with them.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/text.hpp"

namespace forcesmith {

class WordReader {
 public:
  /// kind: what messages call the file, for example "SNAP file". A line ends at the first of `comments`;
  /// `ignored` characters count as white space.
  WordReader(const std::string& text, std::string kind, std::string path, std::string comments,
             std::string ignored = "")
      : kind_(std::move(kind)),
        path_(std::move(path)),
        comments_(std::move(comments)),
        ignored_(std::move(ignored)),
        stream_(text) {}

  /// The words of the next line that has any; empty at the end.
  std::vector<std::string> next() {
    std::string line;
    while (std::getline(stream_, line)) {
      ++line_;
      for (char& character : line)
        if (ignored_.find(character) != std::string::npos) character = ' ';
      const std::vector<std::string> found = words_of(printable(line.substr(0, line.find_first_of(comments_))));
      if (!found.empty()) return found;
    }
    ++line_;
    return {};
  }
  /// Number of the line that next() returned last, from 1.
  int line() const { return line_; }
  const std::string& path() const { return path_; }
  /// Messages are about this line from now on.
  void go_to(int line) { line_ = line; }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError("The " + kind_ + " \"" + path_ + "\" is wrong at line " + std::to_string(line_) + ": " + what +
                      (what.ends_with('.') ? "" : "."));
  }
  double number(const std::string& word, const std::string& name) const {
    if (const auto value = number_of(word)) return *value;
    fail("expected a number for " + name + ", found \"" + word + "\"");
  }
  int integer(const std::string& word, const std::string& name) const {
    const double value = number(word, name);
    if (value != std::floor(value) || std::abs(value) > 1e9) fail(name + " must be an integer, not \"" + word + "\"");
    return static_cast<int>(value);
  }

 private:
  std::string kind_, path_, comments_, ignored_;
  std::istringstream stream_;
  int line_ = 0;
};

}  // namespace forcesmith
