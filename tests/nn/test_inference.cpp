// InferenceMode and quantize(): the same model, never with weights that have changed since.
#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/ema.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::test_inference {

namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (const float v : (a - b).to_vector<float>()) most = std::max(most, std::abs(double(v)));
  return most;
}

/// Root mean square of a - b over that of b.
double relative_error(const Tensor& a, const Tensor& b) {
  const NoGrad no_grad;
  return std::sqrt(mean(square(a - b)).item() / mean(square(b)).item());
}

Tensor ordinary(const auto& module, const auto&... inputs) {
  const NoGrad no_grad;
  return module(inputs...);
}
Tensor packed(const auto& module, const auto&... inputs) {
  const nn::InferenceMode inference;
  return module(inputs...);
}

/// A small DiT all of whose parameters are random, so that every branch counts.
struct SmallDiT {
  SmallDiT()
      : model({.height = 12,
               .width = 12,
               .channels = 2,
               .hidden = 48,
               .depth = 3,
               .heads = 3,
               .classes = 4,
               .learn_sigma = false},
              rng) {
    for (const auto& [name, parameter] : nn::named_parameters(model)) {
      if (name.find("adaLN") == std::string::npos && name.find("final") == std::string::npos) continue;
      const auto values = (rng.normal(parameter.shape()) * .05).to_vector<float>();
      std::copy(values.begin(), values.end(), parameter.mutable_data<float>());
    }
    nn::set_training(model, false);
    x = rng.normal({3, 2, 12, 12});
    t = rng.uniform({3});
    labels = from_vector(std::vector<int64_t>{0, 3, 4});
  }

  Generator rng{11};
  models::DiT model;
  Tensor x, t, labels;
};

void check_bits_at_every_thread_count(const SmallDiT& s) {
  const int before = num_threads();
  set_num_threads(1);
  const auto one = packed(s.model, s.x, s.t, s.labels).to_vector<float>();
  for (int threads : {2, 3, 4, 8}) {
    set_num_threads(threads);
    const auto more = packed(s.model, s.x, s.t, s.labels).to_vector<float>();
    CHECK(std::memcmp(one.data(), more.data(), one.size() * sizeof(float)) == 0);
  }
  set_num_threads(before);
}

}  // namespace

TEST_CASE("inference mode: records nothing, packs, and may be nested") {
  Generator rng(1);
  const nn::Linear layer(20, 30, rng);
  const Tensor x = rng.normal({7, 20});
  CHECK_FALSE(nn::inference_mode());
  {
    const nn::InferenceMode outer;
    {
      const nn::InferenceMode inner;
    }
    CHECK(nn::inference_mode());
    CHECK_FALSE(grad_enabled());
    CHECK(layer.packed(x) != nullptr);
    CHECK_FALSE(layer(x).requires_grad());
    CHECK(layer.packed(zeros({7, 20}, DType::f64)) == nullptr);
    {
      const GradMode recording(true);  // a gradient is wanted after all
      CHECK(layer(x).requires_grad());
    }
    CHECK_THROWS_AS(layer(rng.normal({7, 21})), ShapeError);
    CHECK_THROWS_AS(layer(zeros({7, 20}, DType::f64)), DTypeError);
  }
  CHECK_FALSE(nn::inference_mode());
  CHECK(grad_enabled());
  CHECK(layer.packed(x) == nullptr);
  CHECK(layer(x).requires_grad());
}

TEST_CASE("inference mode: a DiT gives its ordinary result up to rounding") {
  const SmallDiT s;
  const Tensor expected = ordinary(s.model, s.x, s.t, s.labels);
  CHECK(relative_error(packed(s.model, s.x, s.t, s.labels), expected) < 2e-6);
  check_bits_at_every_thread_count(s);
}

