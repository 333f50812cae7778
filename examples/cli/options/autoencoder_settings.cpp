#include "examples/cli/options/autoencoder_settings.h"

#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/pipelines/video_parts.h>
#include "examples/cli/options/image_options.h"

namespace ditharos::examples {

void describe(Settings& settings, AutoencoderSettings& run) {
  using models::AutoencoderKind;
  using models::ReconstructionError;
  models::VideoAutoencoderConfig& sizes = run.model.sizes;
  describe_clips(settings, run.clips, ", or images, as train_dit reads them: clips of one frame");
  describe_images(settings.section("data"), run.images);
  settings.section("autoencoder", "encodes clips as latents and decodes them")
      .add("kind", run.model.kind, "video: convolutions over frames and time; kl: AutoencoderKL of Rombach et al. 2022",
           {{"video", AutoencoderKind::video}, {"kl", AutoencoderKind::kl}})
      .add("channels", sizes.channels, "of the data: 3 RGB, as all clips have; 1 gray", between(1, 3))
      .add("latent_channels", sizes.latent_channels, "channels of the latents", between(1, 4096))
      .add("width", sizes.width, "channels at full resolution; each halving doubles them", between(1, 4096))
      .add("max_width", sizes.max_width, "most channels at any resolution", between(1, 4096))
      .add("blocks", sizes.blocks, "residual blocks at each resolution", between(1, 16))
      .add("groups", sizes.groups, "groups of channels that are normalised together", between(1, 4096))
      .add("stages", sizes.stages, "halvings of height and width", between(0, 6))
      .add("time_stride", sizes.time_stride, "frames per frame of latents: 1, 2 or 4", between(1, 4))
      .add("reconstruction", run.loss.reconstruction, "error of the pixels: l2, squared, or l1, absolute",
           {{"l2", ReconstructionError::l2}, {"l1", ReconstructionError::l1}})
      .add("kl_weight", run.loss.kl_weight, "weight of the latents' divergence from a normal distribution",
           between(0, largest_float))
      .add("perceptual_weight", run.loss.perceptual_weight,
           "weight of the distance of a classifier's activations; the classifier of objects in synthetic clips is "
           "trained first and cached",
           between(0, largest_float))
      .add("classifier_clips", run.classifier_clips, "clips in the classifier's training set", between(1, 1e9))
      .add("classifier_epochs", run.classifier.epochs, "epochs of its training", between(1, 1e6));
  settings.only_with(
      {"classifier_clips", "classifier_epochs"}, [&run] { return run.loss.perceptual_weight > 0; },
      "a perceptual_weight above 0");
  settings.only_for(
      {"shapes", "shape_weights"},  // data of neither kind have a message of their own
      [&run] { return data::is_clips(run.clips.data) || !data::is_image_set(run.clips.data); }, "data of clips");
  settings.only_for(
      {"size", "fit", "resample", "background", "on_damaged", "coarse_labels"},
      [&run] { return !data::is_clips(run.clips.data); }, "data of images");
  describe_formats(settings, [&run] { return run.clips.data; });
  describe_training(settings, run.train, "clips per step, of the first shape; batches of others have as many pixels");
  describe_output(settings, run.output);
}

void settle(const AutoencoderSettings& run) {
  run.model.validate();
  training::check_schedule(run.train);
  training::check_output(run.output);
  static_cast<void>(data::to_options(run.images));
  if (!data::is_clips(run.clips.data)) return;
  for (const data::Bucket& bucket : clip_buckets(run.clips, run.train.batch_size)) {
    const data::SampleShape& s = bucket.shape;
    try {
      run.model.latent_shape({1, s.frames, run.model.sizes.channels, s.height, s.width});
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
  kind.may_change.merge(std::set<std::string>(training::changeable_settings()));
  return kind;
}

}  // namespace ditharos::examples
