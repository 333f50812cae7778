#pragma once
// A data set by name or by directory, whatever its format.
#include <string>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/datasets/image_folder.h>
#include <ditharos/data/synthetic/shapes.h>

namespace ditharos::data {

/// What is handed on to the reader that `open_dataset` finds to be the right one.
struct OpenOptions {
  ImageFolderOptions image_folder;
  ShapesOptions shapes;
};

/// `spec` is "shapes" (see shapes.h), "fashion-mnist" (Debian's package, see idx.h), or a directory: of IDX files
/// (idx.h) or with one sub-folder of PNG files a class (image_folder.h). IoError which says what was looked for when it
/// is none.
[[nodiscard]] Opened open_dataset(const std::string& spec, Split split, const OpenOptions& options = {});

}  // namespace ditharos::data
