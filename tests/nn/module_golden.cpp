#include "tests/nn/module_golden.h"

#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/state/functional_call.h>
#include <ditharos/nn/state/module_dtype.h>
#include <ditharos/nn/state_dict.h>
#include "tests/support/golden.h"

namespace ditharos::tests {

namespace {

/// The tensors of one case.
class ModuleCase {
 public:
  ModuleCase(const std::string& file, const std::string& name) : golden_(file), name_(name) {
    for (const nn::NamedTensor& one : golden_.with_prefix(name + ".")) all_.push_back(one);
  }
  /// Those whose names start with `prefix`, without it, maybe none.
  nn::NamedTensors of(const std::string& prefix) const {
    nn::NamedTensors found;
    for (const auto& [name, tensor] : all_)
      if (name.starts_with(prefix)) found.push_back({name.substr(prefix.size()), tensor});
    return found;
  }
  /// in0, in1, ... and so on; floating ones in `dtype`.
  Tensors numbered(const std::string& prefix, DType dtype) const {
    Tensors found;
    for (size_t i = 0;; ++i) {
      const nn::NamedTensors one = of(prefix + std::to_string(i));
      if (one.empty()) return found;
      const Tensor& x = one[0].tensor;
      found.push_back(is_floating(x.dtype()) ? to(x, dtype).detach() : x);
    }
  }
  Tensor at(const std::string& name) const { return golden_.at(name_ + "." + name); }

 private:
  Golden golden_;
  std::string name_;
  nn::NamedTensors all_;
};

/// Results and gradients of a module that has the case's state dict, in one dtype.
void check_values(const ModuleCase& want, TestedModule& tested, DType dtype, double tolerance) {
  nn::to(tested.module(), dtype);
  const Tensors inputs = want.numbered("in", dtype), cotangents = want.numbered("cotangent", dtype);
  for (const Tensor& x : inputs)
    if (is_floating(x.dtype())) x.set_requires_grad();
  const Tensors results = std::as_const(tested)(inputs);
  REQUIRE(results.size() == cotangents.size());
  Tensor loss = scalar(0, dtype);
  for (size_t i = 0; i < results.size(); ++i) {
    CAPTURE(i);
    CHECK(results[i].dtype() == dtype);
    CHECK_LT(difference(results[i], want.at("out" + std::to_string(i))), tolerance);
    loss = loss + sum(results[i] * cotangents[i]);
  }
  loss.backward();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!is_floating(inputs[i].dtype())) continue;
    const auto index = i;
    CAPTURE(index);
    CHECK_LT(difference(inputs[i].grad(), want.at("grad_in" + std::to_string(i))), tolerance);
  }
  for (const auto& [name, parameter] : nn::named_parameters(tested.module())) {
    const std::string shown = name;
    CAPTURE(shown);
    CHECK_LT(difference(parameter.grad(), want.at("grad." + name)), tolerance);
  }
  for (const auto& [name, buffer] : want.of("after.")) {
    const std::string shown = name;
    CAPTURE(shown);
    for (const auto& [own, tensor] : nn::named_tensors(tested.module()))
      if (own == name) CHECK_LT(difference(tensor, buffer), tolerance);
  }
}

}  // namespace

void check_tested_module(const std::string& file, const std::string& name, TestedModule& tested) {
  CAPTURE(name);
  const ModuleCase want(file, name);
  nn::load_state_dict(tested.module(), want.of("state."));
  const auto copy = tested.copy(), shared = tested.share();
  check_values(want, *tested.copy(), DType::f32, 5e-6);
  check_values(want, *tested.copy(), DType::f64, 3e-7);
  const nn::NamedTensors own = nn::named_tensors(tested.module()), copied = nn::named_tensors(copy->module()),
                         same = nn::named_tensors(shared->module());
  REQUIRE(copied.size() == own.size());
  for (size_t i = 0; i < own.size(); ++i) {
    CHECK(copied[i].name == own[i].name);
    CHECK(copied[i].tensor.storage() != own[i].tensor.storage());
    CHECK(same[i].tensor.impl() == own[i].tensor.impl());
  }
}

void check_tested_gradients(const std::string& file, const std::string& name, TestedModule& tested) {
  CAPTURE(name);
  const ModuleCase want(file, name);
  nn::load_state_dict(tested.module(), want.of("state."));
  nn::to(tested.module(), DType::f64);
  Tensors inputs = want.numbered("in", DType::f64);
  const size_t arguments = inputs.size();
  for (const nn::NamedTensor& one : nn::named_parameters(tested.module())) inputs.push_back(one.tensor);
  const auto f = [&](const Tensors& x) {
    const auto with = tested.share();
    nn::put_tensors(with->module(),
                    nn::with_parameter_names(tested.module(), Tensors(x.begin() + int64_t(arguments), x.end())));
    Tensors flat;
    for (const Tensor& result : std::as_const (*with)(Tensors(x.begin(), x.begin() + int64_t(arguments))))
      flat.push_back(flatten(result));
    return cat(flat, 0);
  };
  const GradcheckResult result = gradcheck(f, inputs);
  CHECK_MESSAGE(result.ok, result.message);
}

}  // namespace ditharos::tests
