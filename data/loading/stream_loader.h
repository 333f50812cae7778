#pragma once
// Batches of a data set that is read in order, as torch.utils.data.DataLoader of an IterableDataset.
//
//   data::StreamLoader loader(Counter{}, {.batch_size = 32, .parts = 4});
//   while (auto batch = loader.next()) { ... }      // an epoch
//   for (const auto& batch : loader) { ... }        // the next one
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <ditharos/data/datasets/stream_dataset.h>
#include <ditharos/data/loading/collate.h>
#include <ditharos/data/loading/loader.h>

namespace ditharos::data {

struct StreamLoaderOptions {
  int64_t batch_size = 1;
  bool drop_last = false;  ///< leaves out the last batch of each part if it is smaller
  uint64_t seed = 0;       ///< of StreamPart::rng
  /// Parts of the stream, each read by a thread of its own: num_workers of PyTorch. The batches come from one part
  /// after the other, so they depend on the number of parts.
  int64_t parts = 1;
  int64_t prefetch = 2;  ///< batches of each part that are prepared ahead; 0: none, and no threads
};

/// The items of one part, prepared on a thread of its own, whatever their type.
class PreparedParts {
 public:
  struct Work {
    std::function<std::shared_ptr<void>()> read;  ///< the next item
    std::function<void(void* item)> finish;       ///< after it was read
  };
  /// Up to `prefetch` items ahead; 0: no thread.
  PreparedParts(int64_t prefetch, Work work);
  ~PreparedParts();
  PreparedParts(const PreparedParts&) = delete;
  PreparedParts& operator=(const PreparedParts&) = delete;

  /// The next item, finished. An exception in the work on it is thrown here.
  std::shared_ptr<void> take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The batches of epoch after epoch. A batch has samples of one part; the parts take turns, and one that has ended is
/// left out. The batches depend only on the data set, the start, and the options apart from `prefetch`.
///
/// Resuming: cursor() is the epoch and the number of its batches that were returned. A loader that starts there opens
/// the epoch's streams again and passes over the samples of these batches, by the reader's skip() if it has one, else
/// by next(), before it returns the batch that follows. So a reader that returns the same samples each time it is
/// opened for an epoch makes the same batches to the bit; the cost is that of reading what comes before.
template <StreamDataset D, class Collate = DefaultCollate>
class StreamLoader {
 public:
  using Sample = StreamSampleOf<D>;
  using Batch = std::remove_cvref_t<std::invoke_result_t<const Collate&, const std::vector<Sample>&>>;
  class Iterator;

  /// ConfigError when an option is out of range, or when the epoch of the start has no such batch.
  explicit StreamLoader(D dataset, const StreamLoaderOptions& options = {}, Cursor start = {}, Collate collate = {})
      : state_(std::make_unique<State>(std::move(dataset), options, start, std::move(collate))) {}

  /// The next batch, or nothing at the end of an epoch; the call after that begins the next epoch. An exception of the
  /// stream or of `collate` is thrown here, after the part's batches before it, and at every later call.
  std::optional<Batch> next() {
    State& s = *state_;
    if (s.failure) std::rethrow_exception(s.failure);
    try {
      while (!s.active.empty()) {
        const std::shared_ptr<void> taken = s.parts[s.active[s.turn]].batches->take();
        Item& item = *static_cast<Item*>(taken.get());
        if (item.batch) {
          s.turn = (s.turn + 1) % s.active.size();
          ++s.cursor.position;
          return std::move(*item.batch);
        }
        s.end_of_part();
      }
    } catch (...) {
      s.failure = std::current_exception();
      throw;
    }
    s.begin_epoch(s.cursor.epoch + 1);
    return {};
  }
  /// The epoch, and the number of its batches that were returned. After the last batch of an epoch, next() has to find
  /// its end before the cursor is that of the next one.
  Cursor cursor() const { return state_->cursor; }
  const D& dataset() const { return state_->dataset; }

  /// The batches from cursor() to the end of its epoch, for a range-based loop. After a `break` the next loop goes on
  /// with the rest of the epoch.
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  struct Item {
    std::vector<Sample> samples;
    std::optional<Batch> batch;  // none: the end of the part
  };
  struct Part {
    uint64_t epoch = 0;
    std::optional<StreamReaderOf<D>> reader;
    bool ended = false;  // the reader returned nothing; it is not asked again
    std::unique_ptr<PreparedParts> batches;
  };