TEST_CASE("packed weights are never stale") {
  for (const bool int8 : {false, true}) {
    CAPTURE(int8);
    Generator rng(2);
    nn::Mlp mlp(16, 64, rng);
    const Tensor x = rng.normal({5, 16});
    const double rounding = int8 ? .03 : 1e-5;
    const auto fits = [&](nn::Mlp& m) {
      nn::Mlp plain = nn::clone(m);
      nn::dequantize(plain);
      return relative_error(packed(m, x), ordinary(plain, x)) < rounding;
    };
    const auto prepare = [&] {
      if (int8) CHECK(nn::quantize(mlp) == 2);
    };
    prepare();
    CHECK(fits(mlp));

    Tensor before = packed(mlp, x);
    const auto moved = [&] {
      const Tensor now = packed(mlp, x);
      const bool other = relative_error(now, before) > .05;
      before = now;
      return other && fits(mlp);
    };
    CHECK_FALSE(moved());

    // An optimiser's step; a quantised layer has to be made trainable first.
    nn::dequantize(mlp);
    optim::AdamW adam(nn::named_parameters(mlp));
    optim::Ema ema(mlp, .9);
    sum(square(mlp(x))).backward();
    adam.step(.1);
    prepare();
    CHECK(moved());

    // The averaged weights for a scope, and back.
    {
      const optim::EmaScope averaged(ema);
      CHECK(moved());
    }
    CHECK(moved());

    // Values from elsewhere, in place.
    nn::Mlp other(16, 64, rng);
    nn::load_state_dict(mlp, nn::named_tensors(other));
    CHECK(moved());
    nn::named_parameters(mlp)[0].tensor.mutable_data<float>()[3] += 30;
    CHECK(moved());
    nn::named_parameters(mlp)[1].tensor.mutable_data<float>()[3] += 30;  // a bias
    CHECK(moved());

    // What shares the weights sees their change; a clone has its own.
    nn::Mlp copy = nn::share(mlp), cloned = nn::clone(mlp);
    CHECK(largest_difference(packed(copy, x), before) == 0);
    CHECK(largest_difference(packed(cloned, x), before) == 0);
    nn::named_parameters(mlp)[2].tensor.mutable_data<float>()[3] += 30;
    CHECK(largest_difference(packed(cloned, x), before) == 0);
    CHECK(moved());
    CHECK(largest_difference(packed(copy, x), before) == 0);
    copy = cloned;
    CHECK(fits(copy));
    CHECK(fits(mlp));
  }
}

TEST_CASE("quantize: a DiT's error is small, and its sensitive layers stay") {
  SmallDiT s;
  const Tensor expected = ordinary(s.model, s.x, s.t, s.labels);
  CHECK(nn::quantize(s.model) == 3 * 4);  // qkv, proj, fc1 and fc2 of each block
  CHECK(nn::quantize(s.model) == 3 * 4);
  const Tensor rounded = ordinary(s.model, s.x, s.t, s.labels);
  CHECK(relative_error(rounded, expected) < .01);
  CHECK(relative_error(rounded, expected) > 1e-5);  // it did round
  CHECK(largest_difference(packed(s.model, s.x, s.t, s.labels), rounded) < 1e-4);

  check_bits_at_every_thread_count(s);

  nn::dequantize(s.model);
  CHECK(largest_difference(ordinary(s.model, s.x, s.t, s.labels), expected) == 0);
}

TEST_CASE("quantize: the state dict is that of the f32 model") {
  SmallDiT s;
  std::vector<std::vector<float>> values;
  for (const auto& [name, tensor] : nn::named_tensors(s.model)) values.push_back(tensor.to_vector<float>());
  nn::quantize(s.model);
  ordinary(s.model, s.x, s.t, s.labels);
  const nn::NamedTensors after = nn::named_tensors(s.model);
  REQUIRE(after.size() == values.size());
  for (size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i].tensor.dtype() == DType::f32);
    CHECK(after[i].tensor.to_vector<float>() == values[i]);
  }
}

TEST_CASE("quantize: what cannot be differentiated says so; dequantize lets it train again") {
  Generator rng(3);
  nn::Linear layer(4, 4, rng);
  CHECK(nn::quantize(layer) == 1);  // a layer is a module too
  CHECK(layer.is_quantized());
  const Tensor x = rng.normal({2, 4});
  std::string message;
  try {
    layer(x);
  } catch (const AutogradError& e) {
    message = e.what();
  }
  CHECK(message ==
        "[linear] this layer is quantised to int8, and rounding has no derivative: run it under NoGrad or "
        "InferenceMode, or call nn::dequantize(model) before training");
  nn::set_requires_grad(layer, false);
  CHECK_FALSE(layer(x).requires_grad());  // frozen, and nothing before it learns
  CHECK_THROWS_AS(layer(rng.normal({2, 4}).set_requires_grad()), AutogradError);
  nn::dequantize(layer);
  nn::set_requires_grad(layer, true);
  sum(layer(x)).backward();
  CHECK(layer.weight.grad().defined());
  CHECK_FALSE(layer.is_quantized());

  nn::Linear kept(4, 4, rng), doubles(4, 4, rng);
  kept.keep_f32();
  doubles.weight = zeros({4, 4}, DType::f64);
  CHECK(nn::quantize(kept) == 0);
  CHECK(nn::quantize(doubles) == 0);
}

TEST_CASE("quantize: samplers draw nearly the same images") {
  SmallDiT s;
  const models::Network network = [&](const Tensor& x, const Tensor& t, const Tensor& y) { return s.model(x, t, y); };
  const auto draw = [&] {
    Generator rng(5);
    return models::sample({}, {.steps = 5, .guidance = {.scale = 3}}, network, s.labels, scalar(4, DType::i64), s.x,
                          rng);
  };
  const Tensor exact = draw();
  nn::quantize(s.model);
  CHECK(relative_error(draw(), exact) < .02);
}

}  // namespace ditharos::test_inference
