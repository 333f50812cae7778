// The loader of images and clips: first what holds for every kind of source and end of an epoch, then the special
// cases.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <thread>

#include <ditharos/data/loading/loader.h>
#include <ditharos/data/synthetic/shapes.h>
#include <ditharos/tensor/allocator.h>
#include "tests/support/clip_objects.h"
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"

namespace ditharos::test_loader {

using namespace ditharos::tests;
using data::Batch;
using data::Cursor;
using data::EpochEnd;
using data::Loader;
using data::LoaderOptions;

namespace {

using Indices = std::vector<int64_t>;

const std::vector<data::Bucket> three_buckets = {
    {{8, 6, 6}, 3, 2}, {{4, 6, 10}, 2, 1}, {{1, 4, 4}, 5, 1}, {{2, 2, 2}, 100, 0}};

struct Kind {
  const char* name;
  std::shared_ptr<const data::DataSource> source;
  LoaderOptions options;
};
std::vector<Kind> kinds() {
  const auto images = numbered_images(23);
  const auto captioned = std::make_shared<NumberedClips>(23);
  const auto garments = std::make_shared<data::MovingGarments>(made_clips({.count = 17}));
  return {
      {"images", images, {.batch_size = 5, .seed = 3, .horizontal_flip = true}},
      {"images, rest kept", images, {.batch_size = 5, .seed = 3, .epoch_end = EpochEnd::keep}},
      {"images, rest carried over",
       images,
       {.batch_size = 5, .seed = 3, .horizontal_flip = true, .epoch_end = EpochEnd::carry_over}},
      {"images in two shapes", images, {.buckets = {{{1, 4, 6}, 5, 1}, {{1, 6, 4}, 7, 1}}, .seed = 3}},
      {"clips", captioned, {.buckets = three_buckets, .seed = 3, .horizontal_flip = true}},
      {"clips, rest kept", captioned, {.buckets = three_buckets, .seed = 3, .epoch_end = EpochEnd::keep}},
      {"clips, rest carried over", captioned, {.buckets = three_buckets, .seed = 3, .epoch_end = EpochEnd::carry_over}},
      {"garments", garments, {.buckets = three_buckets, .seed = 3, .epoch_end = EpochEnd::carry_over}},
  };
}

bool same(const Batch& a, const Batch& b) {
  const auto labels = [](const Batch& batch) {
    return batch.labels.defined() ? batch.labels.to_vector<int64_t>() : Indices{};
  };
  return a.shape == b.shape && a.captions == b.captions && a.indices == b.indices && labels(a) == labels(b) &&
         a.samples.shape() == b.samples.shape() && a.samples.to_vector<float>() == b.samples.to_vector<float>();
}
Indices indices_of(Loader& loader, int64_t batches) {
  Indices all;
  for (int64_t i = 0; i < batches; ++i) {
    const Batch batch = loader.next();
    all.insert(all.end(), batch.indices.begin(), batch.indices.end());
  }
  return all;
}
Indices sorted(Indices indices) {
  std::sort(indices.begin(), indices.end());
  return indices;
}
Indices counting(int64_t n) {
  Indices indices(static_cast<size_t>(n));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return indices;
}
/// Sample k of a batch as the source gives it, forwards or from right to left.
std::vector<float> expected(const data::DataSource& source, const Batch& batch, size_t k, bool mirrored) {
  const std::vector<uint8_t> bytes = source.sample(batch.indices[k], batch.shape).to_vector<uint8_t>();
  const auto width = static_cast<size_t>(batch.shape.width);
  std::vector<float> values;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t row = i / width * width, x = i - row;
    values.push_back(data::to_unit_range(bytes[row + (mirrored ? width - 1 - x : x)]));
  }
  return values;
}
std::vector<float> sample_of(const Batch& batch, size_t k) {
  return batch.samples.select(0, static_cast<int64_t>(k)).to_vector<float>();
}

}  // namespace

