// Whole training steps: forward, backward, clipping, AdamW and the moving average.
#include <memory>

#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/diffusion/trainer.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tests/bench/bench.h>

namespace ditharos::bench {
namespace {

/// Multiplications and additions of a forward pass's matrix products for one sample; a step takes three times that.
double forward_flops(const models::DiTConfig& c) {
  const double tokens = double(c.tokens()), d = double(c.hidden), ratio = c.mlp_ratio;
  const double pixels = double(c.patch * c.patch);
  const double block = 2 * tokens * d * d * (4 + 2 * ratio) + 4 * tokens * tokens * d + 2 * 6 * d * d;
  const double ends = 2 * tokens * d * pixels * double(c.channels + c.out_channels()) + 2 * 2 * d * d;
  return double(c.depth) * block + ends;
}

struct Training {
  Training(const models::DiTConfig& config, int64_t batch) : rng(1), model(config, rng) {
    models::TrainerConfig t;
    t.class_dropout = config.class_dropout;
    t.null_label = config.null_label();
    t.clip_norm = 1;
    t.ema_decay = .995;
    t.schedule.lr = 1e-4;
    models::DiffusionConfig process;  // velocity on the linear path
    trainer = std::make_unique<models::Trainer>(
        model, [this](const Tensor& x, const Tensor& time, const Tensor& labels) { return model(x, time, labels); },
        models::make_objective(process), std::make_unique<optim::AdamW>(nn::named_parameters(model)), t);
    images = rng.normal({batch, config.channels, config.height, config.width});
    labels = rng.randint(0, config.classes, {batch});
  }

  Generator rng;
  models::DiT model;
  std::unique_ptr<models::Trainer> trainer;
  Tensor images, labels;
};

Case training_step(const std::string& name, models::DiTConfig config, int64_t batch) {
  config.learn_sigma = false;  // the velocity has no variance
  return {"step/" + name, [=] {
    auto training = std::make_shared<Training>(config, batch);
    return Work{[training] { training->trainer->step(training->images, training->labels); },
                3 * double(batch) * forward_flops(config), 0};
  }};
}

}  // namespace

void add_step_cases(std::vector<Case>& cases) {
  models::DiTConfig quickstart;
  quickstart.height = quickstart.width = 28;
  quickstart.channels = 1;
  quickstart.patch = 4;
  quickstart.hidden = 96;
  quickstart.depth = 4;
  quickstart.heads = 4;
  quickstart.classes = 10;
  cases.push_back(training_step("quickstart", quickstart, 64));
  cases.push_back(training_step("S2_batch8", models::dit_preset("S/2"), 8));
}

}  // namespace ditharos::bench
