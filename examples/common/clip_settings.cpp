#include "examples/common/clip_settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/datasets/video_folder.h>
#include <ditharos/data/synthetic/emoji.h>
#include <ditharos/data/synthetic/moving_garments.h>
#include "examples/cli/program.h"

namespace ditharos::examples {
namespace {

constexpr const char* made_clips = "moving-garments";
constexpr const char* made_emoji = "moving-emoji";
constexpr int64_t longest_side = 4096;  // pixels, or frames

/// The numbers of "8x32x32", as many as `count`; nothing when the text is something else.
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

std::vector<data::SampleShape> parse_shapes(const std::string& list) {
  std::vector<data::SampleShape> shapes;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t comma = std::min(list.find(',', begin), list.size());
    shapes.push_back(parse_clip_shape(trimmed(list.substr(begin, comma - begin)), "shapes"));
    begin = comma + 1;
  }
  return shapes;
}

/// How many times one of two numbers is the other, as a logarithm: 0 for equal ones.
double ratio(int64_t a, int64_t b) { return std::abs(std::log(double(a) / double(b))); }

double pixels(const data::SampleShape& shape) { return double(shape.frames) * double(shape.height * shape.width); }

}  // namespace

void describe_clips(Settings& settings, ClipSettings& clips) {
  settings.section("data", "what to learn from")
      .add("data", clips.data,
           "\"moving-garments\", \"moving-emoji\", or a folder of videos with captions.txt or captions.jsonl")
      .add("shapes", clips.shapes, "shapes of the batches, frames x height x width: \"8x32x32, 16x32x48\"")
      .add("shape_weights", clips.shape_weights, "how often each shape comes, in proportion; empty: all alike",
           above(0).at_most(1e9));
}

data::SampleShape parse_clip_shape(const std::string& text, const std::string& what) {
  const std::vector<int64_t> sides = parse_sides(text, 3);
  check<ConfigError>(sides.size() == 3, what, ": \"", text,
                     "\" is not a shape of clips; write frames x height x width, each from 1 to ", longest_side,
                     ", such as 8x32x32");
  return {sides[0], sides[1], sides[2]};
}

FrameSize parse_frame_size(const std::string& text, const std::string& what) {
  const std::vector<int64_t> sides = parse_sides(text, 2);
  check<ConfigError>(sides.size() == 2, what, ": \"", text,
                     "\" is not a size of frames; write height x width, each from 1 to ", longest_side,
                     ", such as 32x48");
  return {sides[0], sides[1]};
}

std::vector<data::Bucket> clip_buckets(const ClipSettings& clips, int64_t batch_size) {
  const std::vector<data::SampleShape> shapes = parse_shapes(clips.shapes);
  check<ConfigError>(clips.shape_weights.empty() || clips.shape_weights.size() == shapes.size(), "shape_weights has ",
                     clips.shape_weights.size(), " numbers for ", shapes.size(), " shapes");
  std::vector<data::Bucket> buckets;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const int64_t batch = std::llround(double(batch_size) * pixels(shapes[0]) / pixels(shapes[i]));
    buckets.push_back({.shape = shapes[i], .batch_size = std::max<int64_t>(1, batch),
                       .weight = clips.shape_weights.empty() ? 1 : clips.shape_weights[i]});
  }
  return buckets;
}

std::vector<data::SampleShape> trained_shapes(const ClipSettings& clips) {
  std::vector<data::SampleShape> shapes;
  for (const data::Bucket& bucket : clip_buckets(clips, 1))
    if (bucket.weight > 0) shapes.push_back(bucket.shape);
  return shapes;
}