TEST_CASE("loader: a batch has its samples in one shape, in [-1, 1], with labels and captions") {
  for (const Kind& kind : kinds()) {
    CAPTURE(std::string(kind.name));
    const data::DataSource& source = *kind.source;
    Loader loader(kind.source, kind.options);
    int mirrored = 0;
    for (int step = 0; step < 12; ++step) {
      const Batch batch = loader.next();
      const auto n = static_cast<int64_t>(batch.indices.size());
      const data::SampleShape& s = batch.shape;
      CHECK(batch.samples.shape() == Shape{n, s.frames, source.channels(), s.height, s.width});
      CHECK(batch.labels.defined() == (source.num_classes() > 0));
      REQUIRE(batch.captions.size() == batch.indices.size());
      for (size_t k = 0; k < batch.indices.size(); ++k) {
        const int64_t index = batch.indices[k];
        CHECK(batch.captions[k] == source.caption(index));
        if (batch.labels.defined()) CHECK(batch.labels.data<int64_t>()[k] == source.label(index));
        if (sample_of(batch, k) == expected(source, batch, k, false)) continue;
        CHECK(sample_of(batch, k) == expected(source, batch, k, true));
        ++mirrored;
      }
    }
    CHECK((mirrored > 0) == kind.options.horizontal_flip);
  }
}

TEST_CASE("loader: neither prefetching nor the number of workers changes anything") {
  for (const Kind& kind : kinds()) {
    CAPTURE(std::string(kind.name));
    LoaderOptions options = kind.options;
    options.prefetch = 0;
    Loader plain(kind.source, options);
    std::vector<std::unique_ptr<Loader>> prefetching;
    for (const int64_t prefetch : {1, 2, 7}) {
      for (const int64_t workers : {0, 1, 2, 5}) {
        options.prefetch = prefetch;
        options.workers = workers;
        prefetching.push_back(std::make_unique<Loader>(kind.source, options));
      }
    }
    for (int step = 0; step < 23; ++step) {
      const Batch batch = plain.next();
      for (auto& loader : prefetching) {
        CHECK(same(loader->next(), batch));
        CHECK(loader->cursor() == plain.cursor());
      }
    }
  }
}

TEST_CASE("loader: a new loader at the cursor of an old one returns the same batches") {
  for (const Kind& kind : kinds()) {
    CAPTURE(std::string(kind.name));
    LoaderOptions options = kind.options;
    options.prefetch = 0;
    Loader whole(kind.source, options);
    std::vector<Cursor> cursors;
    std::vector<Batch> batches;
    for (int k = 0; k < 25; ++k) {
      cursors.push_back(whole.cursor());
      batches.push_back(whole.next());
    }
    for (const size_t start : {0, 1, 3, 4, 6, 13, 24}) {
      options.prefetch = start % 3;
      Loader resumed(kind.source, options, cursors[start]);
      for (size_t k = start; k < 25; ++k) {
        CHECK(resumed.cursor() == cursors[k]);
        CHECK(same(resumed.next(), batches[k]));
      }
      CHECK(resumed.cursor() == whole.cursor());
    }
    options.seed = 4;
    Loader other(kind.source, options);
    CHECK_FALSE(same(other.next(), batches[0]));
  }
}

TEST_CASE("loader: no sample occurs twice in an epoch, and only a dropped remainder is missing") {
  for (const Kind& kind : kinds()) {
    CAPTURE(std::string(kind.name));
    const int64_t size = kind.source->size();
    for (const bool shuffle : {true, false}) {
      LoaderOptions options = kind.options;
      options.shuffle = shuffle;
      Loader loader(kind.source, options);
      std::vector<Indices> epochs(3);
      if (options.epoch_end == EpochEnd::carry_over) {
        const Indices all = indices_of(loader, 3 * size);
        for (int64_t i = 0; i < 3 * size; ++i)
          epochs[static_cast<size_t>(i / size)].push_back(all[static_cast<size_t>(i)]);
      } else {
        while (loader.cursor().epoch < 3) {
          Indices& epoch = epochs[loader.cursor().epoch];
          const Indices batch = indices_of(loader, 1);
          epoch.insert(epoch.end(), batch.begin(), batch.end());
        }
      }
      for (const Indices& epoch : epochs) {
        const auto n = static_cast<int64_t>(epoch.size());
        CHECK((n == size || (options.epoch_end == EpochEnd::drop && n > size - 7 && n < size)));
        Indices present = sorted(epoch);
        CHECK(std::adjacent_find(present.begin(), present.end()) == present.end());
        CHECK((epoch == counting(n)) == !shuffle);
      }
      CHECK((epochs[0] == epochs[1]) == (!shuffle && epochs[0].size() == epochs[1].size()));
    }
  }
}

