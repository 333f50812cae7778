// Draws pictures with a trained diffusion transformer and writes them as one sheet.
//
//   sample_dit --checkpoint runs/quickstart --classes 8,Bag --per-class 10 --guidance 3 --out pictures.png
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/class_folder.h>
#include <ditharos/data/image/sheet.h>
#include <ditharos/nn/inference.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/output_files.h>
#include <ditharos/training/run_folder.h>
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"
#include "examples/cli/suggest.h"
#include "examples/common/dit_checkpoint.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Options {
  std::string checkpoint = "runs/quickstart", out = "samples.png", folder;
  std::vector<std::string> classes;
  int64_t per_class = 8, scale = 2;
  uint64_t seed = 0;
  int threads = 0;
  bool last_weights = false, int8 = false;
};

std::string list_of(const std::vector<std::string>& names) {
  constexpr size_t most = 20;
  std::string text;
  for (size_t i = 0; i < std::min(most, names.size()); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(i) + " " + quote(names[i]);
  return names.size() > most ? text + ", ..." : text;
}

/// One class: its name, or its number where no class is called that.
int64_t parse_class(const std::string& text, const std::vector<std::string>& names) {
  const auto named = std::find(names.begin(), names.end(), text);
  if (named != names.end()) return named - names.begin();
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  check<ConfigError>(!is_number || (number >= 0 && number < int64_t(names.size())), "--classes: ", number,
                     " is not in 0..", int64_t(names.size()) - 1);
  check<ConfigError>(is_number, "--classes: there is no class ", quote(text), did_you_mean(text, names),
                     "; the classes are ", list_of(names));
  return number;
}

/// The classes asked for, in this order. A text is the name of one class, commas and all, or a list of names and
/// numbers.
std::vector<int64_t> parse_classes(const std::vector<std::string>& texts, const std::vector<std::string>& names) {
  check<ConfigError>(texts.empty() || !names.empty(), "--classes: the model was trained without classes");
  std::vector<int64_t> classes;
  for (const std::string& text : texts) {
    const auto named = std::find(names.begin(), names.end(), text);
    if (named != names.end()) classes.push_back(named - names.begin());
    for (size_t begin = 0; named == names.end() && begin <= text.size();) {
      const size_t comma = std::min(text.find(',', begin), text.size());
      const std::string part = text.substr(begin, comma - begin);
      const size_t first = part.find_first_not_of(' '), last = part.find_last_not_of(' ');
      classes.push_back(parse_class(first == std::string::npos ? "" : part.substr(first, last - first + 1), names));
      begin = comma + 1;
    }
  }
  return classes;
}

/// A file for every picture, FOLDER/class/0000.png: a folder that train_dit and evaluate can read. ConfigError when one
/// of them exists, or cannot.
std::vector<std::string> picture_files(const std::string& folder, const SampleRequest& request,
                                       const TrainedDiT& trained) {
  std::vector<int64_t> labels;
  if (request.labels.defined()) labels = request.labels.to_vector<int64_t>();
  std::map<std::string, int64_t> count;  // by folder: of two classes with one name too
  std::vector<std::string> files;
  for (int64_t i = 0; i < request.noise.size(0); ++i) {
    const std::string shown = labels.empty() ? "all" : trained.class_names[size_t(labels[size_t(i)])];
    const std::string name = data::folder_name_of(shown);
    const std::filesystem::path inside = std::filesystem::path(folder) / name;
    constexpr size_t longest = 255;  // bytes of a name, on the usual file systems
    check<ConfigError>(name.size() <= longest, "--folder: the class ", quote(shown),
                       " needs a folder with a name of ", name.size(), " bytes, and ", longest, " are possible");
    check<ConfigError>(!std::filesystem::is_symlink(inside), "--folder: ", quote(inside.string()),
                       " is a link that leads elsewhere; remove it, or choose another folder");
    char file[32];
    std::snprintf(file, sizeof file, "%04lld.png", static_cast<long long>(count[name]++));
    files.push_back((inside / file).string());
    check<ConfigError>(!std::filesystem::exists(std::filesystem::symlink_status(files.back())), "--folder: ",
                       quote(files.back()), " exists already; choose another folder, or remove it");
  }
  return files;
}

void write_pictures(const std::vector<std::string>& files, const Tensor& pictures) {
  const Tensor bytes = data::to_bytes(pictures);
  std::string folder;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string parent = std::filesystem::path(files[i]).parent_path().string();
    if (parent != folder) const training::RunFolder made(folder = parent);
    data::write_png(files[i], select(bytes, 0, int64_t(i)));
  }
}

int sample(int argc, char** argv) {
  Options options;
  models::SamplerConfig sampler;
  Settings settings("sample_dit", "Draws pictures with a diffusion transformer that train_dit trained.");
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder or a checkpoint file")
      .add("out", options.out, "the sheet to write, PNG")
      .add("folder", options.folder, "also write each picture as a PNG of its own, FOLDER/class/0000.png: data for "
                                     "train_dit. A class \"T-shirt/top\" gets the folder T-shirt%2Ftop")
      .add("per_class", options.per_class, "pictures a class", between(1, 1e6))
      .add("scale", options.scale, "size of a pixel on the sheet", between(1, 32))
      .add("seed", options.seed, "decides the noise that pictures begin with")
      .add("last_weights", options.last_weights, "use the last weights instead of their moving average")
      .add("int8", options.int8, "multiply in 8-bit integers: about twice as fast, nearly the same pictures")
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  settings.add_repeated("classes", options.classes, "LIST",
                        "which classes, by name or number: \"8,Ankle boot\"; a name that holds a comma stands behind a "
                        "--classes of its own. The flag may be repeated; all classes when not given");
  describe_sampling(settings, sampler);
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  check<ConfigError>(!options.out.empty(), "--out: the sheet needs a name");
  check_png_name("--out", options.out);
  check_outputs({{"--out", options.out}, {"--folder", options.folder, true}},
                {{"--checkpoint", options.checkpoint, true}, {"--config", settings.config_path()}});
  training::check_output_file(options.out);
  training::check_output_folder(options.folder);

  TrainedDiT trained = load_dit(options.checkpoint, !options.last_weights);
  if (options.int8) nn::quantize(trained.model);
  // The sampler's defaults are those that the model was trained with; what the command line says wins over them.
  sampler = trained.run.sampler;
  settings.parse(argc, argv);
  trained.run.sampler = sampler;
  settle(trained.run);
  settings.say_without_effect();
  const std::vector<int64_t> classes = parse_classes(options.classes, trained.class_names);
  const SampleRequest request =
      classes.empty() ? request_samples(trained.run.model, options.per_class, options.seed)
                      : request_classes(trained.run.model, classes, options.per_class, options.seed);
  std::vector<std::string> files;
  if (!options.folder.empty()) files = picture_files(options.folder, request, trained);

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
  write_pictures(files, pictures);
  std::printf("%lld pictures from %s, step %lld: %s\n", static_cast<long long>(pictures.size(0)), trained.path.c_str(),
              static_cast<long long>(trained.step), options.out.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, sample); }
