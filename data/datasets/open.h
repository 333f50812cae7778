#pragma once
// A data set by name or by directory, whatever its format.
#include <string>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/datasets/images/image_folder.h>
#include <ditharos/data/synthetic/shapes.h>

namespace ditharos::data {

/// Options for the reader that `open_dataset` selects.
struct OpenOptions {
  ImageFolderOptions image_folder;
  ShapesOptions shapes;
};

/// `spec` is "shapes" (see shapes.h), "fashion-mnist" (Debian's package, see idx.h), or a directory: of IDX files
/// (idx.h) or with one sub-folder of PNG files per class (image_folder.h). IoError, listing the formats, for anything
/// else.
[[nodiscard]] Opened open_dataset(const std::string& spec, Split split, const OpenOptions& options = {});

}  // namespace ditharos::data
