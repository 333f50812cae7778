#include "examples/cli/options/clip_data.h"

#include <algorithm>

#include <ditharos/data/datasets/sources_by_shape.h>
#include <ditharos/data/loading/clip_buckets.h>
#include <ditharos/training/latent_source.h>
#include "examples/cli/options/sample_cache.h"

namespace ditharos::examples {
namespace {

/// The shapes of the batches, each once.
std::vector<data::SampleShape> distinct_shapes(const std::vector<data::Bucket>& buckets) {
  std::vector<data::SampleShape> shapes;
  for (const data::SampleShape& shape : data::used_shapes(buckets))
    if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) shapes.push_back(shape);
  return shapes;
}

}  // namespace

void describe(Settings& settings, ClipReading& reading) {
  describe_cache(settings, reading.cache, "clips");
  settings.options().add("latent_memory", reading.latent_memory,
                         "MiB: the latents of a shape are encoded once and kept if they take no more, with those of "
                         "the shapes before it, else at each use. Results do not depend on it", between(0, 1 << 20));
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
    const auto latents = training::latents_in_shapes(clips.source, *model.autoencoder(), shapes,
                                                     {.memory_bytes = memory});
    std::copy(latents.begin(), latents.end(), sources.begin());
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
