#pragma once
// Internal to data/datasets/images/.
// The images in a folder and in the folders within it.
#include <string>
#include <vector>

#include <ditharos/data/datasets/folder_contents.h>

namespace ditharos::data {

/// Names of the formats for messages: "PNG, JPEG and WebP files".
inline constexpr const char* read_formats = "PNG, JPEG and WebP files";

/// The files of a folder and of all folders within it.
struct ImageTree {
  std::vector<std::string> images;  ///< names for is_image_name(), relative to the folder, in order of their bytes
  UnreadFiles unread;               ///< the other files, and links to folders, which are not followed
};

/// The visible folders in `directory` itself, in order of their names' bytes. IoError when it cannot be listed.
[[nodiscard]] std::vector<std::string> folders_in(const std::string& directory);
/// The visible images in `directory` itself, likewise.
[[nodiscard]] std::vector<std::string> images_in(const std::string& directory);
/// True when there is a visible image in `directory` or in the folders within it.
[[nodiscard]] bool has_image(const std::string& directory);
/// Hidden names and those of systems are passed over (is_hidden). IoError for a folder that cannot be listed, and for a
/// symbolic link that leads out of `root`, the folder of the whole set.
[[nodiscard]] ImageTree read_image_tree(const std::string& root, const std::string& directory);

/// Checks links as read_image_tree does, for names of a list.
class LinkCheck {
 public:
  explicit LinkCheck(std::string root) : root_(std::move(root)) {}
  /// IoError when the file, or a folder on the way to it, is a link out of the root.
  void check_file(const std::string& path);

 private:
  std::string root_, last_folder_;
};

}  // namespace ditharos::data
