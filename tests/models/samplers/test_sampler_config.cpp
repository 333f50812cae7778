// One interface for all samplers: what fits together, refusals, progress, guidance and conditioning frames.
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/models/samplers/video_sampling.h>
#include "tests/support/golden.h"
#include "tests/support/message_of.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::message_of;

namespace {

const DiffusionConfig flow{.kind = ProcessKind::flow};
const DiffusionConfig gaussian{.kind = ProcessKind::gaussian, .gaussian = {.variance = Variance::fixed_small}};

/// Depends on the condition: i64 [B].
const Network network = [](const Tensor& x, const Tensor& t, const Tensor& conditions) {
  Shape one = Shape::filled(x.rank(), 1);
  one[0] = x.size(0);
  const Tensor scale = conditions.defined() ? to(conditions, DType::f32) * .1 + .5 : full({x.size(0)}, .5);
  return tanh(x * reshape(scale, one)) * (1 + .01 * std::cos(t.to_vector<double>()[0]));
};

Tensor run(const DiffusionConfig& process, const SamplerConfig& sampler, const SamplingProgress& progress = {}) {
  Generator rng(2);
  const Tensor noise = Generator(1).normal({2, 2, 3, 3});
  return sample(process, sampler, network, from_vector(std::vector<int64_t>{0, 4}), scalar(9, DType::i64), noise, rng,
                progress);
}

std::string refusal(const DiffusionConfig& process, const SamplerConfig& sampler) {
  return message_of<ConfigError>([&] { static_cast<void>(run(process, sampler)); });
}

}  // namespace

TEST_CASE("sampler config: every sampler has a name of its own and a process") {
  std::set<std::string> names;
  for (const SamplerKind kind : all_samplers()) {
    names.insert(name_of(kind));
    CAPTURE(std::string(name_of(kind)));
    CHECK((samples_flow(kind) || samples_gaussian(kind) || samples_mean_flow(kind)));
    CHECK_FALSE(std::string(describe(kind)).empty());
    CHECK_EQ(int(solves_ode(kind)) + int(solves_sde(kind)) + int(is_multistep(kind)) + int(samples_mean_flow(kind)) +
                 int(kind == SamplerKind::ddpm || kind == SamplerKind::ddim),
             1);
  }
  CHECK_EQ(names.size(), all_samplers().size());
  CHECK(sampler_names(solves_sde) == "euler_maruyama and sde_heun");
}

TEST_CASE("sampler config: every sampler samples its processes, reports progress, and records no graph") {
  const int64_t nodes = live_nodes();
  for (const SamplerKind kind : all_samplers()) {
    for (const DiffusionConfig& process : {flow, gaussian}) {
      const bool fits = process.kind == ProcessKind::flow ? samples_flow(kind) : samples_gaussian(kind);
      CAPTURE(std::string(name_of(kind)));
      CAPTURE(std::string(name_of(process.kind)));
      const SamplerConfig sampler{.kind = kind, .steps = 6, .guidance = {.scale = 2}};
      if (!fits) {
        CHECK(refusal(process, sampler).find(std::string("the sampler ") + name_of(kind) + " does not sample a ") == 0);
        continue;
      }
      int64_t last = 0, total = 0;
      Tensor reported;
      const Tensor result = run(process, sampler, [&](int64_t done, int64_t all, const Tensor& x) {
        CHECK_GT(done, last);
        last = done, total = all, reported = x;
      });
      CHECK_EQ(last, total);
      if (kind != SamplerKind::dopri5) CHECK_EQ(total, 6);
      CHECK_EQ(difference(reported, result), 0);
      CHECK_EQ(difference(run(process, sampler), result), 0);  // equal generators, equal bits
      for (const double v : result.to_vector<double>()) REQUIRE(std::isfinite(v));
    }
  }
  CHECK_EQ(live_nodes(), nodes);
}

TEST_CASE("sampler config: many steps of the deterministic samplers meet") {
  for (const DiffusionConfig& process : {flow, gaussian}) {
    const bool is_flow = process.kind == ProcessKind::flow;
    const Tensor fine =
        run(process, {.kind = is_flow ? SamplerKind::heun : SamplerKind::ddim, .steps = is_flow ? 200 : 1000});
    for (const SamplerKind kind : {SamplerKind::euler, SamplerKind::midpoint, SamplerKind::adams_bashforth,
                                   SamplerKind::dopri5, SamplerKind::dpmpp_2m, SamplerKind::unipc}) {
      if (!(is_flow ? samples_flow(kind) : samples_gaussian(kind))) continue;
      CAPTURE(std::string(name_of(kind)));
      CHECK_LT(difference(run(process, {.kind = kind, .steps = 200}), fine), .02);
    }
  }
}

