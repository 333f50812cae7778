#include "examples/by_hand/frames.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/image/image_grid.h>
#include <ditharos/data/text/text_lines.h>

namespace ditharos::by_hand {
namespace {

constexpr uint64_t most_bytes = uint64_t{1} << 20;

std::vector<double> numbers_of(std::string_view line, const std::string& where) {
  std::vector<double> numbers;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t,"), line.size()));
    if (line.empty()) return numbers;
    const std::string_view word = line.substr(0, line.find_first_of(" \t,"));
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    check<IoError>(error == std::errc() && end == word.data() + word.size() && value >= 0 && value <= 1, where, "\"",
                   std::string(word), "\" is not a pixel: a number from 0 (black) to 1 (white)");
    numbers.push_back(value);
    line.remove_prefix(word.size());
  }
}

/// Pixels from 0 to 1 as f32 in [-1, 1].
Tensor signed_pixels(const Tensor& video) { return to(video.detach() * 2.0 - 1.0, DType::f32); }

/// The scale at which a small video is written.
int64_t enlargement(const Tensor& video) {
  return std::clamp<int64_t>(128 / std::max(video.size(2), video.size(3)), 1, 48);
}

}  // namespace

Tensor parse_frames(const std::string& text, const std::string& name) {
  std::vector<double> values;
  size_t width = 0;
  int64_t rows = 0, height = 0, frames = 0, number = 0;
  const auto end_frame = [&](const std::string& where) {
    if (rows == 0) return;
    check<IoError>(height == 0 || rows == height, where, "frame ", frames + 1, " has ", rows,
                   rows == 1 ? " row" : " rows", ", the first one has ", height);
    height = rows, rows = 0, ++frames;
  };
  for (const std::string_view line : data::text_lines(text)) {
    const std::string where = name + ":" + std::to_string(++number) + ": ";
    const std::vector<double> row = numbers_of(line.substr(0, line.find('#')), where);
    if (row.empty()) {
      if (line.find('#') == std::string_view::npos) end_frame(where);  // a comment line does not end a frame
      continue;
    }
    check<IoError>(width == 0 || row.size() == width, where, "this row has ", row.size(),
                   row.size() == 1 ? " pixel" : " pixels", ", the first one has ", width);
    width = row.size(), ++rows;
    values.insert(values.end(), row.begin(), row.end());
  }
  end_frame(name + ": ");
  check<IoError>(frames > 0, name, ": there is no frame in it");
  return from_vector(values, {frames, 1, height, int64_t(width)});
}

Tensor read_frames(const std::string& path) { return parse_frames(data::read_text(path, most_bytes), path); }

Tensor moving_dot(int64_t frames, int64_t height, int64_t width) {
  std::vector<double> values(size_t(frames * height * width));
  for (int64_t f = 0; f < frames; ++f) values[size_t((f * height + f / 2 % height) * width + f % width)] = 1;
  return from_vector(values, {frames, 1, height, width});
}

void write_strip(const std::string& path, const std::vector<Tensor>& videos, const std::vector<std::string>& labels) {
  constexpr int64_t grid_scale = 2;
  const Tensor pixels = signed_pixels(cat(videos, 0));
  const int64_t factor = std::max<int64_t>(enlargement(pixels) / grid_scale, 1);
  const Tensor large = interpolate(pixels, {pixels.size(2) * factor, pixels.size(3) * factor});
  const Tensor images = pad(large, {1, 1, 1, 1});  // 0 is gray: it separates white frames
  data::save_grid(path, images,
                  {.columns = videos.at(0).size(0),
                   .padding = 3,
                   .scale = grid_scale,
                   .row_labels = labels,
                   .label_place = data::GridOptions::LabelPlace::above});
}

void write_moving(const std::string& path, const Tensor& video) {
  constexpr double frames_a_second = 2;
  const Shape rgb = {video.size(0), 3, video.size(2), video.size(3)};
  data::write_clip(path, contiguous(expand(signed_pixels(video), rgb)), frames_a_second, {.scale = enlargement(video)});
}

}  // namespace ditharos::by_hand
