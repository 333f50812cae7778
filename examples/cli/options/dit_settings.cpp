#include "examples/cli/options/dit_settings.h"

#include <ditharos/pipelines/image_pipeline.h>
#include "examples/cli/options/image_options.h"
#include "examples/cli/options/sampler_settings.h"

namespace ditharos::examples {

using models::ProcessKind;
using models::SamplerKind;

namespace {
constexpr double most = 1 << 16;  // of every size of a model, as its configuration has it

/// The rows of [objective] that images have beside those of clips, and which of all rows go with which objective.
void describe_prediction(Settings& settings, DiTSettings& run) {
  using pipelines::Prediction;
  auto& [kind, flow, gaussian, mean_flow] = run.process;
  settings.section("objective")
      .add("prediction", run.prediction, "what the network predicts; standard: velocity (flow) or eps (gaussian)",
           {{"standard", Prediction::standard},
            {"eps", Prediction::eps},
            {"x0", Prediction::x0},
            {"v", Prediction::v},
            {"velocity", Prediction::velocity},
            {"score", Prediction::score}})
      .add("path", flow.path, "flow: the path from noise to data",
           {{"linear", models::PathKind::linear}, {"gvp", models::PathKind::gvp}, {"vp", models::PathKind::vp}})
      .add("loss_weighting", flow.weighting, "flow, with prediction score or eps: weight of the loss by time",
           {{"none", models::LossWeighting::none},
            {"velocity", models::LossWeighting::velocity},
            {"likelihood", models::LossWeighting::likelihood}})
      .add("shift_base_pixels", flow.shift_base_pixels,
           "flow: time_shift grows with the root of pixels / this; 0: it does not", between(0, 1e9))
      .add("train_eps", flow.train_eps, "flow: distance of training times from singular ends; 0: SiT's",
           between(0, .25))
      .add("sample_eps", flow.sample_eps, "flow: distance of sampling times from singular ends; 0: SiT's",
           between(0, .25))
      .add("zero_terminal_snr", gaussian.zero_terminal_snr, "gaussian: no data are left in the last step")
      .add("gaussian_loss", gaussian.loss, "gaussian: with learn_sigma, mse adds the variational bound of the variance",
           {{"mse", models::GaussianLoss::mse},
            {"rescaled_mse", models::GaussianLoss::rescaled_mse},
            {"kl", models::GaussianLoss::kl},
            {"rescaled_kl", models::GaussianLoss::rescaled_kl}})
      .add("min_snr_gamma", gaussian.min_snr_gamma, "gaussian: min-SNR weighting of the loss; 0: none", between(0, 1e6))
      .add("sigma_small", run.sigma_small, "gaussian, without learn_sigma: the posterior's variance instead of beta")
      .add("interval_share", mean_flow.interval_share, "mean_flow: share of a batch that learns average velocities",
           between(0, 1))
      .add("adaptive_power", mean_flow.adaptive_power, "mean_flow: power of the error that divides a sample's loss",
           between(0, 10))
      .add("adaptive_offset", mean_flow.adaptive_offset, "mean_flow: what is added to that error",
           above(0).at_most(1e6))
      .add("omega", mean_flow.omega, "mean_flow: guidance that the network learns; 1: none", between(0, 1e6))
      .add("kappa", mean_flow.kappa, "mean_flow: share of the guidance from the network's own velocity",
           at_least(0).below(1));
  settings.only_with(
      {"time_sampling", "logit_mean", "logit_scale", "mode_scale", "time_scale", "time_shift", "path", "loss_weighting",
       "shift_base_pixels", "train_eps", "sample_eps"},
      [&run] { return run.process.kind != ProcessKind::gaussian; }, "objective = \"flow\" or \"mean_flow\"");
  settings.only_with(
      {"interval_share", "adaptive_power", "adaptive_offset", "omega", "kappa"},
      [&run] { return run.process.kind == ProcessKind::mean_flow; }, "objective = \"mean_flow\"");
  settings.only_with(
      {"logit_mean", "logit_scale"},
      [&run] { return run.process.flow.time_sampling == models::TimeSampling::logit_normal; },
      "time_sampling = \"logit_normal\"");
  settings.only_with(
      {"mode_scale"}, [&run] { return run.process.flow.time_sampling == models::TimeSampling::mode; },
      "time_sampling = \"mode\"");
  settings.only_with(
      {"noise_schedule", "diffusion_steps", "zero_terminal_snr", "gaussian_loss", "min_snr_gamma", "sigma_small"},
      [&run] { return run.process.kind == ProcessKind::gaussian; }, "objective = \"gaussian\"");
}

/// The axes along which the models of the DiT family differ.
void describe_architecture(Settings& settings, models::DiTConfig& model) {
  settings.section("model")
      .add("conditioning", model.conditioning, "how time and label enter the blocks",
           {{"ada_ln_zero", models::Conditioning::ada_ln_zero},
            {"ada_ln", models::Conditioning::ada_ln},
            {"cross_attention", models::Conditioning::cross_attention},
            {"in_context", models::Conditioning::in_context},
            {"ada_ln_single", models::Conditioning::ada_ln_single}})
      .add("positions", model.positions, "the table of positions that is added to the tokens",
           {{"sin_cos", models::Positions::sin_cos},
            {"learned", models::Positions::learned},
            {"none", models::Positions::none}})
      .add("rotary", model.rotary, "rotate queries and keys by their positions; spatial: as LightningDiT",
           {{"none", models::Rotary::none},
            {"spacetime", models::Rotary::spacetime},
            {"spatial", models::Rotary::spatial}})
      .add("norm", model.norm, "norm before each branch of a block",
           {{"layer", models::Norm::layer}, {"rms", models::Norm::rms}})
      .add("mlp", model.mlp, "feed-forward network of a block; swiglu has two thirds of the hidden width",
           {{"gelu_tanh", models::MlpKind::gelu_tanh}, {"swiglu", models::MlpKind::swiglu}})
      .add("qk_norm", model.qk_norm, "RMS norm of each head's queries and keys");
}

}  // namespace

void describe_sampling(Settings& settings, models::SamplerConfig& sampler) {
  settings.section("sample", "drawing images");
  describe_samplers(settings, "sample", sampler, [](SamplerKind) { return true; });
  settings.section("sample")
      .add("sampling_steps", sampler.steps, "steps from noise to image", at_least(1).at_most(1000))
      .add("guidance", sampler.guidance.scale, "classifier-free guidance; 1: none", between(0, 1e6))
      .add("guided_channels", sampler.guidance.channels, "guide the first N channels; 0: all", between(0, most))
      .add("guide_from", sampler.guidance.from, "time at which guidance begins: 0 noise, 1 data", between(0, 1))
      .add("guide_to", sampler.guidance.to, "time at which guidance ends", between(0, 1))
      .add("eta", sampler.eta, "ddim's noise: 0 none, 1 as much as ddpm", between(0, 1))
      .add("clip_pixels", sampler.clip, "objective gaussian: keep predicted pixels within range")
      .add("time_spacing", sampler.spacing, "objective gaussian: how the steps are spaced",
           {{"linspace", models::TimeSpacing::linspace},
            {"leading", models::TimeSpacing::leading},
            {"trailing", models::TimeSpacing::trailing}})
      .add("karras_sigmas", sampler.karras_sigmas, "multistep samplers, objective gaussian: Karras' noise levels")
      .add("sde_diffusion", sampler.sde.form, "euler_maruyama and sde_heun: the diffusion coefficient by time",
           {{"constant", models::DiffusionForm::constant},
            {"sbdm", models::DiffusionForm::sbdm},
            {"sigma", models::DiffusionForm::sigma},
            {"linear", models::DiffusionForm::linear},
            {"decreasing", models::DiffusionForm::decreasing},
            {"increasing_decreasing", models::DiffusionForm::increasing_decreasing}})
      .add("sde_norm", sampler.sde.norm, "the same: factor of the diffusion coefficient", between(0, 1e6))
      .add("last_step", sampler.sde.last_step, "the same: the step to data",
           {{"none", models::LastStep::none},
            {"mean", models::LastStep::mean},
            {"tweedie", models::LastStep::tweedie},
            {"euler", models::LastStep::euler}})
      .add("last_step_size", sampler.sde.last_step_size, "the same: length of the step to data", above(0).below(1));
  describe_caching(settings, "sample", sampler);
  settings.only_with({"eta"}, [&sampler] { return sampler.kind == SamplerKind::ddim; }, "sampler = \"ddim\"");
  settings.only_with(
      {"clip_pixels"}, [&sampler] { return models::samples_gaussian(sampler.kind); },
      "a sampler for objective gaussian");
  settings.only_with(
      {"time_spacing"}, [&sampler] { return models::samples_gaussian(sampler.kind); },
      "a sampler for objective gaussian");
  settings.only_with(
      {"sde_diffusion", "sde_norm", "last_step", "last_step_size"},
      [&sampler] { return models::solves_sde(sampler.kind); }, "sampler = \"euler_maruyama\" or \"sde_heun\"");
  settings.only_with(
      {"guided_channels", "guide_from", "guide_to"}, [&sampler] { return sampler.guidance.scale != 1; },
      "a guidance other than 1");
}

void describe(Settings& settings, DiTSettings& run) {
  using pipelines::ImageCondition;
  settings.section("data", "the training data; image size, classes and captions come from it")
      .add("data", run.data.data,
           "\"shapes\", \"fashion-mnist\", or a folder: of IDX files, or of PNG, JPEG and WebP images");
  describe_images(settings.section("data"), run.data.images);
  settings.section("data")
      .add("horizontal_flip", run.data.horizontal_flip,
           "mirror half of the images, drawn anew every epoch; "
           "with an autoencoder every epoch has each image and its mirror image")
      .add("condition", run.data.condition,
           "what images are drawn by; auto: classes if there are any, else captions, else nothing",
           {{"auto", ImageCondition::automatic},
            {"class", ImageCondition::classes},
            {"text", ImageCondition::text},
            {"none", ImageCondition::none}});
  settings.section("model", "the diffusion transformer")
      .add("autoencoder", run.autoencoder,
           "for a model of latents: a run of train_autoencoder, or weights of an AutoencoderKL; empty: of pixels")
      .add("patch", run.patch, "side of a patch in pixels or latents; divides height and width", between(1, most))
      .add("hidden", run.model.hidden, "width of a token; divisible by 4 and by heads", between(4, most))
      .add("depth", run.model.depth, "number of blocks", between(1, most))
      .add("heads", run.model.heads, "attention heads per block", between(1, most))
      .add("mlp_ratio", run.model.mlp_ratio, "hidden width of the MLP, in units of hidden", above(0).at_most(1024))
      .add("class_dropout", run.model.class_dropout, "share of labels or prompts hidden in training, for guidance",
           at_least(0).below(1))
      .add("learn_sigma", run.model.learn_sigma, "predict the variance as well (objective gaussian)");
  describe_architecture(settings, run.model);
  describe_text(settings, run.tokenizer, run.model.text);
  describe_formats(settings, [&run] { return run.data.data; });
  // What "auto" chooses is known once the data were read.
  settings.only_for(
      {"vocabulary", "caption_count", "prompt_length", "text_width", "text_depth", "text_heads"},
      [&run] {
        if (run.fitted) return run.model.condition() == models::Condition::prompt;
        return run.data.condition == ImageCondition::automatic || run.data.condition == ImageCondition::text;
      },
      "images that are drawn by captions");
  settings.only_for(
      {"class_dropout"},
      [&run] {
        return run.fitted ? run.model.condition() != models::Condition::none
                          : run.data.condition != ImageCondition::none;
      },
      "images that are drawn by classes or captions");
  settings.section("objective", "the network's target")
      .add("objective", run.process.kind,
           "flow: velocity on the path; gaussian: noise, as DDPM; mean_flow: average velocity, for one step",
           {{"flow", ProcessKind::flow}, {"gaussian", ProcessKind::gaussian}, {"mean_flow", ProcessKind::mean_flow}})
      .add("time_sampling", run.process.flow.time_sampling, "flow: distribution of the times in training",
           {{"uniform", models::TimeSampling::uniform},
            {"logit_normal", models::TimeSampling::logit_normal},
            {"mode", models::TimeSampling::mode}})
      .add("logit_mean", run.process.flow.logit_mean, "logit_normal: mean; above 0: more times near data",
           between(-10, 10))
      .add("logit_scale", run.process.flow.logit_scale, "logit_normal: standard deviation", above(0).at_most(10))
      .add("mode_scale", run.process.flow.mode_scale, "mode: above 0: more of the middle", between(-1, 1.75))
      .add("time_scale", run.process.flow.time_scale, "flow: the network's input is t times this", between(1e-6, 1e6))
      .add("time_shift", run.process.flow.time_shift,
           "flow, above 1: more noise in training, and smaller first steps in sampling", between(1e-6, 1e6))
      .add("noise_schedule", run.process.gaussian.schedule, "gaussian: the variances of the steps",
           {{"linear", models::BetaSchedule::linear},
            {"cosine", models::BetaSchedule::squaredcos_cap_v2},
            {"scaled_linear", models::BetaSchedule::scaled_linear},
            {"sigmoid", models::BetaSchedule::sigmoid}})
      .add("diffusion_steps", run.process.gaussian.steps, "gaussian: steps of the process", between(2, 1e5));
  describe_prediction(settings, run);
  describe_training(settings, run.train, "images per step");
  describe_output(settings, run.output);
  describe_sampling(settings, run.sampler);
}

void DiTSettings::settle() {
  model.patch = {1, patch, patch};
  ImageModelConfig::settle();
}

void settle_without_data(const DiTSettings& run) {
  DiTSettings any = run;
  any.model.height = any.model.width = any.patch;
  any.model.channels = any.model.classes = 1;
  if (run.data.condition == pipelines::ImageCondition::text) {
    any.model.classes = 0;
    any.model.text.vocabulary = run.tokenizer.vocabulary;
  }
  training::check_schedule(any.train);
  static_cast<void>(data::to_options(any.data.images));
  training::check_output(any.output);
  any.settle();
}

void fit_to_data(DiTSettings& run, const data::DataSource& images, const pipelines::ImageParts& parts,
                 const models::Autoencoder* autoencoder) {
  const std::optional<data::SampleShape> shape = images.native_shape();
  check<ConfigError>(shape.has_value(), "the images have no size of their own: give one with --size");
  run.model.height = shape->height;
  run.model.width = shape->width;
  run.model.channels = images.channels();
  if (autoencoder != nullptr) {
    check<ConfigError>(images.channels() == autoencoder->channels(), "the autoencoder encodes images of ",
                       autoencoder->channels(), " channels, and those of the data have ", images.channels());
    check_strides(*shape, autoencoder->stride(), autoencoder->time_stride());
    run.model.height /= autoencoder->stride();
    run.model.width /= autoencoder->stride();
    run.model.channels = autoencoder->latent_channels();
  }
  run.model = pipelines::fitted(run.model, parts);
  check<ConfigError>(images.size() >= run.train.batch_size, "batch_size = ", run.train.batch_size, " is more than the ",
                     images.size(), " images of the data set");
  training::check_schedule(run.train);
  run.settle();
  run.fitted = true;
}

training::CheckpointKind dit_kind() {
  training::OutputSettings output;
  models::SamplerConfig sampler;
  Settings settings("", "");
  describe_output(settings, output);
  describe_sampling(settings, sampler);
  training::CheckpointKind kind{pipelines::image_checkpoint_kind, "a DiT", keys_of(settings)};
  kind.may_change.insert("autoencoder");  // the checkpoint holds the autoencoder itself: its file may be moved
  kind.may_change.merge(std::set<std::string>(training::changeable_settings()));
  return kind;
}

}  // namespace ditharos::examples
