#pragma once
// What differs between two checkpoints.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::training {

/// A setting, a counter or an entry of the metadata that differs.
struct SettingDifference {
  std::string name;
  std::string first, second;  ///< the values; "" where there is none
};

/// One tensor of both checkpoints, or of one of them.
struct TensorComparison {
  std::string part, name;     ///< the list in TrainState: "model", "ema", "optimizer"
  std::string mismatch = {};  ///< "only in the first", "f32 [2] and f32 [3]": nothing else is compared then; else empty
  int64_t elements = 0;
  int64_t different = 0;    ///< elements whose bits differ
  double max_absolute = 0;  ///< the largest |a - b|; infinite where one of the two is NaN
  double max_relative = 0;  ///< the largest |a - b| / max(|a|, |b|)

  [[nodiscard]] bool equal() const { return mismatch.empty() && different == 0; }
};

struct CheckpointComparison {
  std::vector<SettingDifference> settings;  ///< those that differ
  std::vector<TensorComparison> tensors;    ///< all, in the order of the first checkpoint

  /// Every setting and every bit of every tensor.
  [[nodiscard]] bool equal() const;
};

/// Compares kind, counters, random streams, metadata and configuration by name, and the tensors by list and name.
[[nodiscard]] CheckpointComparison compare_checkpoints(const TrainState& first, const TrainState& second);

}  // namespace ditharos::training
