// Flags of programs: invalid settings are refused before data are read, and flags without effect are reported.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include <ditharos/data/codecs/png.h>
#include "examples/cli/options/training_settings.h"
#include "examples/cli/settings.h"
#include "tests/support/page_text.h"
#include "tests/support/paths.h"
#include "tests/support/small_dit_run.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using tests::Arguments;
using tests::contains;
using tests::Outcome;
using tests::run_program;

namespace fs = std::filesystem;

TEST_CASE("regression 18: --steps 50 with the quickstart's configuration trains, with a shorter warm-up that is said") {
  const tests::TemporaryFolder folder;
  tests::write_images(folder / "images", {"dog", "cat"});
  const std::string config = tests::source_folder() + "/examples/configs/quickstart.toml";
  const Outcome outcome = run_program("train_dit", {"--config",
                                                    config,
                                                    "--data",
                                                    folder / "images",
                                                    "--out",
                                                    folder / "run",
                                                    "--steps",
                                                    "20",
                                                    "--hidden",
                                                    "8",
                                                    "--heads",
                                                    "2",
                                                    "--depth",
                                                    "1",
                                                    "--patch",
                                                    "4",
                                                    "--batch-size",
                                                    "4",
                                                    "--sampling-steps",
                                                    "1",
                                                    "--sample-every",
                                                    "0",
                                                    "--threads",
                                                    "1"});
  CHECK_MESSAGE(outcome.status == 0, outcome.output);
  CHECK_MESSAGE(contains(outcome.output,
                         "warmup = 50 leaves nothing of steps = 20 to the schedule: the learning rate "
                         "rises over 2 steps"),
                outcome.output);

  training::TrainSettings train;
  train.warmup = 100;
  for (const auto& [steps, warmup] : {std::pair<int64_t, int64_t>{101, 100}, {100, 10}, {50, 5}, {1, 0}}) {
    train.steps = steps;
    CHECK(training::warmup_steps(train) == warmup);
    CHECK(training::trainer_config(train).schedule.warmup_steps == warmup);
  }
  train.schedule = optim::Decay::constant;
  CHECK(training::warmup_steps(train) == 100);
}

TEST_CASE("regression 18: an invalid configuration is refused before the data are read") {
  const std::string none = "/nonexistent/data";
  const auto refused = [&](const std::string& program, Arguments arguments, const std::string& reason) {
    arguments.insert(arguments.end(), {"--data", none, "--out", "/nonexistent/run"});
    const Outcome outcome = run_program(program, arguments);
    CHECK_MESSAGE(outcome.status == 2, program, ": ", outcome.output);
    CHECK_MESSAGE(contains(outcome.output, reason), program, ": ", outcome.output);
  };
  refused("train_dit", {"--hidden", "20", "--heads", "3"}, "not divisible by heads");
  refused("train_dit", {"--sampler", "ddim"}, "does not go with objective");
  refused("train_dit", {"--final-learning-rate", "1"}, "is above learning_rate");
  refused("train_dit", {"--learn-sigma"}, "needs objective = \"gaussian\"");
  refused("train_video", {"--hidden", "20", "--heads", "3"}, "not divisible by heads");
  refused("train_video", {"--export", "model.bin"}, "an export is a .safetensors file");
  refused("train_autoencoder", {"--final-learning-rate", "1"}, "is above learning_rate");
  const Outcome video = run_program("sample_video", {"a boot", "--checkpoint", none, "--size", "32"});
  CHECK(video.status == 2);
  CHECK_MESSAGE(contains(video.output, "such as 32x48"), video.output);
  const Outcome evaluated = run_program("evaluate_video", {"--checkpoint", none, "--tasks", "5", "--frames", "3"});
  CHECK(evaluated.status == 2);
  CHECK_MESSAGE(contains(evaluated.output, "--tasks needs an even number"), evaluated.output);
}

TEST_CASE("regression 18: --classes takes names and numbers, and all requested classes are drawn") {
  const tests::TemporaryFolder folder;
  const std::string run = tests::train_small_dit(folder.path(), {"Ankle boot", "Bag", "red, round", "2"});
  int calls = 0;
  // The number of images that were written, a folder a class; the height of the grid tells the rows.
  const auto draw = [&](const Arguments& classes) {
    const std::string out = folder / std::to_string(calls++);
    Arguments flags = tests::sampling_flags(run, out + ".png", {"--folder", out, "--per-class", "2"});
    flags.insert(flags.end(), classes.begin(), classes.end());
    const Outcome outcome = run_program("sample_dit", flags);
    CHECK_MESSAGE(outcome.status == 0, outcome.output);
    std::string text;
    for (const char* name : {"2", "Ankle boot", "Bag", "red, round"})
      if (fs::exists(fs::path(out) / name))
        text += name + (":" + std::to_string(std::distance(fs::directory_iterator(fs::path(out) / name), {}))) + " ";
    return text;
  };
  // The order of the folders' names: "2" is class 0.
  CHECK(draw({"--classes", "Ankle boot"}) == "Ankle boot:2 ");
  CHECK(draw({"--classes", "Bag, Ankle boot"}) == "Ankle boot:2 Bag:2 ");
  CHECK(draw({"--classes", "0,3"}) == "2:2 red, round:2 ");
  CHECK(draw({"--classes", "red, round"}) == "red, round:2 ");
  CHECK(draw({"--classes", "2"}) == "2:2 ");  // a class of that name, not class 2
  CHECK(draw({"--classes", "3", "--classes", "Bag"}) == "Bag:2 red, round:2 ");
  CHECK(draw({"--classes", "1,1"}) == "Ankle boot:4 ");
  const std::string twice = folder / "6/Ankle boot/";
  const auto pixels = [&](const std::string& file) { return data::read_png(twice + file, 1).to_vector<float>(); };
  CHECK(pixels("0000.png") != pixels("0002.png"));  // other images of the same class
  CHECK(data::read_png(folder / "6.png", 1).size(1) == data::read_png(folder / "5.png", 1).size(1));  // two rows

  const auto refused = [&](const std::string& classes, const std::string& reason) {
    const Outcome outcome =
        run_program("sample_dit", tests::sampling_flags(run, folder / "x.png", {"--classes", classes}));
    CHECK_MESSAGE(outcome.status == 2, outcome.output);
    CHECK_MESSAGE(contains(outcome.output, reason), outcome.output);
  };
  refused("Ankel boot", "there is no class \"Ankel boot\"; did you mean \"Ankle boot\"?; the classes are 0 \"2\", 1");
  refused("4", "4 is not in 0..3");
  refused("-1", "-1 is not in 0..3");
  refused("1,", "there is no class \"\"");
}

