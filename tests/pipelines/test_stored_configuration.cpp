// The configuration in checkpoints: what the training programs write is what the library reads.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <ditharos/data/loading/clip_buckets.h>
#include <ditharos/pipelines/stored/stored_configuration.h>
#include "examples/cli/options/autoencoder_settings.h"
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/video_settings.h"
#include "tests/examples/toml_keys.h"
#include "tests/support/data_files.h"

using namespace ditharos;
using namespace ditharos::pipelines;
using examples::AutoencoderSettings;
using examples::ClipSettings;
using examples::DiTSettings;
using examples::Settings;
using examples::VideoSettings;
using tests::contains;
using tests::keys_in;
using tests::message_of;
using tests::TomlKey;

namespace {

/// Values for keys of every type: the first that a key takes and that is not its default is what it gets.
const std::vector<std::string> others{"true",
                                      "false",
                                      "\"heun\"",
                                      "\"ddim\"",
                                      "\"gaussian\"",
                                      "\"cosine\"",
                                      "\"linear\"",
                                      "\"factorised\"",
                                      "\"binary\"",
                                      "\"uniform\"",
                                      "\"muon\"",
                                      "\"gvp\"",
                                      "\"velocity\"",
                                      "\"logit_normal\"",
                                      "\"kl\"",
                                      "\"dopri5\"",
                                      "\"bh1\"",
                                      "\"leading\"",
                                      "\"tweedie\"",
                                      "\"fora\"",
                                      "\"l1\"",
                                      "\"learned\"",
                                      "\"spatial\"",
                                      "\"in_context\"",
                                      "\"swiglu\"",
                                      "\"rms\"",
                                      "\"global\"",
                                      "\"skip\"",
                                      "\"stretch\"",
                                      "\"lanczos\"",
                                      "\"none\"",
                                      "\"bf16\"",
                                      "[2.5]",
                                      "\"2x16x16\"",
                                      "[2, 4, 4]",
                                      "[0.25, 0.5]",
                                      "0.125",
                                      "2",
                                      "3",
                                      "48"};

/// Keys whose values have to fit together, or are above all of those.
const std::map<std::string, std::string> fitting{{"shapes", "\"2x16x16\""}, {"vocabulary", "600"}};

/// A configuration of a program with every key off its default, as the program writes it.
template <class Run>
std::string every_key_changed(Run& run) {
  Settings settings("", "");
  describe(settings, run);
  for (const TomlKey& key : keys_in(settings.to_toml())) {
    CAPTURE(key.name);
    const std::string before = settings.to_toml();
    if (const auto one = fitting.find(key.name); one != fitting.end())
      settings.read(TomlKey{key.section, key.name, one->second}.text(), "a.toml");
    for (const std::string& value : others) {
      if (settings.to_toml() != before || value == key.value) continue;
      try {
        settings.read(TomlKey{key.section, key.name, value}.text(), "a.toml");
      } catch (const ConfigError&) {  // a value of another type
      }
    }
    CHECK(settings.to_toml() != before);
  }
  return settings.to_toml();
}

TrainedClips clips_of(const ClipSettings& clips) {
  return {clips.data, data::used_shapes(data::clip_buckets(clips.shapes, clips.shape_weights, 1))};
}

VideoModelConfig config_of(const VideoSettings& run) {
  VideoModelConfig config{.clips = clips_of(run.clips), .model = run.model, .flow = run.flow, .sampler = run.sampler};
  config.model.patch = {run.patch[0], run.patch[1], run.patch[2]};
  return config;
}

const std::vector<std::string> edges{"0",
                                     "-1",
                                     "1",
                                     "2",
                                     "-9223372036854775808",
                                     "9223372036854775807",
                                     "2147483648",
                                     "4294967297",
                                     "65537",
                                     "0.0",
                                     "0.5",
                                     "1.0",
                                     "1e300",
                                     "-1e300",
                                     "3.5e38",
                                     "1e-300",
                                     "nan",
                                     "inf",
                                     "-inf",
                                     "true",
                                     "\"\"",
                                     "\"no such name\"",
                                     "[]",
                                     "[1]",
                                     "[1, 2, 3]",
                                     "[1, 2, 3, 4]",
                                     "[0.5, 0.5]",
                                     "[9223372036854775807, 1, 1]",
                                     "[nan]",
                                     "[-1, -1, -1]",
                                     "[0, 0, 0]",
                                     "[[1]]",
                                     "{a = 1}",
                                     "1979-05-27"};

/// What a table refuses in the sections that describe a model, the reader refuses as well, naming file and line; what
/// the table takes, it takes. Whether all values fit together is for another check.
template <class Run>
void check_same_ranges(const std::function<void(const std::string&)>& read) {
  Run defaults;
  Settings table("", "");
  describe(table, defaults);
  const std::set<std::string> sections_of_training{"train", "output"};
  const std::set<std::string> keys_of_training{
      "horizontal_flip",   "condition", "autoencoder",    "vocabulary",        "caption_count",
      "prompt_dropout",    "kl_weight", "reconstruction", "perceptual_weight", "classifier_clips",
      "classifier_epochs", "shapes",    "shape_weights"};
  int refused = 0;
  for (const TomlKey& key : keys_in(table.to_toml())) {
    if (sections_of_training.contains(key.section) || keys_of_training.contains(key.name)) continue;
    for (const std::string& value : edges) {
      const std::string text = TomlKey{key.section, key.name, value}.text();
      CAPTURE(text);
      Run run;
      Settings settings("", "");
      describe(settings, run);
      const auto said = [](const std::function<void()>& f) { return message_of<ConfigError>(f); };
      const std::string by_table = said([&] { settings.read(text, "a"); }), by_reader = said([&] { read(text); });
      const bool taken = by_table.empty();
      CHECK_MESSAGE(by_reader.empty() == taken, by_table << " / " << by_reader);
      if (!taken) CHECK_MESSAGE(by_reader.starts_with("a.ckpt:"), by_reader);
      refused += !taken;
    }
  }
  CHECK(refused > 100);
}

}  // namespace

