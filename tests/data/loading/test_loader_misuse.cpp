// What a loader refuses, and the messages.
#include <doctest/doctest.h>

#include <limits>

#include <ditharos/data/loading/loader.h>
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"

namespace ditharos::test_loader_misuse {

using namespace ditharos::tests;
using data::EpochEnd;
using data::LoaderOptions;

namespace {

const auto images = numbered_images(4);
const auto clips = std::make_shared<NumberedClips>(4);
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A source that returns another shape or type than requested.
struct Wrong : data::DataSource {
  explicit Wrong(Tensor sample) : sample_(std::move(sample)) {}
  int64_t size() const override { return 2; }
  Tensor sample(int64_t, const data::SampleShape&) const override { return sample_; }
  uint32_t checksum() const override { return 0; }
  Tensor sample_;
};
std::string refused_sample(const Tensor& sample) {
  return message_of<Error>([&] { data::read_batch(Wrong(sample), {2, 4, 5}, {1}); });
}

}  // namespace

TEST_CASE("loader: impossible options are refused") {
  const data::Bucket good{{1, 2, 2}, 2, 1};
  struct Case {
    std::shared_ptr<const data::DataSource> source;
    LoaderOptions options;
    data::Cursor start;
    const char* message;
  };
  const Case cases[] = {
      {nullptr, {.buckets = {good}}, {}, "[Loader] the source has no samples"},
      {numbered_images(0), {.batch_size = 1, .epoch_end = EpochEnd::keep}, {}, "[Loader] the source has no samples"},
      {clips, {}, {}, "[Loader] needs at least one bucket: the source has no native shape"},
      {images, {.batch_size = 0}, {}, "[Loader] the batch size of bucket 1x4x6 must be at least 1, got 0"},
      {clips, {.buckets = {{{0, 2, 2}, 1, 1}}}, {}, "every size of a bucket's shape must be at least 1, got 0x2x2"},
      {clips, {.buckets = {{{1, 2, 2}, 0, 1}}}, {}, "the batch size of bucket 1x2x2 must be at least 1, got 0"},
      {clips, {.buckets = {{{1, 2, 2}, 1, -1}}}, {}, "the weight of bucket 1x2x2 must be a number >= 0, got -1"},
      {clips, {.buckets = {{{1, 2, 2}, 1, not_a_number}}}, {}, "must be a number >= 0, got nan"},
      {clips, {.buckets = {{{1, 2, 2}, 1, 0}}}, {}, "[Loader] every bucket has weight 0: no batch can be drawn"},
      {images, {.batch_size = 5}, {}, "[Loader] a source of 4 samples is too small for batches of 5"},
      {clips, {.buckets = {good, {{1, 3, 3}, 5, 1}}}, {}, "a source of 4 samples is too small for batches of 5"},
      {images, {.batch_size = 2, .prefetch = -1}, {}, "[Loader] prefetch must be 0..1024, got -1"},
      {images, {.batch_size = 2, .prefetch = 1025}, {}, "[Loader] prefetch must be 0..1024, got 1025"},
      {images, {.batch_size = 2, .workers = -1}, {}, "[Loader] workers must be 0..256, got -1"},
      {images, {.batch_size = 2, .workers = 257}, {}, "[Loader] workers must be 0..256, got 257"},
      {std::make_shared<NumberedLatents>(4, DType::f16),
       {.batch_size = 2, .horizontal_flip = true},
       {},
       "[Loader] horizontal_flip takes pixels (u8), but the samples of this source are f16"},
      {images, {.batch_size = 2}, {0, -1}, "[Loader] cannot start at sample -1 of a source of 4"},
      {images, {.batch_size = 2}, {3, 5}, "[Loader] cannot start at sample 5 of a source of 4; is this the data set"},
      {clips, {.buckets = {good}, .epoch_end = EpochEnd::carry_over}, {0, -1}, "[Loader] cannot start at batch -1"},
      {clips, {.buckets = {good}, .epoch_end = EpochEnd::carry_over}, {2, 1}, "[Loader] cannot start in epoch 2"},
  };
  for (const Case& c : cases) {
    const std::string message = message_of<ConfigError>([&] { data::Loader(c.source, c.options, c.start); });
    CHECK_MESSAGE(contains(message, c.message), message);
  }
  // A bucket that is never drawn may be larger than the source.
  CHECK_NOTHROW(data::Loader(clips, {.buckets = {good, {{1, 3, 3}, 5, 0}}}));
}

TEST_CASE("read_batch: the message for a wrong shape or type of a source names the sample") {
  CHECK(contains(refused_sample(Tensor({2, 3, 4, 5})), "a source must give u8, but sample 1 came as f32"));
  CHECK(contains(refused_sample(Tensor({3, 4, 5}, DType::u8)), "sample 1 was wanted contiguous as [2, 3, 4, 5]"));
  CHECK(contains(refused_sample(Tensor({2, 3, 5, 4}, DType::u8).transpose(2, 3)), "but came with other strides"));
  CHECK(contains(message_of<Error>([] { data::read_batch(*clips, {1, 2, 2}, {0, 1}, {true}); }),
                 "`mirrored` has 1 elements for 2 samples"));
  CHECK_THROWS_AS(data::read_batch(*images, {1, 4, 6}, {4}), Error);
  const NumberedLatents latents(3, DType::f32);
  CHECK(contains(message_of<Error>([&] { data::read_batch(latents, {1, 2, 3}, {0, 1}, {false, true}); }),
                 "samples of f32 are not pixels and cannot be mirrored"));
  CHECK(contains(message_of<DTypeError>([] { data::read_batch(NumberedLatents(3, DType::i64), {1, 2, 3}, {0}); }),
                 "takes samples of u8 or floats, got i64"));
}

}  // namespace ditharos::test_loader_misuse