TEST_CASE("loader: a sample that fails is an error at its batch, at every call") {
  const auto broken = std::make_shared<NumberedClips>(10, 5);
  for (const EpochEnd epoch_end : {EpochEnd::drop, EpochEnd::keep, EpochEnd::carry_over}) {
    for (const int64_t prefetch : {0, 3}) {
      Loader loader(broken,
                    {.buckets = {{{1, 2, 2}, 2, 1}}, .shuffle = false, .epoch_end = epoch_end, .prefetch = prefetch});
      CHECK(loader.next().indices == Indices{0, 1});
      CHECK(loader.next().indices == Indices{2, 3});
      for (int attempt = 0; attempt < 3; ++attempt) {
        CHECK(message_of<IoError>([&] { loader.next(); }) == "clip 5 is broken");
        CHECK(loader.cursor() == Cursor{0, epoch_end == EpochEnd::carry_over ? 2 : 4});
      }
    }
  }
}

TEST_CASE("loader: a remainder is left out, is a smaller batch, or begins a batch that ends in the next epoch") {
  const auto set = numbered_images(50);
  const auto loader_with = [&](EpochEnd epoch_end, uint64_t seed = 0) {
    return std::make_unique<Loader>(set, LoaderOptions{.batch_size = 8, .seed = seed, .epoch_end = epoch_end});
  };
  const auto kept = loader_with(EpochEnd::keep), dropped = loader_with(EpochEnd::drop);
  CHECK(kept->batches_per_epoch() == 7);
  CHECK(dropped->batches_per_epoch() == 6);
  const Indices first = indices_of(*kept, 7), second = indices_of(*kept, 7);
  CHECK(sorted(first) == counting(50));
  CHECK(sorted(second) == counting(50));
  CHECK(indices_of(*dropped, 6) == Indices(first.begin(), first.begin() + 48));
  CHECK(dropped->cursor() == Cursor{1, 0});
  CHECK(indices_of(*dropped, 6) == Indices(second.begin(), second.begin() + 48));
  CHECK(indices_of(*loader_with(EpochEnd::keep, 1), 7) != first);

  const auto carried = loader_with(EpochEnd::carry_over);
  const Indices all = indices_of(*carried, 13);  // 104 samples
  CHECK(sorted({all.begin(), all.begin() + 50}) == counting(50));
  CHECK(sorted({all.begin() + 50, all.begin() + 100}) == counting(50));
  CHECK(carried->cursor() == Cursor{0, 13});
  Loader several(numbered_images(3), {.batch_size = 8, .shuffle = false, .epoch_end = EpochEnd::carry_over});
  CHECK(several.next().indices == Indices{0, 1, 2, 0, 1, 2, 0, 1});
  CHECK(several.next().indices == Indices{2, 0, 1, 2, 0, 1, 2, 0});

  Loader larger_than_the_set(numbered_images(4), {.batch_size = 5, .epoch_end = EpochEnd::keep});
  CHECK(sorted(larger_than_the_set.next().indices) == counting(4));
  for (const std::vector<data::Bucket>& buckets : {std::vector<data::Bucket>{{{1, 2, 2}, 3, 1}}, three_buckets}) {
    Loader no_count(set, {.buckets = buckets, .epoch_end = EpochEnd::carry_over});
    CHECK(contains(message_of<Error>([&] { no_count.batches_per_epoch(); }), "[Loader] batches_per_epoch() needs"));
  }
}

