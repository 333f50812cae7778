// The exercise "Sora's diffusion transformer by hand": every statement of its steps [1] to [9] and [11] to [13], number
// by number. [10] has test_sora_training.cpp, the trace and what is written from it test_sora_trace.cpp and
// test_sora_page.cpp, the same claims of the real model test_sora_real.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/embedding.h>
#include "examples/by_hand/prepare.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_sora_by_hand {

using namespace ditharos::by_hand;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

Result exercise(bool as_printed) {
  Options options;
  options.as_printed = as_printed;
  return walk(prepare(options));
}

/// A matrix of a trace as rows.
Rows rows_of(const Trace& trace, const char* symbol) {
  const Matrix* m = trace.find(symbol);
  REQUIRE(m != nullptr);
  Rows rows;
  for (int64_t r = 0; r < m->rows; ++r)
    rows.emplace_back(m->values.begin() + r * m->columns, m->values.begin() + (r + 1) * m->columns);
  return rows;
}

/// Latents, a condition and a network with random weights: `tokens` patches.
struct Random {
  explicit Random(Attention attention, int64_t tokens = 5, int64_t width = 3) : rng(7) {
    model = make_model({.patch = {1, 2, 2}, .width = width, .bits = 2}, Attention::soft, false, rng);
    HandDiT other({.width = width, .condition = 5, .attention = attention}, rng);
    other.ada_ln = model.ada_ln, other.query = model.query, other.key = model.key;
    other.feed_forward = model.feed_forward;
    model = other;
    latents = rng.normal({2, tokens, width}, DType::f64), condition = rng.normal({2, 5}, DType::f64);
  }
  Generator rng;
  HandDiT model;
  Tensor latents, condition;
};

double largest_difference(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

}  // namespace

TEST_CASE("sora given: a missing video, prompt or step is a clear error") {
  const Run whole = prepare({});
  Run run = whole;
  run.video = {};
  CHECK_EQ(message_of<ConfigError>([&] { walk(run); }),
           "there is no training video: give one, or generate from noise alone");
  run = whole, run.prompt = " \t!";
  CHECK_EQ(message_of<ConfigError>([&] { walk(run); }),
           "the prompt is empty: give it at least one word, such as \"sora is sky\"");
  run = whole, run.steps.reset();
  CHECK_EQ(message_of<ConfigError>([&] { walk(run); }), "there is no step: say which diffusion step t it is");
  run = whole, run.steps = 0;
  CHECK_EQ(message_of<ConfigError>([&] { walk(run); }), "the step must be at least 1, got 0");
  Options options;
  options.prompt = "";
  CHECK_THROWS_AS(prepare(options), ConfigError);
}

TEST_CASE("sora given: 4 frames, \"sora is sky\", t = 3") {
  const Run run = prepare({});
  CHECK_EQ(run.video.shape(), Shape{4, 1, 2, 2});
  CHECK_EQ(run.prompt, "sora is sky");
  CHECK_EQ(*run.steps, 3);
}

TEST_CASE("sora [1]: 4 patches, and the patch matrix is 4x4") {
  CHECK_EQ(rows_of(exercise(false).trace, "X"), Rows{{1, 0, 0, 1}, {0, 1, 0, 1}, {0, 0, 0, 0}, {0, 0, 1, 1}});
}

TEST_CASE("sora [1]: every pixel once and back exactly at every patch size; an indivisible one is refused or padded") {
  Generator rng(1);
  const Tensor video = rng.normal({1, 4, 1, 6, 4});
  for (const int64_t pt : {1, 2, 4})
    for (const int64_t ph : {1, 2, 3, 6})
      for (const int64_t pw : {1, 2, 4}) {
        const models::PatchSize patch{pt, ph, pw};
        const Tensor tokens = models::patchify(video, patch);
        std::vector<float> pixels = tokens.to_vector<float>(), all = video.to_vector<float>();
        CHECK(same_bits(models::unpatchify(tokens, models::patch_grid(video.shape(), patch), patch), video));
        std::sort(pixels.begin(), pixels.end()), std::sort(all.begin(), all.end());
        CHECK(pixels == all);
      }
  Options options;
  options.height = 3;
  CHECK_EQ(message_of<ConfigError>([&] { prepare(options); }),
           "[patchify] patches of 1x2x2 do not divide 4 frames of 3x2; 4 frames of 4x2 would fit (--pad repeats "
           "the last frame, row and column)");
  options.pad = true;
  CHECK_EQ(walk(prepare(options)).video.shape(), Shape{4, 1, 4, 2});
}

