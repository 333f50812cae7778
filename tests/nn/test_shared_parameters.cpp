// Tensors that a module lists under several names: modules that share(), and weights tied on purpose.
#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/nn/summary.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/ema.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::message_of;

namespace {

struct Stack : nn::Module<Stack> {
  std::vector<nn::Linear> layers;
  explicit Stack(std::vector<nn::Linear> list) : layers(std::move(list)) {}
  Tensor forward(Tensor x) const {
    for (const nn::Linear& layer : layers) x = layer(x);
    return x;
  }
  void visit(nn::Visitor& v) override { v("layers", layers); }
};

Stack one_layer_three_times() {
  Generator rng(1);
  const nn::Linear layer(4, 4, rng);
  Stack stack({});
  for (int i = 0; i < 3; ++i) stack.layers.push_back(nn::share(layer));
  return stack;
}

/// An encoder and a decoder with one weight and two biases.
struct Tied : nn::Module<Tied> {
  nn::Linear in, out;
  explicit Tied(Generator& rng) : in(3, 3, rng), out(3, 3, rng) { out.weight = in.weight.handle(); }
  Tensor forward(const Tensor& x) const { return out(in(x)); }
  void visit(nn::Visitor& v) override {
    v("in", in);
    v("out", out);
  }
};

const std::vector<nn::SharedNames> names_of_shared = {{"layers.0.weight", "layers.1.weight", "layers.2.weight"},
                                                      {"layers.0.bias", "layers.1.bias", "layers.2.bias"}};

}  // namespace

TEST_CASE("regression 27: a layer shared three times is counted, summarised and trained once, and audit names it") {
  Stack net = one_layer_three_times();
  CHECK(nn::parameter_count(net) == 20);
  const auto forward = [&] { return sum(net(ones({1, 4}))); };
  CHECK(nn::summarize(net, forward)[0].parameters == 20);
  CHECK(nn::summarize(net, forward)[2].parameters == 20);  // layers.1 has them too
  CHECK(nn::summary(net, forward)
            .ends_with("\nlayers.0.weight, layers.1.weight and layers.2.weight are one tensor\n"
                       "layers.0.bias, layers.1.bias and layers.2.bias are one tensor\n"));
  const nn::NamedTensors parameters = nn::named_parameters(net);
  CHECK(parameters.size() == 2);
  CHECK(parameters[0].name == "layers.0.weight");
  CHECK(optim::AdamW(parameters).parameters().size() == 2);
  CHECK(nn::named_tensors(net).size() == 6);  // a state dict has all names
  CHECK(nn::shared_tensors(net) == names_of_shared);
  CHECK(nn::audit(forward(), net) == names_of_shared);

  Generator rng(1);
  Stack own({nn::Linear(4, 4, rng), nn::Linear(4, 4, rng), nn::Linear(4, 4, rng)});
  CHECK(nn::parameter_count(own) == 60);
  CHECK(nn::audit(sum(own(ones({1, 4}))), own).empty());
}

TEST_CASE("regression 27: a file with three different layers is refused by a layer shared three times") {
  Generator rng(2);
  Stack net = one_layer_three_times(), own({nn::Linear(4, 4, rng), nn::Linear(4, 4, rng), nn::Linear(4, 4, rng)});
  const std::vector<float> before = net.layers[0].weight.to_vector<float>();
  const std::string message = message_of<ConfigError>([&] { nn::load_state_dict(net, nn::named_tensors(own)); });
  CHECK(message ==
        "the state dict does not fit: \"layers.0.weight\" and \"layers.1.weight\" are one tensor here, but have "
        "different values there; share() and tied weights make one tensor of several, copies of a module are "
        "independent");
  CHECK(net.layers[0].weight.to_vector<float>() == before);
  nn::load_state_dict(own, nn::named_tensors(net));  // three equal layers are fine
  CHECK(own.layers[2].weight.to_vector<float>() == before);

  // A moving average takes no other values than its own either.
  optim::Ema ema(net, .9);
  CHECK(message_of<ConfigError>([&] { ema.load_state(optim::Ema(own, .9).state(), 1); }) == "");
  nn::NamedTensors state;
  for (const auto& [name, tensor] : nn::named_tensors(own)) state.push_back({name, tensor.detach() * 1.0});
  *state[4].tensor.mutable_data<float>() += 1;
  CHECK(message_of<ConfigError>([&] {
          ema.load_state(state, 1);
        }).starts_with("the moving average does not fit: \"layers.0.weight\" and \"layers.2.weight\" are one "));
}

TEST_CASE("regression 27: two views of the same elements are one tensor to a state dict") {
  struct Views : nn::Module<Views> {
    nn::Parameter a{ones({2})}, b{a.detach()};
    void visit(nn::Visitor& v) override {
      v("a", a);
      v("b", b);
    }
  } net;
  CHECK_THROWS_AS(nn::load_state_dict(net, {{"a", ones({2})}, {"b", zeros({2})}}), ConfigError);
  nn::load_state_dict(net, {{"a", zeros({2})}, {"b", zeros({2})}});
  CHECK(net.a.to_vector<float>() == std::vector<float>{0, 0});
}

TEST_CASE("tied weights: listed once for training, stored under both names, loaded back; NaN is equal to itself") {
  Generator rng(3);
  Tied net(rng);
  CHECK(nn::parameter_count(net) == 9 + 3 + 3);
  CHECK(nn::audit(sum(net(ones({1, 3}))), net) == std::vector<nn::SharedNames>{{"in.weight", "out.weight"}});
  optim::AdamW adam(nn::named_parameters(net));
  sum(net(ones({1, 3}))).backward();
  adam.step(.1);
  Tied other(rng);
  nn::load_state_dict(other, nn::named_tensors(net));
  CHECK(tests::same_bits(other.out.weight, net.in.weight));
  *net.in.weight.mutable_data<float>() = NAN;
  const Tensor values = net.in.weight.detach() * 1.0;
  nn::load_state_dict(
      other,
      {{"in.weight", net.in.weight}, {"in.bias", net.in.bias}, {"out.weight", values}, {"out.bias", net.out.bias}});
}
