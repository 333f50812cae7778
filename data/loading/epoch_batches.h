#pragma once
// Internal to data/loading/.
// The batches of a DataLoader in their order, epoch after epoch.
#include <cstdint>
#include <vector>

#include <ditharos/data/loading/loader.h>
#include <ditharos/data/loading/sampler.h>
#include <ditharos/tensor/random.h>

namespace ditharos::data {

struct DataLoaderOptions;

/// One batch: its samples, and the stream of random numbers of each.
struct EpochBatch {
  std::vector<int64_t> indices;
  Generator epoch;       ///< of the epoch's samples
  int64_t first_sample;  ///< of the batch, counted from the start of the epoch
  Cursor after;          ///< the position behind the batch

  /// Randomness for sample k of the batch. It depends on seed, epoch and the sample's place in it.
  Generator generator_of(size_t k) const { return epoch.fork(static_cast<uint64_t>(first_sample) + k); }
};

class EpochBatches {
 public:
  /// For a data set of `size` samples. ConfigError for options out of range, or a start outside of its epoch.
  EpochBatches(int64_t size, const DataLoaderOptions& options, Cursor start);

  /// The batch at the cursor, which moves behind it.
  EpochBatch next();
  /// The epoch and the number of its batches that next() has returned; never the end of an epoch.
  Cursor cursor() const { return cursor_; }
  /// The batches of an epoch. Error for indices outside of the data set, ConfigError when there is no batch.
  std::vector<std::vector<int64_t>> batches_of(uint64_t epoch) const;

 private:
  void begin_epoch(uint64_t epoch);

  int64_t size_;
  uint64_t seed_;
  BatchOrder order_;
  Cursor cursor_;
  std::vector<std::vector<int64_t>> batches_;  // of the cursor's epoch
  bool drawn_ = false;                         // batches_ are those
  int64_t samples_ = 0;                        // of the batches before the cursor
};

}  // namespace ditharos::data
