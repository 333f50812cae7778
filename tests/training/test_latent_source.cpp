// Latents as a source: encoded once, mirrored, packed on disk.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/datasets/packed/write_packed.h>
#include <ditharos/data/datasets/sources_by_shape.h>
#include <ditharos/data/loading/batch.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/nn/module.h>
#include <ditharos/training/latent_source.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using training::LatentSource;

namespace {

constexpr int64_t count = 5;
const data::SampleShape pixels_shape{1, 8, 12};

data::Dataset some_images() {
  Tensor images({count, 3, 8, 12}, DType::u8);
  for (int64_t i = 0; i < images.numel(); ++i) images.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i * i % 251);
  return {images, from_vector(std::vector<int64_t>{0, 1, 1, 0, 1}), {"bag", "boot"}, {"a", "b", "c", "d", "e"}};
}

/// Images that count how often they are read.
class CountedImages final : public data::DataSource {
 public:
  int64_t size() const override { return images_.size(); }
  Tensor sample(int64_t i, const data::SampleShape& shape) const override {
    ++reads;
    return images_.sample(i, shape);
  }
  uint32_t checksum() const override { return images_.checksum(); }
  const std::vector<std::string>& class_names() const override { return images_.class_names(); }
  int64_t label(int64_t i) const override { return images_.label(i); }
  std::string caption(int64_t i) const override { return images_.caption(i); }
  std::optional<data::SampleShape> native_shape() const override { return native; }

  std::optional<data::SampleShape> native = pixels_shape;
  mutable std::atomic<int> reads = 0;

 private:
  data::Dataset images_ = some_images();
};

/// An autoencoder of latents [2, 2, 3] for these images.
models::Autoencoder autoencoder(uint64_t seed = 1, models::AutoencoderKind kind = models::AutoencoderKind::kl) {
  Generator rng(seed);
  models::Autoencoder model(
      {.kind = kind,
       .sizes = {.latent_channels = 2, .width = 4, .max_width = 8, .groups = 2, .stages = 2, .time_stride = 1}},
      rng);
  nn::set_training(model, false);
  return model;
}

std::vector<float> numbers(const data::DataSource& source, int64_t i) {
  return source.sample(i, *source.native_shape()).to_vector<float>();
}

}  // namespace

TEST_CASE("latent source: samples are the normalised means of the encoder, of images and of their mirror images") {
  for (const models::AutoencoderKind kind : {models::AutoencoderKind::kl, models::AutoencoderKind::video}) {
    models::Autoencoder model = autoencoder(1, kind);
    model.set_latent_statistics(from_vector(std::vector<float>{.5f, -1}), from_vector(std::vector<float>{2, .25f}));
    const auto images = std::make_shared<data::Dataset>(some_images());
    const LatentSource latents(images, model, pixels_shape, {.mirrored = true});
    CHECK(latents.size() == 2 * count);
    CHECK(latents.channels() == 2);
    CHECK(latents.dtype() == DType::f32);
    CHECK(*latents.native_shape() == data::SampleShape{1, 2, 3});
    CHECK(latents.class_names() == images->class_names());
    for (int64_t i = 0; i < 2 * count; ++i) {
      CAPTURE(i);
      CHECK(latents.caption(i) == images->caption(i % count));
      CHECK(latents.label(i) == images->label(i % count));
      const data::Batch batch = data::read_batch(*images, pixels_shape, {i % count}, {i >= count});
      CHECK(numbers(latents, i) == model.to_latents(batch.samples).to_vector<float>());
    }
    CHECK(numbers(latents, 0) != numbers(latents, count));
    CHECK_THROWS_AS(static_cast<void>(latents.sample(2 * count, {1, 2, 3})), Error);
    CHECK(contains(message_of<ShapeError>([&] { static_cast<void>(latents.sample(0, {1, 4, 6})); }),
                   "the latents are 1x2x3 and cannot be read as 1x4x6"));
  }
}

TEST_CASE("latent source: each image is encoded once where the latents fit into memory, with the same results") {
  const models::Autoencoder model = autoencoder();
  const auto images = std::make_shared<CountedImages>();
  const LatentSource kept(images, model, pixels_shape), not_kept(images, model, pixels_shape, {.memory_bytes = 0});
  const auto epochs = [&](const LatentSource& source, int workers) {
    // The source belongs to this function's caller.
    data::Loader loader(std::shared_ptr<const data::DataSource>(&source, [](const data::DataSource*) {}),
                        {.batch_size = count, .seed = 3, .workers = workers});
    std::vector<float> all;
    for (int k = 0; k < 3; ++k)
      for (const float x : loader.next().samples.to_vector<float>()) all.push_back(x);
    return all;
  };
  const std::vector<float> expected = epochs(kept, 0);
  CHECK(images->reads == count);
  CHECK(epochs(kept, 3) == expected);
  CHECK(images->reads == count);
  CHECK(epochs(not_kept, 3) == expected);
  CHECK(images->reads >= 4 * count);
}

