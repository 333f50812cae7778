#include <ditharos/data/datasets/clips/clip_shape.h>

#include <algorithm>
#include <charconv>

#include <ditharos/tensor/error.h>

namespace ditharos::data {
namespace {

constexpr int64_t longest_side = 4096;  // pixels, or frames

/// The `count` numbers of a text such as "8x32x32"; nothing for any other text.
std::vector<int64_t> parse_sides(const std::string& text, size_t count) {
  std::vector<int64_t> sides;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (sides.size() < count) {
    int64_t side = 0;
    const auto [next, error] = std::from_chars(at, end, side);
    if (error != std::errc() || side < 1 || side > longest_side) return {};
    sides.push_back(side);
    at = next;
    if (sides.size() < count && (at == end || *at++ != 'x')) return {};
  }
  return at == end ? sides : std::vector<int64_t>{};
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

}  // namespace

SampleShape parse_clip_shape(const std::string& text, const std::string& what) {
  const std::vector<int64_t> sides = parse_sides(text, 3);
  check<ConfigError>(sides.size() == 3, what, ": \"", text,
                     "\" is not a shape of clips; write frames x height x width, each from 1 to ", longest_side,
                     ", such as 8x32x32");
  return {sides[0], sides[1], sides[2]};
}

std::vector<SampleShape> parse_clip_shapes(const std::string& list, const std::string& what) {
  std::vector<SampleShape> shapes;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t comma = std::min(list.find(',', begin), list.size());
    shapes.push_back(parse_clip_shape(trimmed(list.substr(begin, comma - begin)), what));
    begin = comma + 1;
  }
  return shapes;
}

FrameSize parse_frame_size(const std::string& text, const std::string& what) {
  const std::vector<int64_t> sides = parse_sides(text, 2);
  check<ConfigError>(sides.size() == 2, what, ": \"", text,
                     "\" is not a size of frames; write height x width, each from 1 to ", longest_side,
                     ", such as 32x48");
  return {sides[0], sides[1]};
}

}  // namespace ditharos::data
