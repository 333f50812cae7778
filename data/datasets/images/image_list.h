#pragma once
// Internal to data/datasets/images/.
// Which image files make up a set, with their classes and captions. No image is opened.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

struct ListedImage {
  std::string path, name;      ///< name: relative to the root
  int64_t label = -1;          ///< -1 in a set without classes
  std::string caption;         ///< "" in a set without captions
  std::string listed_in = {};  ///< "metadata.jsonl:7", where a list names the file
};

struct ImageList {
  std::string root;                      ///< the folder itself, or its folder for the split
  std::vector<ListedImage> images;       ///< of the split
  std::vector<std::string> class_names;  ///< empty in a set without classes
  bool has_captions = false;
  std::vector<std::string> notes;
};

/// True when `directory`, or its folder train, has a list of images, or images in it or in its folders.
[[nodiscard]] bool has_images(const std::string& directory);

/// The images of a split. image_files.h describes the layouts. IoError with the path and the reason.
[[nodiscard]] ImageList list_images(const std::string& directory, Split split);

}  // namespace ditharos::data
