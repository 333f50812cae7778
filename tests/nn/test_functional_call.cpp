// Modules as functions of their parameters, in other dtypes, and in files.
#include <doctest/doctest.h>

#include <fstream>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/activations/activations.h>
#include <ditharos/nn/containers/sequential.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/normalization/batch_norm.h>
#include <ditharos/nn/state/functional_call.h>
#include <ditharos/nn/state/module_dtype.h>
#include <ditharos/nn/state/module_file.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

/// Two linear layers with one weight.
struct Tied : nn::Module<Tied> {
  nn::Linear in{3, 3}, out = nn::share(in);
  Tensor forward(const Tensor& x, double factor = 1) const { return out(tanh(in(x))) * factor; }
  void visit(nn::Visitor& v) override { v("in", in), v("out", out); }
};

nn::Sequential network() { return nn::Sequential(nn::Linear(3, 4), nn::Tanh(), nn::Linear(4, 2)); }

}  // namespace

TEST_CASE("functional_call: the given tensors are used, the module's own stay, gradients flow to the given ones") {
  manual_seed(1);
  const nn::Sequential net = network();
  Generator rng(2);
  const Tensor x = rng.normal({5, 3}), weight = rng.normal({4, 3}).set_requires_grad(), factor = scalar(2);
  factor.set_requires_grad();
  const Tensor before = net(x);
  const Tensor y = nn::functional_call(net, {{"0.weight", weight * factor}}, x);
  const nn::Linear &first = net.get<nn::Linear>(0), &last = net.get<nn::Linear>(2);
  CHECK(same_bits(y, last(tanh(linear(x, weight * factor, first.bias)))));
  sum(square(y)).backward();
  CHECK(weight.grad().defined());
  CHECK(factor.grad().defined());
  CHECK(first.bias.grad().defined());
  CHECK_FALSE(first.weight.grad().defined());
  CHECK(same_bits(net(x), before));
}

TEST_CASE("functional_call: derivatives with respect to all parameters, by gradcheck, jvp and vmap") {
  manual_seed(3);
  nn::Sequential net = network();
  nn::to(net, DType::f64);
  const Tensor x = default_generator().normal({2, 3}, DType::f64);
  std::vector<Tensor> parameters, directions;
  for (const auto& [name, p] : nn::named_parameters(net)) parameters.push_back(p.detach());
  for (const Tensor& p : parameters) directions.push_back(default_generator().normal(p.shape(), DType::f64));
  const TensorFunction f = [&](const std::vector<Tensor>& p) { return nn::functional_call(net, p, x); };
  const GradcheckResult result = gradcheck(f, parameters);
  CHECK_MESSAGE(result.ok, result.message);
  const Jvp forward = jvp(f, parameters, directions);
  const Vjp backward = vjp(f, parameters, forward.tangent);
  double product = 0;
  for (size_t i = 0; i < parameters.size(); ++i) product += sum(backward.grads[i] * directions[i]).item();
  CHECK(product == doctest::Approx(sum(square(forward.tangent)).item()));

  std::vector<Tensor> ensemble;  // three networks at once
  for (const Tensor& p : parameters) ensemble.push_back(stack({p, p * 2.0, p * 3.0}, 0));
  const Tensor results = vmap(f)(ensemble);
  CHECK(results.shape() == Shape{3, 2, 2});
  CHECK(allclose(results[0], net(x)));
}

TEST_CASE("functional_call: tied weights, buffers, and arguments of any kind") {
  manual_seed(4);
  Tied tied;
  const Tensor x = default_generator().normal({2, 3}), w = eye(3);
  const Tensor y = nn::functional_call(tied, {{"in.weight", w}}, x, 2.0);
  CHECK(same_bits(y, linear(tanh(linear(x, w, tied.in.bias)), w, tied.in.bias) * 2.0));
  CHECK_NOTHROW(nn::functional_call(tied, {{"in.weight", w}, {"out.weight", w}}, x));

  nn::BatchNorm1d norm(3);
  const Tensor mean = full({3}, 1), variance = full({3}, 2);
  nn::functional_call(norm, {{"running_mean", mean}, {"running_var", variance}}, x);
  CHECK(norm.running_mean.to_vector<double>() == std::vector<double>{0, 0, 0});
  CHECK(mean.to_vector<double>()[0] != 1);  // the given buffers have moved
}

