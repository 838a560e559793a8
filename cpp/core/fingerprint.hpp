// A short name of some texts, the same everywhere for the same ones: FNV-1a with 64 bits (G. Fowler, L. C.
// Noll, K.-P. Vo).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace forcesmith {

class Fingerprint {
 public:
  Fingerprint& add(std::string_view text) {
    for (const char character : text) add_byte(static_cast<unsigned char>(character));
    return add_number(text.size());
  }
  Fingerprint& add_number(std::uint64_t number) {
    for (int byte = 0; byte < 8; ++byte) add_byte(number >> (8 * byte) & 0xff);
    return *this;
  }
  /// 16 hexadecimal digits.
  std::string text() const {
    std::string digits;
    for (int digit = 15; digit >= 0; --digit) digits += "0123456789abcdef"[value_ >> (4 * digit) & 0xf];
    return digits;
  }

 private:
  void add_byte(std::uint64_t byte) { value_ = (value_ ^ byte) * 1099511628211u; }
  std::uint64_t value_ = 14695981039346656037u;
};

}  // namespace forcesmith
