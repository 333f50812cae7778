#pragma once
// Batches of images or clips for training, prepared ahead of time by background threads.
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

/// The threads of a loader by default: one for each of num_threads(), at most four.
[[nodiscard]] int64_t default_loader_workers();

struct LoaderOptions {
  int64_t batch_size = 64;           ///< of samples in the source's native shape, where `buckets` is empty
  std::vector<Bucket> buckets = {};  ///< shapes and sizes of batches; the bucket of each batch is drawn by weight
  uint64_t seed = 0;
  bool shuffle = true;           ///< a new order every epoch; false: the order of the source
  bool horizontal_flip = false;  ///< mirrors every sample with probability 1/2, drawn anew every epoch
  EpochEnd epoch_end = EpochEnd::drop;
  int64_t prefetch = 2;  ///< batches that are prepared ahead; 0: none, and no thread
  /// Threads that read samples: of several batches at a time, and of one. 0: none, and nothing is prepared ahead.
  int64_t workers = default_loader_workers();
  /// Reads one part of each batch alone, part number `part` of `parts` of equal size, up to one sample: for processes
  /// that share the batches.
  int64_t part = 0, parts = 1;
};

/// A position between two batches: two integers that go into a checkpoint. Where every epoch ends with a batch, they
/// are the epoch and the number of its samples that were returned. Where samples are carried over, `epoch` is 0 and
/// `position` is the number of batches that were returned. For a DataLoader it is the number of the epoch's batches.
struct Cursor {
  uint64_t epoch = 0;
  int64_t position = 0;
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// An endless sequence of batches, epoch after epoch. Every epoch has each sample of the source once, apart from those
/// that EpochEnd::drop leaves out. The batches depend only on the source, the start, and the options apart from
/// `prefetch` and `workers`: a loader that starts at another one's cursor() returns the same batches to the bit.
class Loader {
 public:
  /// ConfigError when an option is out of range, when there are no buckets and the source has no native shape, when the
  /// source is too small for a batch, when flips are wanted of samples that are not pixels (u8), or when the start lies
  /// outside of the source.
  explicit Loader(std::shared_ptr<const DataSource> source, const LoaderOptions& options = {}, Cursor start = {});
  /// Ends each thread after the sample or the few samples that it is reading.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next batch; waits for it when it is not ready. An exception of the threads is thrown here, after the batches
  /// before it, and at every later call; it is that of the batch's first sample that cannot be read. cursor() stays at
  /// the batch that failed.
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
