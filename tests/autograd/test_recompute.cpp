// checkpoint(): the same bits as the plain call, with less memory; random numbers replayed; higher orders; misuse.
#include <doctest/doctest.h>

#include <cstring>

#include <ditharos/autograd/checkpoint.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/nn/checkpoint.h>
#include <ditharos/nn/dropout.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/allocator.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_recompute {

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  return std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
}

models::DiTConfig small_dit(int64_t depth = 3) {
  return {.height = 8,
          .width = 8,
          .channels = 1,
          .hidden = 32,
          .depth = depth,
          .heads = 2,
          .classes = 3,
          .learn_sigma = false};
}

/// A DiT whose gates and last layer are not zero, so that every parameter has a gradient.
models::DiT awake_dit(const models::DiTConfig& config) {
  Generator rng(5);
  models::DiT model(config, rng);
  nn::NamedTensors state;
  for (const auto& [name, tensor] : nn::named_tensors(model))
    state.push_back({name, (tensor + rng.normal(tensor.shape()) * .05).detach()});
  nn::load_state_dict(model, state);
  return model;
}

Tensor dit_loss(const models::DiT& model, uint64_t seed = 7, int64_t batch = 2) {
  Generator rng(seed);
  const Tensor x = rng.normal({batch, 1, 8, 8}), t = rng.uniform({batch}), labels = rng.randint(0, 3, {batch});
  return mean(square(model(x, t, labels) - x));
}

}  // namespace

TEST_CASE("a DiT that recomputes its blocks has the same loss and, up to rounding, the same gradients") {
  models::DiT model = awake_dit(small_dit());
  const Tensor plain = dit_loss(model);
  plain.backward();
  std::vector<Tensor> expected;
  for (const auto& [name, p] : nn::named_parameters(model)) expected.push_back(p.grad().detach());
  nn::zero_grad(model);

  model.set_recompute(true);
  const Tensor again = dit_loss(model);
  nn::audit(again, model);
  again.backward();
  CHECK(same_bits(plain, again));
  size_t i = 0;
  for (const auto& [name, p] : nn::named_parameters(model)) {
    const std::string label = name;
    const Tensor& size = expected[i++];
    const Tensor difference = p.grad() - size;
    CHECK_MESSAGE(sum(square(difference)).item() <= 1e-10 * sum(square(size)).item(), label);
    // The last layer's gradients come before any that two blocks add to.
    if (name.starts_with("final_layer.")) CHECK_MESSAGE(same_bits(p.grad(), size), label);
  }
}

TEST_CASE("it takes less memory") {
  models::DiT model = awake_dit(small_dit(8));
  const auto peak_of_step = [&] {
    const tests::RestoreSettings restore;
    set_num_threads(1);  // others make scratch memory of their own when they first take a task
    nn::zero_grad(model);
    reset_peak();
    const size_t before = allocator_stats().live;
    dit_loss(model, 7, 16).backward();
    return allocator_stats().peak - before;
  };
  peak_of_step();
  const size_t plain = peak_of_step();
  model.set_recompute(true);
  const size_t less = peak_of_step();
  MESSAGE("eight blocks, batch 16: " << plain << " bytes, recomputing " << less);
  CHECK(less * 2 < plain);
}

TEST_CASE("dropout draws the same numbers in the backward pass, and the generator continues as without a checkpoint") {
  Generator init(1);
  const nn::Mlp mlp(8, 16, init);
  const nn::Dropout dropout(.5);
  const Tensor x = init.normal({32, 8}).set_requires_grad();
  std::vector<Tensor> parameters;
  for (const auto& [name, p] : nn::named_parameters(mlp)) parameters.push_back(p);
  const CheckpointBlock block = [&](const std::vector<Tensor>& in, Generator& rng) {
    return dropout(mlp(dropout(in[0], rng)), rng);
  };
  Generator plain_rng(3), rng(3);
  const Tensor plain = block({x}, plain_rng), y = checkpoint(block, {x}, parameters, rng);
  CHECK(same_bits(plain, y));
  CHECK(rng.offset() == plain_rng.offset());
  rng.normal({100});  // what is drawn later must not matter
  std::vector<Tensor> wanted = parameters;
  wanted.push_back(x);
  const auto expected = grad({sum(square(plain))}, wanted), got = grad({sum(square(y))}, wanted);
  for (size_t i = 0; i < wanted.size(); ++i) CHECK(same_bits(expected[i], got[i]));
}

