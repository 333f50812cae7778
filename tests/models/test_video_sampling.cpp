// Sampling clips: conditioning frames, extension, loops, resampling of a clip.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/samplers/video_sampling.h>
#include "tests/support/golden.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

/// Always heads straight for its prompt's number: v = (target - x) / (1 - t), which Euler's method follows exactly.
Tensor straight(const Tensor& x, const Tensor& t, const Tensor& prompts) {
  std::vector<float> velocity;
  const std::vector<float> values = x.to_vector<float>(), times = t.to_vector<float>();
  const std::vector<int64_t> targets = prompts.to_vector<int64_t>();
  const size_t of_clip = values.size() / targets.size(), of_time = values.size() / times.size();
  for (size_t i = 0; i < values.size(); ++i) {
    const float left = std::max(1 - times[i / of_time] / 1000, 1e-6f);
    velocity.push_back((float(targets[i / of_clip]) - values[i]) / left);
  }
  return from_vector(velocity, x.shape());
}

const VideoModel to_numbers = {straight, from_vector<int64_t>({3, -2}), scalar(0, DType::i64)};

Tensor frames_of(const Tensor& clip, int64_t begin, int64_t end) { return contiguous(slice(clip, 1, begin, end)); }

/// A small model whose frames and prompts all matter.
DiT small_model() {
  Generator rng(2);
  DiTConfig config = video_dit_preset();
  config.channels = 2, config.hidden = 16, config.depth = 2, config.heads = 2, config.mlp_ratio = 2;
  config.text = {.vocabulary = 9, .length = 3, .width = 8, .depth = 1, .heads = 2};
  DiT model(config, rng);
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    const std::vector<float> values = (rng.normal(tensor.shape()) * .2).to_vector<float>();
    std::copy(values.begin(), values.end(), tensor.mutable_data<float>());
  }
  return model;
}

}  // namespace

TEST_CASE("video sampling: noise becomes the network's target, with either method") {
  Generator rng(1);
  const Tensor noise = rng.normal({2, 3, 1, 2, 2});
  const Tensor wanted = to(expand(from_vector<double>({3, -2}, {2, 1, 1, 1, 1}), noise.shape()), DType::f32);
  CHECK_LT(difference(sample_video(to_numbers, {.steps = 7}, noise), wanted), 1e-5);
  CHECK_LT(difference(sample_video(to_numbers, {.guidance = {.scale = 2}}, noise), wanted * 2.0), 1e-5);
}

TEST_CASE("video sampling: progress gets the predicted clips") {
  Generator rng(1);
  const Tensor noise = rng.normal({2, 3, 1, 2, 2});
  std::vector<int64_t> steps;
  double worst = 0;
  const Tensor wanted = to(expand(from_vector<double>({3, -2}, {2, 1, 1, 1, 1}), noise.shape()), DType::f32);
  Tensor last;
  const Tensor made =
      sample_video(to_numbers, {.steps = 4}, noise, {}, [&](int64_t done, int64_t total, const Tensor& x) {
        CHECK_EQ(total, 4);
        steps.push_back(done);
        worst = std::max(worst, difference(x, wanted));
        last = x;
      });
  CHECK(steps == std::vector<int64_t>{1, 2, 3, 4});
  CHECK_LT(worst, 1e-5);  // known from the first step on, because the path is straight
  CHECK(same_bits(last, made));
}

TEST_CASE("video sampling: conditioning frames come back bit by bit, at t = 1 all the way") {
  Generator rng(2);
  const Tensor noise = rng.normal({2, 4, 1, 2, 2}), clip = rng.normal({2, 4, 1, 2, 2});
  VideoModel spy = to_numbers;
  int64_t calls = 0;
  spy.network = [&](const Tensor& x, const Tensor& t, const Tensor& prompts) {
    CHECK(t.shape() == Shape{2, 4});
    CHECK_EQ(t.select(0, 1).select(0, 1).item(), 1000);
    CHECK_LT(t.select(0, 1).select(0, 0).item(), 1000);
    CHECK(same_bits(frames_of(x, 1, 2), frames_of(clip, 1, 2)));
    CHECK(same_bits(frames_of(x, 3, 4), frames_of(clip, 3, 4)));
    ++calls;
    return straight(x, t, prompts);
  };
  const ConditioningFrames given{clip, {false, true, false, true}};
  const Tensor made = sample_video(spy, {.steps = 5}, noise, given);
  CHECK_EQ(calls, 5);
  CHECK(same_bits(frames_of(made, 1, 2), frames_of(clip, 1, 2)));
  CHECK(same_bits(frames_of(made, 3, 4), frames_of(clip, 3, 4)));
  CHECK_LT(difference(made.select(0, 0).select(0, 0), full({1, 2, 2}, 3)), 1e-5);
}

