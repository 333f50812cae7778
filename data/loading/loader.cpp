#include <ditharos/data/loading/loader.h>

#include <cmath>

#include <ditharos/data/loading/batch_schedule.h>
#include <ditharos/data/loading/prefetcher.h>

namespace ditharos::data {
namespace {

void validate_buckets(const LoaderOptions& options) {
  double total = 0;
  for (const Bucket& bucket : options.buckets) {
    const SampleShape& shape = bucket.shape;
    check<ConfigError>(shape.has_pixels(), "[Loader] every size of a bucket's shape must be at least 1, got ", shape);
    check<ConfigError>(bucket.batch_size >= 1, "[Loader] the batch size of bucket ", shape, " must be at least 1, got ",
                       bucket.batch_size);
    check<ConfigError>(bucket.weight >= 0 && std::isfinite(bucket.weight), "[Loader] the weight of bucket ", shape,
                       " must be a number >= 0, got ", bucket.weight);
    total += bucket.weight;
  }
  check<ConfigError>(total > 0, "[Loader] every bucket has weight 0: no batch can be drawn");
}

void validate_sizes(int64_t samples, const LoaderOptions& options, Cursor start) {
  if (options.epoch_end == EpochEnd::drop) {
    for (const Bucket& bucket : options.buckets)
      check<ConfigError>(bucket.weight == 0 || samples >= bucket.batch_size, "[Loader] a source of ", samples,
                         " samples is too small for batches of ", bucket.batch_size);
  }
  if (options.epoch_end == EpochEnd::carry_over) {
    check<ConfigError>(start.epoch == 0, "[Loader] cannot start in epoch ", start.epoch,
                       ": where samples are carried over, a cursor is a number of batches, and its epoch is 0");
    check<ConfigError>(start.position >= 0, "[Loader] cannot start at batch ", start.position);
  } else {
    check<ConfigError>(start.position >= 0 && start.position <= samples, "[Loader] cannot start at sample ",
                       start.position, " of a source of ", samples, "; is this the data set of the checkpoint?");
  }
}

/// The options, completed with buckets; ConfigError for impossible ones.
LoaderOptions settled(const DataSource* source, LoaderOptions options, Cursor start) {
  check<ConfigError>(source != nullptr && source->size() > 0, "[Loader] the source has no samples");
  check<ConfigError>(options.prefetch >= 0 && options.prefetch <= 1024, "[Loader] prefetch must be 0..1024, got ",
                     options.prefetch);
  if (options.buckets.empty()) {
    const std::optional<SampleShape> shape = source->native_shape();
    check<ConfigError>(shape.has_value(), "[Loader] needs at least one bucket: the source has no native shape");
    options.buckets = {{*shape, options.batch_size}};
  }
  validate_buckets(options);
  validate_sizes(source->size(), options, start);
  return options;
}

/// A batch and the position after it.
struct Item {
  Batch batch;
  Cursor after;
};

}  // namespace

struct Loader::State {
  State(std::shared_ptr<const DataSource> source_, const LoaderOptions& options_, Cursor start)
      : source(std::move(source_)), options(settled(source.get(), options_, start)),
        schedule(source->size(), options, start), cursor(schedule.cursor()),
        batches(options.prefetch, [this] { return make(); }) {}

  /// The batch at the schedule's cursor, which does not move when the batch fails.
  Item make() {
    BatchPlan plan = schedule.plan();
    Batch batch = read_batch(*source, plan.shape, std::move(plan.indices), plan.mirrored);
    schedule.advance(static_cast<int64_t>(batch.indices.size()));
    return {std::move(batch), schedule.cursor()};
  }

  const std::shared_ptr<const DataSource> source;
  const LoaderOptions options;
  BatchSchedule schedule;
  Cursor cursor;             // of the caller
  Prefetcher<Item> batches;  // last: its thread starts when everything else is there
};

Loader::Loader(std::shared_ptr<const DataSource> source, const LoaderOptions& options, Cursor start)
    : state_(std::make_unique<State>(std::move(source), options, start)) {}
Loader::~Loader() = default;

Batch Loader::next() {
  Item item = state_->batches.take();
  state_->cursor = item.after;
  return std::move(item.batch);
}

Cursor Loader::cursor() const { return state_->cursor; }

int64_t Loader::batches_per_epoch() const {
  const LoaderOptions& options = state_->options;
  check<Error>(options.buckets.size() == 1 && options.epoch_end != EpochEnd::carry_over,
               "[Loader] batches_per_epoch() needs one bucket and epochs that end with a batch");
  const int64_t size = state_->source->size(), batch_size = options.buckets[0].batch_size;
  const bool has_rest = size % batch_size != 0 && options.epoch_end == EpochEnd::keep;
  return size / batch_size + (has_rest ? 1 : 0);
}

}  // namespace ditharos::data
