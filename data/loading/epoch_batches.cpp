#include <ditharos/data/loading/epoch_batches.h>

#include <utility>

#include <ditharos/data/loading/data_loader.h>

namespace ditharos::data {
namespace {

/// The stream of an epoch's samples; 1 and 2 are those of a Loader's flips and buckets (batch_schedule.h).
constexpr uint64_t sample_stream = 3;

BatchOrder order_of(int64_t size, const DataLoaderOptions& options) {
  check<ConfigError>(size > 0, "[DataLoader] the data set has no samples");
  check<ConfigError>(options.prefetch >= 0 && options.prefetch <= 1024, "[DataLoader] prefetch must be 0..1024, got ",
                     options.prefetch);
  check<ConfigError>(options.workers >= 0 && options.workers <= 256, "[DataLoader] workers must be 0..256, got ",
                     options.workers);
  check<ConfigError>(!options.sampler || !options.shuffle,
                     "[DataLoader] a sampler decides the order: shuffle must be "
                     "false");
  if (options.batch_sampler) {
    check<ConfigError>(options.batch_size == 1 && !options.shuffle && !options.sampler && !options.drop_last,
                       "[DataLoader] a batch_sampler decides the batches: batch_size, shuffle, sampler and drop_last "
                       "must be left as they are");
    return options.batch_sampler;
  }
  SampleOrder sampler = options.sampler;
  if (!sampler && options.shuffle) sampler = RandomSampler(size, options.seed);
  if (!sampler) sampler = SequentialSampler(size);
  return BatchSampler(std::move(sampler), options.batch_size, options.drop_last);
}

}  // namespace

EpochBatches::EpochBatches(int64_t size, const DataLoaderOptions& options, Cursor start)
    : size_(size), seed_(options.seed), order_(order_of(size, options)), cursor_(start) {
  batches_ = batches_of(start.epoch);
  drawn_ = true;
  const auto count = static_cast<int64_t>(batches_.size());
  check<ConfigError>(start.position >= 0 && start.position <= count, "[DataLoader] cannot start at batch ",
                     start.position, " of an epoch of ", count, "; is this the data set of the checkpoint?");
  for (int64_t i = 0; i < start.position; ++i)
    samples_ += static_cast<int64_t>(batches_[static_cast<size_t>(i)].size());
  if (start.position == count) begin_epoch(start.epoch + 1);
}

void EpochBatches::begin_epoch(uint64_t epoch) {
  cursor_ = {epoch, 0};
  samples_ = 0;
  drawn_ = false;
}

EpochBatch EpochBatches::next() {
  if (!drawn_) batches_ = batches_of(cursor_.epoch);
  drawn_ = true;
  std::vector<int64_t> indices = batches_[static_cast<size_t>(cursor_.position)];
  const auto count = static_cast<int64_t>(indices.size());
  EpochBatch batch{std::move(indices), Generator(seed_).fork(cursor_.epoch).fork(sample_stream), samples_, {}};
  samples_ += count;
  ++cursor_.position;
  if (cursor_.position == static_cast<int64_t>(batches_.size())) begin_epoch(cursor_.epoch + 1);
  batch.after = cursor_;
  return batch;
}

std::vector<std::vector<int64_t>> EpochBatches::batches_of(uint64_t epoch) const {
  std::vector<std::vector<int64_t>> batches = order_(epoch);
  check<ConfigError>(!batches.empty(), "[DataLoader] epoch ", epoch, " has no batch: the data set of ", size_,
                     " samples is too small for one, or its sampler returned none");
  for (const std::vector<int64_t>& batch : batches) {
    check<ConfigError>(!batch.empty(), "[DataLoader] a batch of epoch ", epoch, " has no samples");
    for (const int64_t i : batch)
      check(i >= 0 && i < size_, "[DataLoader] the sampler returned sample ", i, " of ", size_, " in epoch ", epoch);
  }
  return batches;
}

}  // namespace ditharos::data
