// Configurations of the diffusion transformer: the paper's sizes, counts of parameters, and what does not fit.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include "tests/support/golden_dit.h"
#include "tests/support/small_dit.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::clip_config;
using ditharos::tests::golden_config;
using ditharos::tests::image_config;

namespace {

template <class Change>
std::string message(DiTConfig config, const Change& change) {
  change(config);
  try {
    config.validate();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("dit config: parameter counts of the paper's twelve models") {
  struct Row {
    const char* name;
    int64_t total, trainable;
  };
  const Row rows[] = {
      {"S/8", 33'148'160, 33'142'016},    {"S/4", 32'945'024, 32'920'448},    {"S/2", 32'963'360, 32'865'056},
      {"B/8", 130'881'536, 130'869'248},  {"B/4", 130'475'648, 130'426'496},  {"B/2", 130'512'416, 130'315'808},
      {"L/8", 458'594'816, 458'578'432},  {"L/4", 458'053'760, 457'988'224},  {"L/2", 458'102'816, 457'840'672},
      {"XL/8", 675'683'072, 675'664'640}, {"XL/4", 675'074'432, 675'000'704}, {"XL/2", 675'129'632, 674'834'720}};
  std::vector<std::string> names;
  for (const Row& row : rows) {
    CAPTURE(row.name);
    names.emplace_back(row.name);
    const DiTCounts counts = count_parameters(dit_preset(row.name));
    CHECK_EQ(counts.total, row.total);
    CHECK_EQ(counts.trainable, row.trainable);
  }
  CHECK(names == dit_preset_names());
  CHECK(dit_preset("S/2") == DiTConfig());

  DiTConfig large = dit_preset("XL/2");
  large.height = large.width = 64;  // 512x512 images
  CHECK_EQ(count_parameters(large).total, 676'014'368);
  DiTConfig pixels = dit_preset("S/2");
  pixels.channels = 3;
  pixels.classes = 10;
  CHECK_EQ(count_parameters(pixels).total, 32'578'584);
}

TEST_CASE("dit config: a built model holds as many parameters as counted") {
  const DiTConfig quickstart = {.height = 28,
                                .width = 28,
                                .channels = 1,
                                .patch = {1, 4, 4},
                                .hidden = 96,
                                .depth = 4,
                                .heads = 4,
                                .classes = 10,
                                .learn_sigma = false};
  CHECK_EQ(count_parameters(quickstart).trainable, 726'160);
  DiTConfig odd = golden_config, silent = clip_config(), binary = clip_config(), large = clip_config();
  odd.mlp_ratio = 2.7;
  silent.text = {};
  binary.step_embedding = StepEmbedding::binary;
  binary.patch = {2, 1, 4};
  large.hidden = 48;
  large.mlp_ratio = 2.7;
  large.qk_norm = true;
  large.frequency_bands = 3;
  large.learn_sigma = true;
  DiTConfig labelled = silent;
  labelled.classes = 7;
  labelled.patch = {2, 2, 2};
  labelled.patch_order = PatchOrder::channel_last;
  for (const DiTConfig& config : {quickstart, golden_config, odd, image_config(), image_config(0), clip_config(),
                                  silent, binary, large, labelled}) {
    Generator rng(1);
    DiT model(config, rng);
    CHECK_EQ(nn::parameter_count(model), count_parameters(config).trainable);
    int64_t total = 0;
    for (const auto& [name, tensor] : nn::named_tensors(model)) total += tensor.numel();
    CHECK_EQ(total, count_parameters(config).total);
  }
}

TEST_CASE("dit config: S/2 and B/2, built, hold as many parameters as the paper's [slow]") {
  for (const char* name : {"S/2", "B/2"}) {
    Generator rng(1);
    DiT model(dit_preset(name), rng);
    CHECK_EQ(nn::parameter_count(model), count_parameters(dit_preset(name)).trainable);
  }
}

TEST_CASE("dit config: what it is conditioned on") {
  CHECK(image_config().condition() == Condition::label);
  CHECK(image_config(0).condition() == Condition::none);
  CHECK(clip_config().condition() == Condition::prompt);
  CHECK_EQ(image_config(3).null_condition().item(), 3);
}

TEST_CASE("dit config: what does not fit together is refused in a sentence") {
  const DiTConfig image = dit_preset("S/2"), clip = clip_config();
  CHECK(message(image, [](DiTConfig&) {}) == "");
  CHECK(message(clip, [](DiTConfig&) {}) == "");
  CHECK(message(image, [](DiTConfig& c) { c.height = 33; }) ==
        "an image of height 33 and width 32 cannot be cut into patches of 2x2: they must divide it");
  CHECK(message(image, [](DiTConfig& c) { c.heads = 5; }) == "the width hidden = 384 is not divisible by heads = 5");
  CHECK(message(image, [](DiTConfig& c) { c.hidden = 6, c.heads = 2; }).starts_with("hidden must be divisible by 4"));
  CHECK(message(image, [](DiTConfig& c) { c.patch.frames = 2; }) ==
        "sin_cos positions are those of images, whose patches have one frame; got patches of 2");
  CHECK(message(image, [](DiTConfig& c) { c.class_dropout = 1; }).starts_with("class_dropout must be in [0, 1)"));
  CHECK(message(image, [](DiTConfig& c) { c.mlp_ratio = std::nan(""); }) != "");
  CHECK(message(image, [](DiTConfig& c) { c.classes = -1; }) != "");
  for (int64_t DiTConfig::* size : {&DiTConfig::height, &DiTConfig::width, &DiTConfig::channels, &DiTConfig::hidden,
                                    &DiTConfig::depth, &DiTConfig::heads}) {
    for (const int64_t bad : {int64_t(0), int64_t(-2), int64_t(1) << 40}) {
      CHECK(message(image, [&](DiTConfig& c) { c.*size = bad; }).find("must be between 1 and") != std::string::npos);
    }
  }
  for (int64_t PatchSize::* size : {&PatchSize::frames, &PatchSize::height, &PatchSize::width}) {
    for (const int64_t bad : {int64_t(0), int64_t(-2), int64_t(1) << 40}) {
      const std::string said = message(clip, [&](DiTConfig& c) { c.patch.*size = bad; });
      CHECK(said.find("must be between 1 and") != std::string::npos);
    }
  }
  CHECK(message(clip, [](DiTConfig& c) { c.patch.frames = 0; }) ==
        "a patch's number of frames must be between 1 and 65536, got 0");
  CHECK(message(clip, [](DiTConfig& c) { c.heads = 3; }) == "the width hidden = 16 is not divisible by heads = 3");
  CHECK(message(clip, [](DiTConfig& c) { c.heads = 4; }) ==
        "hidden / heads, the size of a head, must be even and at least 6 (a rotation for each of frame, row and "
        "column), got 4");
  CHECK(message(clip, [](DiTConfig& c) { c.heads = 4, c.rotary = Rotary::none; }) == "");
  CHECK(message(clip, [](DiTConfig& c) { c.height = 33; }) == "");  // of no meaning without a position table
  CHECK(message(clip, [](DiTConfig& c) { c.mlp_ratio = 0; }) ==
        "mlp_ratio = 0.000000 gives no usable MLP width; 4 is usual");
  CHECK(message(clip, [](DiTConfig& c) { c.step_bits = 31; }) == "step_bits must be between 1 and 30, got 31");
  CHECK(message(clip, [](DiTConfig& c) { c.rope_base = 1; }) == "rope_base must be above 1, got 1.000000");
  CHECK(message(clip, [](DiTConfig& c) { c.frequency_bands = 17; }) ==
        "frequency_bands must be between 0 (none) and 16, got 17");
  CHECK(message(clip, [](DiTConfig& c) { c.text.heads = 3; }) ==
        "the text encoder's width 8 is not divisible by its 3 heads");
  CHECK(message(clip, [](DiTConfig& c) { c.text.length = 0; }) ==
        "the text encoder's length must be between 1 and 65536, got 0");
  CHECK(message(clip, [](DiTConfig& c) { c.classes = 4; }) ==
        "a model takes labels or prompts, not both: it has 4 classes and a vocabulary of 9");
  CHECK_THROWS_AS(dit_preset("M/2"), ConfigError);
}
