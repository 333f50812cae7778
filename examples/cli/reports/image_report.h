#pragma once
// The report of evaluate: a table, and the same figures as JSON.
#include <optional>
#include <string>
#include <vector>

#include <ditharos/models/evaluation/image_evaluator.h>
#include <ditharos/pipelines/image_pipeline.h>

namespace ditharos::examples {

/// Prints the quality of real images and, where there are any, of samples. `pipeline` is what sampled them, or null.
void print_table(const models::ImageEvaluator& evaluator, const std::optional<models::ImageQuality>& samples,
                 const pipelines::ImagePipeline* pipeline, const std::vector<std::string>& class_names);
/// Writes the figures to a file; `data` names the data set.
void write_json(const std::string& path, const models::ImageEvaluator& evaluator,
                const std::optional<models::ImageQuality>& samples, const pipelines::ImagePipeline* pipeline,
                const std::string& data, const std::vector<std::string>& class_names);

}  // namespace ditharos::examples
