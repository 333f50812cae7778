#pragma once
// The command line of evaluate_video.
#include <cstdint>
#include <string>

#include <ditharos/pipelines/video_pipeline.h>
#include <ditharos/training/classifier.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

struct ClipEvaluationOptions {
  std::string checkpoint = "examples/checkpoints/sora.safetensors", size, cache = "runs/classifiers", json, grid;
  int64_t prompts = 200, frames = 0, tasks = 0, classifier_clips = 20000;
  double companions = 0;
  uint64_t seed = 0;
  int threads = 0;
  Precision precision = Precision::f32;
  bool last_weights = false;
  training::ClassifierTraining classifier;
  models::SamplerConfig sampler{.guidance = {.scale = 4}};
};

/// Adds the rows for all fields of `options`, which must outlive the settings.
void describe(Settings& settings, ClipEvaluationOptions& options);

/// ConfigError or IoError unless the options fit together and the files can be written.
void check_options(const ClipEvaluationOptions& options, const Settings& settings);
/// The shape of the clips to sample. ConfigError when this model cannot be evaluated.
data::SampleShape shape_for(const ClipEvaluationOptions& options, const pipelines::VideoPipeline& pipeline);

}  // namespace ditharos::examples
