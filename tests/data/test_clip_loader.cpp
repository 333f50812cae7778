#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/loading/clip_loader.h>
#include "tests/support/clip_things.h"
#include "tests/support/data_files.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::ClipBatch;
using data::ClipLoader;
using data::ClipLoaderOptions;
using data::SampleShape;

namespace {

/// Clip i is grey of brightness i; asking for one that should fail throws.
class Numbered : public data::DataSource {
 public:
  explicit Numbered(int64_t n, int64_t broken = -1) : n_(n), broken_(broken) {}
  int64_t size() const override { return n_; }
  std::string caption(int64_t i) const override { return "clip " + std::to_string(i); }
  Tensor sample(int64_t i, const SampleShape& shape) const override {
    check<IoError>(i != broken_, "clip ", i, " is broken");
    Tensor frames({shape.frames, 3, shape.height, shape.width}, DType::u8);
    std::fill_n(frames.mutable_data<uint8_t>(), frames.numel(), static_cast<uint8_t>(i));
    return frames;
  }
  uint32_t checksum() const override { return 0; }

 private:
  int64_t n_, broken_;
};
std::shared_ptr<const data::DataSource> numbered(int64_t n, int64_t broken = -1) {
  return std::make_shared<Numbered>(n, broken);
}

const ClipLoaderOptions three_buckets = {
    .buckets = {{{8, 6, 6}, 3, 2}, {{4, 6, 10}, 2, 1}, {{1, 4, 4}, 5, 1}, {{2, 2, 2}, 1, 0}}, .seed = 3};

bool same(const ClipBatch& a, const ClipBatch& b) {
  return a.shape == b.shape && a.captions == b.captions && a.indices == b.indices &&
         a.clips.shape() == b.clips.shape() && a.clips.to_vector<float>() == b.clips.to_vector<float>();
}

}  // namespace

TEST_CASE("clip loader: batches hold the clips in their bucket's shape, in [-1, 1], with captions") {
  ClipLoader loader(numbered(20), three_buckets);
  for (int k = 0; k < 30; ++k) {
    CHECK(loader.cursor() == k);
    const ClipBatch batch = loader.next();
    const SampleShape& shape = batch.shape;
    const auto n = static_cast<int64_t>(batch.captions.size());
    CHECK(batch.clips.shape() == Shape{n, shape.frames, 3, shape.height, shape.width});
    for (int64_t b = 0; b < n; ++b) {
      const int64_t index = batch.indices[static_cast<size_t>(b)];
      CHECK(batch.captions[static_cast<size_t>(b)] == "clip " + std::to_string(index));
      const int64_t clip = batch.clips.numel() / n;
      const float* values = batch.clips.data<float>() + b * clip;
      CHECK(values[0] == data::to_unit_range(static_cast<uint8_t>(index)));
      CHECK(values[clip - 1] == values[0]);
    }
  }
}

TEST_CASE("clip loader: buckets come by their weights, one of weight 0 never") {
  ClipLoader loader(numbered(20), three_buckets);
  std::map<std::string, int> count;
  for (int k = 0; k < 400; ++k) ++count[to_text(loader.next().shape)];
  CHECK(count["8x6x6"] > 160);
  CHECK(count["8x6x6"] < 240);
  CHECK(count["4x6x10"] > 70);
  CHECK(count["1x4x4"] > 70);
  CHECK(count.count("2x2x2") == 0);
}

TEST_CASE("clip loader: every clip comes once an epoch, whatever the batches' sizes; without shuffling in order") {
  ClipLoaderOptions options = three_buckets;
  for (const bool shuffle : {true, false}) {
    options.shuffle = shuffle;
    ClipLoader loader(numbered(23), options);
    std::vector<int64_t> seen;
    while (seen.size() < 46) {
      const ClipBatch batch = loader.next();
      seen.insert(seen.end(), batch.indices.begin(), batch.indices.end());
    }
    const std::vector<int64_t> first(seen.begin(), seen.begin() + 23), second(seen.begin() + 23, seen.begin() + 46);
    std::vector<int64_t> counting(23);
    for (int64_t i = 0; i < 23; ++i) counting[static_cast<size_t>(i)] = i;
    CHECK(std::is_permutation(first.begin(), first.end(), counting.begin()));
    CHECK(std::is_permutation(second.begin(), second.end(), counting.begin()));
    CHECK((first == counting) == !shuffle);
    CHECK((first == second) == !shuffle);
  }
}

TEST_CASE("clip loader: one that starts at a batch goes on with the same bits, with and without a thread") {
  const auto source = std::make_shared<data::MovingGarments>(made_clips({.count = 17}));
  ClipLoaderOptions options = three_buckets;
  options.prefetch = 0;
  ClipLoader whole(source, options);
  std::vector<ClipBatch> batches;
  for (int k = 0; k < 25; ++k) batches.push_back(whole.next());
  for (const int64_t start : {0, 1, 6, 13, 24}) {
    for (const int64_t prefetch : {0, 1, 5}) {
      options.prefetch = prefetch;
      ClipLoader resumed(source, options, start);
      CHECK(resumed.cursor() == start);
      for (int64_t k = start; k < 25; ++k) CHECK(same(resumed.next(), batches[static_cast<size_t>(k)]));
    }
  }
  options.seed = 4;
  ClipLoader other(source, options);
  CHECK_FALSE(same(other.next(), batches[0]));
}

TEST_CASE("clip loader: a clip that cannot be made is an error at its batch, again and again") {
  ClipLoaderOptions options{.buckets = {{{1, 2, 2}, 2, 1}}, .shuffle = false};
  for (const int64_t prefetch : {0, 3}) {
    options.prefetch = prefetch;
    ClipLoader loader(numbered(10, 5), options);
    CHECK(loader.next().indices == std::vector<int64_t>{0, 1});
    CHECK(loader.next().indices == std::vector<int64_t>{2, 3});
    for (int attempt = 0; attempt < 3; ++attempt) {
      CHECK(message_of<IoError>([&] { loader.next(); }) == "clip 5 is broken");
      CHECK(loader.cursor() == 2);
    }
  }
}

TEST_CASE("clip loader: impossible options are refused") {
  const auto refused = [](const ClipLoaderOptions& options, int64_t clips = 5, int64_t start = 0) {
    return message_of<ConfigError>([&] { ClipLoader(numbered(clips), options, start); });
  };
  CHECK(contains(refused({}), "needs at least one bucket"));
  CHECK(contains(refused({.buckets = {{{0, 2, 2}, 1, 1}}}), "at least 1, got 0x2x2"));
  CHECK(contains(refused({.buckets = {{{1, 2, 2}, 0, 1}}}), "batch size of bucket 1x2x2 must be at least 1, got 0"));
  CHECK(contains(refused({.buckets = {{{1, 2, 2}, 1, -1}}}), "must be a number >= 0"));
  CHECK(contains(refused({.buckets = {{{1, 2, 2}, 1, 0}}}), "no batch can be drawn"));
  CHECK(contains(refused(three_buckets, 0), "the source has no clips"));
  CHECK(contains(refused(three_buckets, 5, -1), "cannot start at batch -1"));
  CHECK(contains(message_of<ConfigError>([] { ClipLoader(nullptr, three_buckets); }), "the source has no clips"));
  ClipLoaderOptions deep = three_buckets;
  deep.prefetch = -1;
  CHECK(contains(refused(deep), "prefetch must be 0..1024, got -1"));
}
