// Modules: the one listing and all that hangs on it.
#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/ada_ln.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/dropout.h>
#include <ditharos/nn/embedding.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/norm.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/nn/summary.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_module {

using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

struct Block : nn::Module<Block> {
  nn::LayerNorm norm{4};
  nn::Mlp mlp;
  nn::Dropout dropout{.5};
  Block() = default;
  explicit Block(Generator& rng) : mlp(4, 6, rng) {}
  Tensor forward(const Tensor& x) const { return x + mlp(norm(x)); }
  void visit(nn::Visitor& v) override {
    v("norm", norm);
    v("mlp", mlp);
    v("dropout", dropout);
  }
};

struct Net : nn::Module<Net> {
  nn::Parameter scale{ones({1})};
  nn::Buffer table{ones({3})};
  std::vector<Block> blocks;
  std::optional<nn::Linear> head, absent;
  Net() = default;
  explicit Net(Generator& rng) {
    for (int i = 0; i < 2; ++i) blocks.emplace_back(rng);
    head.emplace(4, 2, rng, false);
  }
  Tensor forward(Tensor x) const {
    for (const Block& block : blocks) x = block(x);
    return (*head)(x)*scale;
  }
  void visit(nn::Visitor& v) override {
    v("scale", scale);
    v.buffer("table", table);
    v("blocks", blocks);
    v("head", head);
    v("absent", absent);
  }
};

std::vector<std::string> names_of(const nn::NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

/// Copies of the values, so that what happens to the module afterwards does not show.
nn::NamedTensors snapshot(const nn::ModuleBase& module) {
  nn::NamedTensors state = nn::named_tensors(module);
  for (auto& [name, tensor] : state) tensor = kernels::to(tensor.detach(), tensor.dtype());
  return state;
}

bool same_values(const nn::NamedTensors& a, const nn::NamedTensors& b) {
  if (names_of(a) != names_of(b)) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!same_bits(a[i].tensor, b[i].tensor)) return false;
  return true;
}

}  // namespace

TEST_CASE("module: names are dotted paths in the order of the listing") {
  Generator rng(1);
  Net net(rng);
  CHECK(names_of(nn::named_parameters(net)) ==
        std::vector<std::string>{"scale", "blocks.0.norm.weight", "blocks.0.norm.bias", "blocks.0.mlp.fc1.weight",
                                 "blocks.0.mlp.fc1.bias", "blocks.0.mlp.fc2.weight", "blocks.0.mlp.fc2.bias",
                                 "blocks.1.norm.weight", "blocks.1.norm.bias", "blocks.1.mlp.fc1.weight",
                                 "blocks.1.mlp.fc1.bias", "blocks.1.mlp.fc2.weight", "blocks.1.mlp.fc2.bias",
                                 "head.weight"});
  CHECK(names_of(nn::named_tensors(net))[1] == "table");
  CHECK(nn::named_tensors(net).size() == 15);
  CHECK(nn::parameter_count(net) == 1 + 2 * (8 + 24 + 6 + 24 + 4) + 8);
  nn::AdaLN ada(4, 6, rng);
  CHECK(names_of(nn::named_parameters(ada)) == std::vector<std::string>{"1.weight", "1.bias"});
  nn::Attention attention(4, 2, rng);
  CHECK(names_of(nn::named_parameters(attention)) ==
        std::vector<std::string>{"qkv.weight", "qkv.bias", "proj.weight", "proj.bias"});
  nn::LayerNorm plain(4, false);
  CHECK(nn::named_parameters(plain).empty());
}

TEST_CASE("module: copies and clones are independent, share shares, moves keep the tensors") {
  Generator rng(2);
  Net net(rng);
  nn::set_requires_grad(net.blocks[1], false);
  const Net copy = net, sharing = nn::share(net);
  Net deep = nn::clone(net), assigned;
  assigned = net;
  const auto original = nn::named_tensors(net), shared = nn::named_tensors(sharing);
  for (size_t i = 0; i < original.size(); ++i) CHECK(shared[i].tensor.impl() == original[i].tensor.impl());
  for (const Net* one : {&copy, &std::as_const(deep), &std::as_const(assigned)}) {
    const auto own = nn::named_tensors(*one);
    CHECK(same_values(original, own));
    for (size_t i = 0; i < original.size(); ++i) {
      CHECK(own[i].tensor.storage() != original[i].tensor.storage());
      CHECK(own[i].tensor.requires_grad() == original[i].tensor.requires_grad());
    }
  }
  const Net moved = std::move(assigned), again = nn::share(copy);
  CHECK(moved.scale.impl() != net.scale.impl());
  CHECK(again.scale.impl() == copy.scale.impl());
  const Tensor handle = net.scale;
  CHECK(handle.impl() == net.scale.impl());
  Net last = std::move(net);
  CHECK(last.scale.impl() == handle.impl());
  CHECK(last.blocks[0].norm.weight.impl() == original[2].tensor.impl());
  net = std::move(last);
  sum(deep(ones({1, 4}))).backward();
  CHECK_FALSE(net.scale.grad().defined());
  CHECK(deep.scale.grad().defined());
  kernels::fill(deep.scale, 7);
  CHECK(net.scale.item() == 1);
  nn::set_training(deep, false);
  CHECK(net.blocks[0].dropout.is_training());
}

