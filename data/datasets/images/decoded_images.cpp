#include <ditharos/data/datasets/images/decoded_images.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {
namespace {

/// The text itself, or quoted where it is not UTF-8, which the index of packed samples cannot hold.
std::string as_utf8(const std::string& text) { return is_utf8(text) ? text : quote(text); }

void check_none(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) check<IoError>(error.empty(), error);
}

std::string message_before(const std::string& title) { return "cannot read " + title + ": "; }

}  // namespace

/// All listed images, while the set is opened.
struct DecodedImages::Scan {
  explicit Scan(int64_t n) : errors(size_t(n)), has_header(size_t(n)), has_color(size_t(n)) {}
  bool is_sound(int64_t i) const { return errors[size_t(i)].empty(); }
  int64_t sound() const { return std::count(errors.begin(), errors.end(), std::string()); }

  std::vector<std::string> errors;  // "" for images that can be used, as far as is known
  std::vector<char> has_header;     // that can be read
  std::vector<char> has_color;
};

DecodedImages::DecodedImages(std::string op, const std::string& images, const ImageFilesOptions& options)
    : options_(options), op_("[" + std::move(op) + "] ") {
  check<ConfigError>(options.channels == 0 || options.channels == 1 || options.channels == 3, op_,
                     "channels must be 1, 3 or 0 for what the ", images, " have, got ", options.channels);
  const auto [low, high] = std::minmax(options.height, options.width);
  check<ConfigError>((low == 0 && high == 0) || (low > 0 && high <= max_png_side), op_,
                     "height and width must both be 1..", max_png_side, ", or both 0, got ", options.height, " and ",
                     options.width);
  check<ConfigError>(options.memory_bytes >= 0, op_, "memory_bytes must not be negative, got ", options.memory_bytes);
}

void DecodedImages::open(const std::string& refusal, const std::function<void(int64_t i)>& check_listed) {
  const bool skips = options_.on_damaged == OnDamaged::skip;
  // Nothing is decoded before all headers are known where an earlier selection may make that needless, or where pixels
  // may be kept, of which the channels and the size depend on all headers.
  const bool waits = !options_.earlier.empty() ||
                     fits_memory(size(), std::max<int64_t>(1, options_.channels), std::max<int64_t>(1, options_.height),
                                 std::max<int64_t>(1, options_.width));
  Scan scan(size());
  encoded_.resize(static_cast<size_t>(size()));
  read_headers(scan, check_listed, skips && !waits);
  if (!skips) check_none(scan.errors);
  if (skips && waits && !find_earlier(scan)) {
    static_cast<void>(settle(scan));  // with the damaged ones, which mostly changes nothing
    const auto shape = std::pair(channels_, native_);
    pixels_ = decode_all(scan);
    static_cast<void>(settle(scan));
    if (shape != std::pair(channels_, native_)) pixels_ = Tensor();
  }
  for (const std::string& error : scan.errors)
    if (!error.empty()) skipped_.push_back(error);
  check<IoError>(scan.sound() > 0, refusal, skipped_.empty() ? "" : skipped_.front());
  const std::string difference = settle(scan);
  check<IoError>(difference.empty() || options_.mixed_sizes, difference);
  selection_ = select(scan);

  std::vector<char> keep(scan.errors.size());
  std::transform(scan.errors.begin(), scan.errors.end(), keep.begin(), [](const auto& error) { return error.empty(); });
  note_emptied_classes(keep);
  keep_only(keep);
  encoded_ = kept(std::move(encoded_), keep);
  if (!pixels_.defined() && native_ && fits_memory(size(), channels_, native_->height, native_->width)) {
    Scan rest(size());
    Tensor pixels = decode_all(rest);
    check_none(rest.errors);
    pixels_ = std::move(pixels);
  }
  for (int64_t i = 0; i < size(); ++i) checksum_ = add_sample(i, checksum_);
  checksum_ = add_to_checksum(channels_, checksum_);
  checksum_ = add_to_checksum(native_ ? native_->height : 0, checksum_);
  checksum_ = add_to_checksum(native_ ? native_->width : 0, checksum_);
  checksum_ = add_to_checksum(options_.fit, checksum_);
  checksum_ = add_to_checksum(options_.background, add_to_checksum(options_.resample, checksum_));
}

const EncodedImage& DecodedImages::encoded(int64_t i) const {
  const auto n = static_cast<int64_t>(encoded_.size());
  check<Error>(i >= 0 && i < n, op_, "image ", i, " of a set of ", n);
  return encoded_[static_cast<size_t>(i)];
}

