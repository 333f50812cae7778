// Groups of parameters: PyTorch's results, options that change during training, and what is refused.
#include <cmath>
#include <memory>

#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/clip.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/muon.h>
#include <ditharos/optim/rmsprop.h>
#include <ditharos/optim/sgd.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/support/golden.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_parameter_groups {

using optim::ParameterGroup;
using tests::message_of;

namespace {

struct Toy : nn::Module<Toy> {
  nn::Parameter a, b, c;
  void visit(nn::Visitor& v) override { v("a", a), v("b", b), v("c", c); }
};

Toy golden_toy(const tests::Golden& golden, DType dtype) {
  Toy toy;
  for (auto [name, tensor] : {std::pair("a", &toy.a), std::pair("b", &toy.b), std::pair("c", &toy.c)})
    *tensor = kernels::to(golden.at(std::string("start.") + name), dtype).set_requires_grad();
  return toy;
}

Tensor leaf(const Shape& shape, double value) { return full(shape, value).set_requires_grad(); }

}  // namespace

TEST_CASE("parameter groups: ten steps as PyTorch does them, one group frozen in the first five") {
  const tests::Golden golden("optim.golden");
  for (const auto& [dtype, tolerance] : {std::pair(DType::f64, 2e-7), std::pair(DType::f32, 3e-6)}) {
    Toy toy = golden_toy(golden, dtype);
    const nn::NamedTensors p = nn::named_parameters(toy);
    optim::AdamW optimizer({{.parameters = {p[0]}, .weight_decay = .3},
                            {.parameters = {p[1]}, .weight_decay = 0, .lr_scale = .5, .frozen = true},
                            {.parameters = {p[2]}, .lr_scale = 2, .beta1 = .7, .beta2 = .9}},
                           {.beta1 = .9, .beta2 = .99, .weight_decay = .1});
    optim::Ema ema(toy, .35);
    CHECK_FALSE(toy.b.requires_grad());
    CHECK(toy.a.requires_grad());
    for (int step = 0; step < 10; ++step) {
      CAPTURE(step);
      if (step == 5) {
        ParameterGroup group = optimizer.groups()[1];
        group.frozen = false;
        optimizer.set_group(1, group);
        CHECK(toy.b.requires_grad());
      }
      optimizer.zero_grad();
      for (const auto& [name, grad] : golden.with_prefix("grad." + std::to_string(step) + "."))
        (name == "a" ? toy.a : name == "b" ? toy.b : toy.c).set_grad(kernels::to(grad, dtype));
      // PyTorch's norm is that of all three gradients, as here: "b" has one in spite of being frozen.
      optimizer.step(.03, optim::clip_grad_factor(optimizer.parameters(), 2.0).factor, &ema);
      for (const auto& [name, want] : golden.with_prefix("groups." + std::to_string(step) + ".")) {
        const std::string shown = name;
        CAPTURE(shown);
        const Tensor& got = name == "a" ? toy.a : name == "b" ? toy.b : toy.c;
        CHECK(tests::difference(kernels::to(got, DType::f32), want) < tolerance);
      }
    }
    for (const auto& [name, want] : golden.with_prefix("groups.average.")) {
      const Tensor average = ema.average_of(name == "a" ? toy.a : name == "b" ? toy.b : toy.c);
      CHECK(tests::difference(kernels::to(average, DType::f32), want) < tolerance);
    }
  }
}

TEST_CASE("parameter groups: the state has the names of one group, whatever the groups are") {
  Toy toy;
  toy.a = leaf({2, 3}, 1), toy.b = leaf({3}, 1), toy.c = leaf({2}, 1);
  const auto [decay, no_decay] = optim::partition(nn::named_parameters(toy), optim::is_matrix);
  CHECK(decay.size() == 1);
  CHECK(no_decay.size() == 2);
  CHECK(no_decay[1].name == "c");
  optim::AdamW grouped({{.parameters = decay, .weight_decay = .1}, {.parameters = no_decay, .weight_decay = 0}});
  optim::AdamW whole(nn::named_parameters(toy));
  for (const Tensor& x : {toy.a, toy.b, toy.c}) x.set_grad(full(x.shape(), .5));
  whole.step(.1);
  grouped.load_state(whole.state());
  const nn::NamedTensors one = whole.state(), several = grouped.state();
  REQUIRE(one.size() == several.size());
  for (size_t i = 0; i < one.size(); ++i) {
    CHECK(one[i].name == several[i].name);
    CHECK(tests::same_bits(one[i].tensor, several[i].tensor));
  }
  CHECK(grouped.groups().size() == 2);
  CHECK(grouped.groups()[1].parameters.size() == 2);
}