TEST_CASE("sora [2]: the exercise's latent, 4x4 to 2x4") {
  const Trace trace = exercise(false).trace;
  CHECK_EQ(rows_of(trace, "We"), Rows{{1, 0, -1, 0}, {0, 1, 0, 1}});
  CHECK_EQ(rows_of(trace, "be"), Rows{{0}, {1}});
  CHECK_EQ(rows_of(trace, "L"), Rows{{1, 0, 0, 1}, {1, 2, 2, 3}});
}

TEST_CASE("sora [3]: noised = latent + noise; zero noise changes nothing; a shape mismatch is refused") {
  const Trace trace = exercise(false).trace;
  CHECK_EQ(rows_of(trace, "N"), Rows{{0, -1, 1, -1}, {-1, 0, -1, 0}});
  CHECK_EQ(rows_of(trace, "Z"), Rows{{1, -1, 1, 0}, {0, 2, 1, 3}});
  Generator rng(2);
  const Tensor latent = rng.normal({1, 4, 2});
  CHECK(same_bits(add_noise(latent, zeros({1, 4, 2}), 3), latent));
  CHECK_EQ(message_of<ShapeError>([&] { add_noise(latent, zeros({1, 2, 4}), 1); }),
           "[add_noise] the latent has shape [1, 4, 2] and the noise [1, 2, 4]; they must be equal");
  Run run = prepare({});
  run.noise = zeros({1, 3, 2}, DType::f64);
  CHECK_EQ(message_of<ShapeError>([&] { walk(run); }),
           "the noise must have the latent's shape, [1, 4, 2], got [1, 3, 2]");
}

TEST_CASE("sora [3]: the same seed gives the same noise, another seed another") {
  Options options;
  options.seed = 5;
  const Tensor noise = prepare(options).noise;
  CHECK(same_bits(prepare(options).noise, noise));
  options.seed = 6;
  CHECK_FALSE(same_bits(prepare(options).noise, noise));
}

TEST_CASE("sora [3]: the larger t, the smaller the noise; the last step has noise of size 1") {
  for (int64_t t = 2; t <= 7; ++t) CHECK(noise_level(t, 7) < noise_level(t - 1, 7));
  CHECK_EQ(noise_level(7, 7), 1);
  CHECK_EQ(noise_level(1, 7), 7);
  CHECK_EQ(message_of<ConfigError>([] { noise_level(4, 3); }), "steps count from 1 to 3, and 4 is none of them");
}

TEST_CASE("sora [3]: 1 step and t = 3 steps both run, each step taking away one noise") {
  Options options;
  options.steps = 1;
  const Result one = walk(prepare(options));
  options.steps = 3;
  const Result three = walk(prepare(options));
  const auto count = [](const Trace& trace, int number) {
    int sections = 0;
    for (const Section& s : trace.sections()) sections += s.number == number;
    return sections;
  };
  CHECK_EQ(count(one.trace, 11), 1);
  CHECK_EQ(count(three.trace, 11), 3);
  CHECK_EQ(count(three.trace, 12), 1);
  // A network that knows the noise leads from L + 3 N over L + 2 N and L + N back to L.
  Run run = prepare(options);
  run.model.ada_ln.weight = nn::Parameter(zeros({4, 5}, DType::f64));
  run.model.ada_ln.bias = nn::Parameter(from_vector<double>({0, 0, 0, 0}));
  run.model.feed_forward.bias = nn::Parameter(from_vector<double>({1, -1}));  // P is [1, -1] everywhere
  run.noise = contiguous(expand(from_vector<double>({1, -1}), {1, 4, 2}));
  CHECK(same_bits(walk(run).denoised, latents_of(run.video, run)));
}

