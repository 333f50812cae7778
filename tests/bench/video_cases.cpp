// Training and sampling steps of a video model on an autoencoder's latents.
#include <memory>

#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/optim/adam.h>
#include <ditharos/training/trainer.h>
#include "tests/bench/training.h"

namespace ditharos::bench {
namespace {

constexpr int64_t prompt_length = 24, vocabulary = 512;

models::DiTConfig latent_model(models::AttentionLayout attention) {
  models::DiTConfig config = models::video_dit_preset();
  config.attention = attention;
  config.text = {.vocabulary = vocabulary, .length = prompt_length};
  return config;
}

struct VideoTraining {
  VideoTraining(const models::DiTConfig& config, const Shape& shape) : rng(1), model(config, rng) {
    training::TrainerConfig t;
    t.class_dropout = .1;
    t.null_condition = zeros({prompt_length}, DType::i64);
    t.clip_norm = 1;
    t.ema_decay = .995;
    t.schedule.lr = 1e-4;
    trainer = std::make_unique<training::Trainer>(
        model, [this](const Tensor& x, const Tensor& time, const Tensor& p) { return model(x, time, p); },
        std::make_shared<models::FrameFlow>(), std::make_unique<optim::AdamW>(nn::named_parameters(model)), t);
    latents = rng.normal(shape);
    prompts = rng.randint(1, vocabulary, {shape[0], prompt_length});
  }

  Generator rng;
  models::DiT model;
  std::unique_ptr<training::Trainer> trainer;
  Tensor latents, prompts;
};

Case training(const std::string& name, models::AttentionLayout attention, int64_t batch, int64_t frames) {
  return {"step/video_" + name, [=] {
            const models::DiTConfig config = latent_model(attention);
            auto run = std::make_shared<VideoTraining>(config, Shape{batch, frames, 8, 8, 8});
            return Work{.run = [run] { run->trainer->step(run->latents, run->prompts); },
                        .flops = 3 * double(batch) * forward_flops(config, {frames, 4, 4}),
                        .parameters = models::count_parameters(config).trainable};
          }};
}

Case sampling(const std::string& name, int64_t batch, int64_t frames) {
  return {"sample/video_" + name, [=] {
            const models::DiTConfig config = latent_model(models::AttentionLayout::joint);
            auto run = std::make_shared<VideoTraining>(config, Shape{batch, frames, 8, 8, 8});
            const models::VideoModel model{
                [run](const Tensor& x, const Tensor& t, const Tensor& p) { return run->model(x, t, p); }, run->prompts,
                zeros({prompt_length}, DType::i64)};
            return Work{
                .run = [=] { models::sample_video(model, {.steps = 1, .guidance = {.scale = 4}}, run->latents); },
                .flops = 2 * double(batch) * forward_flops(config, {frames, 4, 4})};
          }};
}

}  // namespace

void add_video_cases(std::vector<Case>& cases) {
  cases.push_back(training("8_frames_batch32", models::AttentionLayout::joint, 32, 8));
  cases.push_back(training("16_frames_batch16", models::AttentionLayout::joint, 16, 16));
  cases.push_back(training("8_frames_batch32_factorised", models::AttentionLayout::factorised, 32, 8));
  cases.push_back(sampling("16_frames", 1, 16));
}

}  // namespace ditharos::bench
