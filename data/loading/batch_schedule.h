#pragma once
// Internal to data/loading/.
// The samples of each batch: the order of each epoch, the shapes, the flips.
#include <cstdint>
#include <vector>

#include <ditharos/data/loading/loader.h>
#include <ditharos/tensor/random.h>

namespace ditharos::data {

/// The contents of one batch.
struct BatchPlan {
  SampleShape shape;
  std::vector<int64_t> indices;
  std::vector<bool> mirrored;  ///< one for each index, or empty: none is
};

/// All batches of a loader in their order. Every draw depends only on the seed and on its position. R is the generator
/// of the seed and E that of an epoch e, with streams that Generator::fork derives:
///
///                       epochs that end with a batch     epochs that carry over
///   E                   R.fork(e)                        R.fork(1).fork(e)
///   order               E.permutation(size)              the same
///   sample i mirrored   philox(E.fork(1), i) is odd      the same
///   bucket              E.fork(2), number `position`     R.fork(0), number of the batch
///
/// Carried over, a bucket belongs to no epoch, since a batch may lie in two of them. Checkpoints depend on this table.
class BatchSchedule {
 public:
  /// For a source of `size` samples. `options` are valid and have buckets, and `start` lies in the source.
  BatchSchedule(int64_t size, const LoaderOptions& options, Cursor start);

  /// The batch at the cursor.
  BatchPlan plan();
  /// Moves the cursor behind a batch with this number of samples.
  void advance(int64_t samples);
  Cursor cursor() const;

 private:
  bool carries_over() const { return options_.epoch_end == EpochEnd::carry_over; }
  Generator generator_of(uint64_t epoch) const;
  const Bucket& bucket() const;
  void draw_epoch(uint64_t epoch);
  void skip_rest();

  int64_t size_;
  LoaderOptions options_;
  double total_weight_ = 0;
  // The position of the cursor.
  uint64_t epoch_ = 0;
  int64_t position_ = 0;  // samples of the epoch before it
  int64_t batch_ = 0;     // batches before it; only for epochs that carry over
  // The draws of one epoch.
  Tensor order_;  // i64 [size]
  uint64_t drawn_epoch_ = 0, flip_seed_ = 0;
};

}  // namespace ditharos::data