TEST_CASE("sora [4]: the prompt's vector is [0, 1, -1], deterministic, and another prompt has another") {
  CHECK_EQ(prompt_vector("sora is sky").to_vector<double>(), std::vector<double>{0, 1, -1});
  CHECK_EQ(prompt_vector("Sora is SKY!").to_vector<double>(), std::vector<double>{0, 1, -1});
  const std::vector<double> boot = prompt_vector("a boot falls").to_vector<double>();
  CHECK_EQ(prompt_vector("a boot falls").to_vector<double>(), boot);
  CHECK_NE(boot, prompt_vector("a bag falls").to_vector<double>());
}

TEST_CASE("sora [4]: 3 -> [1, 1], 0 -> [0, 0], the most significant bit first; overflow is an error") {
  const auto digits = [](double t, int64_t bits) {
    return nn::binary_features(from_vector<double>({t}), bits).to_vector<double>();
  };
  CHECK_EQ(digits(3, 2), std::vector<double>{1, 1});
  CHECK_EQ(digits(0, 2), std::vector<double>{0, 0});
  CHECK_EQ(digits(1, 2), std::vector<double>{0, 1});
  CHECK_EQ(digits(6, 4), std::vector<double>{0, 1, 1, 0});
  CHECK_THROWS_AS(digits(4, 2), Error);
  CHECK_EQ(message_of<ConfigError>([] { condition_vector("sora", 4, 2); }),
           "step 4 does not fit into 2 bits, which count from 0 to 3");
  CHECK_EQ(message_of<ConfigError>([] { condition_vector("sora", 0, 0); }),
           "a step is written with 1 to 30 bits, not 0");
}

TEST_CASE("sora [4]: the condition is [0, 1, -1, 1, 1], text first") {
  CHECK_EQ(condition_vector("sora is sky", 3, 2).to_vector<double>(), std::vector<double>{0, 1, -1, 1, 1});
  CHECK_EQ(condition_vector("sora is sky", 1, 3).to_vector<double>(), std::vector<double>{0, 1, -1, 0, 0, 1});
}

TEST_CASE("sora [5]: 2d numbers, scale first: scale [2, -1], shift [1, 5]; the misprint's is [-1, 5]") {
  const Trace correct = exercise(false).trace, printed = exercise(true).trace;
  CHECK_EQ(rows_of(correct, "y"), Rows{{2}, {-1}, {1}, {5}});
  CHECK_EQ(rows_of(correct, "scale"), Rows{{2}, {-1}});
  CHECK_EQ(rows_of(correct, "shift"), Rows{{1}, {5}});
  CHECK_EQ(rows_of(printed, "scale"), Rows{{2}, {-1}});
  CHECK_EQ(rows_of(printed, "shift"), Rows{{-1}, {5}});
  CHECK_EQ(rows_of(correct, "ba"), Rows{{0}, {0}, {0}, {1}});
  CHECK_EQ(rows_of(printed, "ba"), Rows{{0}, {0}, {-2}, {1}});
  const Random r(Attention::soft);
  CHECK_EQ(r.model.stages(r.latents, r.condition).modulation.shape(), Shape{2, 6});  // 2 d for d = 3
}

TEST_CASE("sora [5]: another prompt or another step gives another scale and shift") {
  const HandDiT model = prepare({}).model;
  const auto modulation = [&](const char* prompt, int64_t t) {
    return model.stages(zeros({1, 1, 2}, DType::f64), unsqueeze(condition_vector(prompt, t, 2), 0))
        .modulation.to_vector<double>();
  };
  CHECK_EQ(modulation("sora is sky", 3), std::vector<double>{2, -1, 1, 5});
  CHECK_NE(modulation("sora is sky", 2), modulation("sora is sky", 3));
  CHECK_NE(modulation("a boot falls", 3), modulation("sora is sky", 3));
}

