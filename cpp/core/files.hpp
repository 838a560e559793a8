// Files that belong together. Writing them: whoever reads sees the old ones or the whole new ones, whatever happens
// meanwhile.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/text.hpp"

namespace forcesmith {

/// A file with its content.
struct TextFile {
  std::string path;
  std::optional<std::string> text;  // nothing: it is to be removed, or could not be read
  std::string problem = "";         // why it could not be read, see FileText
};

/// Files that are read and written as one, for example those of a potential.
struct FileBundle {
  std::string path;             // of the main file, which stands for all
  std::vector<TextFile> files;  // in the order in which they are written

  /// Null: there is no such file.
  const TextFile* find(const std::string& wanted) const;
  /// The text of the main file.
  const std::string& text() const { return find(path)->text.value(); }
  /// The text of a file that could be read. Throws FormatError: what `path` belongs to, the problem, the remedy.
  const std::string& text_of(const std::string& companion, const std::string& remedy) const;
};

/// A single file.
inline FileBundle bundle_of(const std::string& path, std::string text) { return {path, {{path, std::move(text)}}}; }

/// A file that cannot be written.
class FileError : public Error {
 public:
  FileError(const std::string& path, const std::string& reason)
      : Error(path + ": cannot write the file: " + reason + "."), path(path), reason(reason) {}

  std::string path;
  std::string reason;  // and what to do, without a full stop
};

/// Writes (or removes) files that belong together. All of them go to temporary files beside them, down to the
/// disk, and then replace what was there, in the order given: a failure leaves every file as it was. A symbolic
/// link stays and its target is replaced; permissions and, where allowed, owners stay those of the files replaced.
/// Throws FileError.
void write_files(const std::vector<TextFile>& files);

/// Throws what `write_files` would, but replaces nothing: a rehearsal with temporary files.
void check_writable(const std::vector<TextFile>& files);

class TemporaryFile;

/// Makes a file longer, piece by piece, in a copy beside it: until replace() whoever reads sees what was there before,
/// from then on all of it, whatever happens meanwhile. Links, permissions and owners are those of write_files. Members
/// throw FileError.
class LongerFile {
 public:
  explicit LongerFile(const std::string& path);
  ~LongerFile();  // without replace() the file stays as it was
  void append(std::string_view piece);
  void replace();

 private:
  std::unique_ptr<TemporaryFile> copy_;
};

}  // namespace forcesmith
