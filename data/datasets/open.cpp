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
  return {.source = std::make_shared<Dataset>(resized(opened.dataset, options)),
          .skipped = opened.skipped,
          .notes = opened.notes};
}

/// A source that reads files itself.
template <class Source>
OpenedImages from_files(const std::string& spec, Split split, const OpenOptions& options) {
  const auto files = std::make_shared<Source>(spec, split, options.files);
  return {.source = files, .skipped = files->skipped(), .notes = files->notes()};
}

}  // namespace

ImageSetFormat image_set_format(const std::string& spec) {
  if (spec == "shapes") return ImageSetFormat::shapes;
  if (spec == "fashion-mnist") return ImageSetFormat::fashion_mnist;
  std::error_code unknown;
  if (!std::filesystem::is_directory(spec, unknown)) {
    if (is_web_dataset(spec)) return ImageSetFormat::web_dataset;
    return is_array_set(spec) ? ImageSetFormat::arrays : ImageSetFormat::none;
  }
  if (is_idx_directory(spec)) return ImageSetFormat::idx;
  if (is_cifar_directory(spec)) return ImageSetFormat::cifar;
  if (is_array_set(spec)) return ImageSetFormat::arrays;
  if (is_image_folder(spec)) return ImageSetFormat::files;
  return is_web_dataset(spec) ? ImageSetFormat::web_dataset : ImageSetFormat::none;
}

bool is_image_set(const std::string& spec) { return image_set_format(spec) != ImageSetFormat::none; }

OpenedImages open_images(const std::string& spec, Split split, const OpenOptions& options) {
  switch (image_set_format(spec)) {
    case ImageSetFormat::shapes: return in_memory({.dataset = make_shapes(split, options.shapes)}, options.files);
    case ImageSetFormat::fashion_mnist: {
      const std::string directory = find_fashion_mnist();
      check<IoError>(!directory.empty(),
                     "cannot open the data set fashion-mnist: the package dataset-fashion-mnist is not "
                     "installed (apt-get install dataset-fashion-mnist)");
      return in_memory({.dataset = load_idx(directory, split)}, options.files);
    }
    case ImageSetFormat::idx: return in_memory({.dataset = load_idx(spec, split)}, options.files);
    case ImageSetFormat::cifar: return in_memory({.dataset = load_cifar(spec, split, options.cifar)}, options.files);
    case ImageSetFormat::arrays: return in_memory(load_array_set(spec, split), options.files);
    case ImageSetFormat::files: return from_files<ImageFiles>(spec, split, options);
    case ImageSetFormat::web_dataset: return from_files<WebDataset>(spec, split, options);
    case ImageSetFormat::none: break;
  }
  std::error_code unknown;
  check<IoError>(std::filesystem::exists(spec, unknown), "cannot open the data set '", spec,
                 "': there is no such directory or file, nor is it one of the names shapes and fashion-mnist");
  check<IoError>(std::filesystem::is_directory(spec, unknown), "cannot open the data set '", spec,
                 "': it is not a directory, nor a file that ends in .npz, .npy or .tar");
  const std::string unread = unread_files(spec);
  fail<IoError>("cannot open the data set '", spec,
                "': it has neither IDX files (train-images-idx3-ubyte and so on, plain or .gz) nor images (PNG, JPEG "
                "or WebP) in it or in its sub-folders, nor a list of images (metadata.jsonl, captions.txt), nor "
                "CIFAR's binary files, .npy arrays (images.npy, labels.npy) or .tar shards",
                unread.empty() ? "" : "; what it has is not read: " + unread);
}

}  // namespace ditharos::data
