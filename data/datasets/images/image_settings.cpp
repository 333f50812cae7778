#include <ditharos/data/datasets/images/image_settings.h>

#include <charconv>

#include <ditharos/data/codecs/png.h>

namespace ditharos::data {
namespace {

/// A side in pixels at the beginning of [at, end); `at` is moved behind it. 0 for anything else.
int64_t take_side(const char*& at, const char* end) {
  int64_t side = 0;
  const auto [next, error] = std::from_chars(at, end, side);
  at = next;
  return error == std::errc() && side >= 1 && side <= max_png_side ? side : 0;
}

void parse_size(const std::string& text, ImageFilesOptions& options) {
  if (text.empty()) return;
  const char* at = text.data();
  const char* const end = at + text.size();
  options.height = options.width = take_side(at, end);
  if (at != end && *at == 'x') options.width = take_side(++at, end);
  check<ConfigError>(at == end && options.height > 0 && options.width > 0, "size: \"", text,
                     "\" is not a size of images; write height x width, each from 1 to ", max_png_side,
                     ", such as 64x48, or one number for both");
}

}  // namespace

ImageFilesOptions to_options(const ImageSettings& settings) {
  ImageFilesOptions options;
  parse_size(settings.size, options);
  options.fit = settings.fit;
  options.resample = settings.resample;
  options.background = parse_color(settings.background, "background");
  options.on_damaged = settings.on_damaged;
  return options;
}

}  // namespace ditharos::data