/// Runs work(i) for i in [0, n) in parallel and returns the message of each IoError; "" where there was none.
std::vector<std::string> DecodedImages::errors_of_each(int64_t n, const std::function<void(int64_t i)>& work) const {
  std::vector<std::string> errors(static_cast<size_t>(n));
  std::mutex mutex;
  int64_t done = 0;
  parallel_tasks(n, [&](int64_t i) {
    try {
      work(i);
    } catch (const IoError& error) {
      errors[static_cast<size_t>(i)] = error.what();
    }
    if (!options_.progress) return;
    const std::lock_guard lock(mutex);
    options_.progress(++done, n);
  });
  return errors;
}

void DecodedImages::read_headers(Scan& scan, const std::function<void(int64_t i)>& check_listed, bool decodes) {
  scan.errors = errors_of_each(size(), [&](int64_t i) {
    const auto k = static_cast<size_t>(i);
    check_listed(i);
    const std::string bytes = read(i);
    const ImageInfo info = image_info(bytes, title(i), decoding());
    encoded_[k] = {info.height, info.width, crc32c(bytes.data(), bytes.size())};
    scan.has_header[k] = 1;
    scan.has_color[k] = info.color;
    if (decodes) static_cast<void>(decode(bytes, 3, i));
  });
}

/// Looks for an earlier selection of the same images. Where there is one, the images that it found damaged get their
/// errors.
bool DecodedImages::find_earlier(Scan& scan) const {
  for (const ImageSelection& earlier : options_.earlier) {
    std::map<std::pair<std::string, uint32_t>, const std::string*> damaged;
    for (const DamagedImage& image : earlier.damaged) damaged[{image.name, image.checksum}] = &image.reason;
    std::vector<std::string> errors = scan.errors;
    for (int64_t i = 0; i < size(); ++i) {
      if (!scan.is_sound(i)) continue;
      const auto found = damaged.find({as_utf8(name(i)), encoded(i).checksum});
      if (found != damaged.end()) errors[static_cast<size_t>(i)] = message_before(title(i)) + *found->second;
    }
    if (selection_checksum(errors) != earlier.checksum) continue;
    scan.errors = std::move(errors);
    return true;
  }
  return false;
}

/// Sets channels and native shape to those of the sound images. Returns a sentence where these have several sizes and
/// none was asked for, else "".
std::string DecodedImages::settle(const Scan& scan) {
  bool color = false;
  for (int64_t i = 0; i < size(); ++i) color = color || (scan.is_sound(i) && scan.has_color[static_cast<size_t>(i)]);
  channels_ = options_.channels > 0 ? options_.channels : color ? 3 : 1;
  native_.reset();
  if (options_.height > 0) {
    native_ = {1, options_.height, options_.width};
    return "";
  }
  int64_t first = 0;
  for (int64_t i = 0; i < size(); ++i) {
    if (!scan.is_sound(i)) continue;
    const EncodedImage& image = encoded(i);
    if (!native_) {
      first = i;
      native_ = {1, image.height, image.width};
    } else if (image.height != native_->height || image.width != native_->width) {
      const SampleShape a = *std::exchange(native_, std::nullopt);
      return "cannot use " + title(i) + ": it has " + std::to_string(image.width) + " x " +
             std::to_string(image.height) + " pixels, but " + title(first) + " has " + std::to_string(a.width) + " x " +
             std::to_string(a.height) + "; give a size, as in --size 64, to crop and scale them all to";
    }
  }
  return "";
}

bool DecodedImages::fits_memory(int64_t images, int64_t channels, int64_t height, int64_t width) const {
  return images > 0 && channels * height * width <= options_.memory_bytes / images;
}

/// Decodes the sound images. Those that cannot be decoded get an error. Returns the pixels of the others, [N, C, H, W],
/// where they have a native shape and fit into memory, else an undefined tensor. IoError when a file has changed.
Tensor DecodedImages::decode_all(Scan& scan) const {
  const int64_t sound = scan.sound();
  Tensor pixels;
  uint8_t* to = nullptr;
  int64_t image_size = 0;
  if (native_ && fits_memory(sound, channels_, native_->height, native_->width)) {
    pixels = Tensor({sound, channels_, native_->height, native_->width}, DType::u8);
    to = pixels.mutable_data<uint8_t>();
    image_size = channels_ * native_->height * native_->width;
  }
  std::vector<int64_t> rows(scan.errors.size());
  for (int64_t i = 0, row = 0; i < size(); ++i) rows[static_cast<size_t>(i)] = scan.is_sound(i) ? row++ : -1;
  check_none(errors_of_each(size(), [&](int64_t i) {
    const auto k = static_cast<size_t>(i);
    if (rows[k] < 0) return;
    const std::string bytes = read_unchanged(i);
    try {
      const Tensor image = decode(bytes, channels_, i);
      if (to == nullptr) return;
      std::memcpy(to + rows[k] * image_size, resize(image, native_->height, native_->width).data<uint8_t>(),
                  static_cast<size_t>(image_size));
    } catch (const IoError& error) {
      scan.errors[k] = error.what();
    }
  }));
  if (to == nullptr) return pixels;
  int64_t row = 0;  // the rows of damaged images are closed
  for (int64_t i = 0; i < size(); ++i) {
    if (!scan.is_sound(i)) continue;
    const int64_t from = rows[static_cast<size_t>(i)];
    if (from != row) std::memmove(to + row * image_size, to + from * image_size, static_cast<size_t>(image_size));
    ++row;
  }
  return pixels.slice(0, 0, row);
}

