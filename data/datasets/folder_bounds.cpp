#include <ditharos/data/datasets/folder_bounds.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <ditharos/tensor/error.h>

namespace ditharos::data {

void check_inside(const std::string& folder, const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code missing;
  const fs::path root = fs::canonical(folder, missing);
  if (missing) return;
  const fs::path target = fs::canonical(path, missing);
  if (missing) return;
  const auto [end_of_root, rest] = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
  check<IoError>(end_of_root == root.end(), "cannot read ", path, ": it is a symbolic link to ", target.string(),
                 ", which lies outside of ", folder);
}

}  // namespace ditharos::data
