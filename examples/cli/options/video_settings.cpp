#include "examples/cli/options/video_settings.h"

#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/pipelines/video_parts.h>
#include "examples/cli/options/sampler_settings.h"
#include "examples/cli/reports/prompt_words.h"

namespace ditharos::examples {
namespace {

using models::AttentionLayout;
using models::SamplerKind;
using models::StepEmbedding;

constexpr double most_per_axis = 1 << 16;  // of every size of a model, as its configuration has it

void describe_model(Settings& settings, VideoSettings& run) {
  settings.section("model", "the diffusion transformer")
      .add("autoencoder", run.autoencoder,
           "run folder or checkpoint of train_autoencoder, for a model of its latents; empty: a model of pixels")
      .add("patch", run.patch, "frames, rows and columns of a patch", between(1, most_per_axis).count(3))
      .add("hidden", run.model.hidden, "width of a token; divisible by heads", between(1, most_per_axis))
      .add("depth", run.model.depth, "number of blocks", between(1, most_per_axis))
      .add("heads", run.model.heads, "attention heads per block", between(1, most_per_axis))
      .add("mlp_ratio", run.model.mlp_ratio, "hidden width of the MLP, in units of hidden", above(0).at_most(1024))
      .add("attention", run.model.attention, "joint: over all tokens; factorised: spatial and temporal in turn",
           {{"joint", AttentionLayout::joint}, {"factorised", AttentionLayout::factorised}})
      .add("coordinate_octaves", run.model.frequency_bands,
           "frequency bands of the features for absolute positions; 0: relative positions alone", between(0, 16))
      .add("qk_norm", run.model.qk_norm, "RMS norm of each head's queries and keys")
      .add("step_embedding", run.model.step_embedding, "embedding of the time",
           {{"sinusoidal", StepEmbedding::sinusoidal}, {"binary", StepEmbedding::binary}});
  describe_text(settings, run.tokenizer, run.model.text);
  settings.section("text").add("prompt_dropout", run.prompt_dropout,
                               "share of prompts hidden in training, for guidance", at_least(0).below(1));
}

void describe_flow(Settings& settings, models::FrameFlowConfig& flow) {
  settings.section("flow", "the network's target: the velocity on straight paths, with conditioning frames")
      .add("time_sampling", flow.flow.time_sampling, "distribution of the times in training",
           {{"uniform", models::TimeSampling::uniform},
            {"logit_normal", models::TimeSampling::logit_normal},
            {"mode", models::TimeSampling::mode}})
      .add("logit_mean", flow.flow.logit_mean, "logit_normal: mean; above 0: more times near data", between(-10, 10))
      .add("logit_scale", flow.flow.logit_scale, "logit_normal: standard deviation", above(0).at_most(10))
      .add("mode_scale", flow.flow.mode_scale, "mode: above 0: more of the middle", between(-1, 1.75))
      .add("time_scale", flow.flow.time_scale, "the network's input is t times this", between(1e-6, 1e6))
      .add("time_shift", flow.flow.time_shift,
           "above 1: more noise in training, and smaller first steps in sampling, so that the prompt decides",
           between(1e-6, 1e6))
      .add("given_none", flow.none, "share of clips without conditioning frames; the shares add up to 1", between(0, 1))
      .add("given_first", flow.first, "share with the first frame as conditioning frame: image to video", between(0, 1))
      .add("given_last", flow.last, "share with the last frame", between(0, 1))
      .add("given_first_and_last", flow.first_and_last, "share with both: interpolation", between(0, 1))
      .add("given_first_quarter", flow.first_quarter, "share with the first quarter: extension forwards", between(0, 1))
      .add("given_last_quarter", flow.last_quarter, "share with the last quarter: extension backwards", between(0, 1))
      .add("given_random", flow.random, "share with frames drawn with probability 1/2 each", between(0, 1));
  settings.only_with(
      {"logit_mean", "logit_scale"}, [&flow] { return flow.flow.time_sampling == models::TimeSampling::logit_normal; },
      "time_sampling = \"logit_normal\"");
  settings.only_with(
      {"mode_scale"}, [&flow] { return flow.flow.time_sampling == models::TimeSampling::mode; },
      "time_sampling = \"mode\"");
}

}  // namespace

void describe_clip_sampling(Settings& settings, models::SamplerConfig& sampler) {
  settings.section("sample", "drawing clips")
      .add("sampling_steps", sampler.steps, "steps from noise to clip", at_least(1).at_most(1000))
      .add_switch("heun", sampler.kind, SamplerKind::euler, SamplerKind::heun,
                  "Heun's method instead of Euler's: two evaluations per step, more precise");
  describe_samplers(settings, "sample", sampler, models::samples_clips);
  settings.section("sample")
      .add("guidance", sampler.guidance.scale, "classifier-free guidance; 1: none", between(0, 1e6))
      .add("guide_from", sampler.guidance.from, "time at which guidance begins: 0 noise, 1 data", between(0, 1))
      .add("guide_to", sampler.guidance.to, "time at which guidance ends", between(0, 1));
  describe_caching(settings, "sample", sampler);
  settings.only_with(
      {"guide_from", "guide_to"}, [&sampler] { return sampler.guidance.scale != 1; }, "a guidance other than 1");
}

void describe(Settings& settings, VideoSettings& run) {
  describe_clips(settings, run.clips);
  describe_model(settings, run);
  describe_flow(settings, run.flow);
  describe_training(settings, run.train, "clips per step, of the first shape; batches of others have as many pixels");
  describe_output(settings, run.output);
  settings.section("output").add("prompts", run.prompts,
                                 "what the sample grids show: prompts, \"a; b; c\"; "
                                 "none: the first captions of the data");
  describe_clip_sampling(settings, run.sampler);
}

void settle(VideoSettings& run) {
  training::check_schedule(run.train);
  training::check_output(run.output);
  run.model.patch = {run.patch[0], run.patch[1], run.patch[2]};
  models::DiTConfig model = run.model;  // with placeholders for the fields that are not known yet
  model.channels = 1;
  model.text.vocabulary = run.tokenizer.vocabulary;
  model.validate();
  run.flow.validate();
  run.sampler.validate();
  check<ConfigError>(run.prompts.empty() || !parse_prompts(run.prompts).empty(), "prompts = \"", run.prompts,
                     "\" holds none: the sample grids need one");
  clip_buckets(run.clips, run.train.batch_size);
}

training::CheckpointKind video_kind() {
  training::OutputSettings output;
  models::SamplerConfig sampler;
  Settings settings("", "");
  describe_output(settings, output);
  describe_clip_sampling(settings, sampler);
  training::CheckpointKind kind{pipelines::video_checkpoint_kind, "a video model", keys_of(settings)};
  // The checkpoint holds the autoencoder itself, so the path of its file may change.
  kind.may_change.insert({"prompts", "autoencoder"});
  kind.may_change.merge(std::set<std::string>(training::changeable_settings()));
  return kind;
}

}  // namespace ditharos::examples