TEST_CASE("module: a tied weight stays tied in a clone") {
  struct Tied : nn::Module<Tied> {
    nn::Linear in, out;
    explicit Tied(Generator& rng) : in(3, 3, rng), out(3, 3, rng) { out.weight = in.weight.handle(); }
    void visit(nn::Visitor& v) override {
      v("in", in);
      v("out", out);
    }
  };
  Generator rng(3);
  Tied tied(rng);
  Tied copy = nn::clone(tied);
  CHECK(copy.in.weight.impl() == copy.out.weight.impl());
  CHECK(copy.in.weight.impl() != tied.in.weight.impl());
  const Tied plain = tied;  // member by member
  CHECK(plain.in.weight.impl() != plain.out.weight.impl());
}

TEST_CASE("module: a list of layers holds independent ones, and grows without copying any") {
  Generator rng(3);
  std::vector<nn::Linear> layers(3, nn::Linear(2, 2, rng));
  for (int i = 0; i < 3; ++i) CHECK(layers[size_t(i)].weight.impl() != layers[size_t(i + 1) % 3].weight.impl());
  CHECK(same_bits(layers[0].weight, layers[2].weight));
  const Tensor first = layers[0].weight;
  layers.reserve(layers.capacity() + 1);
  CHECK(layers[0].weight.impl() == first.impl());
  static_assert(std::is_nothrow_move_constructible_v<nn::Linear> && std::is_nothrow_move_assignable_v<nn::Linear> &&
                std::is_nothrow_move_constructible_v<nn::Conv2d> && std::is_nothrow_move_constructible_v<Block>);
  // A Tensor that copies would share is no member that visit() takes.
  static_assert(!std::is_invocable_v<nn::Visitor&, const char*, Tensor&>);
  static_assert(std::is_invocable_v<nn::Visitor&, const char*, nn::Parameter&>);
}

TEST_CASE("module: what only lists takes a const module") {
  Generator rng(4);
  const Net net(rng);
  CHECK(nn::named_parameters(net).size() == 14);
  CHECK(nn::named_tensors(net).size() == 15);
  CHECK(nn::parameter_count(net) == 1 + 2 * (8 + 24 + 6 + 24 + 4) + 8);
  CHECK(nn::shared_tensors(net).empty());
  CHECK(nn::audit(sum(net(ones({1, 4}))), net).empty());
  CHECK(nn::summarize(net, [&] { return net(ones({1, 4})); })[0].parameters == nn::parameter_count(net));
  CHECK(nn::tensor_names(net).size() == 14);
}

TEST_CASE("module: training and evaluation reach every level") {
  Generator rng(4);
  Net net(rng);
  const Tensor x = ones({64});
  CHECK(net.blocks[1].dropout.is_training());
  const Tensor dropped = net.blocks[1].dropout(x, rng);
  CHECK_FALSE(same_bits(dropped, x));
  for (double v : dropped.to_vector<double>()) CHECK((v == 0 || v == 2));
  nn::set_training(net, false);
  CHECK_FALSE(net.is_training());
  CHECK_FALSE(net.blocks[1].dropout.is_training());
  CHECK(net.blocks[1].dropout(x, rng).impl() == x.impl());
  nn::set_training(net, true);
  CHECK(net.blocks[0].mlp.is_training());
}

