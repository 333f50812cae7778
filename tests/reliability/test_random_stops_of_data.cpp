// Runs on every kind of data that train_dit and train_video read, stopped at random instants and resumed.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/numpy_file.h>
#include "tests/data/tar_bytes.h"
#include "tests/reliability/random_stops.h"
#include "tests/support/data_files.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

constexpr int images = 12;

/// Image `i`, different from the others. Its sides vary if `mixed`.
Tensor image(int i, bool mixed) {
  Tensor pixels({3, mixed ? 8 + i % 3 : 8, mixed ? 9 + i % 2 : 8}, DType::u8);
  for (int64_t k = 0; k < pixels.numel(); ++k) pixels.mutable_data<uint8_t>()[k] = static_cast<uint8_t>(k * 5 + i * 19);
  return pixels;
}
std::string name_of(int i) { return std::to_string(100 + i); }

/// PNG files of several sizes and a JPEG in one folder.
void write_flat(const std::string& folder) {
  fs::create_directories(folder);
  for (int i = 0; i < images; ++i) data::write_png(folder + "/" + name_of(i) + ".png", image(i, true));
  fs::copy_file(source_folder() + "/tests/golden/images/full_chroma.jpg", folder + "/photo.jpg");
}

void write_listed(const std::string& folder) {
  fs::create_directories(folder);
  std::string list;
  for (int i = 0; i < images; ++i) {
    data::write_png(folder + "/" + name_of(i) + ".png", image(i, false));
    list += "{\"file_name\": \"" + name_of(i) + ".png\", \"text\": \"image " + std::to_string(i % 3) + "\"}\n";
  }
  write_bytes(folder + "/metadata.jsonl", list);
}

void write_idx(const std::string& folder) {
  fs::create_directories(folder);
  for (const char* part : {"train", "t10k"}) {
    const std::string pixels = idx_bytes(0x803, {images, 8, 8}, counting_bytes(images * 64));
    write_bytes(folder + "/" + part + "-images-idx3-ubyte", pixels);
    std::string labels;
    for (int i = 0; i < images; ++i) labels += static_cast<char>(i % 3);
    write_bytes(folder + "/" + part + "-labels-idx1-ubyte", idx_bytes(0x801, {images}, labels));
  }
}

void write_cifar(const std::string& folder) {
  fs::create_directories(folder);
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    std::string records;
    for (int i = 0; i < 4; ++i) records += static_cast<char>(i) + counting_bytes(3072);
    write_bytes(folder + "/" + name + ".bin", records);
  }
}

void write_arrays(const std::string& folder) {
  fs::create_directories(folder);
  Tensor pixels({images, 8, 8}, DType::u8), labels({images}, DType::i64);
  for (int64_t k = 0; k < pixels.numel(); ++k) pixels.mutable_data<uint8_t>()[k] = static_cast<uint8_t>(k * 7);
  for (int64_t i = 0; i < images; ++i) labels.mutable_data<int64_t>()[i] = i % 3;
  save_npy(folder + "/images.npy", pixels);
  save_npy(folder + "/labels.npy", labels);
}

void write_shards(const std::string& folder) {
  fs::create_directories(folder);
  for (int shard = 0; shard < 2; ++shard) {
    std::vector<TarPart> parts;
    for (int i = shard * images / 2; i < (shard + 1) * images / 2; ++i) {
      parts.push_back({name_of(i) + ".png", data::encode_png(image(i, true), "a.png")});
      parts.push_back({name_of(i) + ".cls", std::to_string(i % 3)});
    }
    write_bytes(folder + "/" + std::to_string(shard) + ".tar", tar_of(parts));
  }
}

/// GIF files with captions.
void write_clips(const std::string& folder) {
  fs::create_directories(folder);
  std::string list;
  for (int i = 0; i < 10; ++i) {
    data::write_clip(folder + "/" + name_of(i) + ".gif", noise_clip(4, 8, 8, uint64_t(i + 1)), 8);
    list += name_of(i) + ".gif\tclip " + std::to_string(i) + "\n";
  }
  write_bytes(folder + "/captions.txt", list);
}

/// Stops runs on each kind of data `stops` times.
void stop_on_all_data(int stops, const char* steps) {
  const TemporaryFolder root;
  const std::string out = root / "run";
  write_images(root / "classes", {"cat", "dog"}, 6);
  write_flat(root / "flat");
  write_listed(root / "listed");
  write_idx(root / "idx");
  write_cifar(root / "cifar");
  write_arrays(root / "arrays");
  write_shards(root / "shards");
  const std::string autoencoder = root / "autoencoder";
  const Outcome trained = run_program("train_autoencoder", small_autoencoder(autoencoder));
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  const Arguments workers{"--size", "8", "--image-memory", "0"};
  const Arguments text{"--text-width", "8", "--text-depth", "1", "--text-heads", "2", "--vocabulary", "300"};
  const struct Kind {
    const char* name;
    std::string data;
    Arguments more;
  } kinds[] = {
      {"class folders", root / "classes", {}},
      {"a flat folder, decoded at each use", root / "flat", workers},
      {"a flat folder, packed", root / "flat", {"--size", "8", "--cache", root / "cache"}},
      {"captions", root / "listed", text},
      {"latents", root / "listed", with(text, {"--autoencoder", autoencoder, "--patch", "2"})},
      {"IDX", root / "idx", {}},
      {"CIFAR-10", root / "cifar", {"--patch", "16"}},
      {"arrays", root / "arrays", {}},
      {"WebDataset", root / "shards", workers},
  };
  const std::vector<int> signals{SIGKILL, SIGKILL, SIGTERM, SIGINT};
  for (const Kind& kind : kinds) {
    CAPTURE(std::string(kind.name));
    const SmallProgram program{"train_dit", "samples.png", small_dit(kind.data, out, kind.more)};
    CHECK(stop_at_random(program, stops, signals, steps).stops == stops);
  }
  write_clips(root / "clips");
  const SmallProgram video{"train_video",
                           "samples.png",
                           {"--data",
                            root / "clips",
                            "--out",
                            out,
                            "--hidden",
                            "16",
                            "--depth",
                            "1",
                            "--heads",
                            "2",
                            "--patch",
                            "1,4,4",
                            "--text-width",
                            "8",
                            "--text-depth",
                            "1",
                            "--text-heads",
                            "2",
                            "--vocabulary",
                            "300",
                            "--shapes",
                            "2x8x8",
                            "--batch-size",
                            "2",
                            "--warmup",
                            "1",
                            "--sample-every",
                            "0",
                            "--log-every",
                            "1",
                            "--sampling-steps",
                            "1",
                            "--prompt-length",
                            "12",
                            "--threads",
                            "1"}};
  CHECK(stop_at_random(video, stops, signals, steps).stops == stops);
}

}  // namespace

TEST_CASE("R2: runs on each kind of data with 2 random stops have the bytes of whole ones") {
  stop_on_all_data(2, "60");
}

TEST_CASE("R2: runs on each kind of data with 50 random stops have the bytes of whole ones [slow]") {
  stop_on_all_data(50, "400");
}