TEST_CASE("sora [6]: conditioned = scale * noised + shift, row by row: 2A, A/2, 1 + 4 = 5, 1 + 100 * 0.04 = 5") {
  CHECK_EQ(rows_of(exercise(false).trace, "C"), Rows{{3, -1, 3, 1}, {5, 3, 4, 2}});
  CHECK_EQ(rows_of(exercise(true).trace, "C"), Rows{{1, -3, 1, -1}, {5, 3, 4, 2}});
  HandDiT model = prepare({}).model;
  model.ada_ln.weight = nn::Parameter(zeros({4, 5}, DType::f64));
  const auto conditioned = [&](std::vector<double> modulation, double value) {
    model.ada_ln.bias = nn::Parameter(from_vector(modulation));
    return model.stages(full({1, 1, 2}, value, DType::f64), zeros({1, 5}, DType::f64)).conditioned.to_vector<double>();
  };
  CHECK_EQ(conditioned({2, .5, 0, 0}, 6), std::vector<double>{12, 3});  // 2A and A/2
  CHECK_EQ(conditioned({1, 1, 4, 4}, 1)[0], 5);                         // 1 + 4
  CHECK_EQ(conditioned({100, 1, 1, 0}, .04)[0], doctest::Approx(5));    // 1 + 100 * 0.04
}

TEST_CASE("sora [7]: the exercise's scores and attention, to the digit") {
  const Trace printed = exercise(true).trace, correct = exercise(false).trace;
  CHECK_EQ(rows_of(printed, "Wq"), Rows{{1, 0}, {-1, -1}});
  CHECK_EQ(rows_of(printed, "Wk"), Rows{{1, 1}, {-1, 1}});
  CHECK_EQ(rows_of(printed, "S"),
           Rows{{-18, -18, -14, -10}, {-36, 0, -30, -6}, {-13, -15, -10, -8}, {-17, -3, -14, -4}});
  CHECK_EQ(rows_of(printed, "A"), Rows{{0, 0, 0, 0}, {0, 1, 0, 0}, {1, 0, 1, 0}, {0, 0, 0, 1}});
  CHECK_EQ(rows_of(correct, "A"), Rows{{0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 1, 1}, {0, 1, 0, 0}});
}

TEST_CASE("sora [7]: n patches give an n x n matrix; softmax's weights are >= 0 and sum to 1") {
  for (const int64_t n : {1, 4, 9}) {
    const Random r(Attention::soft, n);
    const Tensor attention = r.model.stages(r.latents, r.condition).attention;
    CHECK_EQ(attention.shape(), Shape{2, n, n});
    for (const double w : attention.to_vector<double>()) CHECK(w >= 0);
    for (const double total : sum(attention, {-1}).to_vector<double>()) CHECK_EQ(total, doctest::Approx(1));
  }
}

TEST_CASE("sora [7]: soft attention is the library's scaled dot product attention with the patches as values") {
  const Random r(Attention::soft);
  const Stages s = r.model.stages(r.latents, r.condition);
  const Tensor fused =
      scaled_dot_product_attention(unsqueeze(s.queries, 1), unsqueeze(s.keys, 1), unsqueeze(s.conditioned, 1));
  CHECK(largest_difference(squeeze(fused, 1), s.pooled) < 1e-12);
}

TEST_CASE("sora [7]: changing one patch changes every output") {
  const Random r(Attention::soft);
  const Tensor before = r.model(r.latents, r.condition);
  Tensor changed = contiguous(r.latents + 0.0);
  changed.mutable_data<double>()[0] += 1;  // patch 0 of the first sample
  const Tensor difference = abs(r.model(changed, r.condition) - before);
  for (const double d : amin(difference, {-1}).select(0, 0).to_vector<double>()) CHECK(d > 0);
  CHECK_EQ(amax(difference.select(0, 1)).item(), 0);  // the other sample stays
}

