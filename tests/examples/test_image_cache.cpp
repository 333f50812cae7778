// --cache of train_dit and prepare_data: what a second start decodes, and what a dry run writes.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include "tests/data/damaged_images.h"
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_image_cache {

using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

constexpr int damaged = 3;  // the image that cannot be decoded

std::string path_of(const std::string& folder, int i) { return folder + "/" + std::to_string(100 + i) + ".png"; }
std::string bytes_of(const std::string& path) { return read_file(path, 1 << 20); }

/// Nine images of 8 x 8 pixels without classes, of which one cannot be decoded.
void write_damaged_set(const std::string& folder) {
  fs::create_directories(folder);
  for (int i = 0; i < 9; ++i) {
    const std::string png = png_bytes(10 + 20 * i, 3, 8, 8);
    write_bytes(path_of(folder, i), i == damaged ? with_damaged_pixels(png) : png);
  }
}
/// Makes image 0 the damaged one, and repairs the other, whose byte is flipped a second time. Lets no checksum change:
/// only a program that decodes the images notices.
void swap_damage(const std::string& folder) {
  const std::string whole = bytes_of(path_of(folder, 0)), torn = bytes_of(path_of(folder, damaged));
  const auto checksum = [](const std::string& bytes) { return crc32c(bytes.data(), bytes.size()); };
  write_bytes(path_of(folder, 0), with_checksum(with_damaged_pixels(whole), checksum(whole)));
  write_bytes(path_of(folder, damaged), with_checksum(with_damaged_pixels(torn), checksum(torn)));
}
/// The lines of the output on what was left out.
std::string left_out(const std::string& output) {
  std::string lines;
  for (size_t at = 0; at < output.size();) {
    const size_t end = std::min(output.find('\n', at), output.size());
    const std::string line = output.substr(at, end - at);
    if (contains(line, "left out") || contains(line, "cannot read")) lines += line + "\n";
    at = end + 1;
  }
  return lines;
}
/// Every file below a folder with its bytes.
std::string tree(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files.push_back(entry.path().string() + "\n" + read_file(entry.path().string(), 1 << 24));
  std::sort(files.begin(), files.end());
  std::string all;
  for (const std::string& file : files) all += file;
  return all;
}
Outcome train(const std::string& images, const std::string& run, const Arguments& more) {
  const Outcome outcome =
      run_program("train_dit", with(small_dit(images, run, {"--steps", "1", "--on-damaged", "skip"}), more));
  CHECK_MESSAGE(outcome.status == 0, outcome.output);
  return outcome;
}
std::string train_autoencoder(const std::string& out) {
  const Outcome run = run_program("train_autoencoder", small_autoencoder(out));
  REQUIRE_MESSAGE(run.status == 0, run.output);
  return out;
}

}  // namespace

TEST_CASE("image cache: a second start decodes nothing and reports the same, for images and for latents") {
  const TemporaryFolder folder;
  const std::string autoencoder = train_autoencoder(folder / "autoencoder");
  for (const bool latents : {false, true}) {
    CAPTURE(latents);
    const std::string root = folder / (latents ? "latents" : "images"), images = root + "/images";
    write_damaged_set(images);
    Arguments flags{"--cache", root + "/cache"};
    if (latents) flags = with(flags, {"--autoencoder", autoencoder, "--patch", "2"});
    const std::string first = train(images, root + "/a", flags).output;
    CHECK_MESSAGE(contains(first, "1 file was left out"), first);
    CHECK(contains(first, "103.png: "));
    const std::string cache = tree(root + "/cache");
    swap_damage(images);
    const std::string second = train(images, root + "/b", flags).output;
    CHECK_EQ(left_out(second), left_out(first));
    CHECK_FALSE(contains(second, "packed sample"));
    CHECK(tree(root + "/cache") == cache);
    if (!latents) {  // the same index serves prepare_data
      const Outcome told = run_program("prepare_data", {images, "--cache", root + "/cache", "--size", "8"});
      CHECK_MESSAGE(told.status == 0, told.output);
      CHECK_MESSAGE(contains(told.output, "103.png: "), told.output);
      CHECK(tree(root + "/cache") == cache);
    }
    const std::string looked = run_program("prepare_data", {images, "--size", "8"}).output;
    CHECK(contains(looked, "cannot be read: 1"));
    CHECK(contains(looked, "100.png: "));
  }
}

