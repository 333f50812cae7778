#pragma once
// A set of images by name or by directory, whatever its format.
#include <memory>
#include <string>
#include <vector>

#include <ditharos/data/datasets/arrays/cifar.h>
#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/datasets/images/image_files.h>
#include <ditharos/data/synthetic/shapes.h>

namespace ditharos::data {

/// Options for the reader that `open_images` selects.
struct OpenOptions {
  ImageFilesOptions files;  ///< height, width, fit and resample are for sets of any format
  ShapesOptions shapes;
  CifarOptions cifar = {};
};

/// A set of images as it was opened.
struct OpenedImages {
  std::shared_ptr<const DataSource> source;  ///< never null, and not empty
  std::vector<std::string> skipped = {};     ///< left out on request: "cannot read PATH: reason", one per file
  /// Sentences on other files in the folder and on images that the split leaves out: "40 .gif files in DIR are not
  /// read".
  std::vector<std::string> notes = {};
};

/// `spec` is "shapes" (see shapes.h), "fashion-mnist" (Debian's package, see idx.h), an .npz or .npy file
/// (array_set.h), a .tar file or a pattern of .tar files (web_dataset.h), or a directory, the first of these that it
/// is: of IDX files (idx.h), of CIFAR's binary files (cifar.h), of .npy files (array_set.h), of image files in one of
/// the layouts of image_files.h, or of .tar files (web_dataset.h). IoError, listing the formats, for anything else. The
/// source has a native shape unless options.files.mixed_sizes.
[[nodiscard]] OpenedImages open_images(const std::string& spec, Split split, const OpenOptions& options = {});
/// What `open_images` reads.
enum class ImageSetFormat { none, shapes, fashion_mnist, idx, cifar, arrays, files, web_dataset };
/// The format of `spec` by its name and its files' names; no file is read.
[[nodiscard]] ImageSetFormat image_set_format(const std::string& spec);
/// True when `spec` has a format.
[[nodiscard]] bool is_image_set(const std::string& spec);

}  // namespace ditharos::data
