// Errors of the library. Every message is one finished sentence for a user: what is wrong, where,
// what was expected and found, and what to do. Host code throws these; kernels never throw.
#pragma once

#include <stdexcept>
#include <string>

namespace forcesmith {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
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
