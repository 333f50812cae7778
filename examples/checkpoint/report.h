#pragma once
// What the commands of the program checkpoint print.
#include <string>

#include <ditharos/training/checkpoint/comparison.h>

namespace ditharos::examples {

/// Format, counters, settings and a table of the tensors.
std::string describe_contents(const std::string& path, const training::CheckpointContents& contents);
/// The settings and tensors that differ; with `all`, a line for each tensor.
std::string describe_comparison(const training::CheckpointComparison& comparison, bool all);

}  // namespace ditharos::examples
