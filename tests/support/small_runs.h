#pragma once
// Runs of the training programs that take less than a second each.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ditharos/data/codecs/jpeg.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/data_files.h"
#include "tests/support/run_program.h"

namespace ditharos::tests {

/// A folder of gray 8x8 images, `per_class` for each class, all different.
inline void write_images(const std::string& folder, const std::vector<std::string>& classes, int64_t per_class) {
  int64_t number = 0;
  for (const std::string& name : classes) {
    std::filesystem::create_directories(folder + "/" + name);
    for (int64_t i = 0; i < per_class; ++i, ++number) {
      Tensor image = full({1, 8, 8}, double(40 + number), DType::u8);
      image.mutable_data<uint8_t>()[number % 64] = 255;
      data::write_png(folder + "/" + name + "/" + std::to_string(1000 + i) + ".png", image);
    }
  }
}

/// `count` photos of different sizes in `folder`, every third one a PNG.
inline void write_photos(const std::string& folder, int count) {
  std::filesystem::create_directories(folder);
  for (int i = 0; i < count; ++i) {
    Tensor photo({3, 10 + i % 4, 12 + i % 3}, DType::u8);
    for (int64_t k = 0; k < photo.numel(); ++k) photo.mutable_data<uint8_t>()[k] = static_cast<uint8_t>(k * 3 + 9 * i);
    const std::string name = folder + "/" + std::to_string(100 + i);
    if (i % 3 == 0) data::write_png(name + ".png", photo);
    else write_bytes(name + ".jpg", data::encode_jpeg(photo, 90, name));
  }
}

/// Whether a file of a run's folder has the same bytes after any interruptions: all but those that hold times.
inline bool is_reproducible(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  return name != "timing.jsonl" && name != "env.txt" && name != "report.html" && !name.starts_with("events.");
}

/// `more` at the end of `arguments`.
inline Arguments with(Arguments arguments, const Arguments& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// A tiny DiT on such a folder.
inline Arguments small_dit(const std::string& data, const std::string& out, const Arguments& more = {}) {
  return with({"--data",           data, "--out",          out, "--hidden",     "16", "--depth",   "1",
               "--heads",          "2",  "--patch",        "4", "--batch-size", "4",  "--warmup",  "1",
               "--sampling-steps", "1",  "--sample-every", "0", "--log-every",  "1",  "--threads", "1"},
              more);
}

/// A tiny autoencoder with a stride of 2 and latents of 2 channels, for train_autoencoder: one step.
inline Arguments small_autoencoder(const std::string& out, const Arguments& more = {}) {
  return with({"--width",
               "4",
               "--max-width",
               "4",
               "--groups",
               "2",
               "--latent-channels",
               "2",
               "--stages",
               "1",
               "--time-stride",
               "1",
               "--shapes",
               "1x8x8",
               "--batch-size",
               "1",
               "--steps",
               "1",
               "--warmup",
               "0",
               "--sample-every",
               "0",
               "--reconstruction",
               "l1",
               "--perceptual-weight",
               "0",
               "--out",
               out,
               "--threads",
               "1"},
              more);
}

/// One training program with small settings.
struct SmallProgram {
  const char* name;
  const char* samples;  ///< the file in the run's folder that samples go to
  Arguments arguments;
};
/// All three, each with settings for runs of a few steps in `out`. `images`: a folder by write_images.
inline std::vector<SmallProgram> small_programs(const std::string& images, const std::string& out) {
  return {
      {"train_dit", "samples.png", small_dit(images, out)},
      {"train_autoencoder",
       "reconstructions.png",
       {"--width",        "4", "--max-width", "4",     "--groups",     "2", "--latent-channels", "2",
        "--stages",       "1", "--shapes",    "1x8x8", "--batch-size", "1", "--warmup",          "1",
        "--sample-every", "0", "--log-every", "1",     "--out",        out, "--threads",         "1"}},
      {"train_video",
       "samples.png",
       {"--hidden",        "16",          "--depth",      "1",     "--heads",          "2", "--patch",         "1,4,4",
        "--text-width",    "8",           "--text-depth", "1",     "--text-heads",     "2", "--vocabulary",    "300",
        "--caption-count", "20",          "--shapes",     "1x8x8", "--batch-size",     "1", "--warmup",        "1",
        "--sample-every",  "0",           "--log-every",  "1",     "--sampling-steps", "1", "--prompt-length", "40",
        "--prompts",       "a bag falls", "--out",        out,     "--threads",        "1"}}};
}

}  // namespace ditharos::tests
