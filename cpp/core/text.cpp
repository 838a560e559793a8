#include "core/text.hpp"

#ifdef FORCESMITH_ZLIB
#include <zlib.h>
#endif

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace forcesmith {

std::optional<double> number_of(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  double value = 0.0;
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || stop != word.data() + word.size() || !std::isfinite(value)) return {};
  return value;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

namespace {

constexpr std::uintmax_t largest_file = 1 << 30;  // bytes; potentials are far smaller

#ifdef FORCESMITH_ZLIB
constexpr const char* gzip_problem = "it is compressed by gzip, and damaged";

/// What gzip packed; nothing if it is damaged or larger than largest_file.
std::optional<std::string> unpacked(const std::string& packed) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return {};  // 16: gzip
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int status = Z_OK;
  char part[1 << 16];
  while (status == Z_OK && text.size() <= largest_file) {
    stream.next_out = reinterpret_cast<Bytef*>(part);
    stream.avail_out = sizeof part;
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(part, sizeof part - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || text.empty()) return {};
  return text;
}
#else
constexpr const char* gzip_problem = "it is compressed by gzip; unpack it first";

std::optional<std::string> unpacked(const std::string&) { return {}; }
#endif

/// Files that begin so are no text.
constexpr std::pair<std::string_view, const char*> signatures[] = {
    {"BZh", "it is compressed by bzip2; unpack it first"},
    {"\xfd"
     "7zXZ",
     "it is compressed by xz; unpack it first"},
    {"\x28\xb5\x2f\xfd", "it is compressed by zstd; unpack it first"},
    {"PK\x03\x04", "it is a zip archive (PyTorch's models are such archives, too)"},
    {"\x89HDF", "it is an HDF5 file"},
    {"\x80\x04", "it is a pickled Python object"},
    {"\xff\xfe", "it is UTF-16; save it as UTF-8"},
    {"\xfe\xff", "it is UTF-16; save it as UTF-8"}};

}  // namespace

FileText read_text_file(const std::string& path) {
  const auto problem = [](const char* reason) { return FileText{"", reason}; };
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return problem("it does not exist");
  if (std::filesystem::is_directory(status)) return problem("it is a folder");
  if (error) return problem("it may not be read");
  if (!std::filesystem::is_regular_file(status)) return problem("it is a device or a pipe, not a file");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return problem("it may not be read");
  if (size == 0) return problem("it is empty");
  if (size > largest_file) return problem("it is larger than 1 GiB, which no potential is");
  std::ifstream file(path, std::ios::binary);
  std::string text(size, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(size))) return problem("it may not be read");
  if (text.starts_with("\x1f\x8b")) {
    std::optional<std::string> found = unpacked(text);
    if (!found) return problem(gzip_problem);
    text = std::move(*found);
  }
  for (const auto& [signature, meaning] : signatures)
    if (text.starts_with(signature)) return problem(meaning);
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  return {std::move(text), ""};
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

std::optional<std::string> text_of_file(const std::string& path) {
  FileText found = read_text_file(path);
  if (!found.problem.empty()) return {};
  return std::move(found.text);
}

}  // namespace forcesmith
