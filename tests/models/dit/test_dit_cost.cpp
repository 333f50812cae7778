// Parameters and multiply-accumulates of diffusion transformers, against the papers' tables and against what runs.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include "tests/support/message_of.h"
#include "tests/support/small_dit.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::clip_config;
using ditharos::tests::image_config;
using ditharos::tests::message_of;

namespace {

double gmacs(const DiTConfig& config) { return double(count_macs(config)) * 1e-9; }

/// What the axes of a configuration make of a small model, alone and together.
std::vector<DiTConfig> small_configs() {
  std::vector<DiTConfig> all;
  const auto add = [&](DiTConfig c, const auto& change) {
    change(c);
    all.push_back(c);
  };
  DiTConfig image = image_config(), clip = image_config();
  image.depth = clip.depth = 3;
  clip.frames = 2;
  add(image, [](DiTConfig&) {});
  add(image, [](DiTConfig& c) { c.conditioning = Conditioning::in_context, c.qk_norm = true; });
  add(image, [](DiTConfig& c) { c.conditioning = Conditioning::in_context, c.classes = 0; });
  add(image, [](DiTConfig& c) { c.conditioning = Conditioning::cross_attention, c.mlp_ratio = 2.7; });
  add(image, [](DiTConfig& c) { c.conditioning = Conditioning::cross_attention, c.qkv_bias = false; });
  add(image, [](DiTConfig& c) { c.conditioning = Conditioning::ada_ln, c.qkv_bias = false; });
  add(image, [](DiTConfig& c) { c.modulation_shift = false, c.norm = Norm::rms, c.mlp = MlpKind::swiglu; });
  add(image, [](DiTConfig& c) {
    c.conditioning = Conditioning::cross_attention, c.norm = Norm::rms, c.rotary = Rotary::spatial;
  });
  add(image, [](DiTConfig& c) { c = as_diffusers(c); });
  add(image, [](DiTConfig& c) { c.positions = Positions::learned; });
  add(image, [](DiTConfig& c) { c.position_scale.max_size = 5, c.learn_sigma = true; });
  for (const AttentionLayout layout :
       {AttentionLayout::joint, AttentionLayout::factorised, AttentionLayout::late_fusion, AttentionLayout::sequential,
        AttentionLayout::split_heads}) {
    add(clip, [&](DiTConfig& c) { c.attention = layout, c.qk_norm = true; });
    add(clip, [&](DiTConfig& c) { c.attention = layout, c.positions = Positions::learned, c.classes = 0; });
  }
  add(clip, [](DiTConfig& c) { c.classes = 0, c.text_embedding = 6, c.patch.frames = 2; });
  add(clip_config(), [](DiTConfig& c) { c.frames = 2, c.height = c.width = 4; });
  add(clip_config(), [](DiTConfig& c) { c.frames = 2, c.height = c.width = 4, c.frequency_bands = 2; });
  return all;
}

}  // namespace

TEST_CASE("dit cost: GMACs of the paper's twelve models") {
  const std::pair<const char*, double> rows[] = {{"S/8", .36},   {"S/4", 1.41},  {"S/2", 6.06},   {"B/8", 1.42},
                                                 {"B/4", 5.56},  {"B/2", 23.01}, {"L/8", 5.01},   {"L/4", 19.70},
                                                 {"L/2", 80.71}, {"XL/8", 7.39}, {"XL/4", 29.05}, {"XL/2", 118.64}};
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK_LT(std::abs(gmacs(dit_preset(row.first)) - row.second), .02);
  }
  DiTConfig large = dit_preset("XL/2");
  large.height = large.width = 64;
  CHECK_LT(std::abs(gmacs(large) - 524.54), .02);
  CHECK_EQ(count_macs(dit_preset("XL/2"), {4, 64, 64}), count_macs(large));
}

