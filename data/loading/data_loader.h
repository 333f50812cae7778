#pragma once
// Batches of any map-style data set, prepared ahead of time by background threads, as torch.utils.data.DataLoader.
//
//   data::DataLoader loader(data::TensorDataset(x, y), {.batch_size = 32, .shuffle = true, .seed = 1});
//   while (loader.cursor().epoch < 10) {
//     for (const auto& [inputs, targets] : loader) { ... }   // the rest of an epoch
//   }
//
// For images and clips Loader (loader.h) has more: shapes of batches, flips, and parts for several processes.
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <ditharos/data/datasets/map_dataset.h>
#include <ditharos/data/loading/collate.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/data/loading/sampler.h>

namespace ditharos::data {

struct DataLoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;           ///< a new order every epoch; false: the order of the data set
  uint64_t seed = 0;              ///< of the order, and of samples that are random
  bool drop_last = false;         ///< leaves out the last batch of an epoch if it is smaller
  SampleOrder sampler = {};       ///< in place of `shuffle`
  BatchOrder batch_sampler = {};  ///< in place of batch_size, shuffle, sampler and drop_last
  int64_t prefetch = 2;           ///< batches that are prepared ahead; 0: none, and no thread
  /// Threads that read samples, of several batches at a time and of one. 0: none, and nothing is prepared ahead.
  int64_t workers = default_loader_workers();
};

/// The order and the threads of a DataLoader, whatever the types of its samples and batches.
class PreparedBatches {
 public:
  /// What is done for each batch, on several threads.
  struct Work {
    std::function<std::shared_ptr<void>(size_t count)> begin;  ///< room for so many samples
    /// Reads the sample with this index to place k of them; several calls at a time for one batch.
    std::function<void(void* batch, size_t k, int64_t index, Generator& rng)> read;
    std::function<void(void* batch)> collate;  ///< after all were read
  };
  /// For a data set of `size` samples. ConfigError as from DataLoader.
  PreparedBatches(int64_t size, const DataLoaderOptions& options, Cursor start, Work work);
  ~PreparedBatches();
  PreparedBatches(const PreparedBatches&) = delete;
  PreparedBatches& operator=(const PreparedBatches&) = delete;

  /// What begin() returned for the next batch, which is read and collated. Exceptions as from DataLoader::next().
  std::shared_ptr<void> next();
  Cursor cursor() const;
  int64_t batches_per_epoch() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An endless sequence of batches, epoch after epoch. They depend only on the data set, the start, and the options
/// apart from `prefetch` and `workers`: a loader that starts at another one's cursor() returns the same batches to the
/// bit. `collate` makes a batch of the list of its samples and runs on the loader's threads.
template <MapDataset D, class Collate = DefaultCollate>
class DataLoader {
 public:
  using Sample = SampleOf<D>;
  using Batch = std::remove_cvref_t<std::invoke_result_t<const Collate&, const std::vector<Sample>&>>;
  class Iterator;

  /// ConfigError when an option is out of range, when the data set has no samples or is too small for a batch, or when
  /// the start lies outside of its epoch.
  explicit DataLoader(D dataset, const DataLoaderOptions& options = {}, Cursor start = {}, Collate collate = {})
      : state_(std::make_unique<State>(std::move(dataset), options, start, std::move(collate))) {}

  /// The next batch, of this epoch or the next; waits for it when it is not ready. An exception of the data set, the
  /// sampler or `collate` is thrown here, after the batches before it, and at every later call; cursor() stays at the
  /// batch that failed. Of several samples that fail, it is the exception of the first.
  Batch next() { return std::move(*static_cast<Item*>(state_->batches.next().get())->batch); }
  /// The position of the batch that next() will return: the epoch, and the number of its batches that were returned.
  Cursor cursor() const { return state_->batches.cursor(); }
  /// Batches of the epoch that cursor() is in.
  int64_t batches_per_epoch() const { return state_->batches.batches_per_epoch(); }
  const D& dataset() const { return state_->dataset; }

  /// The batches from cursor() to the end of its epoch, for a range-based loop. After a `break` the next loop goes on
  /// with the rest of the epoch.
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  struct Item {
    std::vector<std::optional<Sample>> samples;
    std::optional<Batch> batch;
  };
  struct State {
    State(D dataset_, const DataLoaderOptions& options, Cursor start, Collate collate_)
        : dataset(std::move(dataset_)), collate(std::move(collate_)),
          batches(static_cast<int64_t>(dataset.size()), options, start,
                  {.begin =
                       [](size_t count) {
                         const auto item = std::make_shared<Item>();
                         item->samples.resize(count);
                         return item;
                       },
                   .read =
                       [this](void* item, size_t k, int64_t index, Generator& rng) {
                         static_cast<Item*>(item)->samples[k].emplace(read_sample(dataset, index, rng));
                       },
                   .collate = [this](void* item) { make_batch(*static_cast<Item*>(item)); }}) {}

    void make_batch(Item& item) const {
      std::vector<Sample> samples;
      samples.reserve(item.samples.size());
      for (std::optional<Sample>& sample : item.samples) samples.push_back(std::move(*sample));
      item.batch.emplace(collate(std::as_const(samples)));
      for (std::optional<Sample>& sample : item.samples) sample.reset();
    }

    const D dataset;
    const Collate collate;
    PreparedBatches batches;  // last: its threads start when everything else is there
  };

  std::unique_ptr<State> state_;
};

/// An input iterator that owns the batch it stands at.
template <MapDataset D, class Collate>
class DataLoader<D, Collate>::Iterator {
 public:
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;

  explicit Iterator(DataLoader& loader) : loader_(&loader), epoch_(loader.cursor().epoch), batch_(loader.next()) {}
  Batch& operator*() const { return *batch_; }
  Batch* operator->() const { return &*batch_; }
  Iterator& operator++() {
    batch_.reset();
    if (loader_->cursor().epoch == epoch_) batch_.emplace(loader_->next());
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& i, std::default_sentinel_t) { return !i.batch_; }

 private:
  DataLoader* loader_;
  uint64_t epoch_;
  mutable std::optional<Batch> batch_;
};

}  // namespace ditharos::data
