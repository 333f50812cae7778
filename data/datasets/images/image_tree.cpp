#include <ditharos/data/datasets/images/image_tree.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <ditharos/data/codecs/image_file.h>
#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/tensor/error.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr int most_depth = 32;  // folders in each other

/// The visible entries of a directory, sorted by the bytes of their names.
std::vector<fs::directory_entry> visible_entries(const fs::path& directory) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (!is_hidden(it->path().filename().string())) entries.push_back(*it);
  }
  check<IoError>(!error, "cannot list ", directory.string(), ": ", error.message());
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.path().filename().native() < b.path().filename().native(); });
  return entries;
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code unknown;
  return entry.is_directory(unknown);
}
bool is_link(const fs::directory_entry& entry) {
  std::error_code unknown;
  return entry.is_symlink(unknown);
}
bool is_image(const fs::directory_entry& entry) { return is_image_name(entry.path().filename().string()); }

void walk(const std::string& root, const fs::path& folder, const std::string& prefix, int depth, ImageTree& tree) {
  check<IoError>(depth <= most_depth, "cannot read ", folder.string(), ": more than ", most_depth,
                 " folders lie in each other");
  for (const fs::directory_entry& entry : visible_entries(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_link(entry)) check_inside(root, entry.path().string());
    if (is_folder(entry) && !is_image_name(name)) {
      if (is_link(entry)) tree.unread.add_folder();
      else walk(root, entry.path(), prefix + name + "/", depth + 1, tree);
    } else if (is_image_name(name)) {
      tree.images.push_back(prefix + name);
    } else {
      tree.unread.add_file(name);
    }
  }
}

}  // namespace

std::vector<std::string> folders_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : visible_entries(directory))
    if (is_folder(entry)) names.push_back(entry.path().filename().string());
  return names;
}

std::vector<std::string> images_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : visible_entries(directory))
    if (is_image(entry) && !is_folder(entry)) names.push_back(entry.path().filename().string());
  return names;
}

bool has_image(const std::string& directory) {
  std::error_code error;
  using Iterator = fs::recursive_directory_iterator;
  for (Iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (is_hidden(it->path().filename().string()) || it.depth() >= most_depth) it.disable_recursion_pending();
    else if (is_image(*it)) return true;
  }
  return false;
}

ImageTree read_image_tree(const std::string& root, const std::string& directory) {
  check_inside(root, directory);
  ImageTree tree;
  walk(root, directory, "", 0, tree);
  std::sort(tree.images.begin(), tree.images.end());
  return tree;
}

void LinkCheck::check_file(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  if (folder != last_folder_) check_inside(root_, folder);
  last_folder_ = folder;
  std::error_code missing;
  if (fs::is_symlink(fs::symlink_status(path, missing))) check_inside(root_, path);
}

}  // namespace ditharos::data
