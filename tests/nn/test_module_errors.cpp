// An error inside of a model names the layer, in forward and in backward, whether the modules were named or not.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/module.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_module_errors {

using ditharos::tests::message_of;

namespace {

struct Block : nn::Module<Block> {
  nn::Linear fc1, fc2;
  explicit Block(Generator& rng) : fc1(4, 8, rng), fc2(6, 4, rng) {}  // 8 outputs do not fit 6 inputs
  Tensor forward(const Tensor& x) const { return fc2(fc1(x)); }
  void visit(nn::Visitor& v) override {
    v("fc1", fc1);
    v("fc2", fc2);
  }
};

struct Net : nn::Module<Net> {
  std::vector<Block> blocks;
  explicit Net(Generator& rng) {
    for (int i = 0; i < 3; ++i) blocks.emplace_back(rng);
  }
  Tensor forward(const Tensor& x, size_t which) const { return blocks[which](x); }
  void visit(nn::Visitor& v) override { v("blocks", blocks); }
};

struct Case {
  Generator rng{7};
  Net net{rng};
  Tensor x = rng.normal({5, 4});
};

const std::string in_fc2 = " (in the module blocks.1.fc2)";

}  // namespace

TEST_CASE("R12: an error inside of a model names the operation, both shapes and the layer") {
  Case c;
  const std::string by_itself = message_of<ShapeError>([&] { return c.net.blocks[1].fc2(c.x); });
  CHECK(by_itself == "[linear] x [5, 4] does not fit weight [4, 6]: its last axis must be 6");
  const std::string message = message_of<ShapeError>([&] { return c.net(c.x, 1); });
  CHECK(message.find("[5, 8]") != std::string::npos);
  CHECK(message.find("[4, 6]") != std::string::npos);
  CHECK(message.ends_with(in_fc2));

  SUBCASE("as seen from the module that was called") {
    CHECK(message_of<ShapeError>([&] { return c.net.blocks[1](c.x); }).ends_with(" (in the module fc2)"));
  }
  SUBCASE("by its whole path, once the modules have names") {
    nn::name_modules(c.net);
    CHECK(message_of<ShapeError>([&] { return c.net(c.x, 1); }) == message);
    CHECK(message_of<ShapeError>([&] { return c.net.blocks[1](c.x); }) == message);
    CHECK(message_of<ShapeError>([&] { return c.net.blocks[1].fc2(c.x); }) == by_itself + in_fc2);
  }
  SUBCASE("in inference") {
    const nn::InferenceMode on;
    CHECK(message_of<ShapeError>([&] { return c.net(c.x, 1); }) == message);
  }
}

TEST_CASE("R12: the type of an error and its message outside of modules stay as they are") {
  Case c;
  CHECK(message_of<DTypeError>([&] {
          return c.net(ones({5, 4}, DType::i64), 1);
        }).ends_with(" (in the module blocks.1.fc1)"));
  CHECK(message_of<ShapeError>([&] { return linear(c.x, ones({4, 6}), {}); }) ==
        message_of<ShapeError>([&] { return c.net.blocks[1].fc2(c.x); }));
}

namespace {

/// Its backward rule returns a gradient of the wrong shape.
struct WrongRule : nn::Module<WrongRule> {
  Tensor forward(const Tensor& x) const {
    return record("test.wrong", zeros({}), {x}, save_nothing, each([](const Backward&) { return zeros({3}); }));
  }
  void visit(nn::Visitor&) override {}
};

struct Outer : nn::Module<Outer> {
  WrongRule inner;
  Tensor forward(const Tensor& x) const { return inner(x) * 2; }
  void visit(nn::Visitor& v) override { v("inner", inner); }
};

}  // namespace

TEST_CASE("R12: an error in a backward pass names the module that recorded the operation") {
  const Tensor x = zeros({2}).set_requires_grad();
  const Outer outer;
  nn::name_modules(outer);
  const Tensor y = outer(x);
  const std::string message = message_of<Error>([&] { y.backward(); });
  CHECK(message.starts_with("[test.wrong] "));
  CHECK(message.ends_with(" (in the module inner)"));
}

TEST_CASE("an error takes one module: a later path stands in the place of an earlier one") {
  Error error("no");
  CHECK(!error.has_module());
  error.set_module("");
  CHECK(std::string(error.what()) == "no");
  error.set_module("a");
  error.set_module("b.a");
  CHECK(error.has_module());
  CHECK(std::string(error.what()) == "no (in the module b.a)");
  const Error copy = error;
  CHECK(std::string(copy.what()) == error.what());
}

}  // namespace ditharos::test_module_errors
