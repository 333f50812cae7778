// Hooks of modules: their arguments, what they may change, and that fast paths do not bypass them.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/anomaly.h>
#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/block.h>
#include <ditharos/nn/checkpoint.h>
#include <ditharos/nn/dropout.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/mlp.h>
#include "tests/support/golden.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_hooks {

using ditharos::tests::difference;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

struct Net : nn::Module<Net> {
  nn::Linear first, second;
  explicit Net(Generator& rng) : first(3, 4, rng), second(4, 2, rng) {}
  Tensor forward(const Tensor& x) const { return second(tanh(first(x))); }
  void visit(nn::Visitor& v) override {
    v("first", first);
    v("second", second);
  }
};

struct Seen {
  Generator rng{7};
  Net net{rng};
  Tensor x = rng.normal({5, 3});
};

}  // namespace

TEST_CASE("module hooks: a forward hook gets the output and may replace it") {
  Seen s;
  const Tensor plain = s.net(s.x);
  Tensor seen;
  nn::HookHandle look = nn::register_forward_hook(s.net.first, [&](const nn::ModuleBase& m, const Tensor& y) {
    CHECK(&m == &s.net.first);
    seen = y;
    return Tensor{};
  });
  CHECK(same_bits(s.net(s.x), plain));
  CHECK(same_bits(seen, linear(s.x, s.net.first.weight, s.net.first.bias)));

  nn::HookHandle twice =
      nn::register_forward_hook(s.net, [](const nn::ModuleBase&, const Tensor& y) { return y * 2.0; });
  nn::register_forward_hook(s.net, [](const nn::ModuleBase&, const Tensor& y) { return y + 1.0; });  // stays
  CHECK(same_bits(s.net(s.x), plain * 2.0 + 1.0));
  twice.remove();
  look.remove();
  seen = {};
  CHECK(same_bits(s.net(s.x), plain + 1.0));
  CHECK_FALSE(seen.defined());
  CHECK_FALSE(nn::has_hooks(s.net.first));
  twice.remove();  // gone already
}

TEST_CASE("module hooks: a backward hook gets the whole gradient of the output and may replace it") {
  Seen s;
  const auto gradient = [&] {
    nn::zero_grad(s.net);
    const Tensor h = s.net.first(s.x);
    const Tensor of_values = sum(h), of_squares = sum(h * h);  // in this order, which is that of the gradient's sum
    (of_squares + of_values).backward();                       // the output is used twice: one gradient, the sum
    return s.net.first.weight.grad();
  };
  const Tensor plain = gradient();
  Tensor seen;
  nn::HookHandle look = nn::register_backward_hook(s.net.first, [&](const Tensor& g) { return seen = g, Tensor{}; });
  CHECK(same_bits(gradient(), plain));
  CHECK(same_bits(seen, 2.0 * s.net.first(s.x).detach() + 1.0));
  look.remove();
  nn::HookHandle half = nn::register_backward_hook(s.net.first, [](const Tensor& g) { return g * .5; });
  CHECK(same_bits(gradient(), plain * .5));
  half.remove();
  CHECK(same_bits(gradient(), plain));

  // An output that is the input gets its own gradient alone: here 1, while x has 1 + 3.
  nn::Dropout off;
  nn::set_training(off, false);
  nn::register_backward_hook(off, [&](const Tensor& g) { return seen = g, Tensor{}; });
  const Tensor x = ones({2}).set_requires_grad();
  Generator rng(1);
  (sum(off(x, rng)) + sum(3.0 * x)).backward();
  CHECK(seen.to_vector<float>() == std::vector<float>{1, 1});
  CHECK(x.grad().to_vector<float>() == std::vector<float>{4, 4});
  NoGrad guard;
  seen = {};
  off(x, rng);  // nothing to hook on to
  CHECK_FALSE(seen.defined());
}

TEST_CASE("module hooks: fast paths are not used with hooks, in training, inference and recomputation") {
  Generator rng(3);
  nn::Mlp mlp(4, 8, rng);
  const Tensor x = rng.normal({6, 4});
  int calls = 0;
  struct FirstLinear : nn::Visitor {  // fc1, as a user finds it
    nn::ModuleBase* found = nullptr;
    void on_parameter(const std::string&, Tensor&) override {}
    void on_module(const std::string& name, nn::ModuleBase& m) override {
      if (name == "fc1") found = &m;
    }
  } finder;
  mlp.visit(finder);
  REQUIRE(finder.found);
  const Tensor plain = mlp(x);
  nn::register_forward_hook(*finder.found, [&](const nn::ModuleBase&, const Tensor& y) {
    CHECK_EQ(y.shape(), Shape{6, 8});
    return ++calls, Tensor{};
  });
  CHECK(difference(mlp(x), plain) < 1e-6);
  CHECK(calls == 1);
  {
    const nn::InferenceMode inference;
    CHECK(difference(mlp(x), plain) < 1e-6);
    CHECK(calls == 2);
  }
  const Tensor leaf = rng.normal({6, 4}).set_requires_grad();
  sum(nn::checkpoint(mlp, leaf)).backward();
  CHECK(calls == 4);  // forward, and again in the backward pass
}

