// The program checkpoint, as a user calls it.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "tests/support/checkpoint_files.h"
#include "tests/support/checkpoint_states.h"
#include "tests/support/run_program.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// A run folder with checkpoints of the steps 1 and 2.
struct SavedRun {
  SavedRun() {
    training::CheckpointFolder checkpoints(run + "/checkpoints");
    for (const int64_t step : {1, 2}) {
      training::TrainState state = fixture_state();
      state.step = step;
      state.model[0].tensor.mutable_data<float>()[0] = float(step);
      paths.push_back(checkpoints.save(state));
    }
  }
  TemporaryFolder folder;
  std::string run = folder / "run";
  std::vector<std::string> paths;
};

void check_refused(const Arguments& arguments, const std::string& text) {
  const Outcome outcome = run_program("checkpoint", arguments);
  CHECK_MESSAGE(outcome.status == 2, outcome.output);
  CHECK_MESSAGE(contains(outcome.output, text), outcome.output);
  CHECK_MESSAGE(outcome.output.find('\n') == outcome.output.size() - 1, outcome.output);
}

}  // namespace

TEST_CASE("checkpoint inspect: format, counters, settings and every tensor, of a file or the newest of a run") {
  const SavedRun saved;
  const Outcome of_file = run_program("checkpoint", {"inspect", saved.paths[0]}),
                of_run = run_program("checkpoint", {"inspect", saved.run});
  CHECK(of_file.status == 0);
  CHECK(contains(of_run.output, saved.paths[1]));
  for (const char* part :
       {"format   1", "step     1", "kind     dit", "epoch 3, position 1234567890123", "42 updates",
        "noise: seed 7, offset 11", "metadata \"classes\"\n  10\n", "  [train]\n  steps = 100\n",
        "model      blocks.0.attn.qkv.weight", "[3, 2]", "bf16", "model: 6 tensors, ", "optimizer: 3 tensors, "})
    CHECK_MESSAGE(contains(of_file.output, part), of_file.output);
}

TEST_CASE("checkpoint verify: status 0 for sound files, 1 for a damaged one, which is named") {
  const SavedRun saved;
  const Outcome sound = run_program("checkpoint", {"verify", saved.run});
  CHECK_MESSAGE(sound.status == 0, sound.output);
  CHECK(sound.output == "sound: " + saved.paths[1] + ", step 2\nsound: " + saved.paths[0] + ", step 1\n");
  std::string bytes = read_file(saved.paths[0], 1 << 20);
  bytes[bytes.size() - 100] ^= 1;
  write_bytes(saved.paths[0], bytes);
  const Outcome damaged = run_program("checkpoint", {"verify", saved.paths[1], saved.paths[0]});
  CHECK(damaged.status == 1);
  CHECK_MESSAGE(contains(damaged.output, "damaged checkpoint " + saved.paths[0] + ": tensor \""), damaged.output);
  CHECK(contains(damaged.output, "sound: " + saved.paths[1]));
}

TEST_CASE("checkpoint diff: status 0 for equal checkpoints, else 1, the settings and the tensors") {
  const SavedRun saved;
  CHECK(run_program("checkpoint", {"diff", saved.paths[0], saved.paths[0]}).status == 0);
  const Outcome differ = run_program("checkpoint", {"diff", saved.paths[0], saved.run});
  CHECK(differ.status == 1);
  for (const char* part :
       {"step     \"1\"    \"2\"", "1 of 6", "1.000e+00", "5.000e-01", "1 settings and 1 of 10 tensors differ"})
    CHECK_MESSAGE(contains(differ.output, part), differ.output);
  CHECK(!contains(differ.output, "equal"));
  CHECK(contains(run_program("checkpoint", {"diff", "--all", saved.paths[0], saved.run}).output, "equal"));
}

TEST_CASE("checkpoint extract-ema and export: the tensors under their names") {
  const SavedRun saved;
  const std::string out = saved.folder / "a.safetensors";
  const training::TrainState state = training::load_checkpoint(saved.paths[1]);
  REQUIRE_EQ(run_program("checkpoint", {"extract-ema", saved.run, "--out", out}).status, 0);
  safetensors::Contents contents = safetensors::load(out, LoadMode::copy);
  REQUIRE(contents.tensors.size() == state.ema.size());
  CHECK(contents.tensors.at("blocks.0.attn.qkv.weight").to_vector<double>() == state.ema[0].tensor.to_vector<double>());
  CHECK(contents.metadata.at("step") == "2");
  CHECK(contents.metadata.at("configuration") == state.configuration);
  REQUIRE_EQ(run_program("checkpoint", {"export", saved.paths[1], "--out", out}).status, 0);
  contents = safetensors::load(out, LoadMode::copy);
  CHECK(contents.tensors.size() == state.model.size());
  CHECK(contents.tensors.at("positions").to_vector<float>() == state.model[2].tensor.to_vector<float>());
  REQUIRE_EQ(run_program("checkpoint", {"export", saved.run, "--weights", "both", "--out", out}).status, 0);
  contents = safetensors::load(out, LoadMode::copy);
  CHECK(contents.tensors.size() == state.model.size() + state.ema.size());
  CHECK(contents.tensors.count("ema.blocks.0.attn.qkv.weight") == 1);
}