TEST_CASE("second order: the gradient of a gradient's norm") {
  Generator rng(2);
  const Tensor x = rng.normal({4, 3}, DType::f64).set_requires_grad(),
               w = rng.normal({3, 3}, DType::f64).set_requires_grad();
  const auto block = [&](const std::vector<Tensor>& in) { return tanh(matmul(in[0], w)); };
  const auto second = [&](bool recompute) {
    const Tensor first = tanh(matmul(x, w));  // depends on w as well: its share must not be counted twice
    const Tensor h = recompute ? checkpoint(block, {first}, {w}) : block({first});
    const auto g = grad({sum(square(h))}, {x, w}, {}, {.create_graph = true});
    return grad({sum(square(g[0])) + sum(square(g[1]))}, {x, w});
  };
  const auto plain = second(false), again = second(true);
  for (int i = 0; i < 2; ++i) {
    const auto a = plain[size_t(i)].to_vector<double>(), b = again[size_t(i)].to_vector<double>();
    for (size_t k = 0; k < a.size(); ++k) CHECK(b[k] == doctest::Approx(a[k]).epsilon(1e-12));
  }
}

TEST_CASE("checkpoints nest, share parameters and give partial gradients") {
  Generator rng(2);
  const Tensor x = rng.normal({4, 3}).set_requires_grad(), w = rng.normal({3, 3}).set_requires_grad();
  const auto inner = [&](const std::vector<Tensor>& in) { return tanh(matmul(in[0], w)); };
  const auto nested = [&](const std::vector<Tensor>& in) {
    return checkpoint(inner, {checkpoint(inner, {in[0]}, {w, w})}, {w});
  };
  const Tensor plain = inner({inner({x})}), y = checkpoint(nested, {x}, {w});
  const auto expected = grad({sum(plain)}, {x, w}), got = grad({sum(y)}, {x, w});
  CHECK(same_bits(expected[0], got[0]));
  CHECK(same_bits(expected[1], got[1]));
  CHECK(same_bits(grad(sum(checkpoint(nested, {x}, {w})), w), expected[1]));
}

TEST_CASE("hooks of inputs and parameters run once") {
  const Tensor x = ones({2}).set_requires_grad(), w = full({2}, 3).set_requires_grad();
  int calls_x = 0, calls_w = 0;
  register_hook(x, [&](const Tensor& g) { return ++calls_x, g * 2.0; });
  register_hook(w, [&](const Tensor& g) { return ++calls_w, g * 2.0; });
  sum(checkpoint([&](const std::vector<Tensor>& in) { return in[0] * w; }, {x}, {w})).backward();
  CHECK(calls_x == 1);
  CHECK(calls_w == 1);
  CHECK(x.grad().to_vector<float>() == std::vector<float>{6, 6});
  CHECK(w.grad().to_vector<float>() == std::vector<float>{2, 2});
}

TEST_CASE("nothing is recorded without gradients, and nothing stays behind") {
  const int64_t before = live_nodes();
  {
    const Tensor x = ones({2}).set_requires_grad();
    const auto block = [](const std::vector<Tensor>& in) { return exp(in[0]); };
    {
      const NoGrad no_grad;
      CHECK_FALSE(checkpoint(block, {x}, {}).requires_grad());
    }
    sum(checkpoint(block, {x}, {})).backward();
  }
  CHECK(live_nodes() == before);
}