TEST_CASE("parameter groups: a frozen group takes no part in backward pass, norm, decay and count of steps") {
  Toy toy;
  toy.a = leaf({2}, 2), toy.b = leaf({2}, 3), toy.c = leaf({2}, 1);
  const nn::NamedTensors p = nn::named_parameters(toy);
  toy.b.set_grad(ones({2}));  // from before
  optim::Sgd optimizer({{.parameters = {p[0], p[2]}}, {.parameters = {p[1]}, .frozen = true}}, {.weight_decay = .5});
  CHECK_FALSE(toy.b.grad().defined());
  optim::Ema ema(toy, .5);
  sum(toy.a * toy.b + toy.c).backward();
  CHECK_FALSE(toy.b.grad().defined());
  CHECK(optim::clip_grad_factor(optimizer.parameters(), 1).norm == doctest::Approx(std::sqrt(20.0)));
  optimizer.step(.1, 1, &ema);
  CHECK(toy.b.to_vector<float>() == std::vector<float>{3, 3});
  CHECK(ema.average_of(toy.b).to_vector<float>()[1] == doctest::Approx(3));
  CHECK(toy.a.to_vector<float>()[0] == doctest::Approx(2 - .1 * (3 + 1)));
  CHECK(optimizer.state()[0].tensor.item() == 1);
  CHECK(optimizer.state().back().name == "b/step");
  CHECK(optimizer.state().back().tensor.item() == 0);
  // A gradient that is not finite does no harm where nothing reads it.
  toy.b.set_grad(full({2}, NAN));
  optimizer.step(.1);
  CHECK(toy.b.to_vector<float>() == std::vector<float>{3, 3});
}

TEST_CASE("parameter groups: options change from one step to the next") {
  const Tensor w = leaf({1}, 1);
  optim::Sgd optimizer({{.parameters = {{"w", w}}, .lr_scale = .5}});
  const auto step = [&] {
    w.set_grad(ones({1}));
    optimizer.step(.5);
    return w.item();
  };
  CHECK(step() == .75);
  ParameterGroup group = optimizer.groups()[0];
  group.lr_scale = 1;
  optimizer.set_group(0, group);
  CHECK(step() == .25);
  group.weight_decay = 2;
  optimizer.set_group(0, group);
  CHECK(step() == -.5);  // .25 - .5 (1 + 2 * .25)
  group.lr_scale = 0;
  optimizer.set_group(0, group);
  CHECK(step() == -.5);
}

TEST_CASE("parameter groups: what is out of range, of another optimiser or in two groups is refused") {
  const Tensor w = leaf({2, 2}, 1), v = leaf({2}, 1);
  const nn::NamedTensors matrix{{"w", w}}, vector{{"v", v}};
  const auto refusal = [&](const auto& make) { return message_of<ConfigError>(make); };
  CHECK(refusal([&] { optim::Sgd({{.parameters = matrix}, {.parameters = vector, .lr_scale = -1}}); }) ==
        "[optimizer] group 1: lr_scale must be a number >= 0, got -1.000000");
  CHECK(refusal([&] { optim::AdamW({{.parameters = matrix, .weight_decay = NAN}}); }) ==
        "[optimizer] group 0: weight_decay must be a number >= 0, got nan");
  CHECK(refusal([&] { optim::AdamW({{.parameters = matrix, .beta2 = 1}}); }) ==
        "[optimizer] group 0: both betas must be at least 0 and below 1, got 1.000000");
  CHECK(refusal([&] { optim::Sgd({{.parameters = matrix, .beta1 = .5}}); }) ==
        "[optimizer] group 0 sets a beta, which this optimiser does not have");
  CHECK(refusal([&] { optim::Muon(std::vector<ParameterGroup>{{.parameters = matrix, .beta1 = .5}}, vector); }) ==
        "[optimizer] group 0 sets a beta, which this optimiser does not have");
  CHECK(optim::Muon(matrix, std::vector<ParameterGroup>{{.parameters = vector, .beta1 = .5}}).groups().size() == 2);
  CHECK(refusal([&] { optim::Sgd({{.parameters = matrix}, {.parameters = {{"tied", w}}}}); }) ==
        "[optimizer] parameter \"tied\" of group 1 is the same tensor as one of group 0; each belongs to one group");
  CHECK(refusal([&] { optim::Sgd({{.parameters = {}}, {.parameters = {}}}); }) ==
        "[optimizer] there is no parameter to train");
  CHECK(refusal([&] { optim::AdamW({{.parameters = matrix, .frozen = true}}, {.eps = -1}); }) ==
        "[adam] eps must be a number >= 0, got -1.000000");
  CHECK(w.requires_grad());  // nothing was frozen

  optim::Sgd optimizer({{.parameters = matrix}, {.parameters = vector}});
  CHECK(refusal([&] { optimizer.set_group(2, optimizer.groups()[1]); }) == "[optimizer] there is no group 2 of 2");
  CHECK(refusal([&] { optimizer.set_group(1, {.parameters = matrix}); }) ==
        "[optimizer] group 1 has 1 parameters, and the new options list others; copy groups()[1] and change its "
        "options");
  CHECK(refusal([&] { optimizer.set_group(1, {.parameters = vector, .lr_scale = INFINITY, .frozen = true}); }) ==
        "[optimizer] group 1: lr_scale must be a number >= 0, got inf");
  CHECK(v.requires_grad());
  CHECK(optimizer.groups()[1].lr_scale == 1);
}

