#include "tests/support/small_dit_run.h"

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::tests {

void write_images(const std::string& folder, const std::vector<std::string>& names, int count) {
  int brightness = 10;
  for (const std::string& name : names) {
    const std::filesystem::path inside = std::filesystem::path(folder) / name;
    std::filesystem::create_directories(inside);
    for (int i = 0; i < count; ++i)
      data::write_png((inside / (std::to_string(i) + ".png")).string(), full({1, 8, 8}, brightness, DType::u8));
    brightness += 40;
  }
}

Arguments small_dit_flags(const std::string& data, const std::string& out) {
  return {"--data",           data, "--out",    out, "--patch",      "4", "--hidden", "8",
          "--heads",          "2",  "--depth",  "1", "--batch-size", "4", "--steps",  "2",
          "--sampling-steps", "2",  "--warmup", "0", "--threads",    "1"};
}

std::string train_small_dit(const std::string& folder, const std::vector<std::string>& names) {
  write_images(folder + "/images", names);
  const std::string run = folder + "/run";
  const Outcome outcome = run_program("train_dit", small_dit_flags(folder + "/images", run));
  check<Error>(outcome.status == 0, "train_dit ended with ", outcome.status, ": ", outcome.output);
  return run;
}

Arguments sampling_flags(const std::string& run, const std::string& out, const Arguments& more) {
  Arguments all{"--checkpoint", run, "--out", out, "--sampling-steps", "2", "--per-class", "1", "--threads", "1"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace ditharos::tests
