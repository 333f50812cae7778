// A small video model learns from prompts and from conditioning frames: training and sampling together.
#include <doctest/doctest.h>

#include <memory>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/optim/adam.h>
#include <ditharos/training/trainer.h>

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::training;

namespace {

/// Clips of one brightness: prompt {1, 2} means bright (1), {1, 3} dark (-1), and every third clip's prompt says
/// nothing ({1, 4}) while its brightness is either.
struct Lesson {
  Tensor clips;    // [B, 3, 1, 4, 4]
  Tensor prompts;  // [B, 2]

  Lesson(int64_t batch, Generator& rng) {
    std::vector<float> levels;
    std::vector<int64_t> tokens;
    for (int64_t i = 0; i < batch; ++i) {
      const bool bright = rng.uniform() < .5;
      levels.push_back(bright ? 1.f : -1.f);
      tokens.push_back(1);
      tokens.push_back(i % 3 == 2 ? 4 : bright ? 2 : 3);
    }
    clips = contiguous(expand(from_vector(levels, {batch, 1, 1, 1, 1}), {batch, 3, 1, 4, 4}));
    prompts = from_vector(tokens, {batch, 2});
  }
};

double brightness(const Tensor& clips, int64_t clip, int64_t frame) {
  return mean(clips.select(0, clip).select(0, frame)).item();
}

}  // namespace

TEST_CASE("video training: a model follows its prompt, and its conditioning frames where the prompt says nothing") {
  Generator rng(1);
  DiTConfig config = video_dit_preset();
  config.channels = 1, config.hidden = 24, config.depth = 2, config.heads = 2, config.mlp_ratio = 2;
  config.text = {.vocabulary = 5, .length = 2, .width = 12, .depth = 1, .heads = 2};
  DiT model(config, rng);
  const Network network = [&](const Tensor& x, const Tensor& t, const Tensor& p) { return model(x, t, p); };
  const Tensor nothing = from_vector<int64_t>({1, 0});
  const FrameFlowConfig masks = {
      .none = .4, .first = .4, .last = .2, .first_and_last = 0, .first_quarter = 0, .last_quarter = 0, .random = 0};
  Trainer trainer(model, network, std::make_shared<FrameFlow>(masks),
                  std::make_unique<optim::AdamW>(nn::named_parameters(model)),
                  {.class_dropout = .1, .null_condition = nothing, .clip_norm = 1, .schedule = {.lr = 5e-3}});
  double early = 0, late = 0;
  constexpr int steps = 250;
  for (int i = 0; i < steps; ++i) {
    const Lesson lesson(24, rng);
    const double loss = trainer.step(lesson.clips, lesson.prompts).loss;
    if (i < 20) early += loss / 20;
    if (i >= steps - 20) late += loss / 20;
  }
  CHECK_LT(late, .35 * early);

  nn::set_training(model, false);
  const VideoModel by_prompt{network, from_vector<int64_t>({1, 2, 1, 3}, {2, 2}), nothing};
  const Tensor made = sample_video(by_prompt, {.steps = 10, .guidance = {.scale = 1.5}}, rng.normal({2, 3, 1, 4, 4}));
  for (int64_t frame = 0; frame < 3; ++frame) {
    CHECK_GT(brightness(made, 0, frame), .5);
    CHECK_LT(brightness(made, 1, frame), -.5);
  }
  // A duration and a size that training never showed.
  const Tensor other = sample_video(by_prompt, {.steps = 10}, rng.normal({2, 4, 1, 4, 6}));
  CHECK_GT(brightness(other, 0, 3), .4);
  CHECK_LT(brightness(other, 1, 3), -.4);

  const VideoModel by_frame{network, from_vector<int64_t>({1, 4, 1, 4}, {2, 2}), nothing};
  const Tensor first = contiguous(expand(from_vector<float>({1, -1}, {2, 1, 1, 1, 1}), {2, 1, 1, 4, 4}));
  const Tensor moved =
      sample_video(by_frame, {.steps = 10}, rng.normal({2, 3, 1, 4, 4}), conditioning_ends(first, {}, 3));
  CHECK_EQ(brightness(moved, 0, 0), 1);
  CHECK_EQ(brightness(moved, 1, 0), -1);
  CHECK_GT(brightness(moved, 0, 2), .5);
  CHECK_LT(brightness(moved, 1, 2), -.5);
}
