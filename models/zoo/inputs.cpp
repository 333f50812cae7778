#include <ditharos/models/zoo/inputs.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {
namespace {

const Tensor& input(const TensorsByName& inputs, const std::string& name) {
  const auto found = inputs.find(name);
  check<ConfigError>(found != inputs.end(), "the inputs have no tensor ", name, ", which the model needs");
  return found->second;
}

}  // namespace

Tensor floats_input(const TensorsByName& inputs, const std::string& name) {
  const Tensor& x = input(inputs, name);
  check<ConfigError>(is_floating(x.dtype()), "the input ", name, " is ", x.dtype(), ", and must be numbers of a ",
                     "floating dtype");
  return to(x, DType::f32);
}

Tensor labels_input(const TensorsByName& inputs, const std::string& name) {
  const Tensor& x = input(inputs, name);
  const bool integers = x.dtype() == DType::i64 || x.dtype() == DType::i32 || x.dtype() == DType::u8;
  check<ConfigError>(integers, "the input ", name, " is ", x.dtype(), ", and must be integers");
  return to(x, DType::i64);
}

Tensor times_input(const TensorsByName& inputs, int64_t batch) {
  const Tensor t = to(input(inputs, "t"), DType::f32);
  return t.numel() == 1 && t.rank() <= 1 ? expand(reshape(t, {1}), {batch}) : t;
}

Tensor mask_input(const TensorsByName& inputs) {
  return inputs.contains("mask") ? not_equal(to(inputs.at("mask"), DType::f32), zeros({})) : Tensor();
}

}  // namespace ditharos::models
