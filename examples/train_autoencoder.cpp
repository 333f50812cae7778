// Trains an autoencoder of clips or images, a VideoAutoencoder or an AutoencoderKL; train_video and train_dit train
// diffusion transformers on its latents.
//
//   train_autoencoder --config examples/configs/video_autoencoder.toml --out runs/autoencoder
//   train_autoencoder --data my_photos --size 64 --batch-size 16 --out runs/autoencoder
//
// The same configuration gives the same bytes at any number of threads, whether the run was interrupted and resumed or
// not.
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/data/image/image_grid.h>
#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/pipelines/clip_tasks.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/distributed/rank_checks.h>
#include <ditharos/training/held_out.h>
#include <ditharos/training/latent_statistics.h>
#include <ditharos/training/run/data_fingerprint.h>
#include <ditharos/training/training_loop.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/clip_data.h"
#include "examples/cli/options/training_settings.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/reports/evaluation_classifier.h"
#include "examples/cli/run_reporter.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

/// The reconstruction error of clips, for pixels in [0, 1].
struct Fidelity {
  double rms, psnr;  // psnr in decibels
};
Fidelity fidelity_of(const Tensor& clips, const Tensor& decoded) {
  const double rms = pipelines::rms_difference(decoded, clips);
  return {rms, -20 * std::log10(rms)};
}

/// Two rows: images and their reconstructions. At most 8 of them.
void draw_images(const std::string& path, const data::Batch& batch, const Tensor& decoded) {
  const int64_t images = std::min<int64_t>(8, batch.samples.size(0));
  const auto row = [images](const Tensor& samples) { return slice(select(samples, 1, 0), 0, 0, images); };
  data::save_grid(path, cat({row(batch.samples), row(decoded)}, 0),
                  {.columns = images,
                   .scale = 2,
                   .row_labels = {"images", "as they come back"},
                   .label_place = data::GridOptions::LabelPlace::above});
}

/// Two rows per clip: the original frames and their reconstruction. At most 4 clips and 8 frames of each.
void draw_grid(const std::string& path, const data::Batch& batch, const Tensor& decoded) {
  if (batch.shape.frames == 1) return draw_images(path, batch, decoded);
  const int64_t clips = std::min<int64_t>(4, batch.samples.size(0)), frames = std::min<int64_t>(8, batch.shape.frames);
  std::vector<Tensor> rows;
  std::vector<std::string> labels;
  for (int64_t i = 0; i < clips; ++i) {
    rows.push_back(slice(select(batch.samples, 0, i), 0, 0, frames));
    rows.push_back(slice(select(decoded, 0, i), 0, 0, frames));
    labels.push_back(batch.captions[size_t(i)]);
    labels.emplace_back("as it comes back");
  }
  data::save_grid(
      path, cat(rows, 0),
      {.columns = frames, .scale = 3, .row_labels = labels, .label_place = data::GridOptions::LabelPlace::above});
}