TEST_CASE("parameter groups: momentum and eps of a group are those of an optimiser of its own") {
  const auto trained = [](const auto& make, bool in_group) {
    const Tensor a = leaf({3}, 1), b = leaf({2}, 2);
    auto optimizer = make(in_group, a, b);
    for (int step = 0; step < 4; ++step) {
      a.set_grad(from_vector<float>({.1f, -.2f, .3f * float(step)}));
      b.set_grad(from_vector<float>({-.4f, .5f}));
      for (auto& one : optimizer) one->step(.1);
    }
    std::vector<double> values = a.to_vector<double>();
    for (const double value : b.to_vector<double>()) values.push_back(value);
    return values;
  };
  using Optimizers = std::vector<std::unique_ptr<optim::Optimizer>>;
  const auto sgd = [](bool in_group, const Tensor& a, const Tensor& b) {
    const ParameterGroup first{.parameters = {{"a", a}}}, second{.parameters = {{"b", b}}, .momentum = .5};
    Optimizers out;
    if (in_group) {
      out.push_back(std::make_unique<optim::Sgd>(std::vector<ParameterGroup>{first, second},
                                                 optim::SgdOptions{.momentum = .9, .nesterov = true}));
    } else {
      out.push_back(std::make_unique<optim::Sgd>(nn::NamedTensors{{"a", a}},
                                                 optim::SgdOptions{.momentum = .9, .nesterov = true}));
      out.push_back(std::make_unique<optim::Sgd>(nn::NamedTensors{{"b", b}},
                                                 optim::SgdOptions{.momentum = .5, .nesterov = true}));
    }
    return out;
  };
  CHECK(trained(sgd, true) == trained(sgd, false));
  const auto plain = [](bool in_group, const Tensor& a, const Tensor& b) {
    const ParameterGroup first{.parameters = {{"a", a}}}, second{.parameters = {{"b", b}}, .momentum = .5};
    Optimizers out;
    if (in_group) {
      out.push_back(std::make_unique<optim::Sgd>(std::vector<ParameterGroup>{first, second}));
    } else {
      out.push_back(std::make_unique<optim::Sgd>(nn::NamedTensors{{"a", a}}));
      out.push_back(std::make_unique<optim::Sgd>(nn::NamedTensors{{"b", b}}, optim::SgdOptions{.momentum = .5}));
    }
    return out;
  };
  CHECK(trained(plain, true) == trained(plain, false));
  const auto rms = [](bool in_group, const Tensor& a, const Tensor& b) {
    const ParameterGroup first{.parameters = {{"a", a}}}, second{.parameters = {{"b", b}}, .momentum = .5, .eps = .1};
    Optimizers out;
    if (in_group) {
      out.push_back(std::make_unique<optim::RMSprop>(std::vector<ParameterGroup>{first, second},
                                                     optim::RMSpropOptions{.centered = true}));
    } else {
      out.push_back(
          std::make_unique<optim::RMSprop>(nn::NamedTensors{{"a", a}}, optim::RMSpropOptions{.centered = true}));
      out.push_back(std::make_unique<optim::RMSprop>(
          nn::NamedTensors{{"b", b}}, optim::RMSpropOptions{.eps = .1, .momentum = .5, .centered = true}));
    }
    return out;
  };
  CHECK(trained(rms, true) == trained(rms, false));
  const auto adam = [](bool in_group, const Tensor& a, const Tensor& b) {
    const ParameterGroup first{.parameters = {{"a", a}}}, second{.parameters = {{"b", b}}, .eps = .1};
    Optimizers out;
    if (in_group) {
      out.push_back(std::make_unique<optim::Adam>(std::vector<ParameterGroup>{first, second}));
    } else {
      out.push_back(std::make_unique<optim::Adam>(nn::NamedTensors{{"a", a}}));
      out.push_back(std::make_unique<optim::Adam>(nn::NamedTensors{{"b", b}}, optim::AdamOptions{.eps = .1}));
    }
    return out;
  };
  CHECK(trained(adam, true) == trained(adam, false));
}

TEST_CASE("parameter groups: a momentum or an eps that an optimiser does not have is refused") {
  const nn::NamedTensors p = {{"a", leaf({3}, 1)}};
  CHECK(message_of<ConfigError>([&] { optim::Adam({{.parameters = p, .momentum = .9}}); }) ==
        "[optimizer] group 0 sets a momentum, which this optimiser does not have");
  CHECK(message_of<ConfigError>([&] { optim::Sgd({{.parameters = p, .eps = .1}}); }) ==
        "[optimizer] group 0 sets an eps, which this optimiser does not have");
  CHECK(message_of<ConfigError>([&] { optim::Adam({{.parameters = p, .eps = -1}}); }) ==
        "[optimizer] group 0: eps must be a number >= 0, got -1.000000");
  optim::Sgd sgd(p);
  ParameterGroup group = sgd.groups()[0];
  group.momentum = .5;  // there is no buffer for it
  CHECK(message_of<ConfigError>([&] { sgd.set_group(0, group); }) ==
        "[optimizer] group 0 sets a momentum, which this optimiser does not have");
}

}  // namespace ditharos::test_parameter_groups
