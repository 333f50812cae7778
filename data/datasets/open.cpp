#include <ditharos/data/datasets/open.h>

#include <cstring>
#include <filesystem>
#include <system_error>

#include <ditharos/data/datasets/arrays/array_set.h>
#include <ditharos/data/datasets/images/idx.h>
#include <ditharos/data/datasets/webdataset/web_dataset.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {
namespace {

/// The images of a set in the size of the options, where these have one.
Dataset resized(const Dataset& set, const ImageFilesOptions& options) {
  const int64_t height = options.height, width = options.width;
  if (height == 0 || (height == set.height() && width == set.width())) return set;
  Tensor images({set.size(), set.channels(), height, width}, DType::u8);
  const int64_t image_size = set.channels() * height * width;
  uint8_t* to = images.mutable_data<uint8_t>();
  parallel_tasks(set.size(), [&](int64_t i) {
    const Tensor from = set.images().select(0, i);
    const Tensor image = options.fit == Fit::crop ? center_crop_resize(from, height, width, options.resample)
                                                  : stretch(from, height, width, options.resample);
    std::memcpy(to + i * image_size, image.data<uint8_t>(), static_cast<size_t>(image_size));
  });
  return set.with_images(images);
}

OpenedImages in_memory(const Opened& opened, const ImageFilesOptions& options) {
  return {.source = std::make_shared<Dataset>(resized(opened.dataset, options)), .skipped = opened.skipped,
          .notes = opened.notes};
}

/// A source that reads files itself.
template <class Source>
OpenedImages from_files(const std::string& spec, Split split, const OpenOptions& options) {
  const auto files = std::make_shared<Source>(spec, split, options.files);
  return {.source = files, .skipped = files->skipped(), .notes = files->notes()};
}

}  // namespace

bool is_image_set(const std::string& spec) {
  std::error_code unknown;
  if (!std::filesystem::is_directory(spec, unknown))
    return spec == "shapes" || spec == "fashion-mnist" || is_web_dataset(spec) || is_array_set(spec);
  return is_idx_directory(spec) || is_cifar_directory(spec) || is_array_set(spec) || is_image_folder(spec) ||
         is_web_dataset(spec);
}

OpenedImages open_images(const std::string& spec, Split split, const OpenOptions& options) {
  if (spec == "shapes") return in_memory({.dataset = make_shapes(split, options.shapes)}, options.files);
  if (spec == "fashion-mnist") {
    const std::string directory = find_fashion_mnist();
    check<IoError>(!directory.empty(),
                   "cannot open the data set fashion-mnist: the package dataset-fashion-mnist is not "
                   "installed (apt-get install dataset-fashion-mnist)");
    return in_memory({.dataset = load_idx(directory, split)}, options.files);
  }
  std::error_code unknown;
  const bool is_directory = std::filesystem::is_directory(spec, unknown);
  if (!is_directory && is_web_dataset(spec)) return from_files<WebDataset>(spec, split, options);
  check<IoError>(std::filesystem::exists(spec, unknown), "cannot open the data set '", spec,
                 "': there is no such directory or file, nor is it one of the names shapes and fashion-mnist");
  if (!is_directory && is_array_set(spec)) return in_memory(load_array_set(spec, split), options.files);
  check<IoError>(is_directory, "cannot open the data set '", spec,
                 "': it is not a directory, nor a file that ends in .npz, .npy or .tar");
  if (is_idx_directory(spec)) return in_memory({.dataset = load_idx(spec, split)}, options.files);
  if (is_cifar_directory(spec)) return in_memory({.dataset = load_cifar(spec, split, options.cifar)}, options.files);
  if (is_array_set(spec)) return in_memory(load_array_set(spec, split), options.files);
  if (is_image_folder(spec)) return from_files<ImageFiles>(spec, split, options);
  if (is_web_dataset(spec)) return from_files<WebDataset>(spec, split, options);
  const std::string unread = unread_files(spec);
  fail<IoError>("cannot open the data set '", spec,
                "': it has neither IDX files (train-images-idx3-ubyte and so on, plain or .gz) nor images (PNG, JPEG "
                "or WebP) in it or in its sub-folders, nor a list of images (metadata.jsonl, captions.txt), nor "
                "CIFAR's binary files, .npy arrays (images.npy, labels.npy) or .tar shards",
                unread.empty() ? "" : "; what it has is not read: " + unread);
}

}  // namespace ditharos::data
