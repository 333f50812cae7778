// train_video on latents and clips that are kept in memory, packed, or computed at each use.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

namespace ditharos::test_clip_latents {

using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// Ten different captioned videos, of several lengths and sizes.
void write_videos(const std::string& folder, uint64_t seed) {
  fs::create_directories(folder);
  std::string list;
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::to_string(i) + ".y4m";
    data::write_clip(folder + "/" + name, noise_clip(3 + i % 3, 12 + 2 * (i % 2), 16, seed + uint64_t(i)), 8);
    list += name + "\ta " + (i % 2 == 0 ? "zebra" : "horse") + " runs home\n";
  }
  write_bytes(folder + "/captions.txt", list);
}

Outcome train(const std::string& data, const std::string& out, const Arguments& more) {
  return run_program("train_video", with({"--data",
                                          data,
                                          "--out",
                                          out,
                                          "--hidden",
                                          "16",
                                          "--depth",
                                          "1",
                                          "--heads",
                                          "2",
                                          "--patch",
                                          "1,2,2",
                                          "--text-width",
                                          "8",
                                          "--text-depth",
                                          "1",
                                          "--text-heads",
                                          "2",
                                          "--vocabulary",
                                          "300",
                                          "--shapes",
                                          "4x8x8, 2x8x12",
                                          "--batch-size",
                                          "2",
                                          "--steps",
                                          "6",
                                          "--warmup",
                                          "1",
                                          "--sample-every",
                                          "3",
                                          "--sampling-steps",
                                          "1",
                                          "--prompt-length",
                                          "12",
                                          "--log-every",
                                          "1",
                                          "--threads",
                                          "2"},
                                         more));
}

std::string checkpoint(const std::string& run) { return run + "/checkpoints/step_00000006.ckpt"; }
std::string trained(const std::string& run) { return read_file(checkpoint(run), 1 << 24); }

}  // namespace

TEST_CASE("clip latents: kept in memory, packed or encoded at each use, and resumed, they train the same weights") {
  const TemporaryFolder folder;
  const std::string clips = folder / "clips", cache = folder / "cache";
  write_videos(clips, 1);
  struct Case {
    std::string kind, time_stride, latents;
  };
  for (const Case& c : {Case{"video", "2", "train-latents-2x4x4x2"}, Case{"kl", "1", "train-latents-4x4x4x2"}}) {
    CAPTURE(c.kind);
    const std::string root = folder / c.kind, autoencoder = root + "_autoencoder";
    const Outcome encoder = run_program(
        "train_autoencoder",
        small_autoencoder(autoencoder, {"--kind", c.kind, "--time-stride", c.time_stride, "--shapes", "2x8x8"}));
    REQUIRE_MESSAGE(encoder.status == 0, encoder.output);
    const Arguments flags{"--autoencoder", autoencoder, "--checkpoint-every", "3"};
    const auto run = [&](const std::string& name, const Arguments& more) {
      const Outcome outcome = train(clips, root + name, with(flags, more));
      REQUIRE_MESSAGE(outcome.status == 0, outcome.output);
      return outcome.output;
    };
    CHECK_FALSE(contains(run("_memory", {}), "packed sample"));
    run("_none", {"--latent-memory", "0", "--threads", "1"});
    CHECK(trained(root + "_none") == trained(root + "_memory"));

    const std::string packed = run("_packed", {"--cache", cache});
    CHECK(contains(packed, "packed sample"));
    CHECK_FALSE(contains(packed, "written anew"));  // latents of another shape have a folder of their own
    CHECK(trained(root + "_packed") == trained(root + "_memory"));
    CHECK(fs::exists(cache + "/" + c.latents + "/index.json"));

    fs::remove(checkpoint(root + "_packed"));
    fs::rename(autoencoder, autoencoder + "_moved");  // the checkpoint holds it
    CHECK_FALSE(contains(run("_packed", {"--cache", cache, "--resume", "auto"}), "packed sample"));
    CHECK(trained(root + "_packed") == trained(root + "_memory"));
    fs::remove(checkpoint(root + "_packed"));
    run("_packed", {"--resume", "auto"});  // and without the cache
    CHECK(trained(root + "_packed") == trained(root + "_memory"));
  }
}