TEST_CASE("sora [8]: F = C A, and A = I gives F = C") {
  const Trace printed = exercise(true).trace;
  CHECK_EQ(rows_of(printed, "F"), Rows{{1, -3, 1, -1}, {4, 3, 4, 2}});
  const Random r(Attention::hard);
  const Stages s = r.model.stages(r.latents, r.condition);
  CHECK_EQ(largest_difference(s.pooled, matmul(s.attention, s.conditioned)), 0);
  // Patches on a circle look most at themselves when query and key are the same.
  HandDiT model = prepare({}).model;
  model.ada_ln.weight = nn::Parameter(zeros({4, 5}, DType::f64));
  model.ada_ln.bias = nn::Parameter(from_vector<double>({1, 1, 0, 0}));
  model.query.weight = model.key.weight = nn::Parameter(eye(2, DType::f64));
  const Tensor angles = arange(6, DType::f64), circle = unsqueeze(stack({cos(angles), sin(angles)}, 1), 0);
  const Stages own = model.stages(circle, zeros({1, 5}, DType::f64));
  CHECK(same_bits(own.attention, unsqueeze(eye(6, DType::f64), 0)));
  CHECK_EQ(largest_difference(own.pooled, own.conditioned), 0);
}

TEST_CASE("sora [9]: the exercise's predicted noise") {
  const Trace printed = exercise(true).trace;
  CHECK_EQ(rows_of(printed, "Wf"), Rows{{1, -1}, {0, -1}});
  CHECK_EQ(rows_of(printed, "bf"), Rows{{3}, {2}});
  CHECK_EQ(rows_of(printed, "P"), Rows{{0, -3, 0, 0}, {-2, -1, -2, 0}});
  CHECK_EQ(rows_of(exercise(false).trace, "P"), Rows{{2, 2, 2, 2}, {-2, 0, -2, -2}});
}

TEST_CASE("sora [9]: permuting the patches permutes the output, of [9] alone and of the whole of [6] to [9]") {
  const Tensor order = from_vector<int64_t>({3, 0, 4, 1, 2});
  for (const Attention attention : {Attention::hard, Attention::soft}) {
    const Random r(attention);
    const Tensor moved = index_select(r.latents, 1, order);
    CHECK(largest_difference(r.model.feed_forward(moved), index_select(r.model.feed_forward(r.latents), 1, order)) <
          1e-14);
    CHECK(largest_difference(r.model(moved, r.condition), index_select(r.model(r.latents, r.condition), 1, order)) <
          1e-13);
  }
}

TEST_CASE("sora [11]: denoised = noised - predicted = latent - G, equal to the latent exactly when G = 0") {
  for (const bool as_printed : {true, false}) {
    const Trace trace = exercise(as_printed).trace;
    const Rows z = rows_of(trace, "Z"), p = rows_of(trace, "P"), l = rows_of(trace, "L"), g = rows_of(trace, "G");
    const Rows d = rows_of(trace, "D");
    for (size_t i = 0; i < d.size(); ++i)
      for (size_t k = 0; k < d[i].size(); ++k) {
        CHECK_EQ(d[i][k], z[i][k] - p[i][k]);
        CHECK_EQ(d[i][k], l[i][k] - g[i][k]);
        CHECK_EQ(d[i][k] == l[i][k], g[i][k] == 0);
      }
  }
  CHECK_EQ(rows_of(exercise(true).trace, "D"), Rows{{1, 2, 1, 0}, {2, 3, 3, 3}});
}

TEST_CASE("sora [12]: linear, then ReLU: 2 becomes 4, values >= 0") {
  const Result printed = exercise(true);
  CHECK_EQ(rows_of(printed.trace, "Wd"), Rows{{1, 0}, {-1, 1}, {1, 0}, {-1, 0}});
  CHECK_EQ(rows_of(printed.trace, "bd"), Rows{{-1}, {-2}, {-1}, {1}});
  CHECK_EQ(rows_of(printed.trace, "V"), Rows{{0, 1, 0, 0}, {0, 0, 0, 1}, {0, 1, 0, 0}, {0, 0, 0, 1}});
  for (const double v : exercise(false).video.to_vector<double>()) CHECK(v >= 0);
}

TEST_CASE("sora [13]: 4 frames of the input's size") {
  const Result printed = exercise(true);
  CHECK_EQ(printed.video.shape(), exercise_video().shape());
  CHECK_EQ(printed.video.to_vector<double>(),
           std::vector<double>{0, 0, 0, 0, /**/ 1, 0, 1, 0, /**/ 0, 0, 0, 0, /**/ 0, 1, 0, 1});
}

}  // namespace ditharos::test_sora_by_hand
