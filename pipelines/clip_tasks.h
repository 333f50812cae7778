#pragma once
// How exactly a model gives back its conditioning frames, and how well its loops close.
#include <string>
#include <vector>

#include <ditharos/pipelines/video_pipeline.h>

namespace ditharos::pipelines {

/// Root mean square of the difference of frames in [-1, 1], for pixels whose whole range is 1. What lies outside counts
/// as the nearest end, as it is shown.
[[nodiscard]] double rms_difference(const Tensor& a, const Tensor& b);

/// Differences as root mean squares over pixels whose whole range is 1; means over all clips.
struct TaskFigures {
  double first = 0;                                      ///< the frame that a clip was to begin with
  double ends = 0;                                       ///< the two that a clip was to go between
  double extended_forwards = 0, extended_backwards = 0;  ///< the half of a clip that was to be gone on from
  double loop_closure = 0;                               ///< between a loop's last frame and its first
  double loop_neighbours = 0;                            ///< between a loop's other neighbouring frames
};

/// Sets each real clip's frames as tasks under its prompt: u8 [F, 3, H, W], all of one shape, F >= 4 and even. Error
/// unless there are as many prompts as clips, and some.
[[nodiscard]] TaskFigures measure_tasks(const VideoPipeline& pipeline, const std::vector<std::string>& prompts,
                          const std::vector<Tensor>& clips, uint64_t seed);

}  // namespace ditharos::pipelines
