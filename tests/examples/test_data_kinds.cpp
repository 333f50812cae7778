// Settings of some kinds of data or of conditioning alone are refused where they were given for others.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/datasets/open.h>
#include "examples/cli/settings.h"
#include "tests/support/data_files.h"
#include "tests/support/run_program.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace fs = std::filesystem;

TEST_CASE("data kinds: a setting without effect is refused from each source, and its default is not") {
  const TemporaryFolder folder;
  struct Outcomes {
    std::string refusal;
    std::vector<std::string> notes;
  };
  const auto parsed = [&](const std::string& toml, Arguments flags, bool fits) {
    std::string shapes = "8x32x32";
    int64_t eta = 0;
    examples::Settings settings("program", "");
    settings.section("data").add("shapes", shapes, "").add("eta", eta, "");
    settings.only_for({"shapes"}, [fits] { return fits; }, "data of clips");
    settings.only_with({"eta"}, [fits] { return fits; }, "a sampler");
    write_bytes(folder / "a.toml", toml);
    flags.insert(flags.begin(), {"program", "--config", folder / "a.toml"});
    std::vector<const char*> arguments;
    for (const std::string& flag : flags) arguments.push_back(flag.c_str());
    settings.parse(int(arguments.size()), arguments.data());
    return Outcomes{message_of<ConfigError>([&] { settings.check_kinds(); }), settings.without_effect()};
  };
  const std::string sentence = " has no effect: it needs data of clips; leave it out";
  CHECK(parsed("", {"--shapes", "foo"}, false).refusal == "--shapes" + sentence);
  CHECK(parsed("", {"--shapes", "8x32x32"}, false).refusal == "--shapes" + sentence);
  CHECK(parsed("", {"--set", "data.shapes=foo"}, false).refusal == "--shapes" + sentence);
  CHECK(parsed("[data]\nshapes = \"foo\"\n", {}, false).refusal ==
        folder / "a.toml" + ":2:1: shapes in [data]" + sentence);
  // A run's own configuration has a line for each setting.
  const Outcomes none = parsed("[data]\nshapes = \"8x32x32\"\neta = 1\n", {}, false);
  CHECK(none.refusal == message_of<ConfigError>([] {}));
  CHECK(none.notes.empty());
  const Outcomes noted = parsed("", {"--eta", "1", "--shapes", "foo"}, false);
  CHECK(noted.notes == std::vector<std::string>{"--shapes has no effect: it needs data of clips",
                                                "--eta has no effect: it needs a sampler"});
  const Outcomes used = parsed("[data]\nshapes = \"foo\"\n", {"--eta", "1", "--shapes", "foo"}, true);
  CHECK(used.refusal == message_of<ConfigError>([] {}));
  CHECK(used.notes.empty());
}

