#include "core/error.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace forcesmith {

namespace {

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Bytes of the UTF-8 character at `begin`; 0 if there is none.
std::size_t utf8_length(const std::string& text, std::size_t begin) {
  const auto first = static_cast<unsigned char>(text[begin]);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF5 ? 0 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || begin + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!continues_character(text[begin + i])) return 0;
  const auto second = static_cast<unsigned char>(text[begin + 1]);
  const bool too_long = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool no_character = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return too_long || no_character ? 0 : length;
}

/// False for characters that a line does not show, or that change how it is shown: control characters, separators of
/// lines, marks of direction and width; and for all of four bytes.
bool is_shown(std::string_view character) {
  if (character.size() == 1) return static_cast<unsigned char>(character[0]) >= 0x20 && character[0] != 0x7F;
  if (character.size() == 2) return character >= "\xC2\xA0" && character != "\xC2\xAD";
  const auto within = [&](std::string_view first, std::string_view last) {
    return character >= first && character <= last;
  };
  return !within("\xE2\x80\x8B", "\xE2\x80\x8F") && !within("\xE2\x80\xA8", "\xE2\x80\xAE") &&
         !within("\xE2\x81\xA0", "\xE2\x81\xAF") && character != "\xEF\xBB\xBF" &&
         !within("\xEF\xBF\xB9", "\xEF\xBF\xBB") && !within("\xEE\x80\x80", "\xEF\xA3\xBF") && character.size() == 3;
}

/// `text` without its middle, at most `most` bytes and no half characters.
std::string without_middle(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  const std::string gap = "...";
  std::size_t head = 2 * (most - gap.size()) / 3, tail = text.size() - (most - gap.size() - head);
  while (head > 0 && continues_character(text[head])) --head;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  return text.substr(0, head) + gap + text.substr(tail);
}

/// Every quoted part at most `most` bytes long.
std::string with_short_quotes(const std::string& message, std::size_t most) {
  std::string text;
  std::size_t begin = 0;
  while (begin < message.size()) {
    const std::size_t open = message.find('"', begin);
    const std::size_t close = open == std::string::npos ? open : message.find('"', open + 1);
    if (close == std::string::npos) break;
    text += message.substr(begin, open + 1 - begin) + without_middle(message.substr(open + 1, close - open - 1), most) +
            '"';
    begin = close + 1;
  }
  return text + message.substr(begin);
}

}  // namespace

std::string shown_message(const std::string& text) {
  std::string message;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    const std::string_view character = std::string_view(text).substr(i, std::max<std::size_t>(length, 1));
    if (std::isspace(static_cast<unsigned char>(character[0]))) message += ' ';
    else if (length > 0 && is_shown(character)) message += character;
    else message += '?';
    i += character.size();
  }
  if (message.size() > longest_message) message = with_short_quotes(message, 120);
  // What is wrong stands at the beginning, what to do at the end.
  return without_middle(message, longest_message);
}

}  // namespace forcesmith
