// Files that grow: whoever reads sees the old content or all of the new one, and nothing else is left behind.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "check.hpp"
#include "core/files.hpp"

namespace {

using namespace forcesmith;
namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

int n_files(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

void test_growing(const fs::path& folder) {
  const fs::path path = folder / "a.xyz";
  for (const std::string before : {"", "one\n"}) {
    LongerFile file(path.string());
    file.append(before.empty() ? "o" : "tw");
    file.append(before.empty() ? "ne\n" : "o\n");
    CHECK(content(path) == before && fs::exists(path) == !before.empty());
    file.replace();
    CHECK(content(path) == before + (before.empty() ? "one\n" : "two\n"));
  }
  CHECK(n_files(folder) == 1);
}

void test_given_up(const fs::path& folder) {
  const fs::path path = folder / "a.xyz";
  const std::string before = content(path);
  LongerFile(path.string()).append("half of it");
  CHECK(content(path) == before && n_files(folder) == 1);
}

void test_long_file(const fs::path& folder) {
  const fs::path path = folder / "long.xyz";
  const std::string text(3'500'000, 'x');
  std::ofstream(path, std::ios::binary) << text;
  LongerFile file(path.string());
  file.append("end");
  file.replace();
  CHECK(content(path) == text + "end");
}

void test_permissions_and_links(const fs::path& folder) {
  const fs::path path = folder / "a.xyz", link = folder / "link.xyz";
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("a.xyz", link);
  const std::string before = content(path);
  LongerFile file(link.string());
  file.append("more\n");
  file.replace();
  CHECK(fs::is_symlink(link) && content(path) == before + "more\n");
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

void test_what_cannot_be_written(const fs::path& folder) {
  CHECK_THROWS(FileError, LongerFile(folder.string()), "a folder has this name");
  CHECK_THROWS(FileError, LongerFile((folder / "absent" / "a.xyz").string()), "create the folder first");
}

}  // namespace

int main() {
  const fs::path folder = fs::temp_directory_path() / ("forcesmith_test_" + std::to_string(std::random_device()()));
  fs::create_directory(folder);
  test_growing(folder);
  test_given_up(folder);
  test_long_file(folder);
  test_permissions_and_links(folder);
  test_what_cannot_be_written(folder);
  fs::remove_all(folder);
  return failures != 0;
}