int train(int argc, char** argv) {
  training::Communicator& ranks = join_ranks();
  constexpr int64_t held_out_clips = 32;
  AutoencoderSettings run;
  TrainingOptions options("runs/autoencoder");
  std::string cache = "runs/classifiers";
  ImageLimits limits;
  Settings settings("train_autoencoder", "Trains an autoencoder, an encoder and a decoder, of clips or images.");
  describe_options(settings, options);
  settings.options().add("cache", cache, "folder that caches the classifier of perceptual_weight");
  describe_image_memory(settings, limits.memory);
  describe(settings, run);
  settings.only_for({"image_memory"}, [&run] { return !data::is_clips(run.clips.data); }, "data of images");
  if (!settings.parse(argc, argv)) return 0;
  settle_ranks(options, run.train);
  settle(run);
  check_training_outputs(options, settings, {{"--data", run.clips.data}});
  check_training_inputs(options, settings, {});
  say_adjustments(settings, run.train);
  RunReporter reporter;
  const training::RunOutputs outputs(options, "reconstructions.png", reporter);

  limits.max_pixels = options.max_pixels;
  const AutoencoderData samples = open_autoencoder_data(run, limits);
  const data::Batch held_out_batch = data::clip_batch(*samples.held_out, samples.held_out_shape, 0,
                                                      std::min(held_out_clips, samples.held_out->size()));
  const training::RunIdentity identity{.kind = autoencoder_kind(),
                                       .configuration = settings.to_toml(),
                                       .defaults = default_configuration<AutoencoderSettings>(),
                                       .data = training::fingerprint_of(*samples.training),
                                       .train = run.train};
  Generator rng(run.train.seed);
  models::Autoencoder model(run.model, rng);
  std::optional<models::PerceptualLoss> perceptual;
  if (run.loss.perceptual_weight > 0 && options.writes_nothing()) {
    reporter.note("without the perceptual distance, for which a run trains a classifier first");
    run.loss.perceptual_weight = 0;
  } else if (run.loss.perceptual_weight > 0) {
    perceptual.emplace(
        training::root_first(ranks, [&] { return clip_classifier(cache, run.classifier_clips, run.classifier); }));
  }
  training::TrainerConfig config = trainer_config(run.train);
  config.ranks = &ranks;
  training::Trainer trainer(model, {}, std::make_shared<models::AutoencoderObjective>(model, run.loss, perceptual),
                            make_optimizer(model, run.train), config);
  int64_t first_batch = 0;
  if (const auto state = state_to_resume(options, identity, reporter)) {
    trainer.restore(*state);
    first_batch = run.train.overfit_one_batch ? 0 : state->position;
  }
  data::Loader loader(samples.training,
                      {.buckets = samples.buckets,
                       .seed = run.train.seed,
                       .epoch_end = data::EpochEnd::carry_over,
                       .part = ranks.rank(),
                       .parts = ranks.size()},
                      {0, first_batch});
  const data::SampleShape& shape = samples.buckets[0].shape;
  const Shape latent = run.model.latent_shape({1, shape.frames, run.model.sizes.channels, shape.height, shape.width});
  std::printf("%lld %s; %s become latents of %lldx%lldx%lld with %lld channels; %lld parameters; %d threads\n",
              static_cast<long long>(samples.training->size()), samples.held_out_shape.frames > 1 ? "clips" : "images",
              data::to_text(shape).c_str(), static_cast<long long>(latent[1]), static_cast<long long>(latent[3]),
              static_cast<long long>(latent[4]), static_cast<long long>(latent[2]),
              static_cast<long long>(nn::parameter_count(model)), num_threads());

  const auto next_batch = [&] {
    const data::Batch batch = loader.next();
    return training::TrainingBatch{batch.samples, {}, batch.indices, batch.captions, batch.first, batch.total};
  };
  const auto validation_batches = [&] {
    std::vector<training::MicroBatch> batches;
    for (const data::Batch& batch : training::held_out_batches(*samples.held_out, samples.held_out_shape,
                                                               run.output.validation_samples, run.train.batch_size))
      batches.push_back({batch.samples});
    return batches;
  };
  const auto describe_state = [&](training::TrainState& state) {
    state.position = loader.cursor().position;
    {
      const training::AveragedWeights averaged(trainer);
      training::measure_latents(model, *samples.training, samples.buckets);
    }
    // The averages copied the buffers at their last update, before these were measured.
    std::vector<nn::NamedTensors*> averages{&state.ema};
    for (training::Average& more : state.more_averages) averages.push_back(&more.tensors);
    for (nn::NamedTensors* tensors : averages)
      for (nn::NamedTensor& average : *tensors)
        for (const nn::NamedTensor& own : state.model)
          if (own.name == average.name && own.name.starts_with("latent_")) average.tensor = own.tensor;
  };
  const auto show = [&](const std::string& path) {
    const NoGrad no_grad;
    const training::AveragedWeights averaged(trainer);
    if (!ranks.is_root()) return training::JsonObject();
    const models::LatentDistribution latents = model.encode(held_out_batch.samples);
    const Tensor decoded = model.decode(latents.mean);
    draw_grid(path, held_out_batch, decoded);
    const Fidelity f = fidelity_of(held_out_batch.samples, decoded);
    const double divergence = latents.kl_divergence().item();
    return training::JsonObject().add("psnr", f.psnr).add("rms", f.rms).add("divergence", divergence);
  };
  return reporter.finish(training::run_training({.trainer = trainer,
                                                 .outputs = outputs,
                                                 .run = identity,
                                                 .output = run.output,
                                                 .next_batch = next_batch,
                                                 .held_out = validation_batches,
                                                 .describe = describe_state,
                                                 .show = show,
                                                 .reporter = reporter}));
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, train); }