TEST_CASE("data kinds: programs refuse settings of other data and of other conditioning") {
  const TemporaryFolder folder;
  const std::string classes = folder / "classes", flat = folder / "flat", run = folder / "run";
  write_images(classes, {"cat", "dog"}, 10);
  fs::create_directories(flat);
  for (const auto& image : fs::directory_iterator(classes + "/cat"))
    fs::copy_file(image.path(), fs::path(flat) / image.path().filename());
  const auto outcome = [&](const std::string& program, const Arguments& arguments) {
    fs::remove_all(run);
    return run_program(program, arguments);
  };
  const auto refused = [&](const std::string& program, const Arguments& arguments, const std::string& sentence) {
    const Outcome ended = outcome(program, arguments);
    CHECK_MESSAGE(ended.status == 2, program, ": ", ended.output);
    CHECK_MESSAGE(contains(ended.output, sentence), program, ": ", ended.output);
    CHECK_FALSE(fs::exists(run + "/checkpoints"));
  };
  const auto taken = [&](const std::string& program, const Arguments& arguments) {
    const Outcome ended = outcome(program, arguments);
    CHECK_MESSAGE(ended.status == 0, program, ": ", ended.output);
  };
  const auto dit = [&](const std::string& data, const Arguments& more) {
    return small_dit(data, run, with({"--dry-run", "--steps", "2"}, more));
  };
  refused("train_dit", dit(classes, {"--vocabulary", "300"}),
          "--vocabulary has no effect: it needs images that are "
          "drawn by captions; leave it out");
  refused("train_dit", dit(classes, {"--condition", "class", "--text-width", "8"}), "--text-width has no effect");
  refused("train_dit", dit(flat, {"--class-dropout", ".2"}),
          "--class-dropout has no effect: it needs images that are "
          "drawn by classes or captions");
  refused("train_dit", dit(classes, {"--condition", "none", "--class-dropout", ".2"}), "--class-dropout has no effect");
  refused("train_dit", dit(classes, {"--coarse-labels"}), "--coarse-labels has no effect: it needs the data of CIFAR");
  for (const char* flag : {"--background", "--on-damaged"}) {
    const char* value = flag == std::string("--background") ? "black" : "skip";
    const std::string sentence = std::string(flag) + " has no effect: it needs data of image files; leave it out";
    refused("train_dit", dit("shapes", {flag, value}), sentence);
    refused("evaluate", {"--data", "shapes", flag, value}, sentence);
    refused("prepare_data", {"shapes", flag, value}, sentence);
    taken("train_dit", dit(classes, {flag, value}));
    taken("prepare_data", {classes, flag, value});
  }
  const Arguments clips = with(small_autoencoder(run), {"--dry-run"});
  refused("train_autoencoder", with(clips, {"--image-memory", "0"}),
          "--image-memory has no effect: it needs data of "
          "images; leave it out");
  refused("train_autoencoder", with(clips, {"--background", "black"}),
          "--background has no effect: it needs data of "
          "images; leave it out");
  refused("train_autoencoder", with(clips, {"--data", classes}), "--shapes has no effect: it needs data of clips");
  taken("train_autoencoder", clips);
  taken("train_dit", dit(classes, {"--class-dropout", ".2"}));
  taken("train_dit", dit(classes, {"--condition", "text", "--vocabulary", "300", "--text-width", "8", "--text-depth",
                                   "1", "--text-heads", "2"}));

  // The configuration that a run has written serves for another run.
  taken("train_dit", small_dit(classes, run, {"--steps", "1", "--warmup", "0"}));
  fs::rename(run, folder / "first");
  taken("train_dit", {"--config", folder / "first/config.toml", "--out", run, "--threads", "1"});
  // A run that goes on keeps the settings that it began with; they are said.
  const Outcome resumed = run_program(
      "train_dit", small_dit(classes, run, {"--steps", "1", "--warmup", "0", "--resume", "auto", "--coarse-labels"}));
  CHECK(resumed.status == 2);
  CHECK_MESSAGE(contains(resumed.output, "with other settings: coarse_labels = true"), resumed.output);
}

TEST_CASE("data kinds: the format of a set of images is known by its names") {
  using data::ImageSetFormat;
  const TemporaryFolder folder;
  CHECK(data::image_set_format("shapes") == ImageSetFormat::shapes);
  CHECK(data::image_set_format("fashion-mnist") == ImageSetFormat::fashion_mnist);
  CHECK(data::image_set_format(folder / "none") == ImageSetFormat::none);
  CHECK(data::image_set_format(folder.path()) == ImageSetFormat::none);
  CHECK(data::image_set_format(folder / "a-{0..3}.tar") == ImageSetFormat::web_dataset);
  write_images(folder / "files", {"cat"}, 1);
  CHECK(data::image_set_format(folder / "files") == ImageSetFormat::files);
  for (const auto& [name, format] : {std::pair{"data_batch_1.bin", ImageSetFormat::cifar},
                                     {"train-images-idx3-ubyte", ImageSetFormat::idx},
                                     {"images.npy", ImageSetFormat::arrays},
                                     {"a.tar", ImageSetFormat::web_dataset}}) {
    const std::string set = folder / (std::string("set-") + name);
    fs::create_directories(set);
    write_bytes(set + "/" + name, "");
    CHECK(data::image_set_format(set) == format);
    CHECK(data::is_image_set(set));
  }
}
