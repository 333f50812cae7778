#include <ditharos/data/loading/clip_loader.h>

#include <cmath>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/loading/prefetcher.h>
#include <ditharos/tensor/random.h>

namespace ditharos::data {
namespace {

/// Keys of the two independent streams of random numbers.
enum Stream : uint64_t { bucket_stream, order_stream };

/// Makes batches one after the other. Used by one thread at a time.
class ClipAssembler {
 public:
  ClipAssembler(std::shared_ptr<const DataSource> source, const ClipLoaderOptions& options, int64_t start_batch)
      : source_(std::move(source)), options_(options), batch_(start_batch) {
    for (const ClipBucket& bucket : options_.buckets) total_weight_ += bucket.weight;
    // The clips before the start: one random number a batch, so a million batches take milliseconds.
    for (int64_t k = 0; k < start_batch; ++k) advance(bucket_of(k).batch_size);
  }

  ClipBatch next() {
    const ClipBucket& bucket = bucket_of(batch_);
    const SampleShape& shape = bucket.shape;
    ClipBatch batch;
    batch.shape = shape;
    batch.clips = Tensor({bucket.batch_size, shape.frames, 3, shape.height, shape.width});
    float* to = batch.clips.mutable_data<float>();
    const uint64_t epoch = epoch_;
    const int64_t position = position_;
    try {
      for (int64_t k = 0; k < bucket.batch_size; ++k) {
        const int64_t index = order()[position_];
        to = write(source_->sample(index, shape), shape, index, to);
        batch.captions.push_back(source_->caption(index));
        batch.indices.push_back(index);
        advance(1);
      }
    } catch (...) {
      epoch_ = epoch;  // a batch that could not be made is tried again as a whole
      position_ = position;
      throw;
    }
    ++batch_;
    return batch;
  }

 private:
  const ClipBucket& bucket_of(int64_t batch) const {
    const uint64_t seed = Generator(options_.seed).fork(bucket_stream).seed();
    double left = Generator(seed, static_cast<uint64_t>(batch)).uniform() * total_weight_;
    const ClipBucket* last = nullptr;  // rounding may leave a little over: it belongs to the last one with a weight
    for (const ClipBucket& bucket : options_.buckets) {
      if (bucket.weight > 0) last = &bucket;
      if (left < bucket.weight) return bucket;
      left -= bucket.weight;
    }
    return *last;
  }
  void advance(int64_t clips) {
    position_ += clips;
    epoch_ += static_cast<uint64_t>(position_ / source_->size());
    position_ %= source_->size();
  }

  /// The clips of the current epoch, in order.
  const int64_t* order() {
    const bool current = order_.defined() && (!options_.shuffle || order_epoch_ == epoch_);
    if (!current && options_.shuffle) {
      order_ = Generator(options_.seed).fork(order_stream).fork(epoch_).permutation(source_->size());
    } else if (!current) {
      order_ = Tensor({source_->size()}, DType::i64);
      int64_t* index = order_.mutable_data<int64_t>();
      for (int64_t i = 0; i < source_->size(); ++i) index[i] = i;
    }
    order_epoch_ = epoch_;
    return order_.data<int64_t>();
  }

  /// Frames as floats in [-1, 1]; returns where the next clip goes.
  static float* write(const Tensor& frames, const SampleShape& shape, int64_t index, float* to) {
    const Shape wanted{shape.frames, 3, shape.height, shape.width};
    check<DTypeError>(frames.dtype() == DType::u8, "[ClipLoader] a source must give u8 frames, but clip ", index,
                      " came as ", frames.dtype());
    check<ShapeError>(frames.shape() == wanted && frames.is_contiguous(), "[ClipLoader] clip ", index,
                      " was wanted contiguous as ", wanted, ", but came as ", frames.shape());
    const uint8_t* from = frames.data<uint8_t>();
    const int64_t n = frames.numel();
    for (int64_t i = 0; i < n; ++i) to[i] = to_unit_range(from[i]);
    return to + n;
  }

  std::shared_ptr<const DataSource> source_;
  ClipLoaderOptions options_;
  int64_t batch_;
  uint64_t epoch_ = 0;
  int64_t position_ = 0;  // clips of the epoch that were used
  double total_weight_ = 0;
  Tensor order_;  // i64 [size]: the clips of epoch order_epoch_
  uint64_t order_epoch_ = 0;
};

void validate(const DataSource* source, const ClipLoaderOptions& options, int64_t start_batch) {
  check<ConfigError>(source != nullptr && source->size() > 0, "[ClipLoader] the source has no clips");
  check<ConfigError>(options.prefetch >= 0 && options.prefetch <= 1024, "[ClipLoader] prefetch must be 0..1024, got ",
                     options.prefetch);
  check<ConfigError>(start_batch >= 0, "[ClipLoader] cannot start at batch ", start_batch);
  check<ConfigError>(!options.buckets.empty(), "[ClipLoader] needs at least one bucket");
  double total = 0;
  for (const ClipBucket& bucket : options.buckets) {
    const SampleShape& shape = bucket.shape;
    check<ConfigError>(shape.frames >= 1 && shape.height >= 1 && shape.width >= 1,
                       "[ClipLoader] every size of a bucket's shape must be at least 1, got ", shape);
    check<ConfigError>(bucket.batch_size >= 1, "[ClipLoader] the batch size of bucket ", shape,
                       " must be at least 1, got ", bucket.batch_size);
    check<ConfigError>(bucket.weight >= 0 && std::isfinite(bucket.weight), "[ClipLoader] the weight of bucket ", shape,
                       " must be a number >= 0, got ", bucket.weight);
    total += bucket.weight;
  }
  check<ConfigError>(total > 0, "[ClipLoader] every bucket has weight 0: no batch can be drawn");
}

}  // namespace

struct ClipLoader::State {
  State(std::shared_ptr<const DataSource> source, const ClipLoaderOptions& options, int64_t start_batch)
      : assembler(std::move(source), options, start_batch), cursor(start_batch),
        batches(options.prefetch, [this] { return assembler.next(); }) {}

  ClipAssembler assembler;
  int64_t cursor;                 // of the caller
  Prefetcher<ClipBatch> batches;  // last: its thread starts when everything else is there
};

ClipLoader::ClipLoader(std::shared_ptr<const DataSource> source, const ClipLoaderOptions& options,
                       int64_t start_batch) {
  validate(source.get(), options, start_batch);
  state_ = std::make_unique<State>(std::move(source), options, start_batch);
}
ClipLoader::~ClipLoader() = default;

ClipBatch ClipLoader::next() {
  ClipBatch batch = state_->batches.take();
  ++state_->cursor;
  return batch;
}

int64_t ClipLoader::cursor() const { return state_->cursor; }

}  // namespace ditharos::data
