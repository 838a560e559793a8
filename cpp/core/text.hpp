// Small helpers for text files.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forcesmith {

/// The shortest text that reads back as the same number, whatever the locale.
inline std::string printed(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// Bytes that are no ASCII text become question marks: a message or a JSON text could not hold them.
inline std::string printable(std::string text) {
  for (char& character : text)
    if (static_cast<unsigned char>(character) > 126 || character == '\0') character = '?';
  return text;
}

/// The finite number that a word is, whatever the locale; nothing if it is none.
std::optional<double> number_of(std::string_view word);

/// What stands between white space.
std::vector<std::string> words_of(const std::string& line);

struct FileText {
  std::string text;
  std::string problem;  // why there is none, the end of a sentence: "it does not exist"; else empty
};

/// The text of a file, unpacked if gzip packed it, without a byte order mark. Never waits for a pipe or reads a
/// device.
FileText read_text_file(const std::string& path);

/// The same; nothing if it cannot be read.
std::optional<std::string> text_of_file(const std::string& path);

// False, too, for names that no file can have.
bool is_folder(const std::string& path);
bool exists(const std::string& path);

inline bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

}  // namespace forcesmith
