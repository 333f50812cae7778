#pragma once
// Measures how exactly a model reproduces its conditioning frames, and how well its loops close.
#include <string>
#include <vector>

#include <ditharos/pipelines/video_pipeline.h>

namespace ditharos::pipelines {

/// Root mean square of the difference of frames in [-1, 1], in units of the whole range of a pixel. Values outside of
/// the range are clamped, as when they are displayed.
[[nodiscard]] double rms_difference(const Tensor& a, const Tensor& b);

/// Root mean square differences in units of the whole range of a pixel; means over all clips.
struct TaskFigures {
  double first = 0;                                      ///< the first frame, as conditioning frame
  double ends = 0;                                       ///< first and last frame, as conditioning frames
  double extended_forwards = 0, extended_backwards = 0;  ///< the half of a clip that was extended
  double loop_closure = 0;                               ///< between a loop's last frame and its first
  double loop_neighbours = 0;                            ///< between a loop's other neighbouring frames
};

/// Uses frames of each real clip as conditioning frames under its prompt. Clips are u8 [F, 3, H, W], all of one shape,
/// F >= 4 and even. Error unless there are as many prompts as clips, and at least one.
[[nodiscard]] TaskFigures measure_tasks(const VideoPipeline& pipeline, const std::vector<std::string>& prompts,
                                        const std::vector<Tensor>& clips, uint64_t seed);

}  // namespace ditharos::pipelines
