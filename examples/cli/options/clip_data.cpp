#include "examples/cli/options/clip_data.h"

#include <algorithm>

#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/data/datasets/sources_by_shape.h>
#include <ditharos/data/loading/clip_buckets.h>
#include <ditharos/training/latent_source.h>
#include <ditharos/training/run/disk_space.h>
#include "examples/cli/options/sample_cache.h"
#include "examples/cli/program.h"

namespace ditharos::examples {
namespace {

/// The shapes of the batches, each once.
std::vector<data::SampleShape> distinct_shapes(const std::vector<data::Bucket>& buckets) {
  std::vector<data::SampleShape> shapes;
  for (const data::SampleShape& shape : data::used_shapes(buckets))
    if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) shapes.push_back(shape);
  return shapes;
}

AutoencoderData open_clips(const AutoencoderSettings& run, int64_t max_pixels) {
  constexpr int64_t held_out_frames = 8;  // every time stride divides it
  const auto open = [&](data::ClipUse use) { return data::open_clips(run.clips.data, use, max_pixels); };
  AutoencoderData opened{.training = open(data::ClipUse::training),
                         .held_out = open(data::ClipUse::evaluation),
                         .buckets = clip_buckets(run.clips, run.train.batch_size),
                         .held_out_shape = {}};
  opened.held_out_shape = opened.buckets[0].shape;
  opened.held_out_shape.frames = held_out_frames;
  print_notes(opened.training->notes());
  return opened;
}

AutoencoderData open_images(const AutoencoderSettings& run, const ImageLimits& limits) {
  const auto training = read_images(run.clips.data, data::Split::train, run.images, limits).source;
  const data::SampleShape shape = *training->native_shape();
  check_strides(shape, run.model.sizes.stride(), run.model.sizes.time_stride);
  ImageLimits same = limits;
  same.like = training.get();
  return {.training = training,
          .held_out = scan_images(run.clips.data, data::Split::test, run.images, same).source,
          .buckets = {{.shape = shape, .batch_size = run.train.batch_size}},
          .held_out_shape = shape};
}

}  // namespace

AutoencoderData open_autoencoder_data(const AutoencoderSettings& run, const ImageLimits& limits) {
  const std::string& name = run.clips.data;
  const bool clips = data::is_clips(name);
  check<ConfigError>(clips || data::is_image_set(name), "data = \"", name,
                     "\" is neither clips (\"moving-garments\", "
                     "\"moving-emoji\", a folder of videos with captions.txt or captions.jsonl) nor images in a layout "
                     "that train_dit reads (docs/data.md)");
  AutoencoderData opened = clips ? open_clips(run, limits.max_pixels) : open_images(run, limits);
  const int64_t channels = opened.training->channels();
  check<ConfigError>(channels == run.model.sizes.channels, "channels = ", run.model.sizes.channels,
                     " is not that of the data: give --channels ", channels);
  return opened;
}

void describe(Settings& settings, ClipReading& reading) {
  describe_cache(settings, reading.cache, "clips");
  settings.options().add("latent_memory", reading.latent_memory,
                         "MiB: the latents of a shape are encoded once and kept if they take no more, with those of "
                         "the shapes before it, else at each use. Results do not depend on it",
                         between(0, 1 << 20));
}

BucketedSource training_samples(const BucketedSource& clips, const models::LatentDiT& model,
                                const ClipReading& reading) {
  const bool packs = !reading.cache.empty(), encodes = model.autoencoder() != nullptr;
  if (!packs && !encodes) return clips;
  const auto shape_of_latents = [&](const data::SampleShape& s) {
    const Shape latents = model.latent_shape({1, s.frames, model.channels(), s.height, s.width});
    return data::SampleShape{latents[1], latents[3], latents[4]};
  };
  const std::vector<data::SampleShape> shapes = distinct_shapes(clips.buckets);
  std::vector<std::shared_ptr<const data::DataSource>> sources(shapes.size(), clips.source);
  if (encodes) {
    const int64_t memory = packs ? 0 : reading.latent_memory << 20;
    const auto latents =
        training::latents_in_shapes(clips.source, *model.autoencoder(), shapes, {.memory_bytes = memory});
    std::copy(latents.begin(), latents.end(), sources.begin());
  }
  if (packs && !reading.writes_nothing) {
    std::vector<SamplesToPack> sets;
    for (size_t k = 0; k < sources.size(); ++k) sets.push_back({sources[k], shape_of_latents(shapes[k])});
    check_cache_space(sets, data::Split::train, reading.cache, training::free_space(reading.cache));
  }
  for (size_t k = 0; packs && k < sources.size(); ++k)
    sources[k] = cached_samples(sources[k], shape_of_latents(shapes[k]), data::Split::train, reading.cache,
                                reading.writes_nothing);
  if (!encodes && reading.writes_nothing) return clips;  // those that are not packed have no shape of their own
  BucketedSource samples{std::make_shared<data::SourcesByShape>(std::move(sources)), clips.buckets};
  for (data::Bucket& bucket : samples.buckets) bucket.shape = shape_of_latents(bucket.shape);
  return samples;
}

}  // namespace ditharos::examples
