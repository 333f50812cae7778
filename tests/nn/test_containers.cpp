// Containers of modules of different classes.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/activations/activations.h>
#include <ditharos/nn/checkpoint.h>
#include <ditharos/nn/containers/module_list.h>
#include <ditharos/nn/containers/sequential.h>
#include <ditharos/nn/dropout.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/norm.h>
#include <ditharos/nn/state_dict.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

using Names = std::vector<std::string>;

Names names_of(const nn::ModuleBase& module) {
  Names names;
  for (const auto& [name, tensor] : nn::named_tensors(module)) names.push_back(name);
  return names;
}

/// Takes two tensors.
struct Sum : nn::Module<Sum> {
  nn::Linear map{3, 3};
  Tensor forward(const Tensor& a, const Tensor& b) const { return map(a) + b; }
  void visit(nn::Visitor& v) override { v("map", map); }
};

struct Net : nn::Module<Net> {
  nn::Sequential body{nn::Linear(3, 4), nn::Tanh(), nn::Linear(4, 3)};
  nn::ModuleList parts{Sum(), nn::LayerNorm(3)};
  nn::ModuleDict heads;
  Net() { heads.add_module("mean", nn::Linear(3, 1)).add_module("scale", nn::Linear(3, 2)); }
  Tensor forward(const Tensor& x) const {
    const Tensor y = parts.get<Sum>(0)(body(x), x);
    return cat({heads["mean"](parts[1](y)), heads["scale"](y)}, 1);
  }
  void visit(nn::Visitor& v) override { v("body", body), v("parts", parts), v("heads", heads); }
};

}  // namespace

TEST_CASE("containers: Sequential calls its modules in order, under index names") {
  manual_seed(1);
  nn::Sequential net(nn::Linear(2, 4), nn::ReLU(), nn::Linear(4, 1, false));
  CHECK(names_of(net) == Names{"0.weight", "0.bias", "2.weight"});
  CHECK(net.size() == 3);
  const Tensor x = default_generator().normal({5, 2});
  const nn::Linear &first = net.get<nn::Linear>(0), &last = net.get<nn::Linear>(-1);
  CHECK(same_bits(net(x), last(relu(first(x)))));
  CHECK(same_bits(net[1](net[0](x)), relu(first(x))));
  net.append(nn::Functional([](const Tensor& y) { return y * 2.0; })).add_module("out", nn::Linear(1, 3));
  CHECK(names_of(net) == Names{"0.weight", "0.bias", "2.weight", "out.weight", "out.bias"});
  CHECK(net(x).shape() == Shape{5, 3});
  CHECK(same_bits(nn::Sequential()(x), x));

  nn::Sequential nested(net, nn::Sequential(nn::Linear(3, 2)));
  CHECK(names_of(nested).back() == "1.0.bias");
  CHECK(nested.get<nn::Sequential>(0).size() == 5);
}

TEST_CASE("containers: one of a Sequential is a copy, and append() nests") {
  const nn::Sequential one(nn::Linear(2, 2));
  const nn::Sequential copy(one);
  CHECK(names_of(copy) == Names{"0.weight", "0.bias"});
  nn::Sequential outer;
  outer.append(one);
  CHECK(names_of(outer) == Names{"0.0.weight", "0.0.bias"});
}

TEST_CASE("containers: modules are owned: copies are deep, share() and moves keep the tensors") {
  const nn::Linear layer(3, 3);
  nn::Sequential net(layer, nn::share(layer));
  CHECK(net.get<nn::Linear>(0).weight.impl() != layer.weight.impl());
  CHECK(net.get<nn::Linear>(1).weight.impl() == layer.weight.impl());
  const nn::Sequential copy = net, shared = nn::share(net);
  CHECK(same_bits(copy.get<nn::Linear>(0).weight, layer.weight));
  CHECK(copy.get<nn::Linear>(0).weight.impl() != net.get<nn::Linear>(0).weight.impl());
  CHECK(shared.get<nn::Linear>(0).weight.impl() == net.get<nn::Linear>(0).weight.impl());
  const TensorImpl* before = net.get<nn::Linear>(0).weight.impl();
  const nn::Sequential moved = std::move(net);
  CHECK(moved.get<nn::Linear>(0).weight.impl() == before);
  const nn::Sequential tied(nn::share(layer), nn::share(layer));
  CHECK(nn::shared_tensors(nn::clone(tied)).size() == 2);
}

