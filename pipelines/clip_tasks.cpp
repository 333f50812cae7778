#include <ditharos/pipelines/clip_tasks.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/dataset.h>

namespace ditharos::pipelines {
namespace {

/// Frames [begin, end) of a clip.
Tensor part(const Tensor& clip, int64_t begin, int64_t end) { return slice(clip, 0, begin, end); }

}  // namespace

double rms_difference(const Tensor& a, const Tensor& b) {
  return std::sqrt(mse_loss(clamp(a, -1, 1), clamp(b, -1, 1)).item()) / 2;
}

TaskFigures measure_tasks(const VideoPipeline& pipeline, const std::vector<std::string>& prompts,
                          const std::vector<Tensor>& clips, uint64_t seed) {
  check<Error>(prompts.size() == clips.size() && !clips.empty(), "[measure_tasks] ", prompts.size(), " prompts for ",
               clips.size(), " clips");
  const Shape& s = clips[0].shape();
  const int64_t frames = s[0], half = frames / 2;
  const data::SampleShape shape{frames, s[2], s[3]};
  TaskFigures sum;
  for (size_t i = 0; i < clips.size(); ++i) {
    const auto make = [&](ClipRequest request) {
      request.shape = shape;
      request.seed = seed + i;
      return select(pipeline({prompts[i]}, request), 0, 0);
    };
    const Tensor real = data::to_unit_range(clips[i]);
    const Tensor first = part(real, 0, 1), last = part(real, frames - 1, frames);
    const Tensor begin = part(real, 0, half), end = part(real, half, frames);

    sum.first += rms_difference(part(make({.first = first}), 0, 1), first);
    const Tensor between = make({.first = first, .last = last});
    sum.ends +=
        (rms_difference(part(between, 0, 1), first) + rms_difference(part(between, frames - 1, frames), last)) / 2;
    sum.extended_forwards +=
        rms_difference(part(make({.task = ClipTask::extend_forwards, .clip = begin}), 0, half), begin);
    const Tensor before = make({.task = ClipTask::extend_backwards, .clip = end});
    sum.extended_backwards += rms_difference(part(before, before.size(0) - half, before.size(0)), end);
    const Tensor loop = make({.task = ClipTask::loop});
    sum.loop_closure += rms_difference(part(loop, frames - 1, frames), part(loop, 0, 1));
    for (int64_t f = 0; f + 1 < frames; ++f)
      sum.loop_neighbours += rms_difference(part(loop, f, f + 1), part(loop, f + 1, f + 2)) / double(frames - 1);
  }
  for (double* figure : {&sum.first, &sum.ends, &sum.extended_forwards, &sum.extended_backwards, &sum.loop_closure,
                         &sum.loop_neighbours})
    *figure /= double(clips.size());
  return sum;
}

}  // namespace ditharos::pipelines