TEST_CASE("video sampling: a real model, determined by noise, prompt and conditioning frames") {
  const DiT network = small_model();
  Generator rng(3);
  const VideoModel model{[&](const Tensor& x, const Tensor& t, const Tensor& p) { return network(x, t, p); },
                         from_vector<int64_t>({1, 4, 0, 1, 5, 6}, {2, 3}), from_vector<int64_t>({1, 0, 0})};
  const Tensor noise = rng.normal({2, 3, 2, 4, 4}), clip = rng.normal({2, 3, 2, 4, 4});
  const SamplerConfig sampler{.kind = SamplerKind::heun, .steps = 4, .guidance = {.scale = 3}};
  const ConditioningFrames given{clip, {true, false, false}};
  const int64_t nodes = live_nodes();
  const Tensor made = sample_video(model, sampler, noise, given);
  CHECK_EQ(live_nodes(), nodes);  // nothing was recorded
  CHECK(same_bits(made, sample_video(model, sampler, noise, given)));
  CHECK(same_bits(frames_of(made, 0, 1), frames_of(clip, 0, 1)));
  CHECK_GT(difference(made, sample_video(model, sampler, noise)), 1e-3);
  CHECK_GT(difference(made, sample_video(model, sampler, rng.normal(noise.shape()), given)), 1e-3);
  VideoModel other = model;
  other.conditions = from_vector<int64_t>({1, 2, 0, 1, 5, 6}, {2, 3});
  const Tensor with_other = sample_video(other, sampler, noise, given);
  CHECK_GT(difference(slice(with_other, 0, 0, 1), slice(made, 0, 0, 1)), 1e-4);
  CHECK_LT(difference(slice(with_other, 0, 1, 2), slice(made, 0, 1, 2)), 1e-4);  // each clip follows its own prompt
}

TEST_CASE("video sampling: conditioning frames at the ends") {
  Generator rng(4);
  const Tensor begin = rng.normal({1, 2, 1, 2, 2}), end = rng.normal({1, 1, 1, 2, 2});
  const ConditioningFrames both = conditioning_ends(begin, end, 5);
  CHECK(both.mask == std::vector<bool>{true, true, false, false, true});
  CHECK(same_bits(frames_of(both.clip, 0, 2), begin));
  CHECK(same_bits(frames_of(both.clip, 4, 5), end));
  CHECK(conditioning_ends(begin, {}, 3).mask == std::vector<bool>{true, true, false});
  CHECK(conditioning_ends({}, end, 2).mask == std::vector<bool>{false, true});
  CHECK_FALSE(conditioning_ends({}, {}, 2).clip.defined());
  CHECK(message_of<ShapeError>([&] { conditioning_ends(begin, end, 3); }) ==
        "[conditioning_ends] 2 frames at the beginning and 1 at the end leave no frame to generate in a clip of 3");
}

TEST_CASE("video sampling: extension keeps the clip and adds the new frames") {
  Generator rng(5);
  const Tensor clip = rng.normal({2, 4, 1, 2, 2}), noise = rng.normal({2, 5, 1, 2, 2});
  const auto all_near = [](const Tensor& x, double value) { return amax(abs(x - value)).item() < 1e-4; };
  const Tensor after = extend_forwards(to_numbers, {.steps = 3}, clip, noise, 2);
  REQUIRE(after.shape() == Shape{2, 7, 1, 2, 2});
  CHECK(same_bits(frames_of(after, 0, 4), clip));
  CHECK(all_near(slice(frames_of(after, 4, 7), 0, 0, 1), 3));
  const Tensor before = extend_backwards(to_numbers, {.steps = 3}, clip, noise, 1);
  REQUIRE(before.shape() == Shape{2, 8, 1, 2, 2});
  CHECK(same_bits(frames_of(before, 4, 8), clip));
  CHECK(all_near(slice(frames_of(before, 0, 4), 0, 1, 2), -2));
  CHECK_THROWS_AS(extend_forwards(to_numbers, {}, clip, noise, 0), ShapeError);
  CHECK_THROWS_AS(extend_forwards(to_numbers, {}, clip, noise, 5), ShapeError);
  CHECK_THROWS_AS(extend_backwards(to_numbers, {}, clip, rng.normal({2, 5, 1, 2, 4}), 1), ShapeError);
  CHECK_THROWS_AS(extend_backwards(to_numbers, {}, rng.normal({2, 6, 1, 2, 2}), noise, 5), ShapeError);
}

