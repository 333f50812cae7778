// Latents as a source: encoded once, mirrored, packed on disk.
#include <doctest/doctest.h>

#include <atomic>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/datasets/packed/write_packed.h>
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
  std::optional<data::SampleShape> native_shape() const override { return pixels_shape; }

  mutable std::atomic<int> reads = 0;

 private:
  data::Dataset images_ = some_images();
};

/// An autoencoder of latents [2, 2, 3] for these images.
models::Autoencoder autoencoder(uint64_t seed = 1, models::AutoencoderKind kind = models::AutoencoderKind::kl) {
  Generator rng(seed);
  models::Autoencoder model({.kind = kind, .sizes = {.latent_channels = 2, .width = 4, .max_width = 8, .groups = 2,
                                                     .stages = 2, .time_stride = 1}}, rng);
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

TEST_CASE("latent source: images that the autoencoder cannot encode are refused") {
  const models::Autoencoder model = autoencoder();
  const auto images = std::make_shared<data::Dataset>(some_images());
  CHECK_THROWS_AS(LatentSource(images, model, {1, 8, 10}), ShapeError);
  const auto gray = std::make_shared<data::Dataset>(full({2, 1, 8, 12}, 9, DType::u8), Tensor{},
                                                    std::vector<std::string>{});
  CHECK(message_of<ConfigError>([&] { LatentSource(gray, model, pixels_shape); }) ==
        "the autoencoder encodes samples of 3 channels, and those of the data have 1");
}