TEST_CASE("sampler config: settings that do not fit together are refused with what would be right") {
  CHECK(refusal(flow, {.kind = SamplerKind::adams_bashforth, .order = 5}) ==
        "the order of Adams-Bashforth must be 2 to 4, got 5");
  CHECK(refusal(flow, {.kind = SamplerKind::dpmpp_2m, .order = 3}) ==
        "the order of DPM-Solver++ must be 1 or 2, got 3");
  CHECK(refusal(gaussian, {.kind = SamplerKind::unipc, .order = 4}) == "the order of UniPC must be 1 to 3, got 4");
  CHECK(refusal(gaussian, {.kind = SamplerKind::ddim, .karras_sigmas = true}) ==
        "Karras' noise levels are for dpmpp_2m, dpmpp_2m_sde and unipc with linspace spacing, not for ddim with "
        "linspace");
  CHECK(refusal(gaussian, {.kind = SamplerKind::unipc, .spacing = TimeSpacing::leading, .karras_sigmas = true})
            .find("not for unipc with leading") != std::string::npos);
  CHECK(refusal(flow, {.kind = SamplerKind::unipc, .karras_sigmas = true})
            .find("Karras' noise levels are for a gaussian process") != std::string::npos);
  CHECK(refusal(flow, {.spacing = TimeSpacing::trailing}).find("are for a gaussian process") != std::string::npos);
  CHECK(refusal(flow, {.kind = SamplerKind::sde_heun, .steps = 1}) == "sde_heun needs 2 steps or more, got 1");
  CHECK(refusal(flow, {.kind = SamplerKind::dopri5, .caching = {.method = CacheMethod::fora}})
            .find("feature caching needs steps of a known length") == 0);
  CHECK(
      refusal(flow, {.kind = SamplerKind::dopri5, .relative_tolerance = -1}).find("the tolerances must be 0 or more") ==
      0);
  CHECK(refusal(flow, {.guidance = {.rescale = 2}}) == "guidance is rescaled by 0 (not) to 1 (fully), got 2.000000");
  CHECK(refusal(gaussian, {.kind = SamplerKind::dpmpp_2m, .steps = 1000}).find("is sampled in 1 to 999") !=
        std::string::npos);
}

TEST_CASE("guidance: rescaled predictions have the deviation of the conditional ones") {
  const Tensor x = Generator(3).normal({2, 4, 3, 3}), t = full({2}, .5);
  const Tensor conditions = from_vector(std::vector<int64_t>{0, 4}), none = scalar(9, DType::i64);
  const auto predicted = [&](const Guidance& guidance) {
    return guided(network, conditions, none, guidance, [](double time) { return time; })(x, t);
  };
  const auto deviations = [](const Tensor& y) {
    const Tensor rows = reshape(y, {y.size(0), -1});
    return sqrt(mean(square(rows - mean(rows, {1}, true)), {1})).to_vector<double>();
  };
  const Tensor conditional = network(x, t, conditions), plain = predicted({.scale = 4});
  const Tensor whole = predicted({.scale = 4, .rescale = 1});
  for (const size_t sample : {0, 1}) {
    CHECK_EQ(deviations(whole)[sample], doctest::Approx(deviations(conditional)[sample]).epsilon(1e-5));
    CHECK_GT(std::abs(deviations(plain)[sample] / deviations(conditional)[sample] - 1), .01);
  }
  CHECK_LT(difference(predicted({.scale = 4, .rescale = .7}), whole * .7 + plain * .3), 1e-6);
  // Of three channels the fourth stays the conditional prediction's.
  const Tensor three = predicted({.scale = 4, .channels = 3, .rescale = 1});
  CHECK_EQ(difference(slice(three, 1, 3, 4), slice(conditional, 1, 3, 4)), 0);
  CHECK_EQ(deviations(slice(three, 1, 0, 3))[0],
           doctest::Approx(deviations(slice(conditional, 1, 0, 3))[0]).epsilon(1e-5));
  CHECK_LT(difference(predicted({.scale = 4, .from = .6, .rescale = 1}), conditional), 1e-6);  // outside: not guided
  const Network constant = [](const Tensor& y, const Tensor&, const Tensor&) { return y * 0.0; };
  const Denoiser of_constant =
      guided(constant, conditions, none, {.scale = 4, .rescale = 1}, [](double time) { return time; });
  for (const double v : of_constant(x, t).to_vector<double>()) CHECK_EQ(v, 0);
}

TEST_CASE("sampler config: every sampler for clips keeps conditioning frames and reaches the same clip") {
  Generator rng(4);
  const Tensor noise = rng.normal({2, 4, 1, 2, 2}), first = rng.normal({2, 1, 1, 2, 2});
  const VideoModel model{.network =
                             [](const Tensor& x, const Tensor& t, const Tensor&) {
                               const Tensor mean_of_frames =
                                   mean(x, {1}, true);  // frames depend on each other, and on the times
                               return tanh(mean_of_frames - x) + mean(t) * .1;
                             },
                         .flow = {}};
  const ConditioningFrames conditioning = conditioning_ends(first, {}, 4);
  const Tensor fine = sample_video(model, {.kind = SamplerKind::heun, .steps = 200}, noise, conditioning);
  for (const SamplerKind kind : all_samplers()) {
    if (!samples_clips(kind)) continue;
    CAPTURE(std::string(name_of(kind)));
    int64_t calls = 0;
    const Tensor clip =
        sample_video(model, {.kind = kind, .steps = 60}, noise, conditioning, [&](int64_t, int64_t, const Tensor& x) {
          ++calls;
          CHECK_EQ(difference(slice(x, 1, 0, 1), first), 0);
        });
    CHECK_GT(calls, 1);
    CHECK_EQ(difference(slice(clip, 1, 0, 1), first), 0);
    CHECK_LT(difference(clip, fine), .03);
    CHECK_LT(difference(resample_video(model, {.kind = kind, .steps = 60}, clip, noise, .5),
                        resample_video(model, {.kind = SamplerKind::heun, .steps = 200}, clip, noise, .5)),
             .03);
  }
  CHECK(message_of<ConfigError>([&] {
          static_cast<void>(sample_video(model, {.kind = SamplerKind::euler_maruyama}, noise));
        }).find("clips are sampled with euler, heun") == 0);
}
