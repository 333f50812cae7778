#include "examples/cli/options/dit_data.h"

#include <ditharos/pipelines/stored/stored_autoencoder.h>
#include <ditharos/training/latent_source.h>
#include "examples/cli/options/sample_cache.h"
#include "examples/cli/program.h"

namespace ditharos::examples {
namespace {

std::shared_ptr<const data::DataSource> latents_of(const std::shared_ptr<const data::DataSource>& images,
                                                   const models::LatentDiT& model, bool mirrored, int64_t mebibytes) {
  return std::make_shared<training::LatentSource>(
      images, *model.autoencoder(), *images->native_shape(),
      training::LatentOptions{.mirrored = mirrored, .memory_bytes = mebibytes << 20});
}

std::string size_text(int64_t height, int64_t width, int64_t channels) {
  return std::to_string(height) + "x" + std::to_string(width) + "x" + std::to_string(channels);
}

}  // namespace

std::shared_ptr<const data::DataSource> training_images(const DiTSettings& run, const DataOptions& options) {
  ImageLimits limits = options.limits;
  if (!options.cache.empty()) limits.memory = 0;
  limits.earlier = earlier_selections(data::Split::train, options.cache);
  const auto images = read_images(run.data.data, data::Split::train, run.data.images, limits).source;
  if (options.cache.empty() || !run.autoencoder.empty()) return images;
  return cached_samples(images, *images->native_shape(), data::Split::train, options.cache, options.writes_nothing);
}

ImageModelParts image_parts(const DiTSettings& run, const data::DataSource& images,
                            const std::optional<training::TrainState>& state, const std::string& folder,
                            training::Reporter& reporter) {
  if (state) {
    ImageModelParts stored{pipelines::read_image_parts(state->metadata, folder), {}};
    check<ConfigError>(run.autoencoder.empty() == stored.parts.autoencoder.empty(), "the run in ", folder,
                       " trains on ", stored.parts.autoencoder.empty() ? "pixels, without" : "latents, with",
                       " an autoencoder: resume it the same way");
    stored.autoencoder = pipelines::build_autoencoder(stored.parts, folder);
    return stored;
  }
  ImageModelParts made{
      pipelines::new_image_parts(images, run.data.condition, run.tokenizer.vocabulary, run.tokenizer.caption_count),
      {}};
  if (run.autoencoder.empty()) return made;
  auto loaded = pipelines::load_image_autoencoder(run.autoencoder, {.reporter = &reporter});
  reporter.note("autoencoder: " + loaded.path);
  made.parts.autoencoder = loaded.description;
  made.autoencoder.emplace(std::move(loaded.model));
  return made;
}

std::shared_ptr<const data::DataSource> training_samples(const std::shared_ptr<const data::DataSource>& images,
                                                         const models::LatentDiT& model, const DiTSettings& run,
                                                         const DataOptions& options) {
  if (model.autoencoder() == nullptr) return images;
  const int64_t memory = options.cache.empty() ? options.limits.memory : 0;
  const auto latents = latents_of(images, model, run.data.horizontal_flip, memory);
  if (options.cache.empty()) return latents;
  return cached_samples(latents, *latents->native_shape(), data::Split::train, options.cache, options.writes_nothing);
}

std::shared_ptr<const data::DataSource> held_out_samples(const data::DataSource& training_images,
                                                         const models::LatentDiT& model, const DiTSettings& run,
                                                         const DataOptions& options) {
  ImageLimits limits = options.limits;
  limits.like = &training_images;
  limits.earlier = earlier_selections(data::Split::test, options.cache);
  const auto images = read_images(run.data.data, data::Split::test, run.data.images, limits).source;
  return model.autoencoder() == nullptr ? images : latents_of(images, model, false, 0);
}

std::string describe_data(const data::DataSource& images, const DiTSettings& run, const pipelines::ImageParts& parts) {
  const data::SampleShape shape = *images.native_shape();
  std::string text =
      std::to_string(images.size()) + " images of " + size_text(shape.height, shape.width, images.channels());
  text += parts.tokenizer ? " with captions of " + std::to_string(parts.tokenizer->vocabulary()) + " tokens"
                          : " in " + std::to_string(run.model.classes) + " classes";
  if (!parts.autoencoder.empty())
    text += ", latents of " + size_text(run.model.height, run.model.width, run.model.channels);
  return text;
}

}  // namespace ditharos::examples