TEST_CASE("module: freezing and clearing gradients") {
  Generator rng(5);
  Net net(rng);
  sum(net(ones({2, 4}))).backward();
  for (const auto& [name, p] : nn::named_parameters(net)) {
    const auto shown = name;
    CAPTURE(shown);
    CHECK(p.grad().shape() == p.shape());
  }
  nn::zero_grad(net);
  for (const auto& [name, p] : nn::named_parameters(net)) CHECK_FALSE(p.grad().defined());
  nn::set_requires_grad(net, false);
  CHECK_FALSE(net(ones({2, 4})).requires_grad());
  nn::set_requires_grad(net.blocks[1], true);
  const Tensor y = net(ones({2, 4}));
  sum(y).backward();
  CHECK(net.blocks[1].norm.weight.grad().defined());
  CHECK_FALSE(net.blocks[0].norm.weight.grad().defined());
}

TEST_CASE("module: a state dict goes back in, value for value") {
  Generator rng(6);
  Net net(rng), other(rng);
  const auto state = snapshot(net);
  CHECK_FALSE(same_values(nn::named_tensors(other), state));
  nn::load_state_dict(other, state);
  CHECK(same_values(nn::named_tensors(other), state));
  CHECK(other.scale.requires_grad());
  nn::load_state_dict(net, nn::named_tensors(net));  // its own tensors
  CHECK(same_values(nn::named_tensors(net), state));
  // Loading is a mutation, which a graph that saved the weights notices.
  const Tensor loss = sum(net(ones({1, 4})));
  nn::load_state_dict(net, state);
  CHECK(message_of<AutogradError>([&] { loss.backward(); }).find("was modified in place after the forward pass") !=
        std::string::npos);
}

TEST_CASE("module: a state dict that does not fit is refused whole") {
  Generator rng(7);
  Net net(rng);
  const auto before = snapshot(net);
  auto state = snapshot(net);
  for (auto& [name, tensor] : state) kernels::fill(tensor, 9);
  const auto refused = [&](const nn::NamedTensors& given) {
    const std::string message = message_of<Error>([&] { nn::load_state_dict(net, given); });
    CHECK(same_values(nn::named_tensors(net), before));
    return message;
  };
  auto some = state;
  some.erase(some.begin());
  CHECK(refused(some) == "the state dict does not fit; missing: scale");
  some[0].name = "tables";
  CHECK(refused(some) == "the state dict does not fit; missing: scale, table; unexpected: tables");
  some = state;
  some[0].tensor = zeros({2});
  some[14].tensor = zeros({4, 2});
  CHECK(refused(some) ==
        "the state dict does not fit; of another shape: head.weight ([4, 2] instead of [2, 4]), "
        "scale ([2] instead of [1])");
  CHECK(refused({}) ==
        "the state dict does not fit; missing: blocks.0.mlp.fc1.bias, blocks.0.mlp.fc1.weight, "
        "blocks.0.mlp.fc2.bias, blocks.0.mlp.fc2.weight, blocks.0.norm.bias and 10 more");
  some = state;
  some.push_back(some[3]);
  CHECK(refused(some) == "the state dict names \"blocks.0.norm.bias\" twice");
  some = state;
  some[2].tensor = {};
  CHECK(refused(some) == "the tensor is undefined: it was never given a value");
}

TEST_CASE("module: a state dict that is not strict loads what it has and reports the rest") {
  Generator rng(7);
  Net net(rng);
  const auto before = snapshot(net);
  nn::NamedTensors state{{"table", kernels::to(full({3}, 7), DType::bf16)},
                         {"head.weight", full({2, 4}, .5, DType::f64)},
                         {"scale", full({1}, 3)},
                         {"step", ones({1})}};
  const nn::LoadReport planned = nn::compare_state_dict(net, state);
  const nn::LoadReport report = nn::load_state_dict(net, state, {.strict = false});
  CHECK(report.missing.size() == before.size() - 3);
  CHECK(report.missing[0] == "blocks.0.mlp.fc1.bias");
  CHECK(report.unexpected == std::vector<std::string>{"step"});
  CHECK(report.of_other_shape.empty());
  REQUIRE(report.converted.size() == 2);
  CHECK(report.converted[0].name == "head.weight");
  CHECK(report.converted[0].from == DType::f64);
  CHECK(report.converted[1].to == DType::f32);
  CHECK_FALSE(report.complete());
  CHECK(nn::to_text(planned) == nn::to_text(report));
  CHECK(nn::to_text(report) ==
        "missing: blocks.0.mlp.fc1.bias, blocks.0.mlp.fc1.weight, blocks.0.mlp.fc2.bias, blocks.0.mlp.fc2.weight, "
        "blocks.0.norm.bias and 7 more; unexpected: step; converted: head.weight (f64 to f32), table (bf16 to f32)");
  CHECK(net.table.to_vector<float>() == std::vector<float>{7, 7, 7});
  CHECK(net.scale.item() == 3);
  CHECK(net.head->weight.to_vector<float>() == std::vector<float>(8, .5f));
  for (const auto& [name, tensor] : nn::named_tensors(net))
    if (name.starts_with("blocks"))
      CHECK(same_bits(tensor, std::ranges::find(before, name, &nn::NamedTensor::name)->tensor));

  // Another shape is an error all the same, and nothing changes.
  const auto loaded = snapshot(net);
  state[0].tensor = zeros({3});
  state[2].tensor = zeros({2});
  CHECK(nn::compare_state_dict(net, state).of_other_shape[0].name == "scale");
  CHECK(message_of<ShapeError>([&] { nn::load_state_dict(net, state, {.strict = false}); }) ==
        "the state dict does not fit; of another shape: scale ([2] instead of [1])");
  CHECK(same_values(nn::named_tensors(net), loaded));
  // Strict loading of a complete state dict reports conversions alone.
  nn::NamedTensors all = snapshot(net);
  for (auto& [name, tensor] : all) tensor = kernels::to(tensor, DType::f64);
  const nn::LoadReport strict = nn::load_state_dict(net, all);
  CHECK(strict.complete());
  CHECK(strict.converted.size() == all.size());
  CHECK(same_values(nn::named_tensors(net), loaded));
}

