// Sampling steps: one evaluation of a guided network for a number of images, in f32 and in int8.
#include <memory>

#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/diffusion/guidance.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/nn/inference.h>
#include <ditharos/tensor/random.h>
#include "tests/bench/bench.h"
#include "tests/bench/training.h"

namespace ditharos::bench {
namespace {

struct Sampling {
  Sampling(const models::DiTConfig& config, int64_t images, bool int8) : rng(1), model(config, rng) {
    nn::set_training(model, false);
    if (int8) nn::quantize(model);
    noise = rng.normal({images, config.channels, config.height, config.width});
    const Tensor labels = rng.randint(0, config.classes, {images});
    denoiser = models::guided([this](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
                              labels, config.null_condition(), {.scale = 4}, [](double t) { return t; });
  }

  /// Euler's step, as sample_euler makes it.
  void step() const {
    const nn::InferenceMode inference;
    const models::Flow flow;
    const Tensor x = noise + flow.velocity(denoiser, noise, .5) * .02;
  }

  Generator rng;
  models::DiT model;
  Tensor noise;
  models::Denoiser denoiser;
};

Case sampling_step(const std::string& name, models::DiTConfig config, int64_t images, bool int8) {
  config.learn_sigma = false;  // the velocity has no variance
  return {(int8 ? "sample_int8/" : "sample/") + name + "_" + std::to_string(images), [=] {
            auto sampling = std::make_shared<Sampling>(config, images, int8);
            return Work{.run = [sampling] { sampling->step(); },
                        .flops = 2 * double(images) * forward_flops(config, image_grid(config)),
                        .parameters = models::count_parameters(config).trainable};
          }};
}

}  // namespace

void add_sample_cases(std::vector<Case>& cases) {
  for (const bool int8 : {false, true})
    for (const int64_t images : {1, 8}) cases.push_back(sampling_step("S2", models::dit_preset("S/2"), images, int8));
}

}  // namespace ditharos::bench
