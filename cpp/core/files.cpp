#include "core/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

namespace forcesmith {

namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // as the operating system

std::string remedy(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return "create the folder first or choose another one";
    case EACCES:
    case EPERM:
    case EROFS: return "choose a file or folder that may be written";
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return "make room or choose another folder";
    default: return "choose another folder";
  }
}

[[noreturn]] void give_up(const std::string& path, int error) {
  throw FileError(path, std::string(std::strerror(error)) + "; " + remedy(error));
}

/// Where symbolic links lead to.
std::string followed(const std::string& path) {
  fs::path target = path;
  std::error_code error;
  for (int n = 0; fs::is_symlink(fs::symlink_status(target, error)); ++n) {
    if (n == most_links) give_up(path, ELOOP);
    target = target.parent_path() / fs::read_symlink(target);  // a link with an absolute path replaces all of it
  }
  return target.string();
}

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

void flush_folder(const std::string& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // the names are in order, but perhaps not on the disk yet
  fsync(descriptor);
  close(descriptor);
}

}  // namespace

/// The new content of a file, beside it; removed again unless it has replaced the file.
class TemporaryFile {
 public:
  /// Empty; of the file that will be replaced it takes owner and permissions.
  explicit TemporaryFile(const std::string& path) : given_(path), target_(followed(path)) {
    struct stat old;
    const bool replaces = stat(target_.c_str(), &old) == 0;
    if (replaces && S_ISDIR(old.st_mode))
      throw FileError(given_, "a folder has this name; remove it or choose another name");
    if (replaces && !S_ISREG(old.st_mode))
      throw FileError(given_, "it is a device or a pipe, not a file; choose another name");
    if (replaces && access(target_.c_str(), W_OK) != 0) give_up(given_, errno);
    descriptor_ = create();
    if (replaces) keep_owner_and_permissions(old);
  }

  TemporaryFile(TemporaryFile&& other) noexcept
      : given_(std::move(other.given_)),
        target_(std::move(other.target_)),
        path_(std::move(other.path_)),
        descriptor_(std::exchange(other.descriptor_, -1)) {
    other.path_.clear();
  }

  ~TemporaryFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!path_.empty()) std::remove(path_.c_str());
  }

  std::string folder() const { return folder_of(target_); }

  void append(std::string_view piece) {
    for (std::size_t done = 0; done < piece.size();) {
      const ssize_t n = write(descriptor_, piece.data() + done, piece.size() - done);
      if (n < 0 && errno != EINTR) give_up(given_, errno);
      if (n > 0) done += n;
    }
  }

  /// Of the file that will be replaced, if there is one.
  void append_old_content() {
    const int old = open(target_.c_str(), O_RDONLY | O_CLOEXEC);
    if (old < 0 && errno == ENOENT) return;
    std::vector<char> piece(1 << 20);
    ssize_t n = old < 0 ? -1 : 0;
    while (old >= 0 && ((n = read(old, piece.data(), piece.size())) > 0 || (n < 0 && errno == EINTR)))
      if (n > 0) append({piece.data(), static_cast<std::size_t>(n)});
    const int error = errno;
    if (old >= 0) close(old);
    if (n < 0) give_up(given_, error);
  }

  /// Down to the disk; it can grow no more.
  void finish() {
    int error = fsync(descriptor_) != 0 && errno != EINVAL ? errno : 0;
    if (close(std::exchange(descriptor_, -1)) != 0 && error == 0) error = errno;
    if (error != 0) give_up(given_, error);
  }

  void replace_file() {
    if (std::rename(path_.c_str(), target_.c_str()) != 0) give_up(given_, errno);
    path_.clear();
  }

  void remove_file() {
    if (std::remove(given_.c_str()) != 0 && errno != ENOENT) give_up(given_, errno);
  }

 private:
  int create() {
    std::random_device random;
    while (true) {
      char digits[9];
      std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(random()));
      path_ = folder_of(target_) + "/." + fs::path(target_).filename().string() + "." + digits + ".tmp";
      const int descriptor = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor >= 0) return descriptor;
      if (errno != EEXIST) {
        path_.clear();
        give_up(given_, errno);
      }
    }
  }

  void keep_owner_and_permissions(const struct stat& old) {
    // Who may not give files away keeps at least the group; if not even that, it stays the own file.
    if (fchown(descriptor_, old.st_uid, old.st_gid) != 0 && fchown(descriptor_, -1, old.st_gid) != 0) errno = 0;
    fchmod(descriptor_, old.st_mode & 07777);
  }

  std::string given_, target_, path_;
  int descriptor_ = -1;
};

namespace {

std::vector<TemporaryFile> written_beside(const std::vector<TextFile>& files) {
  std::vector<TemporaryFile> temporaries;
  for (const TextFile& file : files) {
    temporaries.emplace_back(file.path);
    if (file.text) temporaries.back().append(*file.text);
    temporaries.back().finish();
  }
  return temporaries;
}

}  // namespace

const TextFile* FileBundle::find(const std::string& wanted) const {
  for (const TextFile& file : files)
    if (file.path == wanted) return &file;
  return nullptr;
}

const std::string& FileBundle::text_of(const std::string& companion, const std::string& remedy) const {
  const TextFile* file = find(companion);
  if (file != nullptr && file->text) return *file->text;
  throw FormatError("Cannot read \"" + companion + "\", which belongs to \"" + path +
                    "\": " + (file ? file->problem : "it does not exist") + "; " + remedy + ".");
}

void write_files(const std::vector<TextFile>& files) {
  std::vector<TemporaryFile> temporaries = written_beside(files);
  for (std::size_t i = 0; i < files.size(); ++i)
    files[i].text ? temporaries[i].replace_file() : temporaries[i].remove_file();
  for (const TemporaryFile& temporary : temporaries) flush_folder(temporary.folder());
}

void check_writable(const std::vector<TextFile>& files) { written_beside(files); }

LongerFile::LongerFile(const std::string& path) : copy_(std::make_unique<TemporaryFile>(path)) {
  copy_->append_old_content();
}

LongerFile::~LongerFile() = default;

void LongerFile::append(std::string_view piece) { copy_->append(piece); }

void LongerFile::replace() {
  copy_->finish();
  copy_->replace_file();
  flush_folder(copy_->folder());
}

}  // namespace forcesmith
