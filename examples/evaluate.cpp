// Judges a trained diffusion transformer: are its pictures of the class asked for, and how far are they from real ones?
//
//   evaluate --checkpoint runs/quickstart --guidance 3
//   evaluate --data fashion-mnist                        (the classifier and real pictures alone)
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/open.h>
#include <ditharos/nn/inference.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/json.h>
#include <ditharos/training/output_files.h>
#include "examples/cli/outputs.h"
#include "examples/common/classifier_training.h"
#include "examples/common/dit_checkpoint.h"
#include "examples/common/picture_judge.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Options {
  std::string checkpoint, data, cache = "runs/classifiers", json;
  int64_t per_class = 100, max_pixels = data::default_max_pixels;
  uint64_t seed = 0;
  int threads = 0;
  bool last_weights = false, int8 = false;
  ClassifierTraining classifier;
};

void describe(Settings& settings, Options& options) {
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder or a checkpoint file; none: judge real pictures alone")
      .add("data", options.data, "shapes, fashion-mnist, or a folder; the checkpoint's data when not given")
      .add("per_class", options.per_class, "samples of each class", between(1, 1e6))
      .add("seed", options.seed, "decides the noise that samples begin with")
      .add("last_weights", options.last_weights, "judge the last weights instead of their moving average")
      .add("int8", options.int8, "let the diffusion transformer multiply in 8-bit integers, as sample_dit --int8 does")
      .add("cache", options.cache, "folder that keeps the trained classifier for the next time")
      .add("json", options.json, "also write the figures to this file")
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  describe_max_pixels(settings, options.max_pixels);
  settings.section("classifier", "the judge, trained once for each data set")
      .add("classifier_epochs", options.classifier.epochs, "times that it sees the training pictures", between(1, 1e6))
      .add("classifier_learning_rate", options.classifier.learning_rate, "AdamW's, at its highest",
           above(0).at_most(largest_float))
      .add("classifier_flip", options.classifier.horizontal_flip, "train with half of the pictures mirrored")
      .add("classifier_seed", options.classifier.seed, "decides its initial weights and the order of pictures");
}

CachedClassifier get_classifier(const Options& options, const data::Dataset& train) {
  std::optional<Progress> progress;
  const auto show = [&](int64_t step, int64_t total, double loss) {
    if (step == 0) {
      std::printf("training the judge, a classifier, on %lld pictures; once for these pictures and settings\n",
                  static_cast<long long>(train.size()));
      progress.emplace(0, total, "step");
      return;
    }
    progress->update(step, {{"loss", loss}});
    if (step == total) progress->finish();
  };
  CachedClassifier classifier = cached_classifier(options.cache, train, options.classifier, show);
  if (!classifier.complaint.empty()) std::printf("trained again: %s\n", classifier.complaint.c_str());
  std::printf("classifier: %s %s\n", classifier.was_cached ? "read from" : "saved as", classifier.path.c_str());
  return classifier;
}

void check_fits(const TrainedDiT& trained, const data::Dataset& test, const std::string& data) {
  const models::DiTConfig& model = trained.run.model;
  const bool fits = model.channels == test.channels() && model.height == test.height() && model.width == test.width();
  check<ConfigError>(fits, trained.path, " draws pictures of ", model.height, "x", model.width, "x", model.channels,
                     ", but those of ", data, " are ", test.height(), "x", test.width(), "x", test.channels());
  check<ConfigError>(model.classes == 0 || model.classes == test.num_classes(), trained.path, " knows ", model.classes,
                     " classes, but ", data, " has ", test.num_classes());
}

Quality judge_samples(const TrainedDiT& trained, const PictureJudge& judge, const data::Dataset& test, uint64_t seed) {
  // A model without classes draws about as many pictures as one with them, in one square request.
  SampleRequest request = request_samples(trained.run.model, judge.per_class(), seed);
  if (trained.run.model.classes == 0) {
    const models::DiTConfig& model = trained.run.model;
    const int64_t count = judge.per_class() * test.num_classes();
    request.noise = Generator(seed).normal({count, model.channels, model.height, model.width});
  }
  const int64_t count = request.noise.size(0);
  Progress progress(0, count, "sample");
  const Tensor samples = sample_all(trained.model, trained.run, request, seed, [&](double share) {
    progress.update(static_cast<int64_t>(share * static_cast<double>(count)));
  });
  progress.finish();
  const auto labels = request.labels.defined() ? request.labels.to_vector<int64_t>() : std::vector<int64_t>{};
  // As bytes, like the real ones: a classifier sees finer differences than a picture file keeps.
  return judge.measure(data::to_bytes(samples), labels);
}

void print_row(const std::string& name, const Quality& q) {
  const double percent = 100 * q.accuracy.value_or(0);
  std::printf("%-28s %8lld", name.c_str(), static_cast<long long>(q.pictures));
  if (q.accuracy) std::printf(" %14s %%", fixed_text(percent, 1).c_str());
  else std::printf(" %16s", "-");
  std::printf(" %17s\n", fixed_text(q.frechet, 3).c_str());
}