TEST_CASE("checkpoint average: the mean of the weights, which can be sampled from and not resumed") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run", mean = folder / "mean.ckpt";
  write_images(images, {"cat", "dog"}, 4);
  const Arguments train =
      small_dit(images, run, {"--steps", "3", "--checkpoint-every", "1", "--keep-checkpoints", "3"});
  REQUIRE_EQ(run_program("train_dit", train).status, 0);
  const std::vector<std::string> files = training::checkpoint_files(run + "/checkpoints");
  REQUIRE(files.size() == 3);
  const Outcome made = run_program("checkpoint", {"average", files[2], files[1], files[0], "--out", mean});
  CHECK_MESSAGE(made.status == 0, made.output);
  std::vector<training::TrainState> states;
  for (const std::string& file : files) states.push_back(training::load_checkpoint(file));
  const training::TrainState got = training::load_checkpoint(mean);
  CHECK(got.step == 3);
  CHECK(got.optimizer.empty());
  REQUIRE(got.model.size() == states[0].model.size());
  const auto value = [](const nn::NamedTensors& list, size_t i) { return list[i].tensor.to_vector<double>().front(); };
  for (size_t i = 0; i < got.model.size(); ++i) {
    const double sum = value(states[2].model, i) + value(states[1].model, i) + value(states[0].model, i);
    CHECK(value(got.model, i) == double(float(sum / 3)));
    const double sum_of_averages = value(states[2].ema, i) + value(states[1].ema, i) + value(states[0].ema, i);
    CHECK(value(got.ema, i) == double(float(sum_of_averages / 3)));
  }
  const Outcome sampled = run_program("sample_dit", {"--checkpoint", mean, "--out", folder / "a.png", "--per-class",
                                                     "1", "--sampling-steps", "1", "--threads", "1"});
  CHECK_MESSAGE(sampled.status == 0, sampled.output);
  Arguments resume = small_dit(images, folder / "other", {"--steps", "5", "--resume", mean});
  const Outcome resumed = run_program("train_dit", resume);
  CHECK(resumed.status != 0);
  CHECK_MESSAGE(contains(resumed.output, "missing: "), resumed.output);
}

TEST_CASE("checkpoint: what does not fit ends with status 2 and one sentence") {
  const SavedRun saved;
  const std::string out = saved.folder / "a.safetensors", none = saved.folder / "none.ckpt";
  check_refused({"sing"}, "there is no command sing");
  check_refused({"inspect"}, "takes 1 file, got 0");
  check_refused({"inspect", none}, "none.ckpt\": there is no such file or folder");
  check_refused({"verify", saved.paths[0], none}, "none.ckpt\": there is no such file or folder");
  check_refused({"inspect", saved.folder.path()}, "there is no usable checkpoint");
  check_refused({"verify", saved.folder.path()}, "there is no checkpoint in");
  check_refused({"diff", saved.run}, "takes 2 files, got 1");
  check_refused({"export", saved.run}, "needs --out FILE.safetensors");
  check_refused({"export", saved.run, "--out", saved.folder / "a.ckpt"}, "needs --out FILE.safetensors, got");
  check_refused({"export", saved.run, "--out", saved.folder / "no/a.safetensors"}, "no/a.safetensors");
  check_refused({"export", saved.run, "--weights", "some", "--out", out}, "must be one of model, ema, both");
  check_refused({"average", saved.run, "--out", saved.folder / "a.ckpt"}, "takes 2 files or more, got 1");
  check_refused({"average", saved.paths[0], saved.paths[1], "--out", saved.paths[0]}, "would write over");
  training::TrainState bare = fixture_state();
  bare.ema.clear();
  const std::string without = saved.folder / "without.ckpt";
  training::save_checkpoint(without, bare);
  check_refused({"extract-ema", without, "--out", out}, "has no moving average");
  check_refused({"average", without, saved.paths[0], "--out", saved.folder / "b.ckpt"}, "the ema of ");
  bare.kind = "video";
  training::save_checkpoint(without, bare);
  check_refused({"average", saved.paths[0], without, "--out", saved.folder / "b.ckpt"}, "of kind \"video\"");
  CHECK(!fs::exists(out));
  const Outcome help = run_program("checkpoint", {"--help"});
  CHECK(help.status == 0);
  CHECK(contains(help.output, "checkpoint extract-ema FILE"));
}
