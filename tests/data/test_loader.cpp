#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include <ditharos/data/datasets/open.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/data/synthetic/shapes.h>
#include <ditharos/tensor/allocator.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::Cursor;
using data::Loader;
using data::LoaderOptions;

namespace {

/// Picture i has label i and, from left to right, the bytes i, i + 100 and 255.
data::Dataset numbered(int64_t n) {
  Tensor images({n, 1, 1, 3}, DType::u8), labels({n}, DType::i64);
  std::vector<std::string> names;
  for (int64_t i = 0; i < n; ++i) {
    uint8_t* p = images.mutable_data<uint8_t>() + 3 * i;
    p[0] = static_cast<uint8_t>(i);
    p[1] = static_cast<uint8_t>(i + 100);
    p[2] = 255;
    labels.mutable_data<int64_t>()[i] = i;
    names.push_back(std::to_string(i));
  }
  return {images, labels, names};
}
using Labels = std::vector<int64_t>;
Labels labels_of(Loader& loader, int64_t batches) {
  Labels all;
  for (int64_t i = 0; i < batches; ++i) {
    const Labels labels = loader.next().labels.to_vector<int64_t>();
    all.insert(all.end(), labels.begin(), labels.end());
  }
  return all;
}
bool same(const data::Batch& a, const data::Batch& b) {
  return a.labels.to_vector<int64_t>() == b.labels.to_vector<int64_t>() && a.images.shape() == b.images.shape() &&
         a.images.to_vector<float>() == b.images.to_vector<float>();
}
Labels sorted(Labels labels) {
  std::sort(labels.begin(), labels.end());
  return labels;
}
Labels counting(int64_t n) {
  Labels labels;
  for (int64_t i = 0; i < n; ++i) labels.push_back(i);
  return labels;
}

}  // namespace

TEST_CASE("loader: without shuffling, batches are the pictures in order, in [-1, 1]") {
  Loader loader(numbered(7), {.batch_size = 3, .shuffle = false, .drop_last = false});
  CHECK(loader.batches_per_epoch() == 3);
  const data::Batch first = loader.next();
  CHECK(first.images.shape() == Shape{3, 1, 1, 3});
  CHECK(first.labels.to_vector<int64_t>() == Labels{0, 1, 2});
  CHECK(first.images.data<float>()[0] == -1.0f);
  CHECK(first.images.data<float>()[2] == 1.0f);
  CHECK(first.images.data<float>()[3] == data::to_unit_range(uint8_t{1}));
  CHECK(loader.next().labels.to_vector<int64_t>() == Labels{3, 4, 5});
  CHECK(loader.next().labels.to_vector<int64_t>() == Labels{6});
  CHECK(loader.cursor() == Cursor{1, 0});
  CHECK(loader.next().labels.to_vector<int64_t>() == Labels{0, 1, 2});
}

TEST_CASE("loader: every epoch is another permutation; drop_last leaves the rest out") {
  Loader all(numbered(50), {.batch_size = 8, .drop_last = false});
  const Labels first = labels_of(all, 7), second = labels_of(all, 7);
  CHECK(sorted(first) == counting(50));
  CHECK(sorted(second) == counting(50));
  CHECK(first != second);
  CHECK(first != counting(50));

  Loader whole(numbered(50), {.batch_size = 8});
  CHECK(whole.batches_per_epoch() == 6);
  CHECK(labels_of(whole, 6) == Labels(first.begin(), first.begin() + 48));
  CHECK(whole.cursor() == Cursor{1, 0});
  CHECK(labels_of(whole, 6) == Labels(second.begin(), second.begin() + 48));

  Loader other_seed(numbered(50), {.batch_size = 8, .seed = 1, .drop_last = false});
  CHECK(labels_of(other_seed, 7) != first);
}

TEST_CASE("loader: prefetching changes nothing") {
  const auto set = data::make_shapes(data::Split::train, {.count = 90});
  LoaderOptions options{.batch_size = 16, .seed = 3, .horizontal_flip = true, .prefetch = 0};
  Loader plain(set, options);
  std::vector<std::unique_ptr<Loader>> prefetching;
  for (const int64_t prefetch : {1, 2, 7}) {
    options.prefetch = prefetch;
    prefetching.push_back(std::make_unique<Loader>(set, options));
  }
  for (int step = 0; step < 23; ++step) {
    const data::Batch expected = plain.next();
    for (auto& loader : prefetching) {
      CHECK(same(loader->next(), expected));
      CHECK(loader->cursor() == plain.cursor());
    }
  }
}

TEST_CASE("loader: a new loader goes on at the cursor of an old one with the same batches") {
  const auto set = data::make_shapes(data::Split::train, {.count = 53});
  for (const bool drop_last : {true, false}) {
    const LoaderOptions options{.batch_size = 10, .seed = 9, .horizontal_flip = true, .drop_last = drop_last};
    Loader whole(set, options);
    for (int stop = 0; stop < 14; ++stop) {
      Loader resumed(set, options, whole.cursor());
      CHECK(resumed.cursor() == whole.cursor());
      Loader lookahead(set, options, whole.cursor());
      for (int step = 0; step < 8; ++step) CHECK(same(resumed.next(), lookahead.next()));
      Loader once_more(set, options, whole.cursor());
      CHECK(same(once_more.next(), whole.next()));
      CHECK(once_more.cursor() == whole.cursor());
    }
    CHECK(whole.cursor().epoch == 2);
  }
}

