// The loader of map-style data sets: batches, resuming at every position, threads, collation, failures.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include <ditharos/data/datasets/subset.h>
#include <ditharos/data/datasets/tensor_dataset.h>
#include <ditharos/data/loading/data_loader.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/numbered_samples.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_data_loader {

using namespace ditharos::tests;
using namespace std::chrono_literals;
using data::Cursor;
using data::DataLoader;
using data::DataLoaderOptions;

namespace {

using Numbers = std::vector<int64_t>;

/// Sample i is i.
struct Indices {
  int64_t n;
  int64_t size() const { return n; }
  int64_t operator[](int64_t i) const { return i; }
};
/// Sample i: i, and three random numbers.
struct Noisy {
  int64_t n;
  int64_t size() const { return n; }
  std::pair<int64_t, Tensor> get(int64_t i, Generator& rng) const {
    std::this_thread::sleep_for((i * 7919 % 13) * 20us);
    return {i, rng.normal({3})};
  }
};

Numbers numbers(const Tensor& x) { return x.to_vector<int64_t>(); }

}  // namespace

TEST_CASE("DataLoader: batches in the order of the data set, the last one smaller or left out") {
  for (const bool drop_last : {false, true}) {
    DataLoader loader(Indices{10}, {.batch_size = 4, .drop_last = drop_last});
    CHECK(loader.batches_per_epoch() == (drop_last ? 2 : 3));
    for (uint64_t epoch = 0; epoch < 2; ++epoch) {
      CHECK(loader.cursor() == Cursor{epoch, 0});
      CHECK(numbers(loader.next()) == Numbers{0, 1, 2, 3});
      CHECK(loader.cursor() == Cursor{epoch, 1});
      CHECK(numbers(loader.next()) == Numbers{4, 5, 6, 7});
      if (!drop_last) CHECK(numbers(loader.next()) == Numbers{8, 9});
    }
  }
  DataLoader single(Indices{3});
  CHECK(numbers(single.next()) == Numbers{0});
}

