// A setting that names a file which does not exist is a wrong setting: status 2, the setting and the path.
#include <doctest/doctest.h>

#include <filesystem>

#include "examples/cli/inputs.h"
#include "tests/support/data_files.h"
#include "tests/support/run_program.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace fs = std::filesystem;

TEST_CASE("program inputs: a setting that names a missing file ends with status 2 and names the setting and the path") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", none = folder / "none", weights = folder / "a.safetensors";
  write_images(images, {"cat", "dog"}, 4);
  write_bytes(weights, "");
  const auto refused = [&](const std::string& program, const Arguments& arguments, const std::string& setting) {
    const Outcome outcome = run_program(program, arguments);
    CHECK_MESSAGE(outcome.status == 2, program, ": ", outcome.output);
    CHECK_MESSAGE(contains(outcome.output, setting + " \"" + none), program, ": ", outcome.output);
    CHECK_MESSAGE(occurrences(outcome.output, "\n") == 1, program, ": ", outcome.output);
  };
  for (const SmallProgram& p : small_programs(images, folder / "run")) {
    refused(p.name, with(p.arguments, {"--resume", none}), "--resume");
    if (p.name == std::string("train_autoencoder")) continue;
    for (const char* resume : {"none", "auto"})
      refused(p.name, with(p.arguments, {"--autoencoder", none, "--resume", resume}), "--autoencoder");
  }
  refused("train_video", {"--start-from", none, "--out", folder / "run"}, "--start-from");
  refused("train_video", {"--data", none, "--out", folder / "run"}, "data =");
  refused("train_autoencoder", {"--data", none, "--out", folder / "run"}, "data =");
  refused("train_dit", small_dit(none, folder / "run"), "data =");
  refused("train_dit", small_dit(none + ".npz", folder / "run"), "data =");
  refused("train_dit", small_dit(none + ".tar", folder / "run"), "data =");
  write_bytes(folder / "c.toml", "[model]\nautoencoder = \"" + none + "\"\n");
  refused("train_dit", small_dit(images, folder / "run", {"--config", folder / "c.toml"}), "--autoencoder");
  refused("evaluate", {"--data", none}, "data =");
  refused("prepare_data", {none}, "data =");
  const std::string out = folder / "o";
  refused("evaluate", {"--checkpoint", none}, "--checkpoint");
  refused("evaluate_video", {"--checkpoint", none}, "--checkpoint");
  refused("export_video", {"--checkpoint", none, "--out", out + ".safetensors"}, "--checkpoint");
  refused("sample_dit", {"--checkpoint", none, "--out", out + ".png"}, "--checkpoint");
  refused("sample_video", {"a boot", "--checkpoint", none, "--out", out + ".gif"}, "--checkpoint");
  refused("sample_video", {"--list-words", "--checkpoint", none}, "--checkpoint");
  const auto drawing = [&](const Arguments& task) {
    return with({"a", "--checkpoint", weights, "--out", out + ".gif"}, task);
  };
  for (const char* flag : {"--first", "--last", "--from"}) refused("sample_video", drawing({flag, none}), flag);
  refused("sample_video", drawing({"--interpolate", weights, none}), "--interpolate");
  refused("sample_video", drawing({"--extend", "forwards", none}), "--extend");
  refused("report", {images, none, "--out", out + ".html"}, "RUN");
  refused("checkpoint", {"inspect", none}, "FILE");
  refused("checkpoint", {"export", none, "--out", out + ".safetensors"}, "FILE");
  refused("zoo", {"inspect", none}, "FILE");
  refused("zoo", {"convert", none, out + ".safetensors"}, "IN");
  refused("zoo", {"inspect", weights, "--config", none}, "--config");
  refused("zoo", {"run", "--weights", weights, "--inputs", none, "--out", out + ".safetensors"}, "--inputs");
  refused("zoo", {"sample", "--weights", none, "--out", out + ".png"}, "--weights");
  refused("zoo", {"sample", "--weights", weights, "--autoencoder", none, "--out", out + ".png"}, "--autoencoder");
  CHECK_FALSE(fs::exists(folder / "run/checkpoints"));
}

TEST_CASE("program inputs: a run that goes on needs no file of its autoencoder, and one that begins does") {
  const TemporaryFolder folder;
  const std::string missing = folder / "none", run = folder / "run";
  examples::TrainingOptions options(run);
  const examples::Settings settings("train", "");
  const auto refusal = [&] {
    return message_of<ConfigError>(
        [&] { examples::check_training_inputs(options, settings, {{"--autoencoder", missing}}); });
  };
  const std::string sentence = "--autoencoder \"" + missing + "\": there is no such file or folder";
  CHECK(refusal() == sentence);
  options.resume = "auto";
  CHECK(refusal() == sentence);
  fs::create_directories(run + "/checkpoints");
  CHECK(refusal() == sentence);
  write_bytes(run + "/checkpoints/step_00000002.ckpt", "");
  CHECK_NOTHROW(examples::check_training_inputs(options, settings, {{"--autoencoder", missing}}));
  options.resume = run;
  CHECK_NOTHROW(examples::check_training_inputs(options, settings, {{"--autoencoder", missing}}));
  options.resume = missing;
  CHECK(refusal() == "--resume \"" + missing + "\": there is no such file or folder");
  CHECK_NOTHROW(examples::check_inputs({{"--autoencoder", ""}, {"--autoencoder", run}}));
  fs::create_symlink("nowhere", folder / "link");
  CHECK_THROWS_AS(examples::check_inputs({{"--autoencoder", folder / "link"}}), ConfigError);
}
