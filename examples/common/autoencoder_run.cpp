#include "examples/common/autoencoder_run.h"

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/training/model_size.h>
#include "examples/cli/run_reporter.h"
#include "examples/cli/training_settings.h"

namespace ditharos::examples {

void describe(Settings& settings, AutoencoderRun& run) {
  describe_clips(settings, run.clips);
  settings.section("autoencoder", "clips to latents and back")
      .add("latent_channels", run.model.latent_channels, "numbers at each place of the latents", between(1, 4096))
      .add("width", run.model.width, "channels at full resolution; each halving doubles them", between(1, 4096))
      .add("max_width", run.model.max_width, "up to so many", between(1, 4096))
      .add("blocks", run.model.blocks, "residual blocks at each resolution", between(1, 16))
      .add("groups", run.model.groups, "groups of channels that are normalised together", between(1, 4096))
      .add("stages", run.model.stages, "halvings of height and width", between(0, 6))
      .add("time_stride", run.model.time_stride, "frames that one frame of latents stands for: 1, 2 or 4",
           between(1, 4))
      .add("kl_weight", run.loss.kl_weight, "weight of the latents' distance from a normal distribution",
           between(0, largest_float));
  describe_training(settings, run.train, "clips a step, of the first shape; others have as many pixels");
  describe_output(settings, run.output);
}

void settle(const AutoencoderRun& run) {
  run.model.validate();
  check_schedule(run.train);
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
  training::CheckpointKind kind{"video-autoencoder", "a video autoencoder", keys_of(settings)};
  kind.may_change.insert("steps");
  return kind;
}

void measure_latents(models::VideoAutoencoder& model, const data::DataSource& source,
                     const std::vector<data::Bucket>& buckets, int64_t count) {
  const NoGrad no_grad;
  models::LatentStatistics statistics(model.config().latent_channels);
  count = std::min(count, source.size());
  for (const data::Bucket& bucket : buckets) {
    for (int64_t first = 0; first < count; first += bucket.batch_size) {
      const int64_t some = std::min(bucket.batch_size, count - first);
      statistics.add(model.encode(clip_batch(source, bucket.shape, first, some).samples).mean);
    }
  }
  model.set_latent_statistics(statistics.mean(), statistics.standard_deviation());
}

TrainedAutoencoder load_autoencoder(const std::string& path) {
  RunReporter reporter;
  const training::LatestCheckpoint found = open_checkpoint(path, autoencoder_kind(), reporter);
  AutoencoderRun run;
  Settings settings("", "");
  describe(settings, run);
  settings.read(found.state->configuration, found.path);
  settle(run);
  const nn::NamedTensors& tensors = found.state->ema.empty() ? found.state->model : found.state->ema;
  training::check_model_size(found.path, tensors, models::count_elements(run.model));
  Generator rng(0);
  models::VideoAutoencoder model(run.model, rng);
  nn::load_state_dict(model, tensors);
  nn::set_training(model, false);
  return {run, std::move(model), found.state->step, found.path, found.state->configuration};
}

}  // namespace ditharos::examples
