// Evaluates a trained diffusion transformer: the share of its images that are classified as the requested class, and
// their Frechet distance from real images.
//
//   evaluate --checkpoint runs/quickstart --guidance 3
//   evaluate --data fashion-mnist                        (the classifier and real images alone)
#include <cstdio>
#include <optional>
#include <string>

#include <ditharos/models/evaluation/image_evaluator.h>
#include <ditharos/pipelines/image_pipeline.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/classifier.h>
#include <ditharos/training/distributed/rank_checks.h>
#include <ditharos/training/run/output_files.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/image_options.h"
#include "examples/cli/options/precision.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"
#include "examples/cli/reports/evaluation_classifier.h"
#include "examples/cli/reports/image_report.h"
#include "examples/cli/run_reporter.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Options {
  std::string checkpoint, data, cache = "runs/classifiers", json;
  int64_t per_class = 100;
  data::ImageSettings images;
  ImageLimits limits;
  uint64_t seed = 0;
  int threads = 0;
  bool last_weights = false, int8 = false;
  Precision precision = Precision::f32;
  training::ClassifierTraining classifier;
};

void describe(Settings& settings, Options& options) {
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder or a checkpoint file; none: evaluate real images alone")
      .add("data", options.data, "shapes, fashion-mnist, or a folder; the checkpoint's data when not given")
      .add("per_class", options.per_class, "samples of each class", between(1, 1e6))
      .add("seed", options.seed, "seed of the samples' noise")
      .add("last_weights", options.last_weights, "evaluate the last weights instead of their moving average")
      .add("int8", options.int8, "let the diffusion transformer multiply in 8-bit integers, as sample_dit --int8 does")
      .add("cache", options.cache, "folder that caches the trained classifier")
      .add("json", options.json, "also write the figures to this file")
      .add("precision", options.precision, precision_help, precision_names)
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  describe_images(settings.options(), options.images);
  describe_formats(settings, [&options] { return options.data; });
  describe_max_pixels(settings, options.limits.max_pixels);
  settings.section("classifier", "the classifier, trained once for each data set")
      .add("classifier_epochs", options.classifier.epochs, "epochs of its training", between(1, 1e6))
      .add("classifier_learning_rate", options.classifier.learning_rate, "AdamW's maximum",
           above(0).at_most(largest_float))
      .add("classifier_flip", options.classifier.horizontal_flip, "train with half of the images mirrored")
      .add("classifier_seed", options.classifier.seed, "seed of its initial weights and of the order of images");
}

void check_fits(const pipelines::ImagePipeline& pipeline, const data::Dataset& test, const std::string& data) {
  const models::DiTConfig& model = pipeline.config().model;
  const Shape drawn = pipeline.image_shape();  // [C, H, W]
  check<ConfigError>(pipeline.tokenizer() == nullptr, pipeline.path(), " draws images from prompts, and the figures ",
                     "come from a classifier of classes");
  check<ConfigError>(drawn == Shape{test.channels(), test.height(), test.width()}, pipeline.path(), " draws images of ",
                     drawn[1], "x", drawn[2], "x", drawn[0], ", but those of ", data, " are ", test.height(), "x",
                     test.width(), "x", test.channels());
  check<ConfigError>(model.classes == 0 || model.classes == test.num_classes(), pipeline.path(), " knows ",
                     model.classes, " classes, but ", data, " has ", test.num_classes());
}

/// On rank 0; nothing on the others.
std::optional<models::ImageQuality> measure_samples(const pipelines::ImagePipeline& pipeline,
                                                    const models::ImageEvaluator& evaluator, const data::Dataset& test,
                                                    uint64_t seed, training::Communicator& ranks) {
  // A model without classes draws about as many images as one with them.
  const pipelines::ImageRequest request{.per_class = evaluator.per_class(),
                                        .unconditional = evaluator.per_class() * test.num_classes(),
                                        .seed = seed,
                                        .ranks = &ranks};
  const int64_t count = pipeline.count(request);
  Progress progress(0, count, "sample");
  const Tensor samples = pipeline(
      request, [&](double share) { progress.update(static_cast<int64_t>(share * static_cast<double>(count))); });
  progress.finish();
  if (!samples.defined()) return std::nullopt;
  // Rounded to bytes, like the real ones: the classifier is sensitive to differences that an image file does not keep.
  return evaluator.measure(data::to_bytes(samples), pipeline.labels(request));
}

