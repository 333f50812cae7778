#include <ditharos/data/datasets/open.h>

#include <filesystem>
#include <system_error>

#include <ditharos/data/datasets/images/idx.h>

namespace ditharos::data {

Opened open_dataset(const std::string& spec, Split split, const OpenOptions& options) {
  if (spec == "shapes") return {.dataset = make_shapes(split, options.shapes)};
  if (spec == "fashion-mnist") {
    const std::string directory = find_fashion_mnist();
    check<IoError>(!directory.empty(),
                   "cannot open the data set fashion-mnist: the package dataset-fashion-mnist is not "
                   "installed (apt-get install dataset-fashion-mnist)");
    return {.dataset = load_idx(directory, split)};
  }
  std::error_code unknown;
  check<IoError>(std::filesystem::exists(spec, unknown), "cannot open the data set '", spec,
                 "': it is no directory, nor one of the names shapes and fashion-mnist");
  check<IoError>(std::filesystem::is_directory(spec, unknown), "cannot open the data set '", spec,
                 "': it is not a directory");
  if (is_idx_directory(spec)) return {.dataset = load_idx(spec, split)};
  if (!is_image_folder(spec)) {
    const std::string unread = unread_in_class_folders(spec);
    fail<IoError>("cannot open the data set '", spec,
                  "': it has neither IDX files (train-images-idx3-ubyte and so on, plain or .gz) nor sub-folders with "
                  "PNG files, one for each class",
                  unread.empty() ? "" : "; what its sub-folders hold is not read: " + unread);
  }
  return load_image_folder(spec, split, options.image_folder);
}

}  // namespace ditharos::data
