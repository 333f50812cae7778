// Rectified flow with conditioning frames: masks, the network's inputs, and the loss.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/frame_flow.h>
#include "tests/support/golden.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;

namespace {

std::string frames_of(FrameMask mask, int64_t frames, uint64_t seed = 1) {
  Generator rng(seed);
  std::string text;
  for (const bool given : FrameFlow::conditioning_frames(mask, frames, rng)) text += given ? 'g' : '.';
  return text;
}

}  // namespace

TEST_CASE("frame flow: the conditioning frames of each mask, at least one frame is left to generate") {
  CHECK(frames_of(FrameMask::none, 8) == "........");
  CHECK(frames_of(FrameMask::first, 8) == "g.......");
  CHECK(frames_of(FrameMask::last, 8) == ".......g");
  CHECK(frames_of(FrameMask::first_and_last, 8) == "g......g");
  CHECK(frames_of(FrameMask::first_quarter, 8) == "gg......");
  CHECK(frames_of(FrameMask::last_quarter, 8) == "......gg");
  CHECK(frames_of(FrameMask::first_quarter, 3) == "g..");
  CHECK(frames_of(FrameMask::first_and_last, 2) == "g.");
  for (const FrameMask mask : {FrameMask::first, FrameMask::last, FrameMask::last_quarter, FrameMask::random})
    CHECK(frames_of(mask, 1) == ".");
  int64_t given = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::string frames = frames_of(FrameMask::random, 6, seed);
    const auto n = std::count(frames.begin(), frames.end(), 'g');
    CHECK_LT(n, 6);
    given += n;
  }
  CHECK_EQ(double(given), doctest::Approx(600).epsilon(.1));
}

TEST_CASE("frame flow: masks are drawn with their probabilities") {
  const FrameFlow flow(
      {.none = .5, .first = .3, .last = 0, .first_and_last = 0, .first_quarter = 0, .last_quarter = 0, .random = .2});
  Generator rng(2);
  double none = 0, first = 0;
  for (const std::vector<bool>& given : flow.sample_masks(2000, 8, rng)) {
    const auto n = std::count(given.begin(), given.end(), true);
    none += n == 0;
    first += n == 1 && given[0];
  }
  CHECK_EQ(none, doctest::Approx(1000).epsilon(.06));
  CHECK_EQ(first, doctest::Approx(600).epsilon(.08));
  CHECK_THROWS_WITH_AS(FrameFlow({.none = .7}), "the frame masks' probabilities must add up to 1, got 1.100000",
                       ConfigError);
  CHECK_THROWS_AS(FrameFlow({.none = 1.2, .first = -.48}), ConfigError);
}

TEST_CASE("frame flow: conditioning frames are data at t = 1 and are not part of the loss") {
  Generator rng(3);
  const FrameFlow flow({.flow = {.time_scale = 100}});
  const Tensor data = rng.normal({2, 3, 1, 2, 2}), noise = rng.normal({2, 3, 1, 2, 2});
  const ConditioningMask given{{true, false, false}, {false, false, false}};
  Tensor seen, times;
  const Denoiser spy = [&](const Tensor& x, const Tensor& t) {
    seen = x;
    times = t;
    return x * 0.0;
  };
  const Tensor loss = flow.loss_terms(spy, data, {.25, .5}, given, noise);
  CHECK(times.to_vector<double>() == std::vector<double>{100, 25, 25, 50, 50, 50});
  const auto frame = [](const Tensor& x, int64_t clip, int64_t f) { return x.select(0, clip).select(0, f); };
  CHECK(tests::same_bits(contiguous(frame(seen, 0, 0)), contiguous(frame(data, 0, 0))));
  CHECK_LT(difference(frame(seen, 0, 1), frame(noise, 0, 1) * .75 + frame(data, 0, 1) * .25), 1e-6);
  CHECK_LT(difference(frame(seen, 1, 0), (frame(noise, 1, 0) + frame(data, 1, 0)) * .5), 1e-6);
  // The prediction is zero, so the error is the velocity's own square.
  const Tensor velocity = square(data - noise);
  CHECK_EQ(loss.select(0, 0).item(), doctest::Approx(mean(slice(velocity.select(0, 0), 0, 1, 3)).item()));
  CHECK_EQ(loss.select(0, 1).item(), doctest::Approx(mean(velocity.select(0, 1)).item()));
  CHECK_EQ(flow.progress(25), .25);
}

TEST_CASE("frame flow: without conditioning frames it is the rectified flow") {
  Generator rng(4);
  const Tensor data = rng.normal({3, 2, 1, 2, 2}), noise = rng.normal({3, 2, 1, 2, 2});
  const std::vector<double> t{.1, .6, .9};
  const Denoiser half = [](const Tensor& x, const Tensor&) { return x * .5; };
  const Tensor own = FrameFlow().loss_terms(half, data, t, ConditioningMask(3, {false, false}), noise);
  CHECK_LT(difference(own, Flow().loss_terms(half, data, t, noise)), 1e-6);
}

TEST_CASE("frame flow: equal generators give equal losses, and only frames to generate contribute to the gradient") {
  const FrameFlow flow(
      {.none = 0, .first = 1, .last = 0, .first_and_last = 0, .first_quarter = 0, .last_quarter = 0, .random = 0});
  Generator rng(5);
  const Tensor data = rng.normal({4, 3, 2, 2, 2}), shift = zeros({4, 3, 2, 2, 2}).set_requires_grad();
  const Denoiser model = [&](const Tensor& x, const Tensor&) { return x + shift; };
  const auto run = [&] {
    Generator own(6);
    return flow.loss(model, data, own);
  };
  const Loss loss = run();
  CHECK_EQ(loss.total.item(), run().total.item());
  CHECK_EQ(loss.total.item(), doctest::Approx(mean(loss.per_sample).item()));
  CHECK(loss.progress.shape() == Shape{4});
  loss.total.backward();
  const Tensor gradient = amax(abs(shift.grad()), {0, 2, 3, 4});  // [F]
  CHECK_EQ(gradient.select(0, 0).item(), 0);
  CHECK_GT(gradient.select(0, 1).item(), 0);
  CHECK_GT(gradient.select(0, 2).item(), 0);
}

TEST_CASE("frame flow: batches that do not fit are refused") {
  const FrameFlow flow;
  const Denoiser same = [](const Tensor& x, const Tensor&) { return x; };
  const Tensor clips = zeros({2, 3, 1, 2, 2});
  Generator rng(7);
  CHECK_THROWS_WITH_AS(flow.loss(same, zeros({2, 1, 2, 2}), rng),
                       "[FrameFlow] clips must have shape [B, F, C, H, W], got [2, 1, 2, 2]", ShapeError);
  CHECK_THROWS_AS(flow.loss_terms(same, clips, {0, 1}, {{false, false, false}}, clips), ShapeError);
  CHECK_THROWS_AS(flow.loss_terms(same, clips, {0, 1}, ConditioningMask(2, {false, true}), clips), ShapeError);
  CHECK_THROWS_AS(flow.loss_terms(same, clips, {0, 1}, ConditioningMask(2, {true, true, true}), clips), ShapeError);
  const Denoiser wrong = [](const Tensor& x, const Tensor&) { return slice(x, 1, 0, 1); };
  CHECK_THROWS_AS(flow.loss(wrong, clips, rng), ShapeError);
}
