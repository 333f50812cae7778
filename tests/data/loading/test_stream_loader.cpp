// Data sets that are read in order: parts, ends of epochs, resuming at every batch, and exceptions.
#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <utility>

#include <ditharos/data/loading/stream_loader.h>
#include "tests/support/message_of.h"

namespace ditharos::test_stream_loader {

using data::StreamLoader;
using data::StreamLoaderOptions;
using data::StreamPart;
using tests::message_of;

namespace {

/// 0, 1, ..., size - 1, each plus 1000 times the epoch; every part has each count-th number.
struct Counter {
  struct Reader {
    int64_t at, step, end, offset;
    std::optional<int64_t> next() {
      if (at >= end) return {};
      return offset + std::exchange(at, at + step);
    }
  };
  int64_t size = 10;
  Reader open(const StreamPart& part) const {
    return {part.index, part.count, size, 1000 * static_cast<int64_t>(part.epoch)};
  }
};

/// The same with a skip(), which counts its calls, and random numbers.
struct SkippingCounter {
  struct Reader {
    Counter::Reader numbers;
    Generator rng;
    std::atomic<int64_t>* skipped;
    std::optional<std::pair<int64_t, double>> next() {
      const auto number = numbers.next();
      if (!number) return {};
      Generator own = rng.fork(static_cast<uint64_t>(*number));
      return std::pair(*number, own.uniform({}, DType::f64).item());
    }
    int64_t skip(int64_t count) {
      int64_t passed = 0;
      while (passed < count && numbers.next()) ++passed;
      *skipped += passed;
      return passed;
    }
  };
  int64_t size = 10;
  std::shared_ptr<std::atomic<int64_t>> skipped = std::make_shared<std::atomic<int64_t>>(0);
  Reader open(const StreamPart& part) const { return {Counter{size}.open(part), part.rng, skipped.get()}; }
};

struct Failing {
  struct Reader {
    int64_t at = 0;
    std::optional<int64_t> next() {
      check(at < 3, "the stream broke");
      return at++;
    }
  };
  Reader open(const StreamPart&) const { return {}; }
};

using Batches = std::vector<std::vector<int64_t>>;

/// The rest of an epoch.
template <class Loader>
Batches epoch_of(Loader& loader) {
  Batches batches;
  while (const auto batch = loader.next()) batches.push_back(batch->template to_vector<int64_t>());
  return batches;
}

}  // namespace

TEST_CASE("stream loader: batches of one part, whole and with the last one left out") {
  StreamLoader loader(Counter{}, {.batch_size = 4});
  CHECK(epoch_of(loader) == Batches{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}});
  CHECK(loader.cursor() == data::Cursor{1, 0});
  CHECK(epoch_of(loader) == Batches{{1000, 1001, 1002, 1003}, {1004, 1005, 1006, 1007}, {1008, 1009}});
  StreamLoader dropping(Counter{}, {.batch_size = 4, .drop_last = true});
  CHECK(epoch_of(dropping) == Batches{{0, 1, 2, 3}, {4, 5, 6, 7}});
  StreamLoader empty(Counter{0});
  CHECK(epoch_of(empty).empty());
  CHECK(epoch_of(empty).empty());
}

TEST_CASE("stream loader: parts take turns until each has ended, as the workers of PyTorch's DataLoader") {
  // PyTorch 2.13, DataLoader(IterableDataset of range(worker.id, 11, worker.num_workers), 2, num_workers=3).
  const Batches want = {{0, 3}, {1, 4}, {2, 5}, {6, 9}, {7, 10}, {8}};
  for (const int64_t prefetch : {0, 1, 3}) {
    CAPTURE(prefetch);
    StreamLoader loader(Counter{11}, {.batch_size = 2, .parts = 3, .prefetch = prefetch});
    CHECK(epoch_of(loader) == want);
    CHECK(epoch_of(loader)[0] == std::vector<int64_t>{1000, 1003});
  }
}

