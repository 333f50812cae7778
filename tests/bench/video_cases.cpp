// Training and sampling steps of a video model on an autoencoder's latents.
#include <memory>

#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/dit/video_dit.h>
#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/optim/adam.h>
#include <ditharos/training/trainer.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

constexpr int64_t prompt_length = 24, vocabulary = 512;

models::VideoDiTConfig latent_model(models::VideoAttention attention) {
  return {.channels = 8, .patch = {1, 2, 2}, .hidden = 192, .depth = 8, .heads = 6, .attention = attention,
          .text = {.vocabulary = vocabulary, .length = prompt_length}};
}

/// Operations (two to a multiply-add) of a forward pass's matrix products for a clip of [frames, 8, side, side] whose
/// frames have times of their own.
double forward_flops(const models::VideoDiTConfig& c, int64_t frames, int64_t side) {
  const double d = double(c.hidden), w = double(c.text.width), length = prompt_length;
  const double places = double(side / c.patch.height * (side / c.patch.width)), tokens = double(frames) * places;
  const bool joint = c.attention == models::VideoAttention::joint;
  const double seen = joint ? tokens : (places + double(frames)) / 2;  // on average over the blocks
  const double own = 2 * tokens * d * (4 * d + 2 * double(c.mlp_hidden())) + 4 * tokens * seen * d;
  const double text = 2 * (tokens * 2 * d * d + length * w * 2 * d) + 4 * tokens * length * d;
  const double block = own + text + 2 * double(frames) * 6 * d * d;
  const double encoder = double(c.text.depth) * (2 * length * 12 * w * w + 4 * length * length * w);
  const double ends = 2 * tokens * d * 2 * double(c.patch_volume()) + 2 * double(frames) * (256 * d + 3 * d * d);
  return double(c.depth) * block + encoder + ends;
}

struct Training {
  Training(const models::VideoDiTConfig& config, const Shape& shape) : rng(1), model(config, rng) {
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
  models::VideoDiT model;
  std::unique_ptr<training::Trainer> trainer;
  Tensor latents, prompts;
};

Case training(const std::string& name, models::VideoAttention attention, int64_t batch, int64_t frames) {
  return {"step/video_" + name, [=] {
            const models::VideoDiTConfig config = latent_model(attention);
            auto run = std::make_shared<Training>(config, Shape{batch, frames, 8, 8, 8});
            return Work{.run = [run] { run->trainer->step(run->latents, run->prompts); },
                        .flops = 3 * double(batch) * forward_flops(config, frames, 8),
                        .parameters = models::count_parameters(config)};
          }};
}

Case sampling(const std::string& name, int64_t batch, int64_t frames) {
  return {"sample/video_" + name, [=] {
            const models::VideoDiTConfig config = latent_model(models::VideoAttention::joint);
            auto run = std::make_shared<Training>(config, Shape{batch, frames, 8, 8, 8});
            const models::VideoModel model{
                [run](const Tensor& x, const Tensor& t, const Tensor& p) { return run->model(x, t, p); }, run->prompts,
                zeros({prompt_length}, DType::i64)};
            return Work{.run = [=] {
                          models::sample_video(model, {.steps = 1, .guidance = {.scale = 4}}, run->latents);
                        },
                        .flops = 2 * double(batch) * forward_flops(config, frames, 8)};
          }};
}

}  // namespace

void add_video_cases(std::vector<Case>& cases) {
  cases.push_back(training("8_frames_batch32", models::VideoAttention::joint, 32, 8));
  cases.push_back(training("16_frames_batch16", models::VideoAttention::joint, 16, 16));
  cases.push_back(training("8_frames_batch32_factorised", models::VideoAttention::factorised, 32, 8));
  cases.push_back(sampling("16_frames", 1, 16));
}

}  // namespace ditharos::bench
