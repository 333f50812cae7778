#pragma once
// Internal to data/datasets/webdataset/.
// Labels of samples as text, and their classes.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/datasets/webdataset/shard_samples.h>

namespace ditharos::data {

struct SampleLabels {
  std::vector<int64_t> labels;           ///< one for each sample, -1 where it has a fault; empty without labels
  std::vector<std::string> class_names;  ///< empty without labels
};

/// Labels that are all numbers are classes of these numbers; others are names, and classes in the order of their bytes.
/// `given` are the names of classes.txt, none where there is no such file: names for numbers, or all names that may
/// stand in labels. A sample whose label does not fit gets a fault that names its shard.
[[nodiscard]] SampleLabels number_labels(std::vector<ShardSample>& samples, const std::vector<std::string>& paths,
                                         const std::vector<std::string>& given);

}  // namespace ditharos::data
