#include "examples/zoo/sample.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/data/image/image_grid.h>
#include <ditharos/models/zoo/inspection.h>
#include <ditharos/pipelines/dit_pipeline.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/run/output_files.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/precision.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"
#include "examples/zoo/command.h"

namespace ditharos::examples {
namespace {

struct Options {
  std::string weights, autoencoder, autoencoder_config, out = "samples.png";
  std::vector<int64_t> classes;
  int64_t per_class = 1;
  uint64_t seed = 0;
  int threads = 0;
  Precision precision = Precision::f32;
  Hints hints;
};

void describe(Settings& settings, Options& options, models::SamplerConfig& sampler) {
  settings.options()
      .add("weights", options.weights, "the weights of a DiT or SiT")
      .add("autoencoder", options.autoencoder, "the weights of its AutoencoderKL; none for a model of pixels")
      .add("autoencoder_config", options.autoencoder_config,
           "diffusers' config.json of the autoencoder, for another "
           "scaling_factor or norm_num_groups than the published")
      .add("out", options.out, "the grid to write, PNG")
      .add("classes", options.classes, "classes by number, 207,360; none for a model without classes", between(0, 1e9))
      .add("per_class", options.per_class, "images per class", between(1, 1e6))
      .add("sampler", sampler.kind, "by default that of the paper: ddpm for DiT, dopri5 for SiT",
           models::named_samplers([](models::SamplerKind kind) { return !models::samples_mean_flow(kind); }))
      .add("steps", sampler.steps, "steps from noise to image; 250 by default", between(1, 1000))
      .add("eta", sampler.eta, "ddim's noise: 0 none, 1 as much as ddpm", between(0, 1))
      .add("guidance", sampler.guidance.scale, "classifier-free guidance; 1: none; 4 by default", between(0, 1e6))
      .add("guided_channels", sampler.guidance.channels,
           "guide the first N channels; 0: all. The papers' programs "
           "guide 3",
           between(0, 1e4))
      .add("seed", options.seed, "seed of the images' noise")
      .add("precision", options.precision, precision_help, precision_names)
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  options.hints.describe(settings);
  settings.only_with({"eta"}, [&sampler] { return sampler.kind == models::SamplerKind::ddim; }, "sampler = \"ddim\"");
  settings.only_with(
      {"guided_channels"}, [&sampler] { return sampler.guidance.scale != 1; }, "a guidance other than 1");
}

void check_files(const Options& options) {
  check<ConfigError>(!options.weights.empty() && !options.out.empty(), "zoo sample needs --weights and --out");
  check_png_name("--out", options.out);
  const std::vector<NamedInput> read{{"--weights", options.weights},
                                     {"--autoencoder", options.autoencoder},
                                     {"--autoencoder-config", options.autoencoder_config},
                                     {"--config", options.hints.config}};
  check_outputs({{"--out", options.out}}, read);
  training::check_output_file(options.out);
  check_inputs(read);
}

/// Seconds since the last call, or since it was made.
class Stopwatch {
 public:
  double lap() {
    const auto before = std::exchange(at_, std::chrono::steady_clock::now());
    return std::chrono::duration<double>(at_ - before).count();
  }

 private:
  std::chrono::steady_clock::time_point at_ = std::chrono::steady_clock::now();
};

}  // namespace

int sample(int argc, char** argv) {
  Options options;
  models::SamplerConfig sampler;
  Settings settings = command("sample",
                              "Samples images with published weights: of a DiT or SiT, and of the "
                              "autoencoder of its latents.");
  describe(settings, options, sampler);
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  check_files(options);
  say_precision(options.precision);
  const Autocast products(precision_dtype(options.precision));

  Stopwatch stopwatch;
  models::RecognitionHints of_autoencoder;
  if (!options.autoencoder_config.empty()) of_autoencoder.config = models::JsonObject::load(options.autoencoder_config);
  auto pipeline = pipelines::DiTPipeline::from_weights({.transformer = options.weights,
                                                        .autoencoder = options.autoencoder,
                                                        .transformer_hints = options.hints.read(),
                                                        .autoencoder_hints = of_autoencoder});
  const double load_seconds = stopwatch.lap();
  sampler = pipeline.sampler();  // the defaults, which the command line overrides
  options.classes.clear();
  settings.parse(argc, argv);
  pipeline.set_sampler(sampler);
  settings.say_without_effect();
  const int64_t classes = pipeline.transformer().config().classes;
  check<ConfigError>(classes == 0 || !options.classes.empty(), "the model has ", classes, " classes: give those to ",
                     "sample, as --classes 0,", classes - 1);
  const pipelines::ImageRequest request{.classes = options.classes,
                                        .per_class = options.per_class,
                                        .unconditional = options.per_class,
                                        .seed = options.seed};
  static_cast<void>(pipelines::request_labels(pipeline.transformer().config(), request));  // before anything is printed
  std::fputs(models::describe_model(pipeline.description()).c_str(), stdout);

  constexpr int64_t percent = 100;
  Progress progress(0, percent, "%");
  stopwatch.lap();
  const Tensor latents = pipeline.latents(request, [&](double share) { progress.update(int64_t(share * percent)); });
  const double sample_seconds = stopwatch.lap();
  progress.finish();
  stopwatch.lap();
  const Tensor images = pipeline.decode(latents);
  const double decode_seconds = stopwatch.lap();
  data::save_grid(options.out, images,
                  {.columns = options.classes.empty() ? 0 : options.per_class, .padding = images.size(0) == 1 ? 0 : 2});
  std::printf("%lld images of %lldx%lld: load %.1f s, sample %.1f s, decode %.1f s: %s\n",
              static_cast<long long>(images.size(0)), static_cast<long long>(images.size(3)),
              static_cast<long long>(images.size(2)), load_seconds, sample_seconds, decode_seconds,
              options.out.c_str());
  return 0;
}

}  // namespace ditharos::examples
