// Messages name the operation that was called, also a composite one, and the layer that was used.
#include <doctest/doctest.h>

#include <functional>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/embedding.h>
#include <ditharos/nn/group_norm.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/normalization/batch_norm.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::message_of;

namespace {

struct Call {
  std::string name;
  std::function<Tensor(const Tensor&)> f;
};

Generator rng(1);

const std::vector<Call>& calls_that_make_fractions() {
  static const std::vector<Call> calls = {
      {"div", [](const Tensor& x) { return x / 2; }},
      {"div", [](const Tensor& x) { return x / 7; }},
      {"div", [](const Tensor& x) { return 2 / x; }},
      {"div", [](const Tensor& x) { return x / x; }},
      {"mean", [](const Tensor& x) { return mean(x); }},
      {"mean", [](const Tensor& x) { return mean(equal(x, x)); }},
      {"variance", [](const Tensor& x) { return variance(x); }},
      {"standard_deviation", [](const Tensor& x) { return standard_deviation(x); }},
      {"norm", [](const Tensor& x) { return norm(x); }},
      {"logsumexp", [](const Tensor& x) { return logsumexp(x); }},
      {"softmax", [](const Tensor& x) { return softmax(x, 0); }},
      {"log_softmax", [](const Tensor& x) { return log_softmax(x, 0); }},
      {"dropout", [](const Tensor& x) { return dropout(x, .5, rng); }},
      {"exp", [](const Tensor& x) { return exp(x); }},
      {"sqrt", [](const Tensor& x) { return sqrt(x); }},
      {"tanh", [](const Tensor& x) { return tanh(x); }},
      {"elu", [](const Tensor& x) { return elu(x); }},
      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
      {"softplus", [](const Tensor& x) { return softplus(x); }},
      {"matmul", [](const Tensor& x) { return matmul(x, x); }},
      {"linear", [](const Tensor& x) { return linear(x, reshape(x, {1, 6})); }},
      {"linear_gelu_tanh", [](const Tensor& x) { return linear_gelu_tanh(x, reshape(x, {1, 6})); }},
      {"layer_norm", [](const Tensor& x) { return layer_norm(x); }},
      {"rms_norm", [](const Tensor& x) { return rms_norm(x); }},
      {"layer_norm_modulate",
       [](const Tensor& x) {
         const Tensor pairs = reshape(x, {2, 3});
         return layer_norm_modulate(unsqueeze(pairs, 1), pairs, pairs);
       }},
      {"mse_loss", [](const Tensor& x) { return mse_loss(x, x); }},
      {"l1_loss", [](const Tensor& x) { return l1_loss(x, x); }},
      {"kl_div", [](const Tensor& x) { return kl_div(x, x); }},
      {"avg_pool2d", [](const Tensor& x) { return avg_pool2d(reshape(x, {1, 1, 2, 3}), 1); }},
      {"adaptive_avg_pool2d", [](const Tensor& x) { return adaptive_avg_pool2d(reshape(x, {1, 1, 2, 3}), 1); }},
      {"interpolate", [](const Tensor& x) { return interpolate(reshape(x, {1, 1, 2, 3}), 4); }},
  };
  return calls;
}

}  // namespace

TEST_CASE("regression 29: an operation that makes fractions names itself when it is given integers") {
  for (const Call& call : calls_that_make_fractions()) {
    CAPTURE(call.name);
    for (const DType dtype : {DType::i64, DType::i32, DType::u8}) {
      const std::string message = message_of<DTypeError>([&] { return call.f(ones({6}, dtype)); });
      CAPTURE(message);
      CHECK(message.starts_with("[" + call.name + "] "));
      CHECK(message.find("; convert with to(x, DType::f32)") != std::string::npos);
    }
  }
  CHECK(message_of<DTypeError>([] { return ones({6}, DType::i64) / 2; }) ==
        "[div] computes in f32 or f64, got i64; convert with to(x, DType::f32)");
  CHECK(message_of<DTypeError>([] { return mean(equal(ones({6}), ones({6}))); }) ==
        "[mean] computes in f32 or f64, got bool; convert with to(x, DType::f32)");
  CHECK(mean(to(equal(ones({6}), ones({6})), DType::f32)).item() == 1);
}

TEST_CASE("regression 29: an integer tensor and a fraction: the message has the operator and the number as written") {
  const Tensor x = ones({2}, DType::i64);
  CHECK(message_of<DTypeError>([&] { return x - .5; }) ==
        "[sub] a tensor of i64 takes whole numbers, got 0.500000; convert with to(x, DType::f32)");
  CHECK(message_of<DTypeError>([&] { return .5 - x; }) ==
        "[sub] a tensor of i64 takes whole numbers, got 0.500000; convert with to(x, DType::f32)");
  CHECK(message_of<DTypeError>([&] { return x + .5; }) ==
        "[add_scalar] a tensor of i64 takes whole numbers, got 0.500000; convert with to(x, DType::f32)");
  CHECK((3 - x).to_vector<int>() == std::vector<int>{2, 2});
}

TEST_CASE("regression 29: a layer made by its default constructor names the operation, its class and its module") {
  const Tensor row = ones({1, 2}), image = ones({1, 1, 2, 2});
  const std::string rest = " has no weight: it was made by the default constructor; construct it with its sizes";
  CHECK(message_of<Error>([&] { return nn::Linear()(row); }) == "[linear] the nn::Linear" + rest);
  const std::string in_mlp = "[linear] the nn::Linear" + rest + " (in the module fc1)";
  CHECK(message_of<Error>([&] { return nn::Mlp()(row); }) == in_mlp);
  CHECK(message_of<Error>([&] {
          const nn::InferenceMode on;
          return nn::Mlp()(row);
        }) == in_mlp);
  CHECK(message_of<Error>([&] { return nn::Conv1d()(ones({1, 1, 2})); }) == "[conv1d] the nn::Conv1d" + rest);
  CHECK(message_of<Error>([&] { return nn::Conv2d()(image); }) == "[conv2d] the nn::Conv2d" + rest);
  CHECK(message_of<Error>([&] { return nn::Conv3d()(ones({1, 1, 1, 2, 2})); }) == "[conv3d] the nn::Conv3d" + rest);
  CHECK(message_of<Error>([&] { return nn::ConvTranspose2d()(image); }) ==
        "[conv_transpose2d] the nn::ConvTranspose2d" + rest);
  CHECK(message_of<Error>([&] { return nn::Embedding()(zeros({1}, DType::i64)); }) ==
        "[embedding] the nn::Embedding" + rest);
  CHECK(message_of<Error>([&] { return nn::BatchNorm2d()(image); }) == "[batch_norm] the nn::BatchNorm2d" + rest);

  struct Net : nn::Module<Net> {
    nn::Mlp mlp;
    std::vector<nn::Linear> heads{nn::Linear()};
    void visit(nn::Visitor& v) override {
      v("mlp", mlp);
      v("heads", heads);
    }
  } net;
  nn::name_modules(net);
  CHECK(message_of<Error>([&] { return net.mlp(row); }) ==
        "[linear] the nn::Linear" + rest + " (in the module mlp.fc1)");
  CHECK(message_of<Error>([&] { return net.heads[0](row); }) ==
        "[linear] the nn::Linear" + rest + " (in the module heads.0)");
}
