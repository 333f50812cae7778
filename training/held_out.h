#pragma once
// A fixed part of held-out data, for validations during a run.
#include <cstdint>
#include <vector>

#include <ditharos/data/loading/batch.h>

namespace ditharos::training {

/// Up to `count` samples of `source` in this shape, evenly spaced over it, in batches of up to `batch_size`. They
/// depend on nothing else. ConfigError when the source is empty.
[[nodiscard]] std::vector<data::Batch> held_out_batches(const data::DataSource& source, const data::SampleShape& shape,
                                                        int64_t count, int64_t batch_size);

}  // namespace ditharos::training