ImageSelection DecodedImages::select(const Scan& scan) const {
  ImageSelection selection{selection_checksum(scan.errors), {}};
  std::set<std::pair<std::string, uint32_t>> known;  // an image with several captions is listed several times
  for (int64_t i = 0; i < size(); ++i) {
    if (scan.is_sound(i) || !scan.has_header[static_cast<size_t>(i)]) continue;
    DamagedImage image{as_utf8(name(i)), encoded(i).checksum,
                       as_utf8(scan.errors[static_cast<size_t>(i)].substr(message_before(title(i)).size()))};
    if (known.emplace(image.name, image.checksum).second) selection.damaged.push_back(std::move(image));
  }
  return selection;
}

/// A note for each class all of whose samples are left out. It stays a class, so that the numbers of the others are the
/// same in each split and after files were mended.
void DecodedImages::note_emptied_classes(const std::vector<char>& keep) {
  constexpr size_t shown = 5;
  std::vector<int64_t> listed(class_names_.size()), left(class_names_.size());
  for (int64_t i = 0; i < size() && !class_names_.empty(); ++i) {
    const int64_t of = label(i);
    if (of < 0) continue;  // its label is the fault
    ++listed[static_cast<size_t>(of)];
    left[static_cast<size_t>(of)] += keep[static_cast<size_t>(i)];
  }
  size_t emptied = 0;
  for (size_t c = 0; c < listed.size(); ++c) {
    if (listed[c] == 0 || left[c] > 0 || ++emptied > shown) continue;
    notes_.push_back("class " + quote(class_names_[c]) + " has no samples: " +
                     (listed[c] == 1 ? "the only one is" : "all " + std::to_string(listed[c]) + " are") + " damaged");
  }
  if (emptied > shown)
    notes_.push_back(std::to_string(emptied - shown) + " more classes have no samples but damaged ones");
}

/// ImageSelection::checksum of the images without an error.
uint32_t DecodedImages::selection_checksum(const std::vector<std::string>& errors) const {
  uint32_t crc = 0;
  for (int64_t i = 0; i < size(); ++i) {
    if (!errors[static_cast<size_t>(i)].empty()) continue;
    crc = add_to_checksum(encoded(i).checksum, add_to_checksum(name(i), crc));
  }
  return crc;
}

Tensor DecodedImages::resize(const Tensor& image, int64_t height, int64_t width) const {
  if (image.size(1) == height && image.size(2) == width) return image;
  return options_.fit == Fit::crop ? center_crop_resize(image, height, width, options_.resample)
                                   : stretch(image, height, width, options_.resample);
}

std::string DecodedImages::read_unchanged(int64_t i) const {
  std::string bytes = read(i);
  check<IoError>(crc32c(bytes.data(), bytes.size()) == encoded(i).checksum, "cannot read ", title(i),
                 ": it has changed since the set was opened");
  return bytes;
}

/// u8 [channels, H, W] in the size of the file.
Tensor DecodedImages::decode(const std::string& bytes, int64_t channels, int64_t i) const {
  ++decodings_;
  return decode_image(bytes, channels, title(i), decoding());
}

/// u8 [C, H, W], in the native shape where there is one.
Tensor DecodedImages::native_image(int64_t i) const {
  static_cast<void>(encoded(i));  // checks the index
  if (pixels_.defined()) return pixels_.select(0, i);
  const Tensor image = decode(read_unchanged(i), channels_, i);
  return native_ ? resize(image, native_->height, native_->width) : image;
}

Tensor DecodedImages::sample(int64_t i, const SampleShape& shape) const {
  check<ShapeError>(shape.has_pixels(), op_, "every size of a sample must be at least 1, got ", shape);
  const Tensor image = resize(native_image(i), shape.height, shape.width);
  if (shape.frames == 1) return image.reshape({1, channels_, shape.height, shape.width});
  Tensor frames({shape.frames, channels_, shape.height, shape.width}, DType::u8);
  uint8_t* to = frames.mutable_data<uint8_t>();
  for (int64_t f = 0; f < shape.frames; ++f) to = std::copy_n(image.data<uint8_t>(), image.numel(), to);
  return frames;
}

const uint8_t* DecodedImages::stored_sample(int64_t i, const SampleShape& shape) const {
  static_cast<void>(encoded(i));  // checks the index
  if (!in_memory() || shape != native_) return nullptr;
  return pixels_.data<uint8_t>() + i * channels_ * shape.height * shape.width;
}

}  // namespace ditharos::data