TEST_CASE("audit: finds a parameter that no visit() lists") {
  Generator rng(8);
  struct Forgetful : nn::Module<Forgetful> {
    Net net;
    nn::Parameter forgotten{ones({2})};
    explicit Forgetful(Generator& r) : net(r) {}
    Tensor forward(const Tensor& x) const { return net(x) * forgotten; }
    void visit(nn::Visitor& v) override { net.visit(v); }
  };
  Forgetful forgetful(rng);
  const Tensor x = ones({1, 4});
  CHECK(message_of<AutogradError>([&] { nn::audit(sum(forgetful(x)), forgetful); }) ==
        "[audit] a tensor of shape [2] collects a gradient, but no visit() lists it: it would be neither trained nor "
        "saved");
  const Net& whole = forgetful.net;
  nn::audit(sum(whole(x)), whole);
  nn::audit(sum(whole.blocks[0](x)), whole);  // part of the parameters: all listed
  CHECK(message_of<AutogradError>([&] { nn::audit(sum(x), whole); }) ==
        "[audit] the loss does not depend on any parameter");
  // One that shares its parameters passes; a copy's are others.
  const Net sharing = nn::share(whole), other = whole;
  nn::audit(sum(sharing(x)), whole);
  CHECK(message_of<AutogradError>([&] { nn::audit(sum(other(x)), whole); }) != "");
}

TEST_CASE("modules: what their constructors refuse") {
  Generator rng(9);
  CHECK(message_of<ConfigError>([&] { nn::Attention(6, 4, rng); }) == "the width 6 is not divisible by 4 heads");
  CHECK(message_of<ConfigError>([] { nn::Dropout(1.0); }) == "the dropout probability must be in [0, 1), got 1.000000");
  CHECK(message_of<ConfigError>([] { nn::timestep_features(zeros({2}), 7); }) ==
        "[timestep_features] the number of features must be even, got 7");
  CHECK(message_of<ShapeError>([] { nn::timestep_features(zeros({2, 1}), 8); }) ==
        "[timestep_features] the times must have shape [B], got [2, 1]");
  CHECK(message_of<ShapeError>([&] { nn::init::xavier_uniform({3}, rng); }) ==
        "a weight needs at least two dimensions, got shape [3]");
}

TEST_CASE("initial values: Xavier's bound, Kaiming's variance, zero biases") {
  Generator rng(10);
  const nn::Linear linear(300, 100, rng);
  const double bound = std::sqrt(6.0 / 400);
  double largest = 0;
  for (double v : linear.weight.to_vector<double>()) largest = std::max(largest, std::abs(v));
  CHECK(largest <= bound);
  CHECK(largest > .99 * bound);
  CHECK(variance(linear.weight).item() == doctest::Approx(bound * bound / 3).epsilon(.03));
  for (double v : linear.bias.to_vector<double>()) CHECK(v == 0);
  const nn::Conv2d conv(8, 64, 3, 1, 1, rng);
  CHECK(variance(conv.weight).item() == doctest::Approx(2.0 / 72).epsilon(.06));
  CHECK(conv(zeros({1, 8, 5, 5})).shape() == Shape{1, 64, 5, 5});
}

}  // namespace ditharos::test_module
