// Checks of the C++ tests: a failed one is printed and counted; main returns the count.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

inline int failures = 0;

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

inline void check(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  std::printf("%s:%d: failed: %s\n", file, line, text);
  ++failures;
}

#define CHECK_CLOSE(a, b, relative) check_close((a), (b), (relative), #a " = " #b, __FILE__, __LINE__)

/// Largest difference against the largest entry of both.
inline void check_close(const std::vector<double>& a, const std::vector<double>& b, double relative, const char* text,
                        const char* file, int line) {
  double largest = 0.0, difference = 0.0;
  bool finite = a.size() == b.size();
  for (std::size_t i = 0; i < a.size() && finite; ++i) {
    largest = std::max({largest, std::abs(a[i]), std::abs(b[i])});
    difference = std::max(difference, std::abs(a[i] - b[i]));
    finite = std::isfinite(a[i]) && std::isfinite(b[i]);
  }
  if (finite && difference <= relative * largest) return;
  std::printf("%s:%d: failed: %s (sizes %zu and %zu, largest %.3e, difference %.3e)\n", file, line, text, a.size(),
              b.size(), largest, difference);
  ++failures;
}
inline void check_close(double a, double b, double relative, const char* text, const char* file, int line) {
  check_close(std::vector{a}, std::vector{b}, relative, text, file, line);
}

#define CHECK_THROWS(Exception, action, part) \
  check_throws<Exception>([&] { action; }, (part), #action, __FILE__, __LINE__)

/// `action` throws Exception with `part` in its message.
template <class Exception, class Action>
void check_throws(const Action& action, const std::string& part, const char* text, const char* file, int line) {
  try {
    action();
    std::printf("%s:%d: failed: nothing was thrown by %s\n", file, line, text);
  } catch (const Exception& error) {
    if (std::string(error.what()).find(part) != std::string::npos) return;
    std::printf("%s:%d: failed: \"%s\" is not in \"%s\"\n", file, line, part.c_str(), error.what());
  }
  ++failures;
}