TEST_CASE("latent source: packed latents are read back, and those of another autoencoder are found out") {
  const TemporaryFolder folder;
  const models::Autoencoder model = autoencoder();
  const auto images = std::make_shared<CountedImages>();
  const LatentSource latents(images, model, pixels_shape, {.memory_bytes = 0});
  const auto pack = [&](const LatentSource& source) {
    std::string note;
    const auto samples = data::packed(source, *source.native_shape(), folder / "cache", {}, note);
    for (int64_t i = 0; i < source.size(); ++i) {
      CHECK(numbers(*samples, i) == numbers(source, i));
      CHECK(samples->caption(i) == source.caption(i));
      CHECK(samples->label(i) == source.label(i));
    }
    return note;
  };
  CHECK(pack(latents) == "");
  const int after = images->reads;
  CHECK(pack(latents) == "");
  CHECK(images->reads == after + count);  // by numbers(source, i) alone

  CHECK(contains(pack(LatentSource(images, autoencoder(2), pixels_shape)), "are of other data: the checksum"));
  CHECK(contains(pack(LatentSource(images, model, pixels_shape, {.mirrored = true})), "are written anew"));
  models::Autoencoder scaled = autoencoder();
  scaled.set_latent_statistics(from_vector(std::vector<float>{0, 0}), from_vector(std::vector<float>{2, 2}));
  CHECK(LatentSource(images, scaled, pixels_shape).checksum() != latents.checksum());
  CHECK(LatentSource(images, model, {1, 16, 12}).checksum() != latents.checksum());
  CHECK(LatentSource(images, autoencoder(), pixels_shape).checksum() == latents.checksum());
}

TEST_CASE("latent source: latents of several shapes share the memory, and a loader's buckets read them") {
  const models::Autoencoder model = autoencoder(1, models::AutoencoderKind::video);
  const auto clips = std::make_shared<CountedImages>();
  clips->native.reset();
  const std::vector<data::SampleShape> shapes{{2, 8, 12}, {1, 8, 8}, {1, 8, 4}};
  const std::vector<data::SampleShape> of_latents{{2, 2, 3}, {1, 2, 2}, {1, 2, 1}};
  const auto bytes = [&](size_t k) {
    return count * 2 * of_latents[k].frames * of_latents[k].height * of_latents[k].width * int64_t(sizeof(float));
  };
  // Room for the second and the third, which the first leaves to them.
  const auto some = training::latents_in_shapes(clips, model, shapes, {.memory_bytes = bytes(1) + bytes(2)});
  CHECK(some[0]->kept_bytes() == 0);
  CHECK(some[1]->kept_bytes() == bytes(1));
  CHECK(some[2]->kept_bytes() == bytes(2));
  const auto two = training::latents_in_shapes(clips, model, shapes, {.memory_bytes = bytes(0) + bytes(1)});
  CHECK(two[1]->kept_bytes() == bytes(1));
  CHECK(two[2]->kept_bytes() == 0);

  constexpr int batches_read = 120;  // of 2 clips: all 15 pairs of a clip and a shape occur
  const auto batches = [&](int64_t memory, int workers) {
    const auto latents = training::latents_in_shapes(clips, model, shapes, {.memory_bytes = memory});
    std::vector<data::Bucket> buckets;
    for (size_t k = 0; k < shapes.size(); ++k) {
      CHECK(*latents[k]->native_shape() == of_latents[k]);
      buckets.push_back({.shape = of_latents[k], .batch_size = 2});
    }
    data::Loader loader(std::make_shared<data::SourcesByShape>(
                            std::vector<std::shared_ptr<const data::DataSource>>(latents.begin(), latents.end())),
                        {.buckets = buckets, .seed = 3, .epoch_end = data::EpochEnd::carry_over, .workers = workers});
    std::vector<float> all;
    for (int k = 0; k < batches_read; ++k) {
      const data::Batch batch = loader.next();
      for (const float x : batch.samples.to_vector<float>()) all.push_back(x);
      const auto found = std::find(of_latents.begin(), of_latents.end(), batch.shape);
      REQUIRE(found != of_latents.end());
      const data::Batch read = data::read_batch(*clips, shapes[size_t(found - of_latents.begin())], {batch.indices[1]});
      CHECK(select(batch.samples, 0, 1).to_vector<float>() == model.to_latents(read.samples).to_vector<float>());
      --clips->reads;  // of this check
    }
    return all;
  };
  clips->reads = 0;
  const std::vector<float> kept = batches(1 << 20, 0);
  CHECK(clips->reads == 3 * count);  // each clip once in each shape
  CHECK(batches(0, 0) == kept);
  CHECK(clips->reads == 3 * count + 2 * batches_read);
  CHECK(batches(bytes(1), 2) == kept);
}

TEST_CASE("latent source: images that the autoencoder cannot encode are refused") {
  const models::Autoencoder model = autoencoder();
  const auto images = std::make_shared<data::Dataset>(some_images());
  CHECK_THROWS_AS(LatentSource(images, model, {1, 8, 10}), ShapeError);
  const auto gray =
      std::make_shared<data::Dataset>(full({2, 1, 8, 12}, 9, DType::u8), Tensor{}, std::vector<std::string>{});
  CHECK(message_of<ConfigError>([&] { LatentSource(gray, model, pixels_shape); }) ==
        "the autoencoder encodes samples of 3 channels, and those of the data have 1");
}
