#include "tests/bench/training.h"

#include <memory>

#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/random.h>
#include <ditharos/training/trainer.h>

namespace ditharos::bench {
namespace {

struct Training {
  Training(const models::DiTConfig& config, int64_t batch) : rng(1), model(config, rng) {
    training::TrainerConfig t;
    t.class_dropout = config.class_dropout;
    t.null_condition = config.null_condition();
    t.clip_norm = 1;
    t.ema_decay = .995;
    t.schedule.lr = 1e-4;
    models::DiffusionConfig process;  // velocity on the linear path
    trainer = std::make_unique<training::Trainer>(
        model, [this](const Tensor& x, const Tensor& time, const Tensor& labels) { return model(x, time, labels); },
        models::make_objective(process), std::make_unique<optim::AdamW>(nn::named_parameters(model)), t);
    images = rng.normal({batch, config.channels, config.height, config.width});
    labels = rng.randint(0, config.classes, {batch});
  }

  Generator rng;
  models::DiT model;
  std::unique_ptr<training::Trainer> trainer;
  Tensor images, labels;
};

}  // namespace

double forward_flops(const models::DiTConfig& c, const models::PatchGrid& grid) {
  const double frames = double(grid.frames), positions = double(grid.rows * grid.columns);
  const double tokens = frames * positions, d = double(c.hidden);
  const bool joint = c.attention == models::AttentionLayout::joint;
  const double seen = joint ? tokens : (positions + frames) / 2;  // on average over the blocks
  double block = 2 * tokens * d * (4 * d + 2 * double(c.mlp_hidden())) + 4 * tokens * seen * d;
  block += 2 * frames * 6 * d * d;  // adaLN
  double encoder = 0;
  if (c.condition() == models::Condition::prompt) {
    const double w = double(c.text.width), length = double(c.text.length);
    block += 2 * (tokens * 2 * d * d + length * w * 2 * d) + 4 * tokens * length * d;
    encoder = double(c.text.depth) * (2 * length * 12 * w * w + 4 * length * length * w);
  }
  const double ends = 2 * tokens * d * double(c.patch_volume() + c.out_volume());
  const double times = 2 * frames * (256 * d + 3 * d * d);  // and the last adaLN
  return double(c.depth) * block + encoder + ends + times;
}

Case training_step(const std::string& name, models::DiTConfig config, int64_t batch) {
  config.learn_sigma = false;  // the velocity has no variance
  return {name, [=] {
            auto training = std::make_shared<Training>(config, batch);
            return Work{.run = [training] { training->trainer->step(training->images, training->labels); },
                        .flops = 3 * double(batch) * forward_flops(config, image_grid(config)),
                        .parameters = models::count_parameters(config).trainable};
          }};
}

}  // namespace ditharos::bench
