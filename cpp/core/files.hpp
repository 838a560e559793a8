// Writing files: whoever reads them sees the old ones or the whole new ones, whatever happens meanwhile.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/text.hpp"

namespace forcesmith {

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

}  // namespace forcesmith
