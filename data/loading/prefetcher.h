#pragma once
// Internal to data/loading/.
// A background thread that prepares items ahead of time, for the loaders of this folder.
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include <ditharos/tensor/parallel.h>

namespace ditharos::data {

/// Calls `make` repeatedly on a background thread, up to `depth` items ahead, and returns the items in order. At depth
/// 0 there is no thread, and take() calls `make` itself.
template <class Item>
class Prefetcher {
 public:
  Prefetcher(int64_t depth, std::function<Item()> make) : depth_(depth), make_(std::move(make)) {
    if (depth_ > 0) worker_ = std::thread([this] { work(); });
  }
  /// Ends the thread after its present item.
  ~Prefetcher() {
    if (!worker_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_worker_.notify_one();
    worker_.join();
  }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next item; waits for it when it is not ready. An exception of `make` is thrown here, after the items before
  /// it, and at every later call.
  Item take() {
    if (depth_ == 0) return make_();
    std::unique_lock lock(mutex_);
    wake_caller_.wait(lock, [this] { return !ready_.empty() || failure_; });
    if (ready_.empty()) std::rethrow_exception(failure_);
    Item item = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    wake_worker_.notify_one();
    return item;
  }

 private:
  void work() {
    try {
      // Loops nested in a parallel body run on the calling thread, so this thread never opens a second OpenMP team.
      parallel_for(1, 1, [this](int64_t, int64_t) {
        while (wait_for_room()) put(make_());
      });
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    wake_caller_.notify_one();
  }
  /// False when the prefetcher is being destroyed.
  bool wait_for_room() {
    std::unique_lock lock(mutex_);
    wake_worker_.wait(lock, [this] { return stop_ || static_cast<int64_t>(ready_.size()) < depth_; });
    return !stop_;
  }
  void put(Item item) {
    {
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(item));
    }
    wake_caller_.notify_one();
  }

  const int64_t depth_;
  const std::function<Item()> make_;
  std::mutex mutex_;
  std::condition_variable wake_worker_, wake_caller_;
  std::deque<Item> ready_;  // guarded by mutex_, as are the next two
  std::exception_ptr failure_;
  bool stop_ = false;
  std::thread worker_;  // last: it starts when everything else is there
};

}  // namespace ditharos::data
