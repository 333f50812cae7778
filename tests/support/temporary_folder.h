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
  /// In memory where the system offers that, so that tests do not wait for a disk; in TMPDIR if that is set.
  TemporaryFolder() {
    if (!std::getenv("TMPDIR") && make_in("/dev/shm")) return;
    const std::string parent = std::filesystem::temp_directory_path().string();
    check<IoError>(make_in(parent), "cannot make a temporary folder in ", parent);
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
  bool make_in(const std::string& parent) {
    path_ = parent + "/ditharos-test-XXXXXX";
    return ::mkdtemp(path_.data()) != nullptr;
  }

  std::string path_;
};

}  // namespace ditharos::tests
