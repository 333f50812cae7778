#include "tests/bench/training.h"

#include <memory>

#include <ditharos/models/diffusion/process.h>
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

double forward_flops(const models::DiTConfig& c) {
  const double tokens = double(c.tokens()), d = double(c.hidden), pixels = double(c.patch * c.patch);
  const double projections = 2 * tokens * d * (4 * d + 2 * double(c.mlp_hidden())), attention = 4 * tokens * tokens * d;
  const double block = projections + attention + 2 * 6 * d * d;  // the last: adaLN
  const double time = 2 * (256 * d + d * d);
  const double ends = 2 * tokens * d * pixels * double(c.channels + c.out_channels()) + 2 * 2 * d * d;
  return double(c.depth) * block + time + ends;
}

Case training_step(const std::string& name, models::DiTConfig config, int64_t batch) {
  config.learn_sigma = false;  // the velocity has no variance
  return {name, [=] {
    auto training = std::make_shared<Training>(config, batch);
    return Work{.run = [training] { training->trainer->step(training->images, training->labels); },
                .flops = 3 * double(batch) * forward_flops(config),
                .parameters = models::count_parameters(config).trainable};
  }};
}

}  // namespace ditharos::bench
