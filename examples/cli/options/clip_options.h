#pragma once
// The command line of sample_video, and the sampling request that follows from it.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/pipelines/video_pipeline.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

struct ClipOptions {
  std::vector<std::string> prompts, interpolate, extend;
  std::string checkpoint = "examples/checkpoints/sora.safetensors", out = "clip.webp", grid, strip, size;
  std::string first, last, from;
  int64_t frames = 0, scale = 4, max_pixels = data::default_max_pixels;
  double fps = 8, strength = .6;
  uint64_t seed = 0;
  int threads = 0;
  Precision precision = Precision::f32;
  bool loop = false, list_words = false, any_words = false, last_weights = false;
  models::SamplerConfig sampler{.guidance = {.scale = 4}};
};
/// Adds the rows for all fields of `options`, which must outlive the settings.
void describe(Settings& settings, ClipOptions& options);

/// ConfigError unless there is a prompt and at most one task, and the files can be written: no output is an input, and
/// the names fit the formats.
void check_options(const ClipOptions& options, const Settings& settings);
/// The files of all clips: "clip.webp" of several clips: "clip-1.webp", "clip-2.webp", ...
std::vector<std::string> clip_files(const ClipOptions& options);
/// The clips to sample, with conditioning frames from the files that the options name. ConfigError when the model
/// cannot generate them.
pipelines::ClipRequest make_request(const ClipOptions& options, const pipelines::VideoPipeline& pipeline);

}  // namespace ditharos::examples