TEST_CASE("stored configuration: every key of train_dit is read") {
  DiTSettings run;
  const StoredImageModel stored = read_image_model(every_key_changed(run), "a.ckpt");
  run.model.patch = {1, run.patch, run.patch};
  CHECK(stored.data == run.data.data);
  CHECK(stored.config.model == run.model);
  CHECK(stored.config.process == run.process);
  CHECK(stored.config.prediction == run.prediction);
  CHECK(stored.config.sigma_small == run.sigma_small);
  CHECK(stored.config.sampler == run.sampler);
  CHECK(run.model != DiTSettings().model);
}

TEST_CASE("stored configuration: every key of train_video is read") {
  VideoSettings run;
  const VideoModelConfig stored = read_video_model(every_key_changed(run), "a.ckpt");
  CHECK(stored.clips == clips_of(run.clips));
  CHECK(stored.model == config_of(run).model);
  CHECK(stored.flow == run.flow);
  CHECK(stored.sampler == run.sampler);
}

TEST_CASE("stored configuration: every key of train_autoencoder is read") {
  AutoencoderSettings run;
  const AutoencoderConfig stored = read_autoencoder(every_key_changed(run), "a.ckpt");
  CHECK(stored.clips == clips_of(run.clips));
  CHECK(stored.images == run.images);
  CHECK(stored.model == run.model);
}

TEST_CASE("stored configuration: what is missing has the programs' defaults") {
  CHECK(read_image_model("", "a.ckpt").config == ImageModelConfig(DiTSettings()));
  CHECK(read_image_model("", "a.ckpt").data == DiTSettings().data.data);
  CHECK(read_video_model("", "a.ckpt") == config_of(VideoSettings()));
  CHECK(read_autoencoder("", "a.ckpt") ==
        AutoencoderConfig{.clips = clips_of(ClipSettings()), .images = {}, .model = AutoencoderSettings().model});
}

TEST_CASE("stored configuration: values have the ranges of the command line") {
  check_same_ranges<DiTSettings>([](const std::string& text) { static_cast<void>(read_image_model(text, "a.ckpt")); });
  check_same_ranges<VideoSettings>(
      [](const std::string& text) { static_cast<void>(read_video_model(text, "a.ckpt")); });
  check_same_ranges<AutoencoderSettings>(
      [](const std::string& text) { static_cast<void>(read_autoencoder(text, "a.ckpt")); });
}

TEST_CASE("stored configuration: damaged and foreign text is refused, with file and line") {
  const auto said = [](const std::string& text) {
    return message_of<ConfigError>([&] { static_cast<void>(read_video_model(text, "a.ckpt")); });
  };
  CHECK(contains(said("[model\nhidden = 4\n"), "a.ckpt:1:"));
  CHECK(contains(said("[model]\nhiden = 4\n"), "a.ckpt:2:1: unknown key \"hiden\" in [model]"));
  CHECK(contains(said("[modell]\nhidden = 4\n"), "unknown section \"modell\""));
  CHECK(contains(said("hidden = 4\n"), "a.ckpt:1:1: unknown key \"hidden\""));
  CHECK(contains(said("[model]\nhidden = \"wide\"\n"), "a.ckpt:2:10: hidden in [model]"));
  CHECK(contains(said("[model]\nhidden = \xff\n"), "a.ckpt:2:"));
  CHECK(contains(said("[data]\nshapes = \"8x32\"\n"), "is not a shape of clips"));
  CHECK(contains(said("[data]\nshape_weights = [1, 1]\n"), "2 numbers for 1 shapes"));
  CHECK(said("[train]\nsteps = 3\nsomething_new = 4\n") == "");
}
