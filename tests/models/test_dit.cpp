// The diffusion transformer: shapes, names, counts, starting values, and PyTorch's results.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/state_dict.h>
#include "tests/support/golden_dit.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::Golden;
using ditharos::tests::golden_config;
using ditharos::tests::golden_dit;

namespace {

DiTConfig tiny(int64_t classes = 3) {
  return {.height = 4, .width = 6, .channels = 2, .hidden = 8, .depth = 1, .heads = 2, .classes = classes,
          .learn_sigma = false};
}

std::string message_of(const DiTConfig& config) {
  try {
    config.validate();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

Tensor labels_of(std::vector<int64_t> values) { return from_vector(values); }

}  // namespace

TEST_CASE("dit: parameter counts of the paper's twelve models") {
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
    names.push_back(row.name);
    const DiTCounts counts = count_parameters(dit_preset(row.name));
    CHECK_EQ(counts.total, row.total);
    CHECK_EQ(counts.trainable, row.trainable);
  }
  CHECK(names == dit_preset_names());

  DiTConfig large = dit_preset("XL/2");
  large.height = large.width = 64;  // 512x512 pictures
  CHECK_EQ(count_parameters(large).total, 676'014'368);
  DiTConfig pixels = dit_preset("S/2");
  pixels.channels = 3;
  pixels.classes = 10;
  CHECK_EQ(count_parameters(pixels).total, 32'578'584);
}

TEST_CASE("dit: a built model holds as many parameters as counted") {
  const DiTConfig quickstart = {.height = 28, .width = 28, .channels = 1, .patch = {1, 4, 4}, .hidden = 96, .depth = 4,
                                .heads = 4, .classes = 10, .learn_sigma = false};
  CHECK_EQ(count_parameters(quickstart).trainable, 726'160);
  DiTConfig odd = golden_config;
  odd.mlp_ratio = 2.7;
  for (const DiTConfig& config : {quickstart, golden_config, odd, tiny(), tiny(0)}) {
    Generator rng(1);
    DiT model(config, rng);
    CHECK_EQ(nn::parameter_count(model), count_parameters(config).trainable);
    int64_t total = 0;
    for (const auto& [name, tensor] : nn::named_tensors(model)) total += tensor.numel();
    CHECK_EQ(total, count_parameters(config).total);
  }
}

TEST_CASE("dit: S/2 and B/2, built, hold as many parameters as the paper's [slow]") {
  for (const char* name : {"S/2", "B/2"}) {
    Generator rng(1);
    DiT model(dit_preset(name), rng);
    CHECK_EQ(nn::parameter_count(model), count_parameters(dit_preset(name)).trainable);
  }
}

TEST_CASE("dit: state-dict names, order and number are the released model's") {
  Generator rng(1);
  DiT model(golden_config, rng);
  const nn::NamedTensors own = nn::named_tensors(model), want = Golden("dit.golden").with_prefix("state.");
  REQUIRE_EQ(own.size(), want.size());
  for (size_t i = 0; i < own.size(); ++i) {
    CHECK_EQ(own[i].name, want[i].name);
    CHECK(own[i].tensor.shape() == want[i].tensor.shape());
  }
  CHECK_EQ(own.size(), size_t(10 * golden_config.depth + 12));
  CHECK_EQ(nn::named_parameters(model).size(), own.size() - 1);  // pos_embed is not trained
  CHECK_LT(difference(own[0].tensor, want[0].tensor), 1e-7);     // pos_embed: the same table
}

TEST_CASE("dit: starting values") {
  Generator rng(3);
  const DiTConfig config = {.height = 8, .width = 8, .channels = 3, .patch = {1, 4, 4}, .hidden = 64, .depth = 1,
                            .heads = 4, .classes = 50};
  DiT model(config, rng);
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    CAPTURE(name);
    double largest = 0, squares = 0;
    for (const double v : tensor.to_vector<double>()) {
      largest = std::max(largest, std::abs(v));
      squares += v * v;
    }
    const double deviation = std::sqrt(squares / double(tensor.numel()));
    if (name.ends_with("bias") || name.find("adaLN_modulation") != name.npos || name.starts_with("final_layer")) {
      CHECK_EQ(largest, 0);
    } else if (name.starts_with("t_embedder") || name.starts_with("y_embedder")) {
      CHECK_LT(std::abs(deviation - .02), .001);  // normal
      CHECK_GT(largest, .05);
    } else {  // uniform; the patch embedding's fan-in is the whole patch
      const int64_t fan_out = tensor.size(0), fan_in = tensor.numel() / fan_out;
      const double bound = std::sqrt(6.0 / double(fan_in + fan_out));
      CHECK_LE(largest, bound);
      CHECK_GT(largest, .98 * bound);
      CHECK_LT(std::abs(deviation - bound / std::sqrt(3.0)), .03 * bound);
    }
  }
}

TEST_CASE("dit: starts as the zero map, and its blocks as the identity") {
  Generator rng(5);
  const DiT model(tiny(), rng);
  const Tensor out = model(rng.normal({2, 2, 4, 6}), rng.uniform({2}), labels_of({0, 3}));
  CHECK(out.shape() == Shape{2, 2, 4, 6});
  CHECK_EQ(difference(out, zeros(out.shape())), 0);
  const DiTBlock block(tiny(), rng);
  const Tensor x = rng.normal({2, 6, 8});
  CHECK_EQ(difference(block(x, rng.normal({2, 8})), x), 0);
}

TEST_CASE("dit: prediction and every gradient as in PyTorch") {
  const Golden golden("dit.golden");
  DiT model = golden_dit();
  const Tensor prediction = model(golden.at("x"), golden.at("t"), golden.at("y"));
  CHECK_LT(difference(prediction, golden.at("prediction")), 2e-6);

  const Tensor loss = sum(prediction * golden.at("cotangent"));
  nn::audit(loss, model);
  loss.backward();
  for (const auto& [name, parameter] : nn::named_parameters(model)) {
    CAPTURE(name);
    CHECK_LT(difference(parameter.grad(), golden.at("grad." + name)), 5e-6);
  }
}

TEST_CASE("dit: a sample's prediction does not depend on its batch") {
  const DiT model = golden_dit();
  Generator rng(7);
  const NoGrad no_grad;
  const Tensor x = rng.normal({3, 3, 8, 12}), t = rng.uniform({3}), y = labels_of({1, 5, 0});
  const Tensor all = model(x, t, y);
  for (int64_t i = 0; i < 3; ++i) {
    const Tensor one = model(slice(x, 0, i, i + 1), slice(t, 0, i, i + 1), slice(y, 0, i, i + 1));
    CHECK_LT(difference(one, slice(all, 0, i, i + 1)), 1e-6);
  }
}

TEST_CASE("dit: without classes there is no label table, and labels are refused") {
  Generator rng(1);
  DiT model(tiny(0), rng);
  for (const auto& [name, tensor] : nn::named_tensors(model)) CHECK_FALSE(name.starts_with("y_embedder"));
  const Tensor x = zeros({1, 2, 4, 6}), t = zeros({1});
  CHECK(model(x, t).shape() == x.shape());
  CHECK_THROWS_WITH_AS(model(x, t, labels_of({0})), "[DiT] this model has no classes: call it without labels",
                       ShapeError);
}

TEST_CASE("dit: wrong inputs are refused by name") {
  Generator rng(1);
  const DiT model(tiny(), rng);
  const Tensor x = zeros({1, 2, 4, 6}), t = zeros({1}), y = labels_of({3});
  CHECK_NOTHROW(model(x, t, y));  // 3 is the null label
  CHECK_THROWS_WITH_AS(model(zeros({1, 2, 6, 4}), t, y), "[DiT] x must have shape [B, 2, 4, 6], got [1, 2, 6, 4]",
                       ShapeError);
  CHECK_THROWS_AS(model(x, zeros({2}), y), ShapeError);
  CHECK_THROWS_WITH_AS(model(x, t), "[DiT] labels must have one class a picture, shape [1], got none", ShapeError);
  CHECK_THROWS_AS(model(x, t, zeros({1})), DTypeError);
  CHECK_THROWS_WITH_AS(model(x, t, labels_of({4})), "[DiT] a label must be in [0, 2] or 3 for no class, got 4", Error);
  CHECK_THROWS_AS(model(x, t, labels_of({-1})), Error);
}

TEST_CASE("dit: configurations that do not fit together are refused in a sentence") {
  DiTConfig c = dit_preset("S/2");
  CHECK_EQ(message_of(c), "");
  c.height = 33;
  CHECK_EQ(message_of(c),
           "a picture of height 33 and width 32 cannot be cut into patches of side 2: it must divide both");
  c = dit_preset("S/2");
  c.heads = 5;
  CHECK_EQ(message_of(c), "the width hidden = 384 is not divisible by heads = 5");
  c = {.hidden = 6, .heads = 2};
  CHECK(message_of(c).starts_with("hidden must be divisible by 4"));
  c = {.class_dropout = 1};
  CHECK(message_of(c).starts_with("class_dropout must be in [0, 1)"));
  for (int64_t DiTConfig::*size : {&DiTConfig::height, &DiTConfig::width, &DiTConfig::channels, &DiTConfig::patch,
                                   &DiTConfig::hidden, &DiTConfig::depth, &DiTConfig::heads}) {
    for (const int64_t bad : {int64_t(0), int64_t(-2), int64_t(1) << 40}) {
      c = dit_preset("S/2");
      c.*size = bad;
      CHECK(message_of(c).find("must be between 1 and") != std::string::npos);
    }
  }
  c = {.mlp_ratio = std::nan("")};
  CHECK_NE(message_of(c), "");
  c = {.classes = -1};
  CHECK_NE(message_of(c), "");
  CHECK_THROWS_AS(dit_preset("M/2"), ConfigError);
}

TEST_CASE("dit: patches are in the order of a convolution's kernel, and tokens end channel last") {
  const Tensor x = reshape(arange(2 * 2 * 4 * 6), {2, 2, 4, 6});
  const Tensor patches = patchify(x, 2);  // [2, 6, 8]
  REQUIRE(patches.shape() == Shape{2, 6, 8});
  // Second patch of the first row: columns 2 and 3 of rows 0 and 1; channel 1 starts at 24.
  CHECK(select(select(patches, 0, 0), 0, 1).to_vector<double>() == std::vector<double>{2, 3, 8, 9, 26, 27, 32, 33});

  const Tensor tokens = reshape(arange(1 * 6 * 8), {1, 6, 8});
  const Tensor picture = unpatchify(tokens, 2, 3, 2);  // [1, 2, 4, 6]
  REQUIRE(picture.shape() == Shape{1, 2, 4, 6});
  CHECK(select(select(select(picture, 0, 0), 0, 1), 0, 0).to_vector<double>() ==
        std::vector<double>{1, 3, 9, 11, 17, 19});  // row 0 of channel 1
  CHECK_THROWS_AS(patchify(x, 3), ShapeError);
  CHECK_THROWS_AS(unpatchify(tokens, 2, 2, 2), ShapeError);
}

TEST_CASE("dit: position table") {
  const Tensor table = position_table(2, 3, 8);  // two frequencies: 1 and .01
  REQUIRE(table.shape() == Shape{1, 6, 8});
  const std::vector<double> token = select(select(table, 0, 0), 0, 5).to_vector<double>();  // row 1, column 2
  const double want[] = {std::sin(2.), std::sin(.02), std::cos(2.), std::cos(.02),
                         std::sin(1.), std::sin(.01), std::cos(1.), std::cos(.01)};
  for (size_t i = 0; i < 8; ++i) CHECK_LT(std::abs(token[i] - want[i]), 1e-7);
  CHECK_THROWS_AS(position_table(2, 2, 6), ConfigError);
}
