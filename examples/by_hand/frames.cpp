#include <ditharos/examples/by_hand/frames.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/sheet.h>
#include <ditharos/tensor/file.h>

namespace ditharos::by_hand {
namespace {

constexpr uint64_t most_bytes = uint64_t{1} << 20;

/// The text behind # and a carriage return at the end taken off.
std::string_view without_comment(std::string_view line) {
  line = line.substr(0, line.find('#'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

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
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string where = name + ":" + std::to_string(++number) + ": ";
    const std::string_view line = std::string_view(text).substr(at, end - at);
    const std::vector<double> row = numbers_of(without_comment(line), where);
    at = end + 1;
    if (row.empty()) {
      if (line.find('#') == std::string_view::npos) end_frame(where);  // a line with a comment alone ends no frame
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

Tensor read_frames(const std::string& path) { return parse_frames(read_file(path, most_bytes), path); }

Tensor moving_dot(int64_t frames, int64_t height, int64_t width) {
  std::vector<double> values(size_t(frames * height * width));
  for (int64_t f = 0; f < frames; ++f) values[size_t((f * height + f / 2 % height) * width + f % width)] = 1;
  return from_vector(values, {frames, 1, height, width});
}

void write_strip(const std::string& path, const std::vector<Tensor>& videos, const std::vector<std::string>& labels) {
  const int64_t frames = videos.at(0).size(0), side = std::max(videos[0].size(2), videos[0].size(3));
  const Tensor pictures = to(cat(videos, 0).detach() * 2.0 - 1.0, DType::f32);
  data::save_sheet(path, pictures, {.columns = frames, .padding = 1, .scale = std::clamp<int64_t>(128 / side, 1, 48),
                                    .row_labels = labels, .label_place = data::SheetOptions::LabelPlace::above});
}

}  // namespace ditharos::by_hand
