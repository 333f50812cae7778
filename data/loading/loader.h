#pragma once
// Batches for training, prepared ahead of time by one background thread.
#include <cstdint>
#include <memory>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

struct LoaderOptions {
  int64_t batch_size = 64;
  uint64_t seed = 0;
  bool shuffle = true;           ///< a new order every epoch; false: the order of the data set
  bool horizontal_flip = false;  ///< mirrors every picture with probability 1/2, drawn anew every epoch
  bool drop_last = true;         ///< leave out what is too little for a batch at the end of an epoch
  int64_t prefetch = 2;          ///< batches that wait ready; 0: none, and no thread
};

struct Batch {
  Tensor images;  ///< f32 [B, C, H, W] in [-1, 1]
  Tensor labels;  ///< i64 [B]
};

/// A place between two batches. Two integers that go into a checkpoint.
struct Cursor {
  uint64_t epoch = 0;
  int64_t position = 0;  ///< pictures of the epoch that were handed out
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// An endless row of batches, epoch after epoch. Which they are depends on the data set, the seed, the other options
/// apart from `prefetch`, and the place of the start, alone: a loader that starts at another one's cursor() goes on
/// with the same batches to the bit.
class Loader {
 public:
  /// ConfigError when an option is out of range, the set too small for a batch, or the start outside of an epoch.
  explicit Loader(Dataset dataset, const LoaderOptions& options = {}, Cursor start = {});
  /// Ends the thread, after the batch that it is working on.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next batch; waits for it when it is not ready. What went wrong in the thread is thrown here, once the
  /// batches made before are handed out, and at every later call; cursor() stays at the batch that could not be made.
  Batch next();
  /// Where the batch that next() will return begins, however many are prepared.
  Cursor cursor() const;
  int64_t batches_per_epoch() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ditharos::data