TEST_CASE("video sampling: a loop's second half is interpolated between the first half's end and beginning") {
  Generator rng(6);
  const Tensor first_noise = rng.normal({2, 4, 1, 2, 2}), second_noise = rng.normal({2, 6, 1, 2, 2});
  std::vector<Tensor> seen;  // what the second pass was given
  Tensor first_pass;
  VideoModel spy = to_numbers;
  std::vector<std::vector<int64_t>> asked;
  spy.network = [&](const Tensor& x, const Tensor& t, const Tensor& prompts) {
    if (t.rank() == 2) seen = {frames_of(x, 0, 2), frames_of(x, 4, 6)};
    asked.push_back(prompts.to_vector<int64_t>());
    return straight(x, t, prompts);
  };
  std::vector<int64_t> steps;
  const Tensor loop = sample_loop(spy, {.steps = 2, .guidance = {.scale = 2}}, first_noise, second_noise, 2,
                                  [&](int64_t done, int64_t total, const Tensor&) {
                                    CHECK_EQ(total, 4);
                                    steps.push_back(done);
                                  });
  REQUIRE(loop.shape() == Shape{2, 6, 1, 2, 2});
  REQUIRE_EQ(seen.size(), 2);
  CHECK(same_bits(seen[0], frames_of(loop, 2, 4)));
  CHECK(same_bits(seen[1], frames_of(loop, 0, 2)));
  CHECK(steps == std::vector<int64_t>{1, 2, 3, 4});
  // The way there is prompted and guided; the way back is not.
  const std::vector<int64_t> guided{3, -2, 0, 0}, free{0, 0};
  CHECK(asked == std::vector<std::vector<int64_t>>{guided, guided, free, free});
  CHECK_THROWS_AS(sample_loop(spy, {}, first_noise, second_noise, 3), ShapeError);
}

TEST_CASE("video sampling: another version of a clip keeps as much as the strength leaves") {
  Generator rng(7);
  const Tensor clip = rng.normal({2, 3, 1, 2, 2}), noise = rng.normal({2, 3, 1, 2, 2});
  CHECK(same_bits(resample_video(to_numbers, {}, clip, noise, 0), clip));
  std::vector<double> times;
  Tensor start;
  VideoModel still{[&](const Tensor& x, const Tensor& t, const Tensor&) {
    if (times.empty()) start = x;
    times.push_back(t.select(0, 0).item() / 1000);
    return zeros(x.shape());
  }};
  const Tensor kept = resample_video(still, {.steps = 8}, clip, noise, .25);
  REQUIRE_EQ(times.size(), 2);
  CHECK_EQ(times[0], doctest::Approx(.75));
  CHECK_EQ(times[1], doctest::Approx(.875));
  CHECK_LT(difference(kept, clip * .75 + noise * .25), 1e-6);
  times.clear();
  resample_video(still, {.steps = 8}, clip, noise, 1);
  CHECK_EQ(times.size(), 8);
  CHECK(same_bits(start, noise * 1.0 + clip * 0.0));
  CHECK_THROWS_AS(resample_video(still, {}, clip, noise, 1.5), ConfigError);
  CHECK_THROWS_AS(resample_video(still, {}, clip, frames_of(noise, 0, 2), .5), ShapeError);
}

TEST_CASE("video sampling: what does not fit is refused in a sentence") {
  Generator rng(8);
  const Tensor noise = rng.normal({2, 3, 1, 2, 2});
  const auto message = [&](const SamplerConfig& sampler, const ConditioningFrames& given = {}) {
    return message_of<Error>([&] { sample_video(to_numbers, sampler, noise, given); });
  };
  CHECK(message({.kind = SamplerKind::ddim}) ==
        "clips are sampled with euler, heun, midpoint, adams_bashforth, "
        "dopri5, dpmpp_2m and unipc, not with ddim");
  CHECK(message({.steps = 0}) == "sampling needs at least one step, got 0");
  CHECK(message({}, {noise, {true, true, true}}) ==
        "[sample_video] all 3 frames are conditioning frames: no frame is left to generate");
  CHECK(message({}, {noise, {true, true}}).find("got [2, 3, 1, 2, 2] and a mask of 2") != std::string::npos);
  CHECK(message_of<Error>([&] { sample_video(to_numbers, {}, zeros({2, 3, 2, 2})); }) ==
        "[sample_video] noise must have shape [B, F, C, H, W], got [2, 3, 2, 2]");
}
