#include <ditharos/pipelines/clip_shapes.h>

#include <algorithm>
#include <cmath>

#include <ditharos/training/run/model_size.h>

namespace ditharos::pipelines {
namespace {

using training::max_tokens;

/// The multiple of `step` nearest to `size`, at least one of it.
int64_t nearest_multiple(int64_t size, int64_t step) { return std::max(step, (size + step / 2) / step * step); }

/// The absolute logarithm of the ratio of two numbers: 0 for equal ones.
double ratio(int64_t a, int64_t b) { return std::abs(std::log(double(a) / double(b))); }

}  // namespace

void check_clip_shape(const models::LatentDiT& model, const data::SampleShape& shape, const std::string& what) {
  const models::PatchSize m = model.clip_multiple();
  const data::SampleShape nearest{nearest_multiple(shape.frames, m.frames), nearest_multiple(shape.height, m.height),
                                  nearest_multiple(shape.width, m.width)};
  check<ConfigError>(nearest == shape, what, ": the model cannot generate clips of ", shape.frames, " frames of ",
                     shape.height, "x", shape.width, ": frames must be a multiple of ", m.frames, ", height of ",
                     m.height, " and width of ", m.width, "; the nearest that fits is ", nearest.frames, " frames of ",
                     nearest.height, "x", nearest.width);
  const int64_t of_frame = (shape.height / m.height) * (shape.width / m.width);
  const int64_t tokens = shape.frames / m.frames * of_frame;
  check<ConfigError>(of_frame <= max_tokens, what, ": frames of ", shape.height, "x", shape.width,
                     " are too large: ", of_frame, " tokens, and at most ", max_tokens, " fit");
  check<ConfigError>(tokens <= max_tokens, what, ": ", shape.frames, " frames of ", shape.height, "x", shape.width,
                     " are too many: ", tokens, " tokens, and at most ", max_tokens, " fit, which are ",
                     max_tokens / of_frame * m.frames, " frames of this size");
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
  data::SampleShape best = *std::min_element(candidates.begin(), candidates.end(),
                                             [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  if (wanted.frames_given) best.frames = wanted.shape.frames;
  if (wanted.size_given) best.height = wanted.shape.height, best.width = wanted.shape.width;
  return best;
}

data::FrameSize size_for(const std::vector<data::SampleShape>& trained, int64_t height, int64_t width) {
  check<ConfigError>(!trained.empty(), "[size_for] needs at least one shape");
  const auto distance = [&](const data::SampleShape& s) {
    if (s.height == height && s.width == width) return -1.0;
    return std::abs(std::log(double(s.height) * double(width) / (double(s.width) * double(height))));
  };
  const data::SampleShape best = *std::min_element(
      trained.begin(), trained.end(), [&](const auto& a, const auto& b) { return distance(a) < distance(b) - 1e-9; });
  return {best.height, best.width};
}

}  // namespace ditharos::pipelines
