#pragma once
// Internal to data/datasets/images/.
// Images that a list names: metadata.jsonl, metadata.csv, captions.txt or captions.jsonl.
#include <string>

#include <ditharos/data/datasets/images/image_list.h>

namespace ditharos::data {

/// The path of the list in a directory; "" when it has none. IoError when it has two.
[[nodiscard]] std::string list_of(const std::string& directory);

/// Adds the images that the list in `list.root` names, with their captions and classes. The list in `train`, which may
/// be the same folder, decides on the classes. One image may have several captions. IoError, with file:line, for an
/// image that is named twice with the same caption or with labels, and for a label that is no class.
void add_listed_images(const std::string& train, ImageList& list);

}  // namespace ditharos::data