TEST_CASE("loader: flips mirror about half of the pictures, anew every epoch") {
  Loader loader(numbered(100), {.batch_size = 100, .horizontal_flip = true});
  std::vector<std::vector<bool>> flipped(3, std::vector<bool>(100));
  for (auto& epoch : flipped) {
    const data::Batch batch = loader.next();
    const float* p = batch.images.data<float>();
    const auto labels = batch.labels.to_vector<int64_t>();
    for (size_t k = 0; k < 100; ++k, p += 3) {
      const auto label = static_cast<uint8_t>(labels[k]);
      const float left = data::to_unit_range(label), right = 1.0f;
      CHECK(p[1] == data::to_unit_range(static_cast<uint8_t>(label + 100)));
      epoch[label] = p[0] == right;
      CHECK((epoch[label] ? p[2] == left : p[0] == left && p[2] == right));
    }
    const auto count = std::count(epoch.begin(), epoch.end(), true);
    CHECK(count > 30);
    CHECK(count < 70);
  }
  CHECK(flipped[0] != flipped[1]);
  CHECK(flipped[1] != flipped[2]);
}

TEST_CASE("loader: the queue is bounded, and a loader can go away at any time") {
  const auto set = data::make_shapes(data::Split::train, {.count = 64});
  for (int i = 0; i < 60; ++i) {
    Loader loader(set, {.batch_size = 8, .prefetch = 1 + i % 4});
    for (int step = 0; step < i % 5; ++step) loader.next();
    if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50 * i));
  }
  // An endless row of 64-picture batches of 200 kB would fill the memory: only three of them may exist at a time.
  const size_t before = allocator_stats().live;
  Loader loader(set, {.batch_size = 64, .prefetch = 2});
  loader.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(allocator_stats().live - before < size_t{4} * 64 * 28 * 28 * 4);
}

TEST_CASE("loader: what goes wrong in its thread reaches the caller, and the cursor stays") {
  const auto set = data::make_shapes(data::Split::train, {.count = 64});
  for (const int64_t prefetch : {0, 1, 3}) {
    Cursor stopped;
    {
      Loader loader(set, {.batch_size = 8, .prefetch = prefetch});
      loader.next();
      fail_allocation_in(9);
      const std::string message = message_of<Error>([&] {
        for (int step = 0; step < 100; ++step) loader.next();
      });
      fail_allocation_in(0);
      CHECK(message != "no exception");
      stopped = loader.cursor();
      if (prefetch > 0) CHECK_THROWS_AS(loader.next(), Error);
      CHECK(loader.cursor() == stopped);
    }
    Loader resumed(set, {.batch_size = 8, .prefetch = prefetch}, stopped);
    Loader reference(set, {.batch_size = 8, .prefetch = 0}, stopped);
    CHECK(same(resumed.next(), reference.next()));
  }
}

TEST_CASE("loader: impossible options are refused") {
  CHECK_THROWS_AS(Loader(numbered(4), {.batch_size = 0}), ConfigError);
  CHECK_THROWS_AS(Loader(numbered(4), {.batch_size = 5}), ConfigError);
  CHECK_THROWS_AS(Loader(numbered(0), {.batch_size = 1, .drop_last = false}), ConfigError);
  CHECK_THROWS_AS(Loader(numbered(4), {.batch_size = 2, .prefetch = -1}), ConfigError);
  CHECK_THROWS_AS(Loader(numbered(4), {.batch_size = 2}, {0, -1}), ConfigError);
  CHECK(contains(message_of<ConfigError>([] { Loader(numbered(4), {.batch_size = 2}, {3, 5}); }), "of a set of 4"));
  Loader larger_than_the_set(numbered(4), {.batch_size = 5, .drop_last = false});
  CHECK(sorted(larger_than_the_set.next().labels.to_vector<int64_t>()) == counting(4));
}

TEST_CASE("dataset: subsets keep pictures, labels and names together; nonsense is refused") {
  const auto set = numbered(6);
  const auto part = set.subset({5, 0, 5});
  CHECK(part.labels().to_vector<int64_t>() == Labels{5, 0, 5});
  CHECK(part.images().data<uint8_t>()[0] == 5);
  CHECK(part.images().data<uint8_t>()[4] == 100);
  CHECK(part.num_classes() == 6);
  CHECK(set.first(2).labels().to_vector<int64_t>() == Labels{0, 1});
  CHECK(set.first(99).size() == 6);
  CHECK(part.indices_of_class(5) == Labels{0, 2});
  CHECK_THROWS_AS(set.subset({6}), Error);
  CHECK_THROWS_AS(set.label(-1), Error);
  CHECK_THROWS_AS(set.indices_of_class(6), Error);
  const Tensor images({2, 1, 1, 1}, DType::u8), labels = set.first(2).labels();
  CHECK_THROWS_AS(data::Dataset(images, set.labels(), {"a"}), ShapeError);
  CHECK_THROWS_AS(data::Dataset(Tensor({2, 1, 1, 1}), labels, {"a"}), DTypeError);
  CHECK(contains(message_of<Error>([&] { data::Dataset(images, labels, {"a"}); }), "picture 1 has label 1"));
}

TEST_CASE("open_dataset: names, and a clear sentence for what is no data set") {
  CHECK(data::open_dataset("shapes", data::Split::test, {.image_folder = {}, .shapes = {.count = 12}}).dataset.size() ==
        12);
  TemporaryFolder folder;
  const auto refusal = [](const std::string& spec) {
    return message_of<IoError>([&] { data::open_dataset(spec, data::Split::train); });
  };
  CHECK(contains(refusal(folder / "absent"), folder / "absent" + "': it is no directory, nor one of the names"));
  CHECK(contains(refusal(folder.path()), "neither IDX files"));
  CHECK(contains(refusal(""), "''"));
  write_bytes(folder / "file", "x");
  CHECK(contains(refusal(folder / "file"), "not a directory"));
  write_bytes(folder / "train-labels-idx1-ubyte", "x");
  CHECK(contains(refusal(folder.path()), "neither train-images-idx3-ubyte"));
}