TEST_CASE("a checkpointed block reports its misuse") {
  const Tensor x = ones({2}).set_requires_grad(), w = ones({2}).set_requires_grad();
  const auto block = [&](const std::vector<Tensor>& in) { return in[0] * w; };
  CHECK_THROWS_WITH_AS(sum(checkpoint(block, {x}, {})).backward(),
                       "[checkpoint] the block uses a parameter of shape [2] that is neither among its inputs nor "
                       "among its parameters",
                       AutogradError);
  const Tensor h = exp(x);
  const auto captures = [&](const std::vector<Tensor>& in) { return in[0] * h; };
  CHECK_THROWS_WITH_AS(sum(checkpoint(captures, {w}, {})).backward(),
                       "[checkpoint] the block uses a tensor that needs a gradient of shape [2] that is neither among "
                       "its inputs nor among its parameters",
                       AutogradError);
  const Tensor y = checkpoint(block, {x}, {w});
  *w.mutable_data<float>() = 5;
  CHECK_THROWS_WITH_AS(sum(y).backward(), doctest::Contains("[checkpoint] the saved input 1 of shape [2] was modified"),
                       AutogradError);
}

TEST_CASE("regression 28: a block that draws from any generator draws the same again, and no generator moves") {
  const Tensor x = ones({4}).set_requires_grad();
  // y = x r: the derivative is r, whatever the generator is.
  const auto check_replayed = [&](const std::function<Tensor(const std::vector<Tensor>&)>& block) {
    x.set_grad({});
    const Tensor y = checkpoint(block, {x}, {});
    sum(y).backward();
    // Factors are multiplied in another order on the way back.
    CHECK(amax(abs(x.grad() - y)).item() <= 1e-6 * amax(abs(y)).item());
  };
  Generator captured(3), plain(3);
  check_replayed([&](const std::vector<Tensor>& in) { return in[0] * captured.normal({4}); });
  const Tensor ignored = plain.normal({4});
  CHECK(captured.offset() == plain.offset());
  Generator by_value(5);
  check_replayed([by_value](const std::vector<Tensor>& in) mutable { return in[0] * by_value.uniform({4}); });
  check_replayed([&](const std::vector<Tensor>& in) { return in[0] * captured.uniform(); });
  check_replayed([&](const std::vector<Tensor>& in) { return in[0] * captured.bernoulli(.5, {4}); });
  check_replayed([&](const std::vector<Tensor>& in) {
    return in[0] * to(captured.permutation(4), DType::f32) * to(captured.randint(1, 9, {4}), DType::f32);
  });
  check_replayed(
      [&](const std::vector<Tensor>& in) { return dropout(in[0], .5, captured) * captured.fork(1).normal({4}); });
  // Blocks inside of blocks, each with draws of its own.
  const auto inner = [&](const std::vector<Tensor>& in) { return in[0] * captured.normal({4}); };
  check_replayed([&](const std::vector<Tensor>& in) {
    return checkpoint(inner, {checkpoint(inner, {in[0] * captured.normal({4})}, {})}, {}) * captured.normal({4});
  });
  // A module that keeps a generator.
  struct Noisy : nn::Module<Noisy> {
    Generator* rng;
    Tensor forward(const Tensor& in) const { return in * rng->normal({4}); }
    void visit(nn::Visitor&) override {}
  } noisy;
  noisy.rng = &captured;
  x.set_grad({});
  const Tensor y = nn::checkpoint(noisy, x);
  sum(y).backward();
  CHECK(same_bits(x.grad(), y));
}

TEST_CASE("regression 28: a block that draws otherwise the second time is refused") {
  const Tensor x = ones({4}).set_requires_grad();
  Generator rng(3);
  int runs = 0;
  const auto fewer = [&](const std::vector<Tensor>& in) { return ++runs == 1 ? in[0] * rng.normal({4}) : in[0] * 2.0; };
  CHECK_THROWS_WITH_AS(sum(checkpoint(fewer, {x}, {})).backward(),
                       "[checkpoint] the block draws other random numbers when it is computed again: the first time it "
                       "made 1 draws",
                       AutogradError);
  runs = 0;
  const auto longer = [&](const std::vector<Tensor>& in) { return in[0] * rng.normal({++runs, 4}); };
  CHECK_THROWS_WITH_AS(sum(checkpoint(longer, {x}, {})).backward(),
                       "[checkpoint] the block draws other random numbers when it is computed again: draw 0 has 8 "
                       "elements, and the first time it had 4",
                       AutogradError);
  // Nothing of it stays behind.
  const uint64_t before = rng.offset();
  const Tensor later = rng.normal({4});
  CHECK(rng.offset() == before + 4);
}

