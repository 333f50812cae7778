// The threads of the loader: how they share batches, what happens when samples fail, and how they end.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include <ditharos/data/loading/loader.h>
#include <ditharos/tensor/parallel.h>
#include "tests/support/data_files.h"
#include "tests/support/heap_counter.h"
#include "tests/support/numbered_samples.h"

using namespace ditharos;
using namespace ditharos::tests;
using namespace std::chrono_literals;
using data::Loader;
using data::LoaderOptions;

namespace {

/// Images of one byte, i, that call a function whenever one is read.
class Watched : public data::DataSource {
 public:
  Watched(int64_t n, std::function<void(int64_t)> on_read) : n_(n), on_read_(std::move(on_read)) {}
  int64_t size() const override { return n_; }
  Tensor sample(int64_t i, const data::SampleShape& shape) const override {
    on_read_(i);
    Tensor image({shape.frames, channels(), shape.height, shape.width}, DType::u8);
    image.mutable_data<uint8_t>()[0] = static_cast<uint8_t>(i);
    return image;
  }
  uint32_t checksum() const override { return 0; }
  int64_t channels() const override { return 1; }
  std::optional<data::SampleShape> native_shape() const override { return data::SampleShape{1, 1, 1}; }

 private:
  int64_t n_;
  std::function<void(int64_t)> on_read_;
};
std::shared_ptr<const Watched> watched(int64_t n, std::function<void(int64_t)> on_read) {
  return std::make_shared<Watched>(n, std::move(on_read));
}
LoaderOptions in_order(int64_t batch_size, int64_t prefetch, int64_t workers) {
  return {.batch_size = batch_size, .shuffle = false, .prefetch = prefetch, .workers = workers};
}

}  // namespace

TEST_CASE("loader workers: batches come in order and whole when samples take different times") {
  const auto source = watched(97, [](int64_t i) { std::this_thread::sleep_for((i * 7919 % 13) * 20us); });
  LoaderOptions options{.batch_size = 10, .seed = 5, .prefetch = 0};
  Loader plain(source, options);
  std::vector<data::Batch> expected;
  for (int k = 0; k < 15; ++k) expected.push_back(plain.next());
  for (const int64_t workers : {1, 2, 3, 8}) {
    for (const int64_t prefetch : {1, 4}) {
      options.workers = workers, options.prefetch = prefetch;
      Loader loader(source, options);
      for (const data::Batch& batch : expected) {
        const data::Batch got = loader.next();
        CHECK(got.indices == batch.indices);
        CHECK(got.samples.to_vector<float>() == batch.samples.to_vector<float>());
      }
    }
  }
}

TEST_CASE("loader workers: two of them read a single batch at the same time") {
  std::mutex mutex;
  std::condition_variable changed;
  int reading = 0, most = 0;
  const auto source = watched(16, [&](int64_t) {
    std::unique_lock lock(mutex);
    most = std::max(most, ++reading);
    changed.notify_all();
    changed.wait_for(lock, 10s, [&] { return most == 2; });
    --reading;
  });
  Loader loader(source, in_order(16, 1, 2));
  CHECK(loader.next().indices.size() == 16);
  CHECK(most == 2);
}

TEST_CASE("loader workers: the exception is that of the first sample in its batch, and earlier batches come first") {
  for (const int64_t workers : {0, 1, 2, 6}) {
    const auto source = watched(40, [](int64_t i) {
      if (i == 12) std::this_thread::sleep_for(5ms);  // fails after the others of its batch
      check<IoError>(i < 12 || i > 14, "sample ", i, " is damaged");
    });
    Loader loader(source, in_order(5, 4, workers));
    CHECK(loader.next().indices.front() == 0);
    CHECK(loader.next().indices.front() == 5);
    for (int attempt = 0; attempt < 2; ++attempt)
      CHECK(message_of<IoError>([&] { loader.next(); }) == "sample 12 is damaged");
    CHECK(loader.cursor() == data::Cursor{0, 10});
  }
}

TEST_CASE("loader workers: no more is read ahead than the options say") {
  std::atomic<int> reads{0};
  const auto source = watched(1000, [&](int64_t) { ++reads; });
  Loader loader(source, in_order(4, 3, 8));
  loader.next();
  for (int wait = 0; wait < 2000 && reads < 16; ++wait) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(20ms);
  CHECK(reads == 16);  // one batch was taken, three are ready
}

TEST_CASE("loader workers: the destructor waits for the samples that are being read, not for the batch") {
  std::atomic<int> reads{0};
  const auto source = watched(4000, [&](int64_t) {
    ++reads;
    std::this_thread::sleep_for(2ms);
  });
  const auto start = std::chrono::steady_clock::now();
  {
    Loader loader(source, in_order(100, 2, 2));  // parts of 6 samples
    while (reads == 0) std::this_thread::sleep_for(1ms);
  }
  CHECK(reads <= 40);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("loader workers: loops inside of sample() stay on the worker") {
  std::atomic<bool> elsewhere{false};
  const auto source = watched(64, [&](int64_t) {
    const std::thread::id self = std::this_thread::get_id();
    parallel_for(4096, 1, [&](int64_t, int64_t) {
      if (std::this_thread::get_id() != self) elsewhere = true;
    });
  });
  Loader loader(source, in_order(16, 2, 3));
  for (int k = 0; k < 4; ++k) loader.next();
  CHECK_FALSE(elsewhere);
}

TEST_CASE("loader workers: floats are taken as they are") {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    Loader loader(std::make_shared<NumberedLatents>(6, dtype), in_order(3, 2, 2));
    loader.next();
    const data::Batch batch = loader.next();
    CHECK(batch.samples.shape() == Shape{3, 1, 4, 2, 3});
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t k = 0; k < 24; ++k) CHECK(batch.samples.data<float>()[i * 24 + k] == float(3 + i) + float(k) / 8);
  }
}

TEST_CASE("loader workers: memory that is refused at any point is an exception, and the loader can be destroyed") {
  const auto source = watched(64, [](int64_t) {});
  int failures = 0;
  for (uint64_t n = 1; n <= 80; ++n) {
    fail_heap_allocation_in(n);
    try {
      Loader loader(source, in_order(4, 2, 2));
      for (int k = 0; k < 6; ++k) CHECK(loader.next().indices.front() == 4 * k);
    } catch (const std::bad_alloc&) {
      ++failures;
    } catch (const Error&) {
      ++failures;
    }
    fail_heap_allocation_in(0);
  }
  if (heap_allocations()) CHECK(failures > 40);
}
