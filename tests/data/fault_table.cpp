#include "tests/data/fault_table.h"

#include <sys/stat.h>

#include <filesystem>

namespace ditharos::tests {

void make_unreadable(const std::string& path) {
  std::filesystem::remove(path);
  check<Error>(::mkfifo(path.c_str(), 0600) == 0, "mkfifo ", path);
}

void make_link_outside(const std::string& path, const TemporaryFolder& outside) {
  const std::string target = outside / "target";
  std::filesystem::rename(path, target);
  std::filesystem::create_symlink(target, path);
}

}  // namespace ditharos::tests
