#include "examples/cli/options/autoencoder_settings.h"

#include <ditharos/pipelines/video_parts.h>

namespace ditharos::examples {

void describe(Settings& settings, AutoencoderSettings& run) {
  describe_clips(settings, run.clips);
  settings.section("autoencoder", "encodes clips as latents and decodes them")
      .add("latent_channels", run.model.latent_channels, "channels of the latents", between(1, 4096))
      .add("width", run.model.width, "channels at full resolution; each halving doubles them", between(1, 4096))
      .add("max_width", run.model.max_width, "most channels at any resolution", between(1, 4096))
      .add("blocks", run.model.blocks, "residual blocks at each resolution", between(1, 16))
      .add("groups", run.model.groups, "groups of channels that are normalised together", between(1, 4096))
      .add("stages", run.model.stages, "halvings of height and width", between(0, 6))
      .add("time_stride", run.model.time_stride, "frames per frame of latents: 1, 2 or 4", between(1, 4))
      .add("kl_weight", run.loss.kl_weight, "weight of the latents' divergence from a normal distribution",
           between(0, largest_float));
  describe_training(settings, run.train, "clips per step, of the first shape; batches of others have as many pixels");
  describe_output(settings, run.output);
}

void settle(const AutoencoderSettings& run) {
  run.model.validate();
  training::check_schedule(run.train);
  for (const data::Bucket& bucket : clip_buckets(run.clips, run.train.batch_size)) {
    const data::SampleShape& s = bucket.shape;
    try {
      run.model.latent_shape({1, s.frames, run.model.channels, s.height, s.width});
    } catch (const ShapeError& e) {
      fail<ConfigError>("shapes: ", data::to_text(s), ": ", e.what());
    }
  }
}

training::CheckpointKind autoencoder_kind() {
  training::OutputSettings output;
  Settings settings("", "");
  describe_output(settings, output);
  training::CheckpointKind kind{pipelines::autoencoder_checkpoint_kind, "a video autoencoder", keys_of(settings)};
  kind.may_change.insert("steps");
  return kind;
}

}  // namespace ditharos::examples
