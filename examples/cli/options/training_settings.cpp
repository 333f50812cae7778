#include "examples/cli/options/training_settings.h"

#include <cstdio>

#include <ditharos/training/run/resume.h>
#include "examples/cli/options/precision.h"
#include "examples/cli/program.h"

namespace ditharos::examples {
namespace {

constexpr double most_steps = 1e9, most_batch = 1 << 20;

}  // namespace

TrainingOptions::TrainingOptions(const std::string& default_folder) {
  folder = default_folder;
  names = {.folder = "--out", .resume = "--resume", .accept_changed_data = "--accept-changed-data"};
}

void describe_training(Settings& settings, training::TrainSettings& train, const std::string& batch) {
  settings.section("train", "the training loop")
      .add("steps", train.steps, "optimiser steps in all", between(1, most_steps))
      .add("batch_size", train.batch_size, batch, between(1, most_batch))
      .add("accumulate", train.accumulate,
           "batches whose gradients a step averages: a batch of batch_size times this, "
           "in the memory of one",
           between(1, most_batch))
      .add("gradient_shards", train.gradient_shards,
           "parts of a batch whose gradients are computed one by one, a power of two: results depend on it, and not on "
           "how many processes share the parts. 1: one for each process, or those of the run that goes on",
           between(1, most_batch))
      .add("optimizer", train.optimizer, "muon: for the matrices of the blocks, and AdamW for all else",
           {{"adamw", training::OptimizerKind::adamw}, {"muon", training::OptimizerKind::muon}})
      .add("learning_rate", train.learning_rate, "its maximum", above(0).at_most(largest_float))
      .add("final_learning_rate", train.final_learning_rate, "at the end of the schedule", between(0, largest_float))
      .add("betas", train.betas, "decay of AdamW's two averages", at_least(0).below(1).count(2))
      .add("weight_decay", train.weight_decay, "decoupled weight decay", between(0, largest_float))
      .add("clip", train.clip, "largest norm of all gradients together; 0: no clipping", between(0, largest_float))
      .add("warmup", train.warmup,
           "steps over which the learning rate rises from 0; a tenth of all steps where it would be all of them",
           between(0, most_steps))
      .add("schedule", train.schedule, "the learning rate after the warm-up",
           {{"constant", optim::Decay::constant},
            {"linear", optim::Decay::linear},
            {"cosine", optim::Decay::cosine},
            {"inverse_sqrt", optim::Decay::inverse_sqrt}})
      .add("ema_decay", train.ema_decay,
           "decay of the moving average of the weights, which samples are drawn with; of "
           "several, each has an average in the checkpoints, and the first is used",
           at_least(0).below(1).or_number())
      .add("seed", train.seed, "seed of everything random: initial weights, order of the data, noise")
      .add("precision", train.precision, precision_help, precision_names)
      .add("on_not_finite", train.on_not_finite,
           "a step with NaN or infinity: stop; skip its update; roll_back to the last checkpoint, past its data",
           {{"stop", training::OnNotFinite::stop},
            {"skip", training::OnNotFinite::skip},
            {"roll_back", training::OnNotFinite::roll_back}})
      .add("most_not_finite", train.most_not_finite, "skip: most steps in succession; roll_back: most times in a run",
           between(0, most_steps))
      .add("overfit_one_batch", train.overfit_one_batch,
           "repeat the first batch in every step: the loss must fall, or something is wrong");
  settings.only_with(
      {"final_learning_rate"}, [&train] { return train.schedule != optim::Decay::constant; },
      "a schedule other than constant");
  settings.only_with(
      {"most_not_finite"}, [&train] { return train.on_not_finite != training::OnNotFinite::stop; },
      "on_not_finite = \"skip\" or \"roll_back\"");
}

void describe_output(Settings& settings, training::OutputSettings& output) {
  settings.section("output", "the output during training")
      .add("sample_every", output.sample_every, "steps between sample grids; 0: only at the end",
           between(0, most_steps))
      .add("checkpoint_every", output.checkpoint_every, "steps between checkpoints; 0: only at the end",
           between(0, most_steps))
      .add("keep_checkpoints", output.keep_checkpoints, "the last checkpoints that stay on disk", at_least(1))
      .add("keep_best", output.keep_best, "checkpoints of the lowest validation loss that stay too",
           between(0, most_steps))
      .add("keep_every", output.keep_every, "checkpoints of multiples of this step are saved and stay; 0: none",
           between(0, most_steps))
      .add("validate_every", output.validate_every,
           "steps between validations: the loss of held-out data at fixed times; 0: none", between(0, most_steps))
      .add("validation_samples", output.validation_samples, "the most held-out samples of a validation",
           between(1, most_batch))
      .add("log_every", output.log_every, "steps between lines of metrics.jsonl", between(1, most_steps))
      .add("tensorboard", output.tensorboard, "write curves and sample grids for TensorBoard as well");
}

void describe_options(Settings& settings, TrainingOptions& options) {
  settings.options()
      .add("out", options.folder, "folder for checkpoints, sample grids and metrics")
      .add("resume", options.resume,
           "\"none\" begins anew, \"auto\" goes on from the newest readable checkpoint in "
           "--out if there are any, else the checkpoint or run folder to go on from")
      .add("accept_changed_data", options.accept_changed_data, "resume although the data have changed")
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024))
      .add("dry_run", options.dry_run, "check everything, compute a step, print its time and memory; write nothing")
      .add("summary", options.summary, "print the model's layers, parameters and multiply-adds; write nothing")
      .add("profile", options.profile, "file for a Chrome trace of a few steps, which are printed as a table as well");
  describe_max_pixels(settings, options.max_pixels);
}

void describe_max_pixels(Settings& settings, int64_t& max_pixels) {
  settings.options().add("max_pixels", max_pixels,
                         "the most pixels, all frames together, that are decoded from one image or video file",
                         between(1, double(int64_t{1} << 40)));
}

void settle_ranks(TrainingOptions& options, training::TrainSettings& train) {
  options.ranks = &training::world();
  settle_threads(options.threads);
  if (train.gradient_shards > 1) return;
  train.gradient_shards = training::stored_gradient_shards(options).value_or(options.ranks->size());
}

void say_adjustments(const Settings& settings, const training::TrainSettings& train) {
  settings.say_without_effect();
  const int64_t warmup = warmup_steps(train);
  if (warmup == train.warmup || !is_speaker()) return;
  std::fprintf(stderr,
               "warmup = %lld leaves nothing of steps = %lld to the schedule: the learning rate rises over "
               "%lld steps\n",
               static_cast<long long>(train.warmup), static_cast<long long>(train.steps),
               static_cast<long long>(warmup));
}

}  // namespace ditharos::examples