TEST_CASE("DataLoader: a range-based loop is the rest of an epoch") {
  DataLoader loader(data::TensorDataset(arange(10), arange(10, DType::i64)), {.batch_size = 4, .shuffle = true});
  Numbers seen;
  for (int epoch = 0; epoch < 2; ++epoch) {
    Numbers all;
    for (const auto& [x, y] : loader) {
      CHECK(x.dtype() == DType::f32);
      CHECK(x.to_vector<float>()[0] == float(numbers(y)[0]));
      for (const int64_t i : numbers(y)) all.push_back(i);
    }
    CHECK(loader.cursor() == Cursor{uint64_t(epoch) + 1, 0});
    CHECK(all != seen);  // a new order
    seen = all;
    std::sort(all.begin(), all.end());
    CHECK(all == Numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  }
  for (const auto& batch : loader) {
    CHECK(batch[0].size(0) == 4);
    break;
  }
  CHECK(loader.cursor() == Cursor{2, 1});
  int rest = 0;
  for ([[maybe_unused]] const auto& batch : loader) ++rest;
  CHECK(rest == 2);
}

TEST_CASE("DataLoader: the same batches from every cursor and at every number of threads, random samples included") {
  const DataLoaderOptions options{.batch_size = 8, .shuffle = true, .seed = 7};
  DataLoaderOptions plain = options;
  plain.workers = 0;
  DataLoader first(Noisy{29}, plain);
  std::vector<std::pair<Tensor, Tensor>> expected;
  std::vector<Cursor> cursors;
  for (int k = 0; k < 9; ++k) {  // two epochs and a batch
    cursors.push_back(first.cursor());
    expected.push_back(first.next());
  }
  CHECK(cursors[4] == Cursor{1, 0});
  const auto check_from = [&](size_t start, const DataLoaderOptions& with) {
    DataLoader loader(Noisy{29}, with, cursors[start]);
    for (size_t k = start; k < expected.size(); ++k) {
      CHECK(loader.cursor() == cursors[k]);
      const auto [indices, noise] = loader.next();
      CHECK(same_bits(indices, expected[k].first));
      CHECK(same_bits(noise, expected[k].second));
    }
  };
  for (size_t start = 0; start < cursors.size(); ++start) check_from(start, plain);
  for (const int64_t workers : {1, 2, 5}) {
    for (const int64_t prefetch : {0, 1, 4}) {
      DataLoaderOptions with = options;
      with.workers = workers, with.prefetch = prefetch;
      check_from(0, with);
      check_from(3, with);
      check_from(6, with);
    }
  }
  // The end of an epoch is the start of the next; other seeds give other orders and other noise.
  DataLoader next(Noisy{29}, plain, Cursor{0, 4});
  CHECK(next.cursor() == Cursor{1, 0});
  DataLoaderOptions other = plain;
  other.seed = 8;
  CHECK_FALSE(same_bits(DataLoader(Noisy{29}, other).next().second, expected[0].second));
  // A sample that comes twice in an epoch has different noise each time.
  DataLoaderOptions twice{.batch_size = 2, .sampler = [](uint64_t) { return Numbers{5, 5}; }};
  const Tensor noise = DataLoader(Noisy{29}, twice).next().second;
  CHECK_FALSE(same_bits(data::row_of(noise, 0), data::row_of(noise, 1)));
}

TEST_CASE("DataLoader: shuffles as a Loader with the same seed") {
  const int64_t n = 23;
  DataLoader loader(Indices{n}, {.batch_size = 5, .shuffle = true, .seed = 3, .drop_last = true});
  data::Loader images(numbered_images(n), {.batch_size = 5, .seed = 3});
  for (int k = 0; k < 10; ++k) CHECK(numbers(loader.next()) == images.next().indices);
}

TEST_CASE("DataLoader: samplers and batch samplers decide the batches") {
  const auto batches = [](uint64_t epoch) { return std::vector<Numbers>{{0, 1, 2}, {int64_t(epoch)}}; };
  DataLoader loader(Indices{5}, {.batch_sampler = batches}, Cursor{3, 1});
  CHECK(numbers(loader.next()) == Numbers{3});
  CHECK(loader.cursor() == Cursor{4, 0});
  CHECK(loader.batches_per_epoch() == 2);
  CHECK(numbers(loader.next()) == Numbers{0, 1, 2});
  DataLoader sampled(Indices{5}, {.batch_size = 2, .sampler = data::SubsetRandomSampler({4, 2}, 1)});
  Numbers pair = numbers(sampled.next());
  std::sort(pair.begin(), pair.end());
  CHECK(pair == Numbers{2, 4});
}

TEST_CASE("DataLoader: samples become batches by their types") {
  using Sample = std::tuple<int, float, double, bool, std::string, std::array<Tensor, 1>, std::vector<uint8_t>,
                            std::map<std::string, std::pair<int64_t, Tensor>>>;
  std::vector<Sample> samples;
  for (int i = 0; i < 2; ++i)
    samples.push_back({i,
                       i + .5f,
                       i + .25,
                       i == 1,
                       "s" + std::to_string(i),
                       {full({2, 1}, i)},
                       {uint8_t(i), uint8_t(i + 10)},
                       {{"key", {i + 20, full({1}, i, DType::f64)}}}});
  DataLoader loader(samples, {.batch_size = 2});
  const auto [whole, single, real, flags, names, images, lists, by_key] = loader.next();
  CHECK(numbers(whole) == Numbers{0, 1});
  CHECK(whole.dtype() == DType::i64);
  CHECK(single.dtype() == DType::f32);
  CHECK(single.to_vector<float>() == std::vector<float>{.5f, 1.5f});
  CHECK(real.dtype() == DType::f64);
  CHECK(flags.dtype() == DType::boolean);
  CHECK(flags.to_vector<double>() == std::vector<double>{0, 1});
  CHECK(names == std::vector<std::string>{"s0", "s1"});
  CHECK(images[0].shape() == Shape{2, 2, 1});
  CHECK(lists.size() == 2);
  CHECK(numbers(lists[1]) == Numbers{10, 11});
  CHECK(numbers(by_key.at("key").first) == Numbers{20, 21});
  CHECK(by_key.at("key").second.shape() == Shape{2, 1});

  // One's own function: texts of several lengths, padded.
  const std::vector<std::vector<int64_t>> texts{{1, 2, 3}, {4}};
  const auto pad = [](const std::vector<std::vector<int64_t>>& batch) {
    size_t longest = 0;
    for (const auto& text : batch) longest = std::max(longest, text.size());
    std::vector<std::vector<int64_t>> padded = batch;
    for (auto& text : padded) text.resize(longest);
    return data::DefaultCollate()(padded).size();
  };
  CHECK(DataLoader(texts, {.batch_size = 2}, {}, pad).next() == 3);
  CHECK(message_of<Error>([&] { DataLoader(texts, {.batch_size = 2}).next(); }) ==
        "[collate] the samples of a batch: lists must have the same length");
  using Map = std::map<std::string, int64_t>;
  CHECK(message_of<Error>([&] { DataLoader(std::vector<Map>{{{"a", 1}}, {{"b", 1}}}, {.batch_size = 2}).next(); }) ==
        "[collate] the samples of a batch: maps must have the same keys");
  CHECK(message_of<ShapeError>(
            [] { DataLoader(std::vector<Tensor>{zeros({2}), zeros({3})}, {.batch_size = 2}).next(); }) ==
        "[collate] sample 1 of the batch is of shape [3], but the first one of [2]; samples of several shapes "
        "need a collate function");
  CHECK(message_of<DTypeError>([] {
          DataLoader(std::vector<Tensor>{zeros({2}), zeros({2}, DType::f64)}, {.batch_size = 2}).next();
        }) == "[collate] sample 1 of the batch is f64, but the first one f32");
}

TEST_CASE("DataLoader: failures of samples and of the collate function reach the caller behind earlier batches") {
  struct Damaged {
    int64_t size() const { return 40; }
    int64_t operator[](int64_t i) const {
      if (i == 12) std::this_thread::sleep_for(5ms);  // fails after the others of its batch
      check<IoError>(i < 12 || i > 14, "sample ", i, " is damaged");
      return i;
    }
  };
  for (const int64_t workers : {0, 1, 2, 6}) {
    CAPTURE(workers);
    DataLoader loader(Damaged{}, {.batch_size = 5, .prefetch = 4, .workers = workers});
    CHECK(numbers(loader.next())[0] == 0);
    CHECK(numbers(loader.next())[0] == 5);
    for (int attempt = 0; attempt < 2; ++attempt)
      CHECK(message_of<IoError>([&] { loader.next(); }) == "sample 12 is damaged");
    CHECK(loader.cursor() == Cursor{0, 2});

    const auto collate = [](const Numbers& samples) {
      check(samples[0] != 4, "this batch is refused");
      return samples;
    };
    DataLoader refusing(Indices{8}, {.batch_size = 2, .workers = workers}, {}, collate);
    CHECK(refusing.next() == Numbers{0, 1});
    CHECK(refusing.next() == Numbers{2, 3});
    for (int attempt = 0; attempt < 2; ++attempt)
      CHECK(message_of<Error>([&] { refusing.next(); }) == "this batch is refused");

    const auto sampler = [](uint64_t epoch) {
      check(epoch == 0, "there is no epoch ", epoch);
      return Numbers{0, 1};
    };
    DataLoader one_epoch(Indices{8}, {.batch_size = 2, .sampler = sampler, .workers = workers});
    CHECK(one_epoch.next().size(0) == 2);
    CHECK(message_of<Error>([&] { one_epoch.next(); }) == "there is no epoch 1");
  }
}

TEST_CASE("DataLoader: a retry without threads reads the failed batch again") {
  static std::atomic<int> failures = 1;
  struct Flaky {
    int64_t size() const { return 4; }
    int64_t operator[](int64_t i) const {
      check(i != 1 || failures-- <= 0, "not yet");
      return i;
    }
  };
  DataLoader loader(Flaky{}, {.batch_size = 2, .workers = 0});
  CHECK(message_of<Error>([&] { loader.next(); }) == "not yet");
  CHECK(numbers(loader.next()) == Numbers{0, 1});
}

TEST_CASE("DataLoader: no more is read ahead than the options say, and the destructor waits for few samples") {
  static std::atomic<int> reads{0};
  struct Slow {
    int64_t size() const { return 4000; }
    int64_t operator[](int64_t i) const {
      ++reads;
      std::this_thread::sleep_for(1ms);
      return i;
    }
  };
  {
    DataLoader loader(Slow{}, {.batch_size = 4, .prefetch = 3, .workers = 8});
    CHECK(loader.next().size(0) == 4);
    for (int wait = 0; wait < 2000 && reads < 16; ++wait) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(20ms);
    CHECK(reads == 16);  // one batch was taken, three are ready
  }
  reads = 0;
  {
    DataLoader loader(Slow{}, {.batch_size = 4000, .workers = 2});
  }
  CHECK(reads < 1000);
}

TEST_CASE("DataLoader: refuses options and positions that do not fit") {
  const auto refusal = [](const DataLoaderOptions& options, Cursor start = {}) {
    return message_of<Error>([&] { DataLoader(Indices{10}, options, start); });
  };
  CHECK(message_of<ConfigError>([] { DataLoader(Indices{0}); }) == "[DataLoader] the data set has no samples");
  CHECK(refusal({.batch_size = 0}) == "[BatchSampler] batch_size must be at least 1, got 0");
  CHECK(refusal({.batch_size = 11, .drop_last = true}) ==
        "[DataLoader] epoch 0 has no batch: the data set of 10 samples is too small for one, or its sampler returned "
        "none");
  CHECK(refusal({.prefetch = -1}) == "[DataLoader] prefetch must be 0..1024, got -1");
  CHECK(refusal({.workers = 257}) == "[DataLoader] workers must be 0..256, got 257");
  CHECK(refusal({.shuffle = true, .sampler = data::SequentialSampler(10)}) ==
        "[DataLoader] a sampler decides the order: shuffle must be false");
  const auto batches = [](uint64_t) { return std::vector<Numbers>{{0}}; };
  CHECK(refusal({.batch_size = 2, .batch_sampler = batches}) ==
        "[DataLoader] a batch_sampler decides the batches: batch_size, shuffle, sampler and drop_last must be left as "
        "they are");
  CHECK(refusal({.sampler = [](uint64_t) { return Numbers{3, 10}; }}) ==
        "[DataLoader] the sampler returned sample 10 of 10 in epoch 0");
  CHECK(refusal({.batch_sampler = [](uint64_t) { return std::vector<Numbers>{{0}, {}}; }}) ==
        "[DataLoader] a batch of epoch 0 has no samples");
  CHECK(refusal({.batch_size = 4}, {0, 4}) ==
        "[DataLoader] cannot start at batch 4 of an epoch of 3; is this the data set of the checkpoint?");
  CHECK(refusal({.batch_size = 4}, {0, -1}) ==
        "[DataLoader] cannot start at batch -1 of an epoch of 3; is this the data set of the checkpoint?");
}

}  // namespace ditharos::test_data_loader
