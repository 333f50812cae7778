// Training steps of the paper's models, of the small one of examples/configs/fashion_mnist.toml ("quickstart") and of
// one with a video's many tokens.
#include <ditharos/models/dit/presets.h>
#include "tests/bench/training.h"

namespace ditharos::bench {
namespace {

models::DiTConfig quickstart() {
  return {.height = 28,
          .width = 28,
          .channels = 1,
          .patch = {1, 4, 4},
          .hidden = 96,
          .depth = 4,
          .heads = 4,
          .classes = 10};
}

/// S/4 on images of Fashion-MNIST's size: 49 tokens.
models::DiTConfig small_images() {
  models::DiTConfig config = models::dit_preset("S/4");
  config.height = config.width = 28;
  config.channels = 1;
  config.classes = 10;
  return config;
}

/// The tokens of 16 frames of 32x32x4 in spacetime patches of 2x4x4: 8 frames of 8x8, here one below the other in a
/// long image. A patch of 4x4 holds half the numbers of a spacetime patch; all else costs the same.
models::DiTConfig video() {
  return {.height = 8 * 32,
          .width = 32,
          .channels = 4,
          .patch = {1, 4, 4},
          .hidden = 256,
          .depth = 6,
          .heads = 4,
          .classes = 10};
}

}  // namespace

void add_step_cases(std::vector<Case>& cases) {
  const auto add = [&](const std::string& name, const models::DiTConfig& config, int64_t batch) {
    cases.push_back(training_step("step/" + name, config, batch));
  };
  add("quickstart", quickstart(), 64);
  add("S4_28x28_batch32", small_images(), 32);
  add("S4_28x28_batch64", small_images(), 64);
  add("S2_batch8", models::dit_preset("S/2"), 8);
  add("S2_batch32", models::dit_preset("S/2"), 32);
  add("B4_batch32", models::dit_preset("B/4"), 32);
  add("video_512_tokens", video(), 4);
}

}  // namespace ditharos::bench
