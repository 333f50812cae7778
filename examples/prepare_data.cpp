// Looks at a folder of images before a model is trained on it, and packs it for fast reading.
//
//   prepare_data my_images                                             what it holds
//   prepare_data my_images --size 64 --grid grid.png                   how it will be cropped, and a look at it
//   prepare_data my_images --size 64 --cache cache                     decodes and resizes every image once
//   train_dit --data my_images --size 64 --cache cache --out runs/mine
#include <cstdio>
#include <string>
#include <vector>

#include <ditharos/data/datasets/contact_grid.h>
#include <ditharos/data/datasets/image_summary.h>
#include <ditharos/tensor/parallel.h>
#include "examples/cli/options/image_options.h"
#include "examples/cli/options/sample_cache.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/reports/data_report.h"
#include "examples/cli/settings.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Options {
  std::vector<std::string> data;
  data::ImageSettings images{.on_damaged = data::OnDamaged::skip};
  data::Split split = data::Split::train;
  std::string cache, grid;
  int64_t listed = 20, max_pixels = data::default_max_pixels;
  int threads = 0;
};

bool parse(Options& options, int argc, char** argv) {
  Settings settings("prepare_data",
                    "Tells what a set of images holds: how many, of which sizes, classes and captions, which are "
                    "equal, which cannot be read, and what a crop leaves out. With --cache it writes the samples in "
                    "their final size for train_dit --cache.");
  settings.without_config_file();
  settings.add_arguments(options.data, "DATA",
                         "\"shapes\", \"fashion-mnist\", or a folder: of IDX files, or of PNG, JPEG and WebP images");
  settings.options()
      .add("split", options.split, "the part of the set: train or test",
           {{"train", data::Split::train}, {"test", data::Split::test}})
      .add("cache", options.cache,
           "pack the samples into this folder; give train_dit the same size, fit, resample and "
           "background")
      .add("grid", options.grid, "a .png file to write: some images of each class, or with their captions")
      .add("list", options.listed, "lines of each list", at_least(1))
      .add("max_pixels", options.max_pixels, "files with more pixels are refused", at_least(1))
      .add("threads", options.threads, "threads; 0: as many as there are cores", between(0, 1024));
  describe_images(settings.options(), options.images);
  describe_formats(settings, [&options] { return options.data.front(); });
  if (!settings.parse(argc, argv)) return false;
  check<ConfigError>(options.data.size() == 1, "prepare_data takes one set of images, got ", options.data.size(),
                     "; --help shows how");
  settings.check_kinds();
  check_png_name("--grid", options.grid);
  check_outputs({{"--cache", options.cache, true}, {"--grid", options.grid}}, {{"DATA", options.data.front()}});
  return true;
}

int prepare(int argc, char** argv) {
  Options options;
  if (!parse(options, argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  const data::OpenedImages opened = scan_images(options.data.front(), options.split, options.images,
                                                {.max_pixels = options.max_pixels,
                                                 .memory = 0,
                                                 .mixed_sizes = options.images.size.empty(),
                                                 .earlier = earlier_selections(options.split, options.cache)});
  const data::DataSource& source = *opened.source;
  const data::ImageSummary summary = data::summarize_images(source, options.images.fit);
  std::printf("%s: the %s split\n%s", options.data.front().c_str(), name_of(options.split),
              data_report(source, summary, options.images.fit, options.listed).c_str());
  const auto skipped = static_cast<long long>(opened.skipped.size());
  if (skipped == 0) std::printf("every file can be read\n");
  else
    std::printf("left out, since they cannot be read: %lld\n%s", skipped,
                first_lines(opened.skipped, options.listed).c_str());
  if (!opened.notes.empty()) std::printf("notes:\n%s", first_lines(opened.notes, options.listed).c_str());
  if (!options.grid.empty()) {
    data::save_contact_grid(options.grid, source);
    std::printf("%s: a look at the images\n", options.grid.c_str());
  }
  if (!options.cache.empty()) {
    const PackedFolder packed = pack_images(source, options.split, options.cache);
    std::printf("%s: %lld packed samples%s\n", packed.path.c_str(), static_cast<long long>(source.size()),
                packed.was_complete ? ", complete before this start" : "");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, prepare); }
