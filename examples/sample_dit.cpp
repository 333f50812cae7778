// Draws pictures with a trained diffusion transformer and writes them as one sheet.
//
//   sample_dit --checkpoint runs/quickstart --classes 8,9 --per-class 10 --guidance 3 --out pictures.png
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/png.h>
#include <ditharos/data/sheet.h>
#include <ditharos/examples/common/dit_checkpoint.h>
#include <ditharos/examples/common/outputs.h>
#include <ditharos/examples/common/program.h>
#include <ditharos/examples/common/progress.h>
#include <ditharos/examples/common/run_folder.h>
#include <ditharos/nn/inference.h>
#include <ditharos/tensor/parallel.h>

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Options {
  std::string checkpoint = "runs/quickstart", out = "samples.png", folder;
  std::vector<int64_t> classes;
  int64_t per_class = 8, scale = 2;
  uint64_t seed = 0;
  int threads = 0;
  bool last_weights = false, int8 = false;
};

/// The whole request, narrowed to some classes. Each picture stays the one that it is in the whole.
SampleRequest only_classes(const SampleRequest& all, const Options& options, const TrainedDiT& trained) {
  const int64_t per_class = options.per_class;
  if (options.classes.empty()) return all;
  check<ConfigError>(trained.run.model.classes > 0, "--classes: the model was trained without classes");
  std::vector<Tensor> labels, noise;
  for (int64_t c : options.classes) {
    check<ConfigError>(c >= 0 && c < trained.run.model.classes, "--classes: ", c, " is not in 0..",
                       trained.run.model.classes - 1);
    labels.push_back(slice(all.labels, 0, c * per_class, (c + 1) * per_class));
    noise.push_back(slice(all.noise, 0, c * per_class, (c + 1) * per_class));
  }
  return {cat(labels, 0), cat(noise, 0)};
}

/// Every picture as a file of its own, FOLDER/class/0000.png: a folder that train_dit and evaluate can read.
void write_pictures(const std::string& folder, const Tensor& pictures, const SampleRequest& request,
                    const TrainedDiT& trained, int64_t per_class) {
  const Tensor bytes = data::to_bytes(pictures);
  std::vector<int64_t> labels;
  if (request.labels.defined()) labels = request.labels.to_vector<int64_t>();
  for (int64_t i = 0; i < bytes.size(0); ++i) {
    const std::string name = labels.empty() ? "all" : trained.class_names[size_t(labels[size_t(i)])];
    const RunFolder inside(std::filesystem::path(folder) / name);
    char file[32];
    std::snprintf(file, sizeof file, "%04lld.png", static_cast<long long>(labels.empty() ? i : i % per_class));
    data::write_png(inside.file(file), select(bytes, 0, i));
  }
}

int sample(int argc, char** argv) {
  Options options;
  models::SamplerConfig sampler;
  Settings settings("sample_dit", "Draws pictures with a diffusion transformer that train_dit trained.");
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder or a checkpoint file")
      .add("out", options.out, "the sheet to write, PNG")
      .add("folder", options.folder, "also write each picture as a PNG of its own, FOLDER/class/0000.png")
      .add("classes", options.classes, "which classes; all of them when not given", at_least(0))
      .add("per_class", options.per_class, "pictures a class", at_least(1))
      .add("scale", options.scale, "size of a pixel on the sheet", between(1, 32))
      .add("seed", options.seed, "decides the noise that pictures begin with")
      .add("last_weights", options.last_weights, "use the last weights instead of their moving average")
      .add("int8", options.int8, "multiply in 8-bit integers: about twice as fast, nearly the same pictures")
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", at_least(0));
  describe_sampling(settings, sampler);
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  check_output_file(options.out);
  check_output_folder(options.folder);

  TrainedDiT trained = load_dit(options.checkpoint, !options.last_weights);
  if (options.int8) nn::quantize(trained.model);
  // The sampler's defaults are those that the model was trained with; what the command line says wins over them.
  sampler = trained.run.sampler;
  settings.parse(argc, argv);
  trained.run.sampler = sampler;
  settle(trained.run);
  const SampleRequest request =
      only_classes(request_samples(trained.run.model, options.per_class, options.seed), options, trained);

  constexpr int64_t percent = 100;
  Progress progress(0, percent, "%");
  const Tensor pictures = sample_all(trained.model, trained.run, request, options.seed, [&](double share) {
    progress.update(int64_t(share * percent));
  });
  progress.finish();
  std::vector<std::string> row_labels;
  for (int64_t i = 0; request.labels.defined() && i < request.labels.numel(); i += options.per_class)
    row_labels.push_back(trained.class_names[size_t(request.labels.to_vector<int64_t>()[size_t(i)])]);
  data::save_sheet(options.out, pictures, {.columns = options.per_class, .scale = options.scale,
                                           .row_labels = row_labels});
  if (!options.folder.empty()) write_pictures(options.folder, pictures, request, trained, options.per_class);
  std::printf("%lld pictures from %s, step %lld: %s\n", static_cast<long long>(pictures.size(0)), trained.path.c_str(),
              static_cast<long long>(trained.step), options.out.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, sample); }
