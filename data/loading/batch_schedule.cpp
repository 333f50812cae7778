#include <ditharos/data/loading/batch_schedule.h>

#include <algorithm>
#include <numeric>

namespace ditharos::data {
namespace {

/// Keys of random streams: of the seed where epochs carry over, and of an epoch.
enum RootStream : uint64_t { bucket_stream, order_stream };
enum EpochStream : uint64_t { flips = 1, buckets_of_epoch = 2 };

}  // namespace

BatchSchedule::BatchSchedule(int64_t size, const LoaderOptions& options, Cursor start)
    : size_(size), options_(options) {
  for (const Bucket& bucket : options_.buckets) total_weight_ += bucket.weight;
  if (carries_over()) {
    // Draws one random number for each batch before the start: a million batches take milliseconds.
    while (batch_ < start.position) advance(bucket().batch_size);
  } else {
    epoch_ = start.epoch;
    position_ = start.position;
    skip_rest();
  }
}

BatchPlan BatchSchedule::plan() {
  const Bucket& drawn = bucket();
  const int64_t count = carries_over() ? drawn.batch_size : std::min(drawn.batch_size, size_ - position_);
  BatchPlan plan;
  plan.shape = drawn.shape;
  uint64_t epoch = epoch_;
  int64_t position = position_;
  for (int64_t k = 0; k < count; ++k) {
    if (position == size_) {
      ++epoch;
      position = 0;
    }
    draw_epoch(epoch);
    const int64_t index = order_.data<int64_t>()[position++];
    plan.indices.push_back(index);
    if (options_.horizontal_flip)
      plan.mirrored.push_back((philox(flip_seed_, static_cast<uint64_t>(index))[0] & 1) != 0);
  }
  return plan;
}

void BatchSchedule::advance(int64_t samples) {
  position_ += samples;
  if (carries_over()) {
    ++batch_;
    epoch_ += static_cast<uint64_t>(position_ / size_);
    position_ %= size_;
  } else {
    skip_rest();
  }
}

Cursor BatchSchedule::cursor() const { return carries_over() ? Cursor{0, batch_} : Cursor{epoch_, position_}; }

/// Begins the next epoch where the present one has no batch any more.
void BatchSchedule::skip_rest() {
  const int64_t left = size_ - position_;
  if (left > 0 && (options_.epoch_end == EpochEnd::keep || left >= bucket().batch_size)) return;
  ++epoch_;
  position_ = 0;
}

Generator BatchSchedule::generator_of(uint64_t epoch) const {
  const Generator root(options_.seed);
  return (carries_over() ? root.fork(order_stream) : root).fork(epoch);
}

/// The bucket of the batch at the cursor.
const Bucket& BatchSchedule::bucket() const {
  if (options_.buckets.size() == 1) return options_.buckets[0];
  const Generator stream =
      carries_over() ? Generator(options_.seed).fork(bucket_stream) : generator_of(epoch_).fork(buckets_of_epoch);
  const int64_t number = carries_over() ? batch_ : position_;
  double left = Generator(stream.seed(), static_cast<uint64_t>(number)).uniform() * total_weight_;
  const Bucket* last = nullptr;  // the last one with a weight, for the remainder of rounding
  for (const Bucket& bucket : options_.buckets) {
    if (bucket.weight > 0) last = &bucket;
    if (left < bucket.weight) return bucket;
    left -= bucket.weight;
  }
  return *last;
}

/// Draws order and flips of an epoch, unless they are the present ones.
void BatchSchedule::draw_epoch(uint64_t epoch) {
  if (order_.defined() && drawn_epoch_ == epoch) return;
  Generator generator = generator_of(epoch);
  flip_seed_ = generator.fork(flips).seed();
  if (options_.shuffle) {
    order_ = generator.permutation(size_);
  } else if (!order_.defined()) {
    order_ = Tensor({size_}, DType::i64);
    int64_t* index = order_.mutable_data<int64_t>();
    std::iota(index, index + size_, int64_t{0});
  }
  drawn_epoch_ = epoch;
}

}  // namespace ditharos::data