int evaluate(int argc, char** argv) {
  training::Communicator& ranks = join_ranks();
  Options options;
  models::SamplerConfig sampler;
  Settings settings("evaluate",
                    "Evaluates the images of a diffusion transformer that train_dit trained: the share "
                    "that is classified as the requested class, and the Frechet distance from real "
                    "images.");
  describe(settings, options);
  describe_sampling(settings, sampler);
  settings.only_with(
      {"seed",
       "last_weights",
       "int8",
       "precision",
       "sampler",
       "sampling_steps",
       "guidance",
       "guided_channels",
       "guide_from",
       "guide_to",
       "guidance_rescale",
       "eta",
       "clip_pixels",
       "sampler_order",
       "absolute_tolerance",
       "relative_tolerance",
       "error_control",
       "lower_order_final",
       "unipc_variant",
       "time_spacing",
       "karras_sigmas",
       "sde_diffusion",
       "sde_norm",
       "last_step",
       "last_step_size",
       "feature_cache",
       "cache_interval",
       "cache_order"},
      [&options] { return !options.checkpoint.empty(); }, "--checkpoint");
  if (!settings.parse(argc, argv)) return 0;
  settle_threads(options.threads);
  check_outputs(
      {{"--json", options.json}},
      {{"--checkpoint", options.checkpoint, true}, {"--data", options.data}, {"--config", settings.config_path()}});
  training::check_output_file(options.json);
  training::check_output_folder(options.cache);
  check_inputs({{"--checkpoint", options.checkpoint}});
  std::optional<pipelines::ImagePipeline> pipeline;
  if (!options.checkpoint.empty()) {
    RunReporter reporter;
    say_precision(options.precision);
    pipeline = pipelines::ImagePipeline::from_pretrained(options.checkpoint, {.averaged = !options.last_weights,
                                                                              .int8 = options.int8,
                                                                              .precision = options.precision,
                                                                              .reporter = &reporter});
    // The defaults are those of the training; the command line overrides them.
    sampler = pipeline->sampler();
    options.images = pipeline->image_settings();
    settings.parse(argc, argv);
    pipeline->set_sampler(sampler);
  }
  settings.say_without_effect();
  if (options.data.empty()) options.data = pipeline ? pipeline->data() : "fashion-mnist";
  const std::string& data = options.data;
  settings.check_kinds();
  const auto read = [&](data::Split split) {
    return data::read_dataset(*read_images(data, split, options.images, options.limits).source);
  };
  const data::Dataset test = read(data::Split::test);
  if (pipeline) check_fits(*pipeline, test, data);
  models::check_test_set(test, data);
  const data::Dataset train = read(data::Split::train);
  const models::ConvClassifier classifier =
      training::root_first(ranks, [&] { return image_classifier(options.cache, train, options.classifier); });
  const models::ImageEvaluator evaluator(classifier, test, options.per_class);
  std::printf("it recognises %s %% of all %lld test images\n", fixed_text(100 * evaluator.test_accuracy(), 2).c_str(),
              static_cast<long long>(test.size()));
  if (evaluator.per_class() < options.per_class) {
    std::printf("only %lld images of each class: the test set has no more for a fair comparison\n",
                static_cast<long long>(evaluator.per_class()));
  }
  std::optional<models::ImageQuality> samples;
  if (pipeline) {
    std::printf("sampling: %s, %lld steps, guidance %s%s\n", models::name_of(sampler.kind),
                static_cast<long long>(sampler.steps), general_text(sampler.guidance.scale, 6).c_str(),
                options.int8                                        ? ", int8"
                : precision_dtype(options.precision) == DType::bf16 ? ", bf16"
                                                                    : "");
    samples = measure_samples(*pipeline, evaluator, test, options.seed, ranks);
  }
  if (!ranks.is_root()) return 0;
  const pipelines::ImagePipeline* shown = pipeline ? &*pipeline : nullptr;
  print_table(evaluator, samples, shown, test.class_names());
  if (!options.json.empty()) write_json(options.json, evaluator, samples, shown, data, test.class_names());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, evaluate); }
