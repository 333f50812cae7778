// --set KEY=VALUE, with the checks of flags; and settings that are a number or a list.
#include <doctest/doctest.h>

#include "examples/cli/options/dit_settings.h"
#include "tests/support/data_files.h"
#include "tests/support/message_of.h"

namespace ditharos::test_settings_set {

using namespace ditharos::examples;
using tests::contains;
using tests::message_of;

namespace {

DiTSettings parsed(const std::vector<const char*>& arguments) {
  DiTSettings run;
  TrainingOptions options("runs/dit");
  Settings settings("train_dit", "");
  describe_options(settings, options);
  describe(settings, run);
  std::vector<const char*> argv{"train_dit"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  settings.parse(int(argv.size()), argv.data());
  return run;
}
std::string refusal(const std::vector<const char*>& arguments) {
  return message_of<ConfigError>([&] { parsed(arguments); });
}
std::string toml_of(DiTSettings run) {
  Settings settings("train_dit", "");
  describe(settings, run);
  return settings.to_toml();
}

}  // namespace

TEST_CASE("--set takes keys with and without their section, repeatedly, and wins over the flag") {
  const DiTSettings run =
      parsed({"--set", "steps=7", "--set", "train.batch_size=5", "--set", "horizontal-flip=true", "--set",
              "betas=[.8, .9]", "--set=schedule=cosine", "--steps", "3", "--hidden", "12"});
  CHECK(run.train.steps == 7);
  CHECK(run.train.batch_size == 5);
  CHECK(run.data.horizontal_flip);
  CHECK(run.train.betas == std::vector<double>{.8, .9});
  CHECK(run.train.schedule == optim::Decay::cosine);
  CHECK(run.model.hidden == 12);
  CHECK(parsed({"--set", "data=a=b"}).data.data == "a=b");
}

TEST_CASE("--set refuses what a flag refuses, in a sentence") {
  CHECK(refusal({"--set", "batchsize=5"}) == "--set: unknown key \"batchsize\"; did you mean \"batch_size\"?");
  CHECK(refusal({"--set", "train.stepps=5"}) == "--set: unknown key \"stepps\" in [train]; did you mean \"steps\"?");
  CHECK(refusal({"--set", "trian.steps=5"}) == "--set: unknown key \"steps\" in [trian]; it belongs in [train]");
  CHECK(refusal({"--set", "trian.stepps=5"}) == "--set: unknown section \"trian\"; did you mean \"train\"?");
  CHECK(refusal({"--set", "model.steps=5"}) == "--set: unknown key \"steps\" in [model]; it belongs in [train]");
  CHECK(refusal({"--set", "steps=0"}) == "--set steps must be an integer of at least 1 and at most 1e+09, not \"0\"");
  CHECK(refusal({"--set", "train.steps=1.5"}) ==
        "--set train.steps must be an integer of at least 1 and at most 1e+09, not \"1.5\"");
  CHECK(contains(refusal({"--set", "schedule=cosin"}), "--set schedule must be one of constant, linear, cosine"));
  CHECK(refusal({"--set", "steps"}) == "--set is followed by KEY=VALUE, not \"steps\"");
  CHECK(refusal({"--set", "=5"}) == "--set is followed by KEY=VALUE, not \"=5\"");
  CHECK(refusal({"--set"}) == "--set is followed by KEY=VALUE");
  CHECK(refusal({"--set", "out=a"}) ==
        "--set is for the keys of a configuration; --out is an option of the command "
        "line alone");
  CHECK(contains(refusal({"--sett", "steps=4"}), "did you mean \"--set\"?"));
}

TEST_CASE("ema_decay is a number or a list, and one number is written as before") {
  CHECK(contains(toml_of(parsed({})), "ema_decay = 0.995\n"));
  CHECK(contains(toml_of(parsed({"--ema-decay", ".9"})), "ema_decay = 0.9\n"));
  const std::string two = toml_of(parsed({"--ema-decay", ".9,.99"}));
  CHECK(contains(two, "ema_decay = [0.9, 0.99]\n"));
  const auto read = [](const std::string& toml) {
    DiTSettings run;
    Settings settings("train_dit", "");
    describe(settings, run);
    settings.read(toml, "a.toml");
    return run.train.ema_decay;
  };
  CHECK(read(two) == std::vector<double>{.9, .99});
  CHECK(read("[train]\nema_decay = 0.5\n") == std::vector<double>{.5});
  CHECK(read("[train]\nema_decay = [0.5, 0.25]\n") == std::vector<double>{.5, .25});
  CHECK_THROWS_WITH_AS(read("[train]\nema_decay = []\n"),
                       "a.toml:2:13: ema_decay in [train] must be a number or a list of numbers, each at least 0 and "
                       "below 1, not []",
                       ConfigError);
  CHECK_THROWS_AS(read("[train]\nema_decay = [0.5, 1.5]\n"), ConfigError);
  CHECK_THROWS_AS(read("[train]\nema_decay = \"0.5\"\n"), ConfigError);
  CHECK_THROWS_AS(read("[train]\nbetas = 0.5\n"), ConfigError);
}

}  // namespace ditharos::test_settings_set
