#include <ditharos/data/loading/loader.h>

#include <algorithm>
#include <cmath>

#include <ditharos/data/loading/batch_reader.h>
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
    check<ConfigError>(bucket.batch_size >= options.parts, "[Loader] the batches of bucket ", shape, " have ",
                       bucket.batch_size, " samples, which cannot be divided into ", options.parts, " parts");
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
  check<ConfigError>(options.workers >= 0 && options.workers <= 256, "[Loader] workers must be 0..256, got ",
                     options.workers);
  check<ConfigError>(!options.horizontal_flip || source->dtype() == DType::u8,
                     "[Loader] horizontal_flip takes pixels (u8), but the samples of this source are ",
                     source->dtype());
  if (options.buckets.empty()) {
    const std::optional<SampleShape> shape = source->native_shape();
    check<ConfigError>(shape.has_value(), "[Loader] needs at least one bucket: the source has no native shape");
    options.buckets = {{*shape, options.batch_size}};
  }
  check<ConfigError>(options.parts >= 1 && options.part >= 0 && options.part < options.parts,
                     "[Loader] there is no part ", options.part, " of ", options.parts);
  validate_buckets(options);
  validate_sizes(source->size(), options, start);
  return options;
}

/// A batch, or the part of it that the loader reads, and the position after it.
struct Item {
  BatchReader reader;
  Cursor after;
  int64_t samples_per_part;
  int64_t first, total;  // of the samples in the batch
};

/// Leaves in the plan the samples of the loader's part. Returns the place of the first one.
int64_t keep_part(BatchPlan& plan, const LoaderOptions& options) {
  const auto total = static_cast<int64_t>(plan.indices.size());
  const int64_t begin = options.part * total / options.parts, end = (options.part + 1) * total / options.parts;
  check<ConfigError>(begin < end, "[Loader] a batch of ", total, " samples cannot be divided into ", options.parts,
                     " parts");
  const auto cut = [&](auto& list) {
    if (!list.empty()) list = {list.begin() + begin, list.begin() + end};
  };
  cut(plan.indices);
  cut(plan.mirrored);
  return begin;
}

/// How many samples a thread reads at a time. Samples that lie in memory are converted faster than a thread wakes up:
/// one thread reads them all. Otherwise a batch is divided in more parts than threads, so that all end together.
int64_t samples_per_part(const DataSource& source, const LoaderOptions& options, const BatchPlan& plan) {
  const auto count = static_cast<int64_t>(plan.indices.size());
  if (source.dtype() == DType::u8 && source.stored_sample(plan.indices.front(), plan.shape)) return count;
  constexpr int64_t parts_per_worker = 8;
  return std::max<int64_t>(1, count / (parts_per_worker * std::max<int64_t>(options.workers, 1)));
}

}  // namespace

int64_t default_loader_workers() { return std::min(4, num_threads()); }

struct Loader::State {
  State(std::shared_ptr<const DataSource> source_, const LoaderOptions& options_, Cursor start)
      : source(std::move(source_)), options(settled(source.get(), options_, start)),
        schedule(source->size(), options, start), cursor(schedule.cursor()),
        batches(options.prefetch, options.workers,
                {.begin = [this] { return begin(); },
                 .parts =
                     [](const Item& item) {
                       return (item.reader.size() + item.samples_per_part - 1) / item.samples_per_part;
                     },
                 .do_part =
                     [](Item& item, int64_t part) {
                       const int64_t first = part * item.samples_per_part;
                       const int64_t end = std::min(first + item.samples_per_part, item.reader.size());
                       for (int64_t k = first; k < end; ++k) item.reader.read(k);
                     }}) {}

  /// The batch at the schedule's cursor, before its samples are read.
  Item begin() {
    BatchPlan plan = schedule.plan();
    const auto total = static_cast<int64_t>(plan.indices.size());
    const int64_t first = keep_part(plan, options), part = samples_per_part(*source, options, plan);
    Item item{
        BatchReader(*source, plan.shape, std::move(plan.indices), std::move(plan.mirrored)), {}, part, first, total};
    schedule.advance(total);
    item.after = schedule.cursor();
    return item;
  }

  const std::shared_ptr<const DataSource> source;
  const LoaderOptions options;
  BatchSchedule schedule;
  Cursor cursor;             // of the caller
  Prefetcher<Item> batches;  // last: its threads start when everything else is there
};

Loader::Loader(std::shared_ptr<const DataSource> source, const LoaderOptions& options, Cursor start)
    : state_(std::make_unique<State>(std::move(source), options, start)) {}
Loader::~Loader() = default;

Batch Loader::next() {
  Item item = state_->batches.take();
  state_->cursor = item.after;
  Batch batch = item.reader.take();
  batch.first = item.first;
  batch.total = item.total;
  return batch;
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