TEST_CASE("functional_call: messages for misuse, after which nothing has changed") {
  nn::Sequential net = network();
  const Tensor x = zeros({1, 3});
  const auto message = [&]<class E>(const nn::NamedTensors& given, E*) {
    return message_of<E>([&] { nn::put_tensors(net, given); });
  };
  ConfigError* const config = nullptr;
  ShapeError* const shape = nullptr;
  const TensorImpl* before = net.get<nn::Linear>(0).weight.impl();
  const Tensor w = zeros({4, 3});
  CHECK(message({{"0.weight", w}, {"1.weight", w}}, config) ==
        "[functional_call] the module has no parameter or buffer \"1.weight\"");
  CHECK(message({{"0.weight", w}, {"0.weight", w}}, config) == "[functional_call] \"0.weight\" is given twice");
  CHECK(message({{"0.bias", zeros({4})}, {"0.weight", zeros({3, 4})}}, shape) ==
        "[functional_call] \"0.weight\" has shape [4, 3], and the given tensor [3, 4]");
  CHECK(message_of<ShapeError>([&] { return nn::functional_call(net, std::vector<Tensor>{w}, x); }) ==
        "[functional_call] the module has 4 parameters, and 1 tensors are given");
  Tied tied;
  CHECK(message_of<ConfigError>(
            [&] { nn::put_tensors(tied, {{"in.weight", zeros({3, 3})}, {"out.weight", zeros({3, 3})}}); }) ==
        "[functional_call] \"in.weight\" and \"out.weight\" are one tensor of the module: give it once, or the "
        "same tensor for both");
  CHECK(net.get<nn::Linear>(0).weight.impl() == before);
}

TEST_CASE("to: parameters, gradients and floating buffers are converted, ties and flags stay") {
  manual_seed(5);
  Tied tied;
  const Tensor x = default_generator().normal({2, 3});
  sum(tied(x)).backward();
  tied.in.bias.set_requires_grad(false);
  nn::to(tied, DType::f64);
  CHECK(tied.in.weight.dtype() == DType::f64);
  CHECK(tied.in.weight.impl() == tied.out.weight.impl());
  CHECK(tied.in.weight.grad().dtype() == DType::f64);
  CHECK(tied.in.weight.requires_grad());
  CHECK_FALSE(tied.in.bias.requires_grad());
  CHECK(tied(to(x, DType::f64)).dtype() == DType::f64);
  nn::BatchNorm1d norm(3);
  nn::to(norm, DType::bf16);
  CHECK(norm.running_var.dtype() == DType::bf16);
  CHECK_FALSE(norm.weight.requires_grad());
  CHECK(norm.num_batches_tracked.dtype() == DType::i64);
  CHECK(message_of<DTypeError>([&] { nn::to(norm, DType::i64); }) ==
        "[to] the parameters of a module are floating-point numbers, not i64");
}

TEST_CASE("state dict: handles without gradients, and loading that is not strict") {
  const nn::Sequential net = network();
  const nn::NamedTensors state = nn::state_dict(net);
  CHECK(state[0].name == "0.weight");
  CHECK_FALSE(state[0].tensor.requires_grad());
  CHECK(state[0].tensor.storage() == net.get<nn::Linear>(0).weight.storage());
  nn::Sequential other = network();
  const nn::LoadReport report =
      nn::load_state_dict(other, {{"0.weight", state[0].tensor}, {"3.weight", zeros({1})}}, {.strict = false});
  CHECK(report.missing == std::vector<std::string>{"0.bias", "2.bias", "2.weight"});
  CHECK(report.unexpected == std::vector<std::string>{"3.weight"});
  CHECK(same_bits(other.get<nn::Linear>(0).weight, state[0].tensor));
}

TEST_CASE("files: save_module and load_module") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/net.safetensors";
  manual_seed(6);
  nn::Sequential net(nn::Linear(3, 2), nn::BatchNorm1d(2)), other(nn::Linear(3, 2), nn::BatchNorm1d(2));
  const Tensor x = default_generator().normal({4, 3});
  net(x);  // the running statistics are no longer the initial ones
  nn::save_module(net, path, {{"step", "1"}});
  CHECK(safetensors::load(path).metadata.at("step") == "1");
  CHECK(nn::load_module(other, path).complete());
  nn::set_training(net, false), nn::set_training(other, false);
  CHECK(same_bits(net(x), other(x)));
  CHECK(other.get<nn::BatchNorm1d>(1).num_batches_tracked.item() == 1);

  Tied tied, tied_too;
  nn::save_module(tied, path);
  nn::load_module(tied_too, path);
  CHECK(same_bits(tied.in.weight, tied_too.out.weight));
  const std::string message = message_of<ShapeError>([&] { nn::load_module(net, path); });
  CHECK(message.starts_with(path + ": the state dict does not fit; missing: 0.bias, 0.weight"));
  CHECK_THROWS_AS(nn::load_module(net, folder.path() + "/none"), IoError);
}