TEST_CASE("image cache: train_dit finds the damaged files that prepare_data has found") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache";
  write_damaged_set(images);
  const Outcome prepared = run_program("prepare_data", {images, "--size", "8", "--cache", cache});
  REQUIRE_MESSAGE(prepared.status == 0, prepared.output);
  CHECK(contains(prepared.output, "left out, since they cannot be read: 1"));
  swap_damage(images);
  const std::string output = train(images, folder / "run", {"--size", "8", "--cache", cache}).output;
  CHECK(contains(output, "1 file was left out"));
  CHECK(contains(output, "103.png: "));
}

TEST_CASE("image cache: changed images are noticed") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache";
  write_damaged_set(images);
  train(images, folder / "a", {"--cache", cache});
  write_bytes(path_of(images, damaged), png_bytes(99, 3, 8, 8));
  const std::string repaired = train(images, folder / "b", {"--cache", cache}).output;
  CHECK_FALSE(contains(repaired, "left out:"));
  CHECK(contains(repaired, "of other data: its number of samples is 8, and the data have 9; they are written anew"));
}

TEST_CASE("image cache: --dry-run and --summary write no cache, and say what a run would write") {
  const TemporaryFolder folder;
  const std::string autoencoder = train_autoencoder(folder / "autoencoder");
  for (const bool latents : {false, true}) {
    CAPTURE(latents);
    const std::string root = folder / (latents ? "latents" : "images"), images = root + "/images";
    const std::string cache = root + "/cache", samples = cache + (latents ? "/train-latents-4x4x2" : "/train-8x8x3");
    write_damaged_set(images);
    Arguments flags{"--cache", cache};
    if (latents) flags = with(flags, {"--autoencoder", autoencoder, "--patch", "2"});
    const std::string plan =
        latents ? "the run would pack 8 latents, 1.02 kB, into " : "the run would pack 8 images, 1.54 kB, into ";
    const auto dry = [&](const std::string& data, const char* flag) {
      return train(data, root + "/run", with(flags, {flag})).output;
    };
    for (const char* flag : {"--dry-run", "--summary"}) {
      const std::string output = dry(images, flag);
      CHECK_MESSAGE(contains(output, plan + samples), output);
      CHECK_FALSE(fs::exists(cache));
      CHECK_FALSE(fs::exists(root + "/run"));
    }
    // A cache that is there is read and stays as it is, also where it is of other data or damaged.
    train(images, root + "/a", flags);
    const std::string before = tree(cache);
    CHECK_FALSE(contains(dry(images, "--dry-run"), "would pack"));
    CHECK(tree(cache) == before);
    fs::copy(images, root + "/others");
    write_bytes(path_of(root + "/others", damaged), png_bytes(99, 3, 8, 8));
    const std::string other = dry(root + "/others", "--dry-run");
    CHECK_MESSAGE(contains(other, "are of other data: its number of samples is 8, and the data have 9"), other);
    CHECK_MESSAGE(contains(other, "the run would pack 9 "), other);
    CHECK_FALSE(contains(other, "written anew"));
    CHECK(tree(cache) == before);
    fs::resize_file(samples + "/shard-00000.safetensors", 9);
    const std::string torn = tree(cache), repair = dry(images, "--dry-run");
    CHECK_MESSAGE(contains(repair, "packed samples are damaged: "), repair);
    CHECK_MESSAGE(contains(repair, plan + samples), repair);
    CHECK(tree(cache) == torn);
    // The index alone is not written either.
    train(images, root + "/c", flags);
    write_bytes(path_of(images, damaged), with_damaged_pixels(png_bytes(77, 3, 8, 8)));
    const std::string whole = tree(cache);
    CHECK_FALSE(contains(dry(images, "--dry-run"), "would pack"));
    CHECK(tree(cache) == whole);
  }
}

}  // namespace ditharos::test_image_cache
