// What an optimiser accepts as a parameter, and averages that several optimisers share.
#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/linear.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/muon.h>
#include <ditharos/optim/sgd.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::message_of;

namespace {

struct Pair : nn::Module<Pair> {
  nn::Parameter a{zeros({2})}, b{zeros({3})};
  void visit(nn::Visitor& v) override {
    v("a", a);
    v("b", b);
  }
};

}  // namespace

TEST_CASE("regression 28: an optimiser refuses a tensor that is no leaf, by name") {
  const Tensor w = ones({2, 2}).set_requires_grad(), v = w * 2.0;
  const std::string expected =
      "[optimizer] parameter \"v\" of shape [2, 2] is no leaf: [mul_scalar] computed it from others, and only leaves "
      "collect a gradient; give those others, or a new leaf, nn::Parameter(x.detach())";
  CHECK(message_of<AutogradError>([&] { optim::Sgd({{"w", w}, {"v", v}}); }) == expected);
  CHECK(message_of<AutogradError>([&] { optim::Adam({{"v", v}}); }) == expected);
  CHECK(message_of<AutogradError>([&] { optim::AdamW({{"v", v}}); }) == expected);
  CHECK(message_of<AutogradError>([&] { optim::Muon({{"v", v}}, {}); }) == expected);
  // A view of a leaf is none itself; scaled starting values are the usual way to come by one.
  CHECK(message_of<AutogradError>([&] {
          optim::Sgd({{"half", w.slice(0, 0, 1)}});
        }).starts_with("[optimizer] parameter \"half\" of shape [1, 2] is no leaf: [slice] computed it"));
  Generator rng(1);
  nn::Linear layer(2, 2, rng);
  layer.weight = layer.weight * .02;
  CHECK(message_of<AutogradError>([&] {
          optim::Sgd(nn::named_parameters(layer));
        }).starts_with("[optimizer] parameter \"weight\""));
  layer.weight = nn::Parameter(layer.weight.detach());
  CHECK(optim::Sgd(nn::named_parameters(layer)).parameters().size() == 2);
  CHECK(message_of<Error>([] { optim::Sgd(nn::NamedTensors{{"nothing", Tensor()}}); }) ==
        "[optimizer] parameter \"nothing\" is undefined");
  // A frozen parameter is a leaf: it may be listed, and stays.
  CHECK(optim::Sgd({{"frozen", ones({2})}}).parameters().size() == 1);
}

TEST_CASE("regression 29: one average given to two optimisers counts one update per step") {
  Pair apart, together;
  optim::Ema shared(apart, .999), single(together, .999);
  optim::Sgd first({{"a", apart.a}}), second({{"b", apart.b}});
  optim::Sgd whole(nn::named_parameters(together));
  for (int step = 0; step < 5; ++step) {
    for (Pair* net : {&apart, &together}) {
      net->a.set_grad(full({2}, 1.0 + step));
      net->b.set_grad(full({3}, 2.0 - step));
    }
    first.step(.1, 1, &shared);
    second.step(.1, 1, &shared);
    whole.step(.1, 1, &single);
  }
  CHECK(shared.updates() == 5);
  CHECK(single.updates() == 5);
  CHECK(tests::same_bits(shared.average_of(apart.a), single.average_of(together.a)));
  CHECK(tests::same_bits(shared.average_of(apart.b), single.average_of(together.b)));

  // One of them alone begins a new update each time, as does update() by hand.
  first.step(.1, 1, &shared);
  first.step(.1, 1, &shared);
  CHECK(shared.updates() == 7);
  second.step(.1, 1, &shared);
  CHECK(shared.updates() == 7);
  shared.update();
  first.step(.1, 1, &shared);
  CHECK(shared.updates() == 9);
  shared.load_state(shared.state(), 4);
  second.step(.1, 1, &shared);
  CHECK(shared.updates() == 5);
}