TEST_CASE("stream loader: a loader that starts at a cursor goes on with the same batches, with and without skip()") {
  for (const int64_t parts : {1, 2, 3})
    for (const bool drop_last : {false, true}) {
      const StreamLoaderOptions options{.batch_size = 3, .drop_last = drop_last, .seed = 7, .parts = parts};
      CAPTURE(parts);
      CAPTURE(drop_last);
      std::vector<data::Cursor> cursors;
      std::vector<std::vector<double>> draws;
      StreamLoader whole(SkippingCounter{17}, options);
      for (int epoch = 0; epoch < 2; ++epoch) {
        cursors.push_back(whole.cursor());
        while (const auto batch = whole.next()) {
          draws.push_back(batch->second.to_vector<double>());
          cursors.push_back(whole.cursor());
        }
        draws.emplace_back();  // the end
      }
      for (size_t k = 0; k < cursors.size(); ++k) {
        CAPTURE(k);
        const SkippingCounter source{17};
        StreamLoader resumed(source, options, cursors[k]);
        CHECK(resumed.cursor() == cursors[k]);
        // One call for each entry behind the cursor, ends of epochs included.
        const auto batch = resumed.next();
        CHECK(batch.has_value() == !draws[k].empty());
        if (batch) CHECK(batch->second.to_vector<double>() == draws[k]);
        CHECK((*source.skipped > 0) == (cursors[k].position > 0));
      }
      StreamLoader plain(Counter{17}, options);
      const Batches batches = epoch_of(plain);
      for (size_t k = 0; k <= batches.size(); ++k) {
        StreamLoader resumed(Counter{17}, options, {0, static_cast<int64_t>(k)});
        CHECK(epoch_of(resumed) == Batches(batches.begin() + static_cast<std::ptrdiff_t>(k), batches.end()));
      }
    }
}

TEST_CASE("stream loader: a reader is not asked again after its end") {
  struct Once {  // a stream that would start anew, as a socket or a generator may
    struct Reader {
      int64_t left;
      bool ended = false;
      std::optional<int64_t> next() {
        if (ended) throw std::runtime_error("read behind the end");
        if (left == 0) {
          ended = true;
          return {};
        }
        return left--;
      }
    };
    int64_t size;
    Reader open(const StreamPart&) const { return {size}; }
  };
  for (const int64_t size : {0, 1, 3, 4, 6})
    for (const bool drop_last : {false, true})
      for (const int64_t prefetch : {0, 2}) {
        const StreamLoaderOptions options{.batch_size = 3, .drop_last = drop_last, .parts = 2, .prefetch = prefetch};
        const int64_t batches = 2 * (drop_last ? size / 3 : (size + 2) / 3);
        for (int64_t start = 0; start <= batches; ++start) {
          StreamLoader loader(Once{size}, options, {0, start});
          int64_t count = start;
          while (loader.next()) ++count;
          CHECK(count == batches);
          for (count = 0; loader.next();) ++count;
          CHECK(count == batches);
        }
      }
}

TEST_CASE("stream loader: a range-based loop has the rest of an epoch") {
  StreamLoader loader(Counter{}, {.batch_size = 4, .parts = 2});
  for (const Tensor& batch : loader) {
    CHECK(batch.to_vector<int64_t>() == std::vector<int64_t>{0, 2, 4, 6});
    break;
  }
  int64_t rest = 0;
  for (const Tensor& batch : loader) rest += batch.numel();
  CHECK(rest == 6);
  CHECK(loader.cursor() == data::Cursor{1, 0});
}

TEST_CASE("stream loader: exceptions come after the batches before them, and options are checked") {
  for (const int64_t prefetch : {0, 2}) {
    StreamLoader loader(Failing{}, {.batch_size = 2, .prefetch = prefetch});
    CHECK(loader.next().has_value());
    for (int i = 0; i < 2; ++i) CHECK(message_of<Error>([&] { loader.next(); }) == "the stream broke");
    CHECK(loader.cursor() == data::Cursor{0, 1});
  }
  CHECK(message_of<ConfigError>([] { StreamLoader(Counter{}, {.batch_size = 0}); }) ==
        "[StreamLoader] batch_size must be at least 1, got 0");
  CHECK(message_of<ConfigError>([] { StreamLoader(Counter{}, {.parts = 0}); }) ==
        "[StreamLoader] parts must be 1..256, got 0");
  CHECK(message_of<ConfigError>([] { StreamLoader(Counter{}, {.batch_size = 4}, {2, 4}); }) ==
        "[StreamLoader] cannot start at batch 4 of epoch 2, which has 3; is this the data set of the checkpoint?");
}

}  // namespace ditharos::test_stream_loader