TEST_CASE("regression 18: a name whose ending is not the format written is refused before the work") {
  const std::string none = "/nonexistent/model";
  const auto refused = [&](const std::string& program, const Arguments& arguments) {
    const Outcome outcome = run_program(program, arguments);
    CHECK_MESSAGE(outcome.status == 2, program, ": ", outcome.output);
    CHECK_MESSAGE(contains(outcome.output, "must end in .png"), program, ": ", outcome.output);
  };
  refused("sample_dit", {"--checkpoint", none, "--out", "m.jpg"});
  refused("sample_dit", {"--checkpoint", none, "--out", "m"});
  refused("sample_video", {"a boot", "--checkpoint", none, "--grid", "m.jpg"});
  refused("sample_video", {"a boot", "--checkpoint", none, "--strip", "m.gif"});
  refused("evaluate_video", {"--checkpoint", none, "--grid", "m.webp"});
  const Outcome clip = run_program("sample_video", {"a boot", "--checkpoint", none, "--out", "m.jpg"});
  CHECK(clip.status == 2);
  CHECK_MESSAGE(contains(clip.output, "its ending is not one of a video known here"), clip.output);
}

TEST_CASE("regression 18: a flag without effect is reported") {
  const tests::TemporaryFolder folder;
  const std::string run = tests::train_small_dit(folder.path(), {"dog", "cat"});
  const auto sample = [&](const Arguments& more) {
    return run_program("sample_dit", tests::sampling_flags(run, folder / "a.png", more));
  };
  const Outcome outcome = sample({"--eta", "1", "--no-clip-pixels", "--guide-to", ".5"});
  CHECK_MESSAGE(outcome.status == 0, outcome.output);
  for (const char* sentence : {"--eta has no effect: it needs sampler = \"ddim\"\n",
                               "--clip-pixels has no effect: it needs a sampler for objective gaussian\n",
                               "--guide-to has no effect: it needs a guidance other than 1\n"})
    CHECK_MESSAGE(contains(outcome.output, sentence), outcome.output);
  CHECK_FALSE(contains(sample({"--guidance", "2", "--guide-to", ".5"}).output, "no effect"));
  Arguments flags = tests::small_dit_flags(folder / "images", folder / "other");
  flags.insert(flags.end(), {"--diffusion-steps", "50", "--schedule", "constant", "--final-learning-rate", "1e-5"});
  const Outcome trained = run_program("train_dit", flags);
  CHECK_MESSAGE(contains(trained.output, "--diffusion-steps has no effect: it needs objective = \"gaussian\""),
                trained.output);
  CHECK_MESSAGE(contains(trained.output, "--final-learning-rate has no effect"), trained.output);
}

TEST_CASE("regression 18: the numbers of a list flag that is given twice add up") {
  std::vector<int64_t> numbers{1};
  std::vector<double> pair{.1, .2};
  std::vector<std::string> texts;
  int64_t one = 0;
  examples::Settings settings("", "");
  settings.section("a")
      .add("numbers", numbers, "")
      .add("pair", pair, "", examples::Rule().count(2))
      .add("one", one, "");
  settings.add_repeated("texts", texts, "TEXT", "");
  const auto parse = [&](std::vector<const char*> flags) {
    flags.insert(flags.begin(), "program");
    settings.parse(int(flags.size()), flags.data());
  };
  parse({"--numbers", "3", "--numbers", "8,9", "--one", "1", "--one", "2", "--texts", "a b", "--texts", "c,d"});
  CHECK(numbers == std::vector<int64_t>{3, 8, 9});
  CHECK(one == 2);
  CHECK(texts == std::vector<std::string>{"a b", "c,d"});
  CHECK_THROWS_AS(parse({"--pair", ".1,.2", "--pair", ".3,.4"}), ConfigError);
  parse({"--pair", ".3", "--pair", ".4"});
  CHECK(pair == std::vector<double>{.3, .4});
}