TEST_CASE("clip latents: packed latents of another autoencoder or of other clips are found out and written anew") {
  const TemporaryFolder folder;
  write_videos(folder / "clips", 1);
  write_videos(folder / "others", 50);
  for (const char* seed : {"1", "2"})
    REQUIRE(run_program("train_autoencoder", small_autoencoder(folder / seed, {"--seed", seed})).status == 0);
  const auto run = [&](const std::string& data, const std::string& autoencoder, const std::string& name,
                       const Arguments& more) {
    const Outcome outcome = train(folder / data, folder / name, with({"--autoencoder", folder / autoencoder}, more));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.output);
    return contains(outcome.output, "are of other data: ") && contains(outcome.output, "they are written anew");
  };
  const Arguments cached{"--cache", folder / "cache"};
  CHECK_FALSE(run("clips", "1", "a", cached));
  CHECK(run("clips", "2", "b", cached));
  CHECK(run("others", "2", "c", cached));
  CHECK_FALSE(run("others", "2", "d", cached));
  run("others", "2", "e", {});
  CHECK(trained(folder / "d") == trained(folder / "e"));
  // A model that starts from another one has its autoencoder.
  const Outcome started = train(folder / "others", folder / "f", with(cached, {"--start-from", folder / "d"}));
  REQUIRE_MESSAGE(started.status == 0, started.output);
  CHECK_FALSE(contains(started.output, "packed sample"));
}

TEST_CASE("clip latents: a model of pixels reads clips from the cache, with the same results") {
  const TemporaryFolder folder;
  write_videos(folder / "clips", 1);
  const auto run = [&](const std::string& name, const Arguments& more) {
    const Outcome outcome = train(folder / "clips", folder / name, with({"--shapes", "4x8x8, 1x8x12, 4x8x8"}, more));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.output);
    return outcome.output;
  };
  run("plain", {});
  CHECK(contains(run("packed", {"--cache", folder / "cache"}), "packed sample"));
  CHECK(fs::exists(folder / "cache/train-4x8x8x3/index.json"));
  CHECK(fs::exists(folder / "cache/train-8x12x3/index.json"));
  CHECK_FALSE(contains(run("again", {"--cache", folder / "cache"}), "packed sample"));
  CHECK(trained(folder / "plain") == trained(folder / "packed"));
  CHECK(trained(folder / "plain") == trained(folder / "again"));
}

TEST_CASE("clip latents: a dry run says what it would pack and does not write it") {
  const TemporaryFolder folder;
  write_videos(folder / "clips", 1);
  REQUIRE(run_program("train_autoencoder", small_autoencoder(folder / "autoencoder")).status == 0);
  const Arguments dry{"--dry-run", "--cache", folder / "cache"};
  const Outcome pixels = train(folder / "clips", folder / "a", dry);
  CHECK_MESSAGE(pixels.status == 0, pixels.output);
  CHECK_MESSAGE(contains(pixels.output, "the run would pack 9 clips, "), pixels.output);
  const Outcome latents = train(folder / "clips", folder / "a", with(dry, {"--autoencoder", folder / "autoencoder"}));
  CHECK_MESSAGE(latents.status == 0, latents.output);
  CHECK_MESSAGE(contains(latents.output, "the run would pack 9 latents, "), latents.output);
  CHECK_FALSE(fs::exists(folder / "cache"));
}

TEST_CASE("clip latents: a cache inside of the data is refused before they are read") {
  const TemporaryFolder folder;
  write_videos(folder / "clips", 1);
  const Outcome run = train(folder / "clips", folder / "a", {"--cache", folder / "clips/cache"});
  CHECK(run.status == 2);
  CHECK_MESSAGE(contains(run.output, "--cache"), run.output);
}

}  // namespace ditharos::test_clip_latents
