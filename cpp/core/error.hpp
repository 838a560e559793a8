// Errors of the library. Every message is one finished sentence for a user: what is wrong, where,
// what was expected and found, and what to do. Host code throws these; kernels never throw.
#pragma once

#include <stdexcept>
#include <string>

namespace forcesmith {

inline constexpr std::size_t longest_message = 300;  // characters

/// The message as it is shown: UTF-8 on one line, at most longest_message characters, with question marks in place of
/// what cannot be shown. Quoted words of files are shortened first, then the middle of the message.
std::string shown_message(const std::string& text);

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(shown_message(message)) {}
};

/// A file or JSON text that cannot be understood.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// A parameter that is unknown, missing, of the wrong type or out of range.
class ParameterError : public Error {
 public:
  using Error::Error;
};

}  // namespace forcesmith
