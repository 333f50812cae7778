// Samples images from a trained diffusion transformer and writes them as one grid.
//
//   sample_dit --checkpoint runs/quickstart --classes 8,Bag --per-class 10 --guidance 3 --out images.png
//   sample_dit --checkpoint runs/captions --guidance 4 --out images.png "a cat" "a boat"
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/image/image_grid.h>
#include <ditharos/pipelines/image_pipeline.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/run/output_files.h>
#include <ditharos/training/run/run_folder.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/class_names.h"
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/precision.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"
#include "examples/cli/run_reporter.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Options {
  std::string checkpoint = "runs/quickstart", out = "samples.png", folder;
  std::vector<std::string> classes, prompts;
  int64_t per_class = 8, scale = 2;
  uint64_t seed = 0;
  int threads = 0;
  bool last_weights = false, int8 = false;
  Precision precision = Precision::f32;
};

void describe(Settings& settings, Options& options) {
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder or a checkpoint file")
      .add("out", options.out, "the grid to write, PNG")
      .add("folder", options.folder,
           "also write each image as a PNG of its own, FOLDER/class/0000.png: data for "
           "train_dit. A class \"T-shirt/top\" gets the folder T-shirt%2Ftop")
      .add("per_class", options.per_class, "images per class or prompt", between(1, 1e6))
      .add("scale", options.scale, "size of a pixel on the grid", between(1, 32))
      .add("seed", options.seed, "seed of the images' noise")
      .add("last_weights", options.last_weights, "use the last weights instead of their moving average")
      .add("int8", options.int8, "multiply in 8-bit integers: about twice as fast, nearly the same images")
      .add("precision", options.precision, precision_help, precision_names)
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  settings.add_arguments(options.prompts, "PROMPT...", "what images show, of a model that was trained with captions");
  settings.add_repeated("classes", options.classes, "LIST",
                        "which classes, by name or number: \"8,Ankle boot\"; a name that holds a comma needs a "
                        "--classes of its own. The flag may be repeated; all classes when not given");
}

void check_files(const Options& options, const Settings& settings) {
  check<ConfigError>(!options.out.empty(), "--out: the grid needs a name");
  check_png_name("--out", options.out);
  check_outputs({{"--out", options.out}, {"--folder", options.folder, true}},
                {{"--checkpoint", options.checkpoint, true}, {"--config", settings.config_path()}});
  training::check_output_file(options.out);
  training::check_output_folder(options.folder);
  check_inputs({{"--checkpoint", options.checkpoint}});
}

void write_images(const std::vector<std::string>& files, const Tensor& images) {
  const Tensor bytes = data::to_bytes(images);
  std::string folder;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string parent = std::filesystem::path(files[i]).parent_path().string();
    if (parent != folder) const training::RunFolder made(folder = parent);
    data::write_png(files[i], select(bytes, 0, int64_t(i)));
  }
}

/// What to draw: of a model of prompts `prompts`, else `classes`.
struct Request {
  pipelines::ImageRequest classes;
  pipelines::PromptRequest prompts;
  std::vector<std::string> row_labels, shown;  // shown: the class or prompt of each image, or "all"
};

Request make_request(const Options& options, const pipelines::ImagePipeline& pipeline) {
  Request r{.classes = {.per_class = options.per_class, .seed = options.seed},
            .prompts = {options.prompts, options.per_class, options.seed},
            .row_labels = {},
            .shown = {}};
  const data::Tokenizer* const tokenizer = pipeline.tokenizer();
  check<ConfigError>(tokenizer || options.prompts.empty(), pipeline.path(), " was trained without captions and takes ",
                     "no prompts", pipeline.class_names().empty() ? "" : ": choose its images by --classes");
  if (!tokenizer) {
    const std::vector<std::string>& names = pipeline.class_names();
    r.classes.classes = parse_classes(options.classes, names);
    for (const int64_t label : pipeline.labels(r.classes)) r.shown.push_back(names[size_t(label)]);
    for (size_t i = 0; i < r.shown.size(); i += size_t(options.per_class)) r.row_labels.push_back(r.shown[i]);
    if (r.shown.empty()) r.shown.assign(size_t(pipeline.count(r.classes)), "all");
    return r;
  }
  check<ConfigError>(options.classes.empty(), "--classes: ", pipeline.path(), " was trained with captions; give ",
                     "prompts instead, as in sample_dit \"a cat\"");
  check<ConfigError>(!options.prompts.empty(), "no prompt: say what the images should show, as in sample_dit ",
                     "\"a cat\"");
  r.row_labels = options.prompts;
  for (const std::string& prompt : options.prompts) {
    r.shown.insert(r.shown.end(), size_t(options.per_class), prompt);
    for (const std::string& word : tokenizer->unknown_words(prompt))
      print_notes({"no caption of the training has the word " + quote(word)});
  }
  return r;
}

int sample(int argc, char** argv) {
  training::Communicator& ranks = join_ranks();
  Options options;
  models::SamplerConfig sampler;
  Settings settings("sample_dit", "Draws images with a diffusion transformer that train_dit trained.");
  describe(settings, options);
  describe_sampling(settings, sampler);
  if (!settings.parse(argc, argv)) return 0;
  settle_threads(options.threads);
  check_files(options, settings);

  RunReporter reporter;
  say_precision(options.precision);
  auto pipeline = pipelines::ImagePipeline::from_pretrained(
      options.checkpoint,
      {.averaged = !options.last_weights, .int8 = options.int8, .precision = options.precision, .reporter = &reporter});
  // The sampler's defaults are those of the training; the command line overrides them.
  sampler = pipeline.sampler();
  settings.parse(argc, argv);
  pipeline.set_sampler(sampler);
  settings.say_without_effect();
  Request request = make_request(options, pipeline);
  request.classes.ranks = request.prompts.ranks = &ranks;
  std::vector<std::string> files;
  if (!options.folder.empty()) files = image_files(options.folder, request.shown);
  Progress progress(0, 100, "%");
  const auto report = [&](double share) { progress.update(int64_t(share * 100)); };
  const Tensor images = pipeline.tokenizer() ? pipeline(request.prompts, report) : pipeline(request.classes, report);
  progress.finish();
  if (!ranks.is_root()) return 0;
  using Place = data::GridOptions::LabelPlace;
  data::save_grid(options.out, images,
                  {.columns = options.per_class,
                   .scale = options.scale,
                   .row_labels = request.row_labels,
                   .label_place = pipeline.tokenizer() ? Place::above : Place::left});
  write_images(files, images);
  std::printf("%lld images from %s, step %lld: %s\n", static_cast<long long>(images.size(0)), pipeline.path().c_str(),
              static_cast<long long>(pipeline.step()), options.out.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, sample); }