data::SampleShape nearest_trained(const std::vector<data::SampleShape>& trained, const WantedShape& wanted) {
  check<ConfigError>(!trained.empty(), "[nearest_trained] needs at least one shape");
  const data::SampleShape& w = wanted.shape;
  std::vector<data::SampleShape> candidates = trained;
  std::erase_if(candidates, [&](const data::SampleShape& s) {
    return (wanted.frames_given && s.frames != w.frames) ||
           (wanted.size_given && (s.height != w.height || s.width != w.width));
  });
  if (candidates.empty()) candidates = trained;
  const auto distance = [&](const data::SampleShape& s) {
    return (wanted.frames_given ? 0 : ratio(s.frames, w.frames)) +
           (wanted.size_given ? 0 : ratio(s.height, w.height) + ratio(s.width, w.width));
  };
  data::SampleShape best = *std::min_element(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
    return distance(a) < distance(b);
  });
  if (wanted.frames_given) best.frames = wanted.shape.frames;
  if (wanted.size_given) best.height = wanted.shape.height, best.width = wanted.shape.width;
  return best;
}

FrameSize size_for(const std::vector<data::SampleShape>& trained, int64_t height, int64_t width) {
  check<ConfigError>(!trained.empty(), "[size_for] needs at least one shape");
  const auto distance = [&](const data::SampleShape& s) {
    if (s.height == height && s.width == width) return -1.0;
    return std::abs(std::log(double(s.height) * double(width) / (double(s.width) * double(height))));
  };
  const data::SampleShape best = *std::min_element(trained.begin(), trained.end(), [&](const auto& a, const auto& b) {
    return distance(a) < distance(b) - 1e-9;
  });
  return {best.height, best.width};
}

data::SampleShape wanted_shape(const ClipSettings& clips, const data::SampleShape& usual, int64_t frames,
                             const std::string& size) {
  WantedShape wanted{.shape = usual, .frames_given = frames > 0, .size_given = !size.empty()};
  if (wanted.frames_given) wanted.shape.frames = frames;
  if (wanted.size_given) {
    const FrameSize given = parse_frame_size(size, "--size");
    wanted.shape.height = given.height, wanted.shape.width = given.width;
  }
  return nearest_trained(trained_shapes(clips), wanted);
}

void warn_of_untrained(const ClipSettings& clips, const data::SampleShape& shape) {
  const std::vector<data::SampleShape> trained = trained_shapes(clips);
  if (std::find(trained.begin(), trained.end(), shape) != trained.end()) return;
  std::string list;
  for (const data::SampleShape& s : trained) list += (list.empty() ? "" : ", ") + data::to_text(s);
  print_notes({"the model was not trained on clips of " + data::to_text(shape) +
               " (frames x height x width), and what it makes of them may be worse; it was trained on " + list});
}

bool is_moving_garments(const std::string& data) { return data == made_clips; }

std::shared_ptr<const data::DataSource> open_clips(const std::string& data, ClipUse use, int64_t max_pixels) {
  const bool training = use == ClipUse::training;
  const data::Split split = training ? data::Split::train : data::Split::test;
  if (data != made_clips && data != made_emoji) {
    check<ConfigError>(data::is_video_folder(data), "there are no clips called \"", data, "\"; known are \"",
                       made_clips, "\", \"", made_emoji,
                       "\" and folders of videos with captions.txt (file, tab, caption) or captions.jsonl");
    data::VideoFolderOptions folder;
    folder.split = split;
    folder.max_pixels = max_pixels;
    return std::make_shared<data::VideoFolder>(data, folder);
  }
  data::MovingGarmentsOptions options;
  options.split = training ? data::SceneSplit::train : data::SceneSplit::held_out;
  if (data == made_clips) return std::make_shared<data::MovingGarments>(data::things_to_move(split), options);
  const std::string font = data::find_emoji_font();
  check<ConfigError>(!font.empty(), "data = \"", made_emoji, "\" needs the package fonts-noto-color-emoji");
  return std::make_shared<data::MovingGarments>(data::load_emoji(font), options);
}

data::Batch clip_batch(const data::DataSource& source, const data::SampleShape& shape, int64_t first,
                       int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), first);
  return data::read_batch(source, shape, std::move(indices));
}

}  // namespace ditharos::examples
