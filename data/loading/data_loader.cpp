#include <ditharos/data/loading/data_loader.h>

#include <algorithm>

#include <ditharos/data/loading/epoch_batches.h>
#include <ditharos/data/loading/prefetcher.h>

namespace ditharos::data {
namespace {

struct PreparedBatch {
  EpochBatch plan;
  std::shared_ptr<void> batch;
  int64_t samples_per_part;

  int64_t size() const { return static_cast<int64_t>(plan.indices.size()); }
};

}  // namespace

struct PreparedBatches::State {
  State(int64_t size, const DataLoaderOptions& options, Cursor start, Work work_)
      : work(std::move(work_)), workers(std::max<int64_t>(options.workers, 1)), plans(size, options, start),
        cursor(plans.cursor()), batches(options.prefetch, options.workers,
                                        {.begin = [this] { return begin(); },
                                         .parts =
                                             [](const PreparedBatch& item) {
                                               return (item.size() + item.samples_per_part - 1) / item.samples_per_part;
                                             },
                                         .do_part = [this](PreparedBatch& item, int64_t part) { read(item, part); },
                                         .finish = [this](PreparedBatch& item) { work.collate(item.batch.get()); }}) {}

  PreparedBatch begin() {
    PreparedBatch item{plans.next(), nullptr, 1};
    item.batch = work.begin(item.plan.indices.size());
    constexpr int64_t parts_per_worker = 8;  // so that all threads end together
    item.samples_per_part = std::max<int64_t>(1, item.size() / (parts_per_worker * workers));
    return item;
  }
  void read(PreparedBatch& item, int64_t part) const {
    const int64_t first = part * item.samples_per_part, end = std::min(first + item.samples_per_part, item.size());
    for (auto k = static_cast<size_t>(first); k < static_cast<size_t>(end); ++k) {
      Generator rng = item.plan.generator_of(k);
      work.read(item.batch.get(), k, item.plan.indices[k], rng);
    }
  }

  const Work work;
  const int64_t workers;
  EpochBatches plans;
  Cursor cursor;                      // of the caller
  Prefetcher<PreparedBatch> batches;  // last: its threads start when everything else is there
};

PreparedBatches::PreparedBatches(int64_t size, const DataLoaderOptions& options, Cursor start, Work work)
    : state_(std::make_unique<State>(size, options, start, std::move(work))) {}
PreparedBatches::~PreparedBatches() = default;

std::shared_ptr<void> PreparedBatches::next() {
  PreparedBatch item = state_->batches.take();
  state_->cursor = item.plan.after;
  return item.batch;
}

Cursor PreparedBatches::cursor() const { return state_->cursor; }

int64_t PreparedBatches::batches_per_epoch() const {
  return static_cast<int64_t>(state_->plans.batches_of(state_->cursor.epoch).size());
}

}  // namespace ditharos::data
