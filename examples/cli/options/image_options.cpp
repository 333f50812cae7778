#include "examples/cli/options/image_options.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include <ditharos/tensor/io/quoted_text.h>
#include "examples/cli/program.h"
#include "examples/cli/progress.h"

namespace ditharos::examples {

void describe_images(Settings::Section section, data::ImageSettings& images) {
  section
      .add("size", images.size, "images are made height x width pixels, such as 64x48, or 64 for both; \"\": none is")
      .add("fit", images.fit, "size: crop around the middle to its proportions, or stretch the whole image",
           {{"crop", data::Fit::crop}, {"stretch", data::Fit::stretch}})
      .add("resample", images.resample, "size: mean of the pixels that a new one covers, or Lanczos' kernel, sharper",
           {{"area", data::Resample::area}, {"lanczos", data::Resample::lanczos}})
      .add("background", images.background,
           "colour behind transparent images: white, black, gray, or #rrggbb in hexadecimal digits")
      .add("on_damaged", images.on_damaged, "a file that cannot be read: stop, or skip it and count",
           {{"stop", data::OnDamaged::stop}, {"skip", data::OnDamaged::skip}})
      .add("coarse_labels", images.coarse_labels, "CIFAR-100: the 20 coarse labels instead of the 100 fine ones");
}

void describe_formats(Settings& settings, const std::function<std::string()>& data) {
  using data::ImageSetFormat;
  // What has no format has a message of its own.
  const auto is_one_of = [data](ImageSetFormat a, ImageSetFormat b) {
    const ImageSetFormat format = data::image_set_format(data());
    return format == ImageSetFormat::none || format == a || format == b;
  };
  settings.only_for(
      {"background", "on_damaged"},
      [is_one_of] { return is_one_of(ImageSetFormat::files, ImageSetFormat::web_dataset); }, "data of image files");
  settings.only_for(
      {"coarse_labels"}, [is_one_of] { return is_one_of(ImageSetFormat::cifar, ImageSetFormat::cifar); },
      "the data of CIFAR-100");
}

void describe_image_memory(Settings& settings, int64_t& mebibytes) {
  settings.options().add("image_memory", mebibytes,
                         "MiB: image files are decoded once and kept if they take no more, else at each use. Results "
                         "do not depend on it",
                         between(0, 1 << 20));
}

namespace {

/// ConfigError for data that are neither a name, nor a pattern of shards, nor anything that exists.
void check_data_exist(const std::string& data) {
  if (data == "shapes" || data == "fashion-mnist" || data.find('{') != std::string::npos) return;
  std::error_code error;
  const bool missing = std::filesystem::status(data, error).type() == std::filesystem::file_type::not_found;
  check<ConfigError>(!missing, "data = ", quote(data),
                     ": there is no such file or folder, nor is it one of the names "
                     "shapes and fashion-mnist");
}

}  // namespace

data::OpenedImages scan_images(const std::string& data, data::Split split, const data::ImageSettings& images,
                               const ImageLimits& limits) {
  check_data_exist(data);
  constexpr int64_t large = 1000;
  std::unique_ptr<Progress> bar;
  data::OpenOptions options{.files = data::to_options(images), .shapes = {}, .cifar = {images.coarse_labels}};
  options.files.max_pixels = limits.max_pixels;
  options.files.memory_bytes = limits.memory << 20;
  options.files.mixed_sizes = limits.mixed_sizes;
  options.files.earlier = limits.earlier;
  options.files.progress = [&](int64_t done, int64_t total) {
    if (total < large) return;
    if (done == 1) bar = std::make_unique<Progress>(0, total, "file");
    bar->update(done);
    if (done == total) bar->finish();
  };
  if (limits.like != nullptr) {
    options.files.channels = limits.like->channels();
    const std::optional<data::SampleShape> shape = limits.like->native_shape();
    if (shape && options.files.height == 0) {
      options.files.height = shape->height;
      options.files.width = shape->width;
    }
  }
  data::OpenedImages opened = data::open_images(data, split, options);
  check<ConfigError>(limits.like == nullptr || opened.source->channels() == limits.like->channels(), "images of the ",
                     split, " split in ", data, " have ", opened.source->channels(),
                     " channels, and those of training have ", limits.like ? limits.like->channels() : 0);
  return opened;
}

data::OpenedImages read_images(const std::string& data, data::Split split, const data::ImageSettings& images,
                               const ImageLimits& limits) {
  constexpr int64_t shown = 5;
  data::OpenedImages opened = scan_images(data, split, images, limits);
  print_notes(opened.notes);
  const auto skipped = static_cast<int64_t>(opened.skipped.size());
  if (skipped > 0) {
    print_notes({std::to_string(skipped) + (skipped == 1 ? " file was" : " files were") + " left out:"});
    print_notes({opened.skipped.begin(), opened.skipped.begin() + std::min(skipped, shown)});
    if (skipped > shown) print_notes({"and " + std::to_string(skipped - shown) + " more"});
  }
  return opened;
}

void check_strides(const data::SampleShape& images, int64_t stride, int64_t time_stride) {
  check<ConfigError>(time_stride == 1, "the autoencoder encodes ", time_stride,
                     " frames together, and an image is one: train one with time_stride = 1");
  check<ConfigError>(images.height % stride == 0 && images.width % stride == 0, "the stride of the autoencoder, ",
                     stride, " pixels, does not divide images of ", images.height, "x", images.width,
                     ": give a size that it divides, as in --size ", (images.height + stride - 1) / stride * stride);
}

}  // namespace ditharos::examples