  struct State {
    State(D dataset_, const StreamLoaderOptions& options_, Cursor start, Collate collate_)
        : dataset(std::move(dataset_)), options(options_), collate(std::move(collate_)) {
      check<ConfigError>(options.batch_size >= 1, "[StreamLoader] batch_size must be at least 1, got ",
                         options.batch_size);
      check<ConfigError>(options.parts >= 1 && options.parts <= 256, "[StreamLoader] parts must be 1..256, got ",
                         options.parts);
      check<ConfigError>(options.prefetch >= 0 && options.prefetch <= 1024,
                         "[StreamLoader] prefetch must be 0..1024, got ", options.prefetch);
      check<ConfigError>(start.position >= 0, "[StreamLoader] cannot start at batch ", start.position);
      parts.resize(size_t(options.parts));
      for (Part& part : parts) part.epoch = start.epoch;
      begin_epoch(start.epoch);
      while (cursor.position < start.position) pass_batch(start);
      for (size_t i = 0; i < parts.size(); ++i)
        parts[i].batches = std::make_unique<PreparedParts>(
            options.prefetch,
            PreparedParts::Work{.read = [this, i] { return std::make_shared<Item>(read(i)); },
                                .finish = [this](void* item) { make_batch(*static_cast<Item*>(item)); }});
    }

    void make_batch(Item& item) const {
      if (!item.samples.empty()) item.batch.emplace(collate(std::as_const(item.samples)));
      item.samples.clear();
    }

    void begin_epoch(uint64_t epoch) {
      cursor = {epoch, 0};
      turn = 0;
      active.clear();
      for (size_t i = 0; i < parts.size(); ++i) active.push_back(i);
    }
    /// The part whose turn it is has no batch left.
    void end_of_part() {
      active.erase(active.begin() + static_cast<std::ptrdiff_t>(turn));
      if (turn == active.size()) turn = 0;
    }

    StreamReaderOf<D>& reader_of(size_t i) {
      Part& part = parts[i];
      if (!part.reader) {
        constexpr uint64_t stream = 4;  // 1 to 3 are those of the other loaders
        const auto index = static_cast<int64_t>(i);
        part.reader.emplace(dataset.open(StreamPart{
            .index = index,
            .count = options.parts,
            .epoch = part.epoch,
            .rng = Generator(options.seed).fork(part.epoch).fork(stream).fork(static_cast<uint64_t>(index))}));
      }
      return *part.reader;
    }
    /// `count` samples of a part were read; true if they are a batch. Else the part has ended, and its next epoch
    /// begins.
    bool makes_batch(size_t i, int64_t count) {
      Part& part = parts[i];
      part.ended = count < options.batch_size;
      if (!part.ended || (count > 0 && !options.drop_last)) return true;
      part.reader.reset();
      part.ended = false;
      ++part.epoch;
      return false;
    }

    Item read(size_t i) {
      Item item;
      StreamReaderOf<D>& reader = reader_of(i);
      while (!parts[i].ended && static_cast<int64_t>(item.samples.size()) < options.batch_size) {
        auto sample = reader.next();
        if (!sample) break;
        item.samples.push_back(std::move(*sample));
      }
      if (!makes_batch(i, static_cast<int64_t>(item.samples.size()))) item.samples.clear();
      return item;
    }
    /// Passes over the next samples of a part, as many as a batch has if there are; returns how many.
    int64_t pass_samples(size_t i) {
      StreamReaderOf<D>& reader = reader_of(i);
      int64_t count = 0;
      if (parts[i].ended) return count;
      if constexpr (requires {
                      { reader.skip(count) } -> std::convertible_to<int64_t>;
                    }) {
        count = reader.skip(options.batch_size);
      } else {
        while (count < options.batch_size && reader.next()) ++count;
      }
      return count;
    }
    /// Passes over the next batch.
    void pass_batch(Cursor start) {
      check<ConfigError>(!active.empty(), "[StreamLoader] cannot start at batch ", start.position, " of epoch ",
                         start.epoch, ", which has ", cursor.position, "; is this the data set of the checkpoint?");
      const size_t i = active[turn];
      if (!makes_batch(i, pass_samples(i))) return end_of_part();
      turn = (turn + 1) % active.size();
      ++cursor.position;
    }

    const D dataset;
    const StreamLoaderOptions options;
    const Collate collate;
    Cursor cursor;
    std::vector<size_t> active;  // parts that have not ended in this epoch
    size_t turn = 0;             // an index into active
    std::exception_ptr failure;
    std::vector<Part> parts;  // last: their threads read the members above
  };

  std::unique_ptr<State> state_;
};

/// An input iterator that owns the batch it stands at.
template <StreamDataset D, class Collate>
class StreamLoader<D, Collate>::Iterator {
 public:
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;

  explicit Iterator(StreamLoader& loader) : loader_(&loader), batch_(loader.next()) {}
  Batch& operator*() const { return *batch_; }
  Batch* operator->() const { return &*batch_; }
  Iterator& operator++() {
    batch_ = loader_->next();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& i, std::default_sentinel_t) { return !i.batch_; }

 private:
  StreamLoader* loader_;
  mutable std::optional<Batch> batch_;
};

}  // namespace ditharos::data