TEST_CASE("loader: buckets are drawn by their weights, one of weight 0 never") {
  for (const EpochEnd epoch_end : {EpochEnd::drop, EpochEnd::keep, EpochEnd::carry_over}) {
    Loader loader(std::make_shared<NumberedClips>(20), {.buckets = three_buckets, .seed = 3, .epoch_end = epoch_end});
    std::map<std::string, int> count;
    for (int k = 0; k < 400; ++k) ++count[to_text(loader.next().shape)];
    CHECK(count["8x6x6"] > 160);
    CHECK(count["8x6x6"] < 240);
    CHECK(count["4x6x10"] > 70);
    CHECK(count["1x4x4"] > 70);
    CHECK(!count.contains("2x2x2"));
  }
}

TEST_CASE("loader: flips mirror about half of the samples, anew every epoch") {
  const auto set = numbered_images(100);
  for (const EpochEnd epoch_end : {EpochEnd::drop, EpochEnd::carry_over}) {
    Loader loader(set, {.batch_size = 100, .horizontal_flip = true, .epoch_end = epoch_end});
    std::vector<std::vector<bool>> flipped(3, std::vector<bool>(100));
    for (auto& epoch : flipped) {
      const Batch batch = loader.next();
      for (size_t k = 0; k < 100; ++k) {
        const std::vector<float> sample = sample_of(batch, k);
        epoch[static_cast<size_t>(batch.indices[k])] = sample != expected(*set, batch, k, false);
      }
      const auto count = std::count(epoch.begin(), epoch.end(), true);
      CHECK(count > 30);
      CHECK(count < 70);
    }
    CHECK(flipped[0] != flipped[1]);
    CHECK(flipped[1] != flipped[2]);
  }
}

TEST_CASE("loader: images are a view of the samples; clips are none") {
  Loader loader(numbered_images(7), {.batch_size = 3, .shuffle = false});
  const Batch batch = loader.next();
  const Tensor images = batch.images();
  CHECK(images.shape() == Shape{3, 3, 4, 6});
  CHECK(images.is_contiguous());
  CHECK(images.data<float>() == batch.samples.data<float>());
  CHECK(images.data<float>()[0] == -1.0f);
  CHECK(batch.labels.to_vector<int64_t>() == Indices{0, 1, 2});
  const Batch clips = data::read_batch(NumberedClips(3), {2, 4, 4}, {0, 2});
  CHECK(contains(message_of<ShapeError>([&] { clips.images(); }), "one frame, but these are 2x4x4"));
}

TEST_CASE("loader: a whole source as one batch, in its own order and shape") {
  const auto source = numbered_images(7);
  const Batch all = data::read_all(*source);
  CHECK(all.indices == counting(7));
  CHECK(same(all, data::read_batch(*source, *source->native_shape(), counting(7))));
  CHECK(contains(message_of<ShapeError>([] { static_cast<void>(data::read_all(NumberedClips(3))); }),
                 "[read_all] the samples have no native shape"));
}

TEST_CASE("loader: the queue is bounded, and a loader can be destroyed at any time") {
  const auto set = std::make_shared<data::Dataset>(data::make_shapes(data::Split::train, {.count = 64}));
  for (int i = 0; i < 60; ++i) {
    Loader loader(set, {.batch_size = 8, .prefetch = 1 + i % 4});
    for (int step = 0; step < i % 5; ++step) loader.next();
    if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50 * i));
  }
  // An endless row of 64-image batches of 200 kB would fill the memory: only three of them may exist at a time.
  const size_t before = allocator_stats().live;
  Loader loader(set, {.batch_size = 64, .prefetch = 2});
  loader.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(allocator_stats().live - before < size_t{4} * 64 * 28 * 28 * 4);
}

TEST_CASE("loader: an exception in its thread reaches the caller, and the cursor stays") {
  const auto set = std::make_shared<data::Dataset>(data::make_shapes(data::Split::train, {.count = 64}));
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
      CHECK(message != "");
      stopped = loader.cursor();
      if (prefetch > 0) CHECK_THROWS_AS(loader.next(), Error);
      CHECK(loader.cursor() == stopped);
    }
    Loader resumed(set, {.batch_size = 8, .prefetch = prefetch}, stopped);
    Loader reference(set, {.batch_size = 8, .prefetch = 0}, stopped);
    CHECK(same(resumed.next(), reference.next()));
  }
}

}  // namespace ditharos::test_loader