TEST_CASE("containers: train and evaluation mode, hooks, names and gradients reach the elements") {
  manual_seed(2);
  Net net;
  CHECK(names_of(net) == Names{"body.0.weight", "body.0.bias", "body.2.weight", "body.2.bias", "parts.0.map.weight",
                               "parts.0.map.bias", "parts.1.weight", "parts.1.bias", "heads.mean.weight",
                               "heads.mean.bias", "heads.scale.weight", "heads.scale.bias"});
  nn::name_modules(net);
  CHECK(std::string(net.body[2].module().path()) == "body.2");
  nn::set_training(net, false);
  CHECK_FALSE(net.parts[1].module().is_training());
  const Tensor x = default_generator().normal({4, 3});
  const Tensor y = net(x);
  CHECK(y.shape() == Shape{4, 3});
  CHECK(nn::audit(sum(y), net).empty());
  sum(square(y)).backward();
  for (const auto& [name, parameter] : nn::named_parameters(net)) CHECK(parameter.grad().defined());
  int calls = 0;
  nn::register_forward_hook(net.body[0].module(), [&](const nn::ModuleBase&, const Tensor&) {
    ++calls;
    return Tensor{};
  });
  net(x);
  CHECK(calls == 1);
  Net other;
  nn::load_state_dict(other, nn::named_tensors(net));
  CHECK(same_bits(other(x), y));
}

TEST_CASE("containers: checkpoint() of a Sequential replays its dropout") {
  manual_seed(3);
  const nn::Sequential net(nn::Linear(4, 8), nn::Dropout(.5), nn::Linear(8, 4));
  const Tensor x = default_generator().normal({6, 4});
  const auto gradients = [&](bool recompute) {
    manual_seed(4);
    const Tensor y = recompute ? nn::checkpoint(net, x) : net(x);
    return grad({sum(square(y))}, {net.get<nn::Linear>(0).weight, net.get<nn::Linear>(2).weight});
  };
  const std::vector<Tensor> plain = gradients(false), again = gradients(true);
  for (size_t i = 0; i < plain.size(); ++i) CHECK(same_bits(plain[i], again[i]));
}

TEST_CASE("containers: messages for misuse") {
  nn::Sequential net(nn::Linear(2, 2), nn::ReLU());
  CHECK(message_of<ShapeError>([&] { net[2]; }) == "[Sequential] index 2 is out of range for 2 modules");
  CHECK(message_of<ShapeError>([&] { net[-3]; }) == "[Sequential] index -3 is out of range for 2 modules");
  CHECK(message_of<Error>([&] { net.get<nn::GELU>(0); }) ==
        "[AnyModule] the module is a ditharos::nn::Linear, not a ditharos::nn::GELU");
  CHECK(message_of<ConfigError>([&] { net.add_module("a.b", nn::ReLU()); }) ==
        "[Sequential] \"a.b\" is no name of a module: it must not be empty and must not contain a dot");
  CHECK(message_of<ConfigError>([&] { net.add_module("1", nn::ReLU()); }) ==
        "[Sequential] there is a module \"1\" already");
  CHECK(message_of<ShapeError>([&] { net(zeros({1, 3})); }).ends_with("(in the module 0)"));
  nn::ModuleDict dict;
  dict.add_module("left", Sum());
  CHECK(dict.contains("left"));
  CHECK(dict.keys() == Names{"left"});
  CHECK(message_of<ConfigError>([&] { dict["right"]; }) ==
        "[ModuleDict] there is no module \"right\"; there are: left");
  CHECK(message_of<Error>([&] { dict["left"](zeros({1, 3})); }).find("does not make one tensor of one") !=
        std::string::npos);
  CHECK(message_of<Error>([] { nn::Functional(nullptr); }) == "[Functional] the function is empty");
  static_assert(!nn::TensorModule<Sum> && nn::TensorModule<nn::Dropout> && nn::TensorModule<nn::Sequential>);
}
