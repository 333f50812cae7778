// The first batches of stored runs: resumed checkpoints must get the same batches.
#include <doctest/doctest.h>

#include <ditharos/data/loading/loader.h>
#include <ditharos/tensor/io/crc32c.h>
#include "tests/support/clip_objects.h"
#include "tests/support/numbered_samples.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::EpochEnd;
using data::LoaderOptions;

namespace {

const LoaderOptions clips = {.buckets = {{{8, 6, 6}, 3, 2}, {{4, 6, 10}, 2, 1}, {{1, 4, 4}, 5, 1}, {{2, 2, 2}, 1, 0}},
                             .seed = 3,
                             .epoch_end = EpochEnd::carry_over};

/// Of samples, then of labels, or of indices and captions where there are none.
uint32_t checksum_of(const data::Batch& batch, uint32_t crc) {
  crc = crc32c(batch.samples.data<float>(), static_cast<size_t>(batch.samples.numel()) * sizeof(float), crc);
  if (batch.labels.defined()) return crc32c(batch.labels.data<int64_t>(), batch.indices.size() * sizeof(int64_t), crc);
  crc = crc32c(batch.indices.data(), batch.indices.size() * sizeof(int64_t), crc);
  for (const std::string& caption : batch.captions) crc = crc32c(caption.c_str(), caption.size() + 1, crc);
  return crc;
}
uint32_t checksum_of(std::shared_ptr<const data::DataSource> source, const LoaderOptions& options, int batches,
                     data::Cursor start = {}) {
  data::Loader loader(std::move(source), options, start);
  uint32_t crc = 0;
  for (int k = 0; k < batches; ++k) crc = checksum_of(loader.next(), crc);
  return crc;
}

}  // namespace

// The checksums come from the two loaders, one for images and one for clips, that Loader replaced.
TEST_CASE("loader bits: batches of images stay as they were") {
  const auto images = numbered_images(23);
  LoaderOptions options{.batch_size = 5, .seed = 7, .horizontal_flip = true};
  CHECK(checksum_of(images, options, 12) == 3826526476u);
  CHECK(checksum_of(images, options, 3, {2, 10}) == 4163768272u);
  options.epoch_end = EpochEnd::keep;
  CHECK(checksum_of(images, options, 12) == 2253795080u);
  options = {.batch_size = 5, .seed = 7, .shuffle = false, .horizontal_flip = true};
  CHECK(checksum_of(images, options, 6) == 2652920856u);
}

TEST_CASE("loader bits: batches of clips stay as they were") {
  const auto numbered = std::make_shared<NumberedClips>(23);
  CHECK(checksum_of(numbered, clips, 20) == 486809469u);
  CHECK(checksum_of(numbered, clips, 9, {0, 11}) == 2081818748u);
  LoaderOptions in_order = clips;
  in_order.shuffle = false;
  CHECK(checksum_of(numbered, in_order, 20) == 1785828094u);
  const auto garments = std::make_shared<data::MovingGarments>(made_clips({.count = 17}));
  CHECK(checksum_of(garments, clips, 20) == 1716715864u);
}
