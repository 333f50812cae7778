#pragma once
// The report of evaluate_video: tables, and the same figures as JSON.
#include <cstdint>
#include <optional>
#include <string>

#include <ditharos/models/evaluation/clip_evaluator.h>
#include <ditharos/pipelines/clip_tasks.h>
#include <ditharos/pipelines/video_pipeline.h>

namespace ditharos::examples {

/// The scores of one evaluation.
struct ClipReport {
  models::ClipScore real, reconstructed, sampled, shuffled;
  int64_t prompts = 0;
  data::SampleShape shape;
  std::optional<pipelines::TaskFigures> tasks;
};
void print_scores(const ClipReport& report);
void print_tasks(const pipelines::TaskFigures& tasks, int64_t clips);
/// Writes the figures and the settings of the evaluation to a file.
void write_json(const std::string& path, const ClipReport& report, const pipelines::VideoPipeline& pipeline);

}  // namespace ditharos::examples
