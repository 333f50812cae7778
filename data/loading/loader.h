#pragma once
// Batches of images or clips for training, prepared ahead of time by one background thread.
#include <cstdint>
#include <memory>
#include <vector>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/loading/batch.h>

namespace ditharos::data {

/// One of the shapes that batches come in.
struct Bucket {
  SampleShape shape;
  int64_t batch_size = 1;
  double weight = 1;  ///< relative frequency
};

/// What happens to the samples at the end of an epoch that are too few for a batch.
enum class EpochEnd {
  drop,        ///< they are left out
  keep,        ///< they are a smaller batch
  carry_over,  ///< they begin a batch that ends in the next epoch
};

struct LoaderOptions {
  int64_t batch_size = 64;           ///< of samples in the source's native shape, where `buckets` is empty
  std::vector<Bucket> buckets = {};  ///< shapes and sizes of batches; the bucket of each batch is drawn by weight
  uint64_t seed = 0;
  bool shuffle = true;           ///< a new order every epoch; false: the order of the source
  bool horizontal_flip = false;  ///< mirrors every sample with probability 1/2, drawn anew every epoch
  EpochEnd epoch_end = EpochEnd::drop;
  int64_t prefetch = 2;  ///< batches that are prepared ahead; 0: none, and no thread
};

/// A position between two batches: two integers that go into a checkpoint. Where every epoch ends with a batch, they
/// are the epoch and the number of its samples that were returned. Where samples are carried over, `epoch` is 0 and
/// `position` is the number of batches that were returned.
struct Cursor {
  uint64_t epoch = 0;
  int64_t position = 0;
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// An endless sequence of batches, epoch after epoch. Every epoch has each sample of the source once, apart from those
/// that EpochEnd::drop leaves out. The batches depend only on the source, the options apart from `prefetch`, and the
/// start: a loader that starts at another one's cursor() returns the same batches to the bit.
class Loader {
 public:
  /// ConfigError when an option is out of range, when there are no buckets and the source has no native shape, when the
  /// source is too small for a batch, or when the start lies outside of it.
  explicit Loader(std::shared_ptr<const DataSource> source, const LoaderOptions& options = {}, Cursor start = {});
  /// Ends the thread after its present batch.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next batch; waits for it when it is not ready. An exception of the thread is thrown here, after the batches
  /// prepared before it, and at every later call; cursor() stays at the batch that failed.
  Batch next();
  /// The position of the batch that next() will return, independent of the prepared ones.
  Cursor cursor() const;
  /// Batches of an epoch. Error for several buckets or EpochEnd::carry_over, where it is not the same for every epoch.
  int64_t batches_per_epoch() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ditharos::data
