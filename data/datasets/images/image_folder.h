#pragma once
// A data set from a folder of PNG files with one sub-folder per class.
#include <cstdint>
#include <string>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

struct ImageFolderOptions {
  int64_t channels = 0;  ///< 1: gray; 3: RGB; 0: gray if every file is gray, else RGB
  /// Images are cropped around the middle and averaged to height x width. 0 for both: all images must have one size.
  int64_t height = 0, width = 0;
  int64_t max_pixels = default_max_pixels;  ///< of one file; see pixel_limit.h
  bool skip_damaged = false;  ///< leave out files that cannot be read, and name them in Opened::skipped
};

/// True when `directory` has a sub-folder with a PNG file in it.
[[nodiscard]] bool is_image_folder(const std::string& directory);
/// The files other than PNG in the sub-folders of `directory`, or of its train folder: "40 .jpg files"; "" for none.
[[nodiscard]] std::string unread_in_class_folders(const std::string& directory);

/// Reads `directory`/CLASS/*.png. Classes are the sub-folders, in the order of their names' bytes, and so are the files
/// in each; class_name_of in class_folder.h gives the class of a folder. Hidden names (folder_contents.h) and
/// files that do not end in .png (any case) are no part of the set; the latter are counted in Opened::notes, and so are
/// the images that the split holds out.
///
/// With sub-folders train and test in `directory`, `split` chooses one of them, and both must have the same classes.
/// Otherwise every tenth file of a class (the 10th, 20th, ...) belongs to the test split and the others to the training
/// split.
///
/// IoError with the path and the reason when a file is damaged, when two images differ in size (naming both), or when a
/// class or the split is empty. ConfigError for an impossible option.
[[nodiscard]] Opened load_image_folder(const std::string& directory, Split split,
                                        const ImageFolderOptions& options = {});

}  // namespace ditharos::data