namespace {

struct Context {
  int64_t power = 2;
  Tensor scale, shift;
  template <class F>
  void visit_tensors(F&& f) {
    f(scale), f(shift);
  }
};
/// The same tensors, which are not listed.
struct SilentContext {
  Tensor scale, shift;
};

struct Affine : nn::Module<Affine> {
  nn::Parameter weight{full({3}, 2)};
  nn::Dropout dropout{.5};
  Tensor forward(const Tensor& x, const Context& context) const {
    const Tensor y = tanh(x * weight * context.scale);
    return context.shift.defined() ? pow(y, double(context.power)) + context.shift : y;
  }
  Tensor forward(const Tensor& x, const SilentContext& context, int64_t) const { return x * context.scale; }
  Tensor forward(const std::vector<Tensor>& parts, double factor) const {
    return (parts[0] + parts[1] * factor) * weight;
  }
  Tensor forward(const Tensor& x, Generator& rng) const { return dropout(x, rng) * weight; }
  void visit(nn::Visitor& v) override {
    v("weight", weight);
    v("dropout", dropout);
  }
};

}  // namespace

TEST_CASE("nn::checkpoint takes contexts, lists and numbers, and finds the tensors in them") {
  Generator rng(3);
  const Affine module;
  const Tensor x = rng.normal({4, 3}).set_requires_grad(), scale = rng.normal({3}).set_requires_grad(),
               shift = rng.normal({3}).set_requires_grad();
  const std::vector<Tensor> wanted{x, scale, shift, module.weight};
  const auto same = [&](const Tensor& plain, const Tensor& again) {
    CHECK(same_bits(plain, again));
    const auto gradients = [&](const Tensor& y) { return grad({sum(square(y))}, wanted, {}, {.retain_graph = true}); };
    const auto expected = gradients(plain), got = gradients(again);
    for (size_t i = 0; i < wanted.size(); ++i) CHECK(same_bits(expected[i], got[i]));
  };
  const Context context{.power = 3, .scale = exp(scale), .shift = shift}, half{.scale = exp(scale), .shift = {}};
  same(module(x, context), nn::checkpoint(module, x, context));
  same(module(x, half), nn::checkpoint(module, x, half));
  const std::vector<Tensor> parts{x, scale};
  same(module(parts, 3), nn::checkpoint(module, parts, 3));
  Generator plain_rng(5), other(5);
  const Tensor plain = module(x, plain_rng), again = nn::checkpoint(module, x, other);
  CHECK(other.offset() == plain_rng.offset());
  same(plain, again);
  // A parameter as an argument is passed as its handle; the module's own mode goes along.
  same(module(module.weight, half), nn::checkpoint(module, module.weight, half));
}

TEST_CASE("nn::checkpoint: a context that hides a tensor which needs a gradient is refused in the backward pass") {
  const Affine module;
  const Tensor x = ones({3}).set_requires_grad(), scale = full({3}, 2).set_requires_grad();
  const SilentContext constant{.scale = scale.detach(), .shift = {}}, silent{.scale = scale, .shift = {}};
  sum(nn::checkpoint(module, x, constant, 1)).backward();
  CHECK(x.grad().to_vector<float>() == std::vector<float>{2, 2, 2});
  CHECK_THROWS_WITH_AS(sum(nn::checkpoint(module, x, silent, 1)).backward(),
                       "[checkpoint] the block uses a parameter of shape [3] that is neither among its inputs nor "
                       "among its parameters",
                       AutogradError);
}

}  // namespace ditharos::test_recompute