training::JsonObject as_json(const Quality& q, const std::vector<std::string>& class_names) {
  training::JsonObject object, by_class;
  object.add("pictures", q.pictures).add("frechet_distance", q.frechet);
  for (size_t c = 0; c < q.by_class.size(); ++c) by_class.add(class_names[c], q.by_class[c]);
  if (q.accuracy) object.add("class_accuracy", *q.accuracy).add("class_accuracy_by_class", by_class);
  return object;
}

void print_table(const PictureJudge& judge, const std::optional<Quality>& samples, const TrainedDiT* trained,
                 const std::vector<std::string>& class_names) {
  std::printf("\n%-28s %8s %16s %17s\n", "", "pictures", "class accuracy", "Frechet distance");
  print_row("real test pictures (ceiling)", judge.real());
  if (samples) print_row("samples, step " + std::to_string(trained->step), *samples);
  if (samples && samples->accuracy && class_names.size() <= 20) {
    std::printf("\n%-28s %8s %8s\n", "class accuracy in %", "real", "samples");
    for (size_t c = 0; c < class_names.size(); ++c) {
      std::printf("%-28s %8s %8s\n", class_names[c].c_str(), fixed_text(100 * judge.real().by_class[c], 1).c_str(),
                  fixed_text(100 * samples->by_class[c], 1).c_str());
    }
  }
  std::printf("\nFrechet distances are from the features of the other %lld test pictures.\n",
              static_cast<long long>(judge.reference_pictures()));
}

void write_json(const std::string& path, const PictureJudge& judge, const std::optional<Quality>& samples,
                const TrainedDiT* trained, const std::string& data, const std::vector<std::string>& class_names) {
  training::JsonObject object;
  object.add("data", data).add("classifier_test_accuracy", judge.test_accuracy());
  object.add("reference_pictures", judge.reference_pictures()).add("real", as_json(judge.real(), class_names));
  if (samples) {
    const models::SamplerConfig& sampler = trained->run.sampler;
    object.add("checkpoint", trained->path).add("step", trained->step).add("sampler", models::name_of(sampler.kind));
    object.add("sampling_steps", sampler.steps).add("guidance", sampler.guidance.scale);
    object.add("samples", as_json(*samples, class_names));
  }
  AtomicFile file(path);
  const std::string text = object.text() + "\n";
  file.write(text.data(), text.size());
  file.commit();
}

int evaluate(int argc, char** argv) {
  Options options;
  models::SamplerConfig sampler;
  Settings settings("evaluate", "Judges the pictures of a diffusion transformer that train_dit trained: the share "
                                "that a classifier takes for the class asked for, and the Frechet distance from real "
                                "pictures.");
  describe(settings, options);
  describe_sampling(settings, sampler);
  settings.only_with({"seed", "last_weights", "int8", "sampler", "sampling_steps", "guidance", "guided_channels",
                      "guide_from", "guide_to", "eta", "clip_pixels"},
                     [&options] { return !options.checkpoint.empty(); }, "--checkpoint");
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  check_outputs({{"--json", options.json}}, {{"--checkpoint", options.checkpoint, true}, {"--data", options.data},
                                             {"--config", settings.config_path()}});
  training::check_output_file(options.json);
  training::check_output_folder(options.cache);

  std::optional<TrainedDiT> trained;
  if (!options.checkpoint.empty()) {
    trained = load_dit(options.checkpoint, !options.last_weights);
    if (options.int8) nn::quantize(trained->model);
    // The sampler's defaults are those that the model was trained with; what the command line says wins over them.
    sampler = trained->run.sampler;
    settings.parse(argc, argv);
    trained->run.sampler = sampler;
    settle(trained->run);
  }
  settings.say_without_effect();
  const std::string fallback = trained ? trained->run.data.data : "fashion-mnist";
  const std::string data = options.data.empty() ? fallback : options.data;
  data::OpenOptions reading;
  reading.image_folder.max_pixels = options.max_pixels;
  const data::Opened opened = data::open_dataset(data, data::Split::test, reading);
  const data::Dataset& test = opened.dataset;
  if (trained) check_fits(*trained, test, data);
  check_test_set(test, data);
  const data::Opened train = data::open_dataset(data, data::Split::train, reading);
  print_notes(train.notes);
  print_notes(opened.notes);

  const CachedClassifier classifier = get_classifier(options, train.dataset);
  const PictureJudge judge(classifier.model, test, options.per_class);
  std::printf("it recognises %s %% of all %lld test pictures\n", fixed_text(100 * judge.test_accuracy(), 2).c_str(),
              static_cast<long long>(test.size()));
  if (judge.per_class() < options.per_class) {
    std::printf("only %lld pictures of each class: the test set has no more for a fair comparison\n",
                static_cast<long long>(judge.per_class()));
  }
  std::optional<Quality> samples;
  if (trained) {
    std::printf("sampling: %s, %lld steps, guidance %s%s\n", models::name_of(sampler.kind),
                static_cast<long long>(sampler.steps), general_text(sampler.guidance.scale, 6).c_str(),
                options.int8 ? ", int8" : "");
    samples = judge_samples(*trained, judge, test, options.seed);
  }
  const TrainedDiT* shown = trained ? &*trained : nullptr;
  print_table(judge, samples, shown, test.class_names());
  if (!options.json.empty()) write_json(options.json, judge, samples, shown, data, test.class_names());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, evaluate); }