TEST_CASE("module hooks: share has the same list, a copy takes a list of its own along") {
  Seen s;
  int calls = 0;
  nn::register_forward_hook(s.net.first, [&](const nn::ModuleBase&, const Tensor&) { return ++calls, Tensor{}; });
  const Net sharing = nn::share(s.net), deep = s.net, cloned = nn::clone(s.net);
  nn::HookHandle later = nn::register_forward_hook(s.net.first, [&](const nn::ModuleBase&, const Tensor&) {
    calls += 10;
    return Tensor{};
  });
  sharing(s.x);
  CHECK(calls == 11);
  deep(s.x);
  CHECK(calls == 12);
  cloned(s.x);
  CHECK(calls == 13);
  later.remove();
  sharing(s.x);
  CHECK(calls == 14);
}

TEST_CASE("module hooks: a result that does not fit is refused with the module's path") {
  Seen s;
  nn::name_modules(s.net);
  nn::HookHandle bad =
      nn::register_forward_hook(s.net.second, [](const nn::ModuleBase&, const Tensor& y) { return sum(y); });
  CHECK(message_of<ShapeError>([&] { s.net(s.x); }) ==
        "[forward hook] returned shape [] for an output of shape [5, 2] (in the module second)");
  bad.remove();
  nn::register_forward_hook(s.net.second, [](const nn::ModuleBase&, const Tensor& y) { return to(y, DType::f64); });
  CHECK(message_of<DTypeError>([&] { s.net(s.x); }) ==
        "[forward hook] returned f64 for an output of f32 (in the module second)");
}

TEST_CASE("detect nan: names the module whose operation made the NaN") {
  Seen s;
  nn::name_modules(s.net);
  const DetectNan guard;
  const auto spoil = [](const nn::ModuleBase&, const Tensor& y) { return sqrt(y - 1e6); };
  nn::HookHandle hook = nn::register_forward_hook(s.net.first, spoil);
  CHECK(message_of<AutogradError>([&] { s.net(s.x); }) ==
        "[sqrt] made a NaN out of inputs without one, of shapes [5, 4]; input 0 comes from add_scalar in first of "
        "shape [5, 4] <- linear in first <- leaf of shape [4, 3] (in the module first)");
  hook.remove();
  // 0 * inf in the backward pass: the gradient of sqrt at 0.
  nn::register_forward_hook(s.net.first, [](const nn::ModuleBase&, const Tensor& y) { return sqrt(y * 0.0); });
  const std::string message = message_of<AutogradError>([&] { sum(s.net(s.x)).backward(); });
  CHECK(message.find("] the gradient of input 0") != std::string::npos);
  CHECK(message.ends_with(" (in the module first)"));
}

TEST_CASE("a user's module of forward and visit: hooks, profiler path and the name in a NaN's message") {
  struct Scale : nn::Module<Scale> {
    nn::Parameter factor{ones({2})};
    Tensor forward(const Tensor& x, double shift = 0) const { return sqrt(x + shift) * factor; }
    void visit(nn::Visitor& v) override { v("factor", factor); }
  };
  struct Model : nn::Module<Model> {
    Scale scale;
    Tensor forward(const Tensor& x) const { return scale(x, 1.0) + scale(x); }
    void visit(nn::Visitor& v) override { v("scale", scale); }
  };
  Model model;
  nn::name_modules(model);
  const Tensor x = ones({2});
  int calls = 0;
  Tensor gradient;
  nn::HookHandle look = nn::register_forward_hook(model.scale, [&](const nn::ModuleBase& m, const Tensor&) {
    CHECK(&m == &model.scale);
    return ++calls, Tensor{};
  });
  nn::register_backward_hook(model.scale, [&](const Tensor& g) { return gradient = g, Tensor{}; });
  sum(model(x) * 3.0).backward();
  CHECK(calls == 2);
  CHECK(gradient.to_vector<float>() == std::vector<float>{3, 3});
  look.remove();

  Profiler profiler;
  model(x);
  profiler.stop();
  for (const ProfileEvent& event : profiler.events())
    if (event.name == std::string("sqrt")) CHECK(event.module == std::string("scale"));
  CHECK(profiler.module_table().find("scale") != std::string::npos);
  const DetectNan guard;
  CHECK(message_of<AutogradError>([&] { model(x * -1.0); }).starts_with("[sqrt] made a NaN"));
}

}  // namespace ditharos::test_hooks
