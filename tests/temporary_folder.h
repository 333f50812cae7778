#pragma once
// A folder for one test's files, removed with everything in it at the end of the scope.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <ditharos/tensor/error.h>

namespace ditharos::tests {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (std::filesystem::temp_directory_path() / "ditharos-test-XXXXXX").string();
    check<IoError>(::mkdtemp(path_.data()) != nullptr, "cannot make the temporary folder ", path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  /// The path of a file in it.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace ditharos::tests