TEST_CASE("dit cost: the four conditionings of XL/2") {
  struct Row {
    Conditioning conditioning;
    double gmacs;
    int64_t parameters;
  };
  for (const Row& row :
       {Row{Conditioning::in_context, 119.37, 449'162'528}, Row{Conditioning::cross_attention, 137.62, 597'991'712},
        Row{Conditioning::ada_ln, 118.56, 600'452'384}, Row{Conditioning::ada_ln_zero, 118.64, 674'834'720}}) {
    DiTConfig config = dit_preset("XL/2");
    config.conditioning = row.conditioning;
    CHECK_EQ(count_parameters(config).trainable, row.parameters);
    CHECK_LT(std::abs(gmacs(config) - row.gmacs), .02);
  }
}

TEST_CASE("dit cost: Latte's sizes, and LightningDiT's") {
  struct Row {
    const char* name;
    int64_t total, trainable;
  };
  for (const Row& row : {Row{"S/2", 32'585'120, 32'480'672}, Row{"B/2", 129'755'936, 129'547'040},
                         Row{"L/2", 457'094'176, 456'815'648}, Row{"XL/2", 673'994'912, 673'681'568}}) {
    CAPTURE(row.name);
    DiTConfig config = latte_preset(row.name);
    const DiTCounts counts = count_parameters(config);
    CHECK_EQ(counts.total, row.total);
    CHECK_EQ(counts.trainable, row.trainable);
    config.attention = AttentionLayout::late_fusion;
    CHECK_EQ(count_parameters(config).total, row.total);
  }
  for (const std::string& name : lightning_dit_preset_names())
    CHECK_GT(count_parameters(lightning_dit_preset(name)).total, 1e8);
  CHECK_THROWS_AS(lightning_dit_preset("S/2"), ConfigError);
}

TEST_CASE("dit cost: a built model holds and multiplies as much as counted") {
  const NoGrad no_grad;
  const std::vector<DiTConfig> all = small_configs();
  for (size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    const DiTConfig& config = all[i];
    Generator rng(1);
    const DiT model(config, rng);
    CHECK_EQ(nn::parameter_count(model), count_parameters(config).trainable);
    int64_t total = 0;
    for (const auto& [name, tensor] : nn::named_tensors(model)) total += tensor.numel();
    CHECK_EQ(total, count_parameters(config).total);

    const Tensor x = config.frames == 1 ? rng.normal({1, config.channels, config.height, config.width})
                                        : rng.normal({1, config.frames, config.channels, config.height, config.width});
    Tensor conditions;
    switch (config.condition()) {
      case Condition::none:
      case Condition::text: break;  // see test_text_dit.cpp
      case Condition::label: conditions = from_vector<int64_t>({1}); break;
      case Condition::prompt: conditions = rng.randint(1, 9, {1, config.text.length}); break;
      case Condition::text_embedding: conditions = rng.normal({1, config.text_embedding});
    }
    Profiler profiler;
    static_cast<void>(model(x, ones({1}), conditions));
    profiler.stop();
    double flops = 0;
    for (const ProfileEvent& event : profiler.events()) flops += event.flops;
    CHECK_EQ(flops, 2.0 * double(count_macs(config)));
  }
}

TEST_CASE("dit cost: the largest model is counted in less than a millisecond") {
  const DiTConfig config = dit_preset("XL/2");
  int64_t sum = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) sum += count_parameters(config).total + count_macs(config);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  CHECK_GT(sum, 0);
  CHECK_LT(seconds, 1);
}

TEST_CASE("dit cost: a sample that does not fit is refused by name") {
  CHECK(message_of<ShapeError>([] { static_cast<void>(count_macs(dit_preset("S/2"), {3, 32, 32})); }) ==
        "[count_macs] a sample must have shape [4, H, W], or [F, 4, H, W] for clips, got [3, 32, 32]");
  CHECK_THROWS_AS(static_cast<void>(count_macs(dit_preset("S/8"), {4, 30, 32})), ShapeError);
}
