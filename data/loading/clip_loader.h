#pragma once
// Batches of clips for training, in several shapes, prepared ahead of time by one background thread.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

/// One of the shapes that batches come in.
struct ClipBucket {
  SampleShape shape;
  int64_t batch_size = 1;
  double weight = 1;  ///< how often, in proportion to the other buckets' weights
};

struct ClipLoaderOptions {
  std::vector<ClipBucket> buckets;
  uint64_t seed = 0;
  bool shuffle = true;   ///< a new order every epoch; false: the order of the source
  int64_t prefetch = 2;  ///< batches that wait ready; 0: none, and no thread
};

struct ClipBatch {
  Tensor clips;                       ///< f32 [B, F, 3, H, W] in [-1, 1]
  std::vector<std::string> captions;  ///< B of them
  SampleShape shape;
  std::vector<int64_t> indices;  ///< of the clips in their source
};

/// An endless row of batches. Each has one shape, drawn by the buckets' weights, and takes the next clips of an order
/// that holds every clip of the source once an epoch; a batch may begin in one epoch and end in the next. Batch k
/// depends on (source, seed, shuffle, buckets, k) alone: a loader that starts at k goes on with the same bits.
class ClipLoader {
 public:
  /// ConfigError when an option is out of range, the source is empty or the start negative.
  ClipLoader(std::shared_ptr<const DataSource> source, const ClipLoaderOptions& options, int64_t start_batch = 0);
  /// Ends the thread, after the batch that it is working on.
  ~ClipLoader();
  ClipLoader(const ClipLoader&) = delete;
  ClipLoader& operator=(const ClipLoader&) = delete;

  /// The next batch; waits for it when it is not ready. What went wrong in the thread is thrown here, once the batches
  /// made before are handed out, and at every later call.
  ClipBatch next();
  /// The number of the batch that next() will return, however many are prepared. The integer for a checkpoint.
  int64_t cursor() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ditharos::data
