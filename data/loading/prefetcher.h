#pragma once
// Internal to data/loading/.
// Background threads that prepare items ahead of time, for the loaders of this folder.
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <ditharos/tensor/parallel.h>

namespace ditharos::data {

/// How items are made. An item is begun, then its parts are done in any order, each by one thread, and then one thread
/// finishes it.
template <class Item>
struct ItemWork {
  std::function<Item()> begin;                       ///< the next item; one call at a time
  std::function<int64_t(const Item&)> parts;         ///< how many parts it has, at least 1
  std::function<void(Item&, int64_t part)> do_part;  ///< several calls at a time, also for one item
  std::function<void(Item&)> finish = [](Item&) {};  ///< several calls at a time, one for an item
};

/// Prepares items on `workers` background threads, up to `depth` items ahead, and returns them in order. The threads
/// take the parts of one item before those of the next, so they also share the work of a single item. At depth 0, or
/// without workers, there is no thread, and take() does the work itself.
template <class Item>
class Prefetcher {
 public:
  Prefetcher(int64_t depth, int64_t workers, ItemWork<Item> work) : depth_(depth), work_(std::move(work)) {
    if (depth_ == 0) return;
    try {
      for (int64_t i = 0; i < workers; ++i) workers_.emplace_back([this] { run_worker(); });
    } catch (...) {  // the system has no thread left, and no destructor runs after a throw here
      stop();
      throw;
    }
  }
  /// Ends the threads after the parts that they are doing.
  ~Prefetcher() { stop(); }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next item; waits for it when it is not ready. An exception in an item's work is thrown here, after the items
  /// before it, and at every later call. Without threads a later call tries that item again.
  Item take() {
    if (workers_.empty()) return make();
    std::unique_lock lock(mutex_);
    wake_caller_.wait(lock, [this] { return is_settled(); });
    if (entries_.empty()) std::rethrow_exception(begin_failure_);
    if (entries_.front()->failure) std::rethrow_exception(entries_.front()->failure);
    Item item = std::move(entries_.front()->item);
    entries_.pop_front();
    lock.unlock();
    wake_workers_.notify_one();
    return item;
  }

 private:
  /// An item in preparation. Its parts are done with the mutex unlocked; everything else is guarded by it.
  struct Entry {
    Item item;
    int64_t parts = 0, begun = 0, done = 0;
    bool finished = false;
    std::exception_ptr failure = nullptr;  // of the first part that failed, in the order of the parts
    int64_t failed_part = 0;
  };

  Item make() {
    if (!retried_) retried_ = work_.begin();
    const int64_t parts = work_.parts(*retried_);
    for (int64_t part = 0; part < parts; ++part) work_.do_part(*retried_, part);
    work_.finish(*retried_);
    Item item = std::move(*retried_);
    retried_.reset();
    return item;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_workers_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void run_worker() {
    // Loops nested in a parallel body run on the calling thread, so this thread never opens a second OpenMP team.
    parallel_for(1, 1, [this](int64_t, int64_t) {
      std::unique_lock lock(mutex_);
      while (!stop_) {
        if (Entry* entry = with_part_left()) do_part(*entry, lock);
        else if (may_begin()) begin_item(lock);
        else wake_workers_.wait(lock);
      }
    });
  }

  // The following functions are called with the mutex locked.

  /// True when the first item, or the exception in its place, can be given to the caller.
  bool is_settled() const {
    if (entries_.empty()) return begin_failure_ != nullptr;
    const Entry& entry = *entries_.front();
    return entry.done == entry.begun && (entry.failure || entry.finished);
  }
  /// The first item with a part that no thread has begun; null if there is none. Nothing behind a failure is begun.
  Entry* with_part_left() const {
    for (const auto& entry : entries_) {
      if (entry->failure) return nullptr;
      if (entry->begun < entry->parts) return entry.get();
    }
    return nullptr;
  }
  bool may_begin() const {
    if (beginning_ || begin_failure_ || static_cast<int64_t>(entries_.size()) >= depth_) return false;
    return std::none_of(entries_.begin(), entries_.end(), [](const auto& entry) { return bool(entry->failure); });
  }

  /// Does one part with the mutex unlocked.
  void do_part(Entry& entry, std::unique_lock<std::mutex>& lock) {
    const int64_t part = entry.begun++;
    std::exception_ptr failure;
    lock.unlock();
    try {
      work_.do_part(entry.item, part);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    ++entry.done;
    if (failure && (!entry.failure || part < entry.failed_part)) {
      entry.failure = failure;
      entry.failed_part = part;
    }
    if (entry.done == entry.parts && !entry.failure) finish(entry, lock);
    if (is_settled()) wake_caller_.notify_one();
  }

  /// Finishes an item whose parts are done, with the mutex unlocked.
  void finish(Entry& entry, std::unique_lock<std::mutex>& lock) {
    std::exception_ptr failure;
    lock.unlock();
    try {
      work_.finish(entry.item);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    entry.failure = failure;
    entry.finished = true;
  }

  /// Begins an item with the mutex unlocked: it may take long to plan the first one of an epoch.
  void begin_item(std::unique_lock<std::mutex>& lock) {
    beginning_ = true;
    lock.unlock();
    try {
      std::unique_ptr<Entry> entry(new Entry{.item = work_.begin()});
      entry->parts = work_.parts(entry->item);
      lock.lock();
      entries_.push_back(std::move(entry));
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      begin_failure_ = std::current_exception();
      wake_caller_.notify_one();
    }
    beginning_ = false;
    if (with_part_left() || may_begin()) wake_workers_.notify_all();
  }

  const int64_t depth_;
  const ItemWork<Item> work_;
  std::optional<Item> retried_;  // without threads: the item whose work failed
  std::mutex mutex_;
  std::condition_variable wake_workers_, wake_caller_;
  std::deque<std::unique_ptr<Entry>> entries_;  // guarded by mutex_, as are the next three
  bool beginning_ = false;                      // a thread calls work_.begin
  std::exception_ptr begin_failure_;            // of the item behind all entries
  bool stop_ = false;
  std::vector<std::thread> workers_;  // last: they start when everything else is there
};

}  // namespace ditharos::data
